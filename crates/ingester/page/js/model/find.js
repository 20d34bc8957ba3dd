// What is looked for in a trace. Text is searched for in the bytes themselves: nothing is decoded but what
// may be a hit. Also `error`, `service:x`, `kind:client`, `key=value`, `>100ms`, `self>5ms`, `critical`.

import { ERROR } from "./otlp.js";
import { hex64 } from "./bytes.js";
import { readResource, readSpan } from "./span.js";

/** @typedef {import("../../types.js").Trace} Trace */

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
/** Bytes that are searched at a time. */
const PIECE = 1 << 20;
const UNITS = new Map([["ns", 1], ["us", 1e3], ["µs", 1e3], ["ms", 1e6], ["s", 1e9], ["m", 6e10], ["h", 3.6e12]]);

/**
 * A question, taken apart.
 * @param {string} typed
 * @returns {{ is: string, value: string, more?: boolean, ns?: number }[]}
 */
export function terms(typed) {
  const found = [];
  for (const word of typed.match(/(?:[^\s"]+="[^"]*"|"[^"]*"|\S+)/g) ?? []) {
    const limit = /^(self|duration)?([<>])(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(word);
    const scoped = /^(service|kind|name):(.+)$/.exec(word);
    const pair = /^([^=\s"]+)=(.+)$/.exec(word);
    if (limit) {
      const ns = Number(limit[3]) * (UNITS.get(limit[4] ?? "") ?? 1);
      found.push({ is: limit[1] ?? "duration", value: "", more: limit[2] === ">", ns });
    } else if (word === "error" || word === "critical") found.push({ is: word, value: "" });
    else if (scoped) found.push({ is: scoped[1] ?? "", value: unquoted(scoped[2] ?? "").toLowerCase() });
    else if (pair) found.push({ is: `=${pair[1]}`, value: unquoted(pair[2] ?? "") });
    else if (unquoted(word)) found.push({ is: "text", value: unquoted(word) });
  }
  return found;
}

/** @param {string} word */
function unquoted(word) {
  return word.replace(/^"(.*)"$/, "$1");
}

/**
 * Rows that meet all terms, in order.
 * @param {Trace} trace
 * @param {string} typed
 */
export function find(trace, typed) {
  const asked = terms(typed);
  if (asked.length === 0) return new Uint32Array(0);
  let rows = Uint32Array.from({ length: trace.count }, (_, i) => i);
  // What needs no bytes first.
  asked.sort((a, b) => cost(a.is) - cost(b.is));
  for (const term of asked) {
    if (term.is === "text") {
      const hits = containing(trace, term.value);
      rows = rows.filter((row) => hits[row] === 1);
    } else {
      const meets = test(trace, term);
      rows = rows.filter(meets);
    }
  }
  return rows;
}

/** @param {string} is */
function cost(is) {
  return is === "text" ? 1 : is.startsWith("=") ? 2 : 0;
}

/**
 * @param {Trace} trace
 * @param {{ is: string, value: string, more?: boolean, ns?: number }} term
 * @returns {(row: number) => boolean}
 */
function test(trace, term) {
  const { flags, kind, duration, self, critical, resource, resources, name, names } = trace;
  const over = (/** @type {Float64Array} */ times) => (/** @type {number} */ row) =>
    term.more ? (times[row] ?? 0) > (term.ns ?? 0) : (times[row] ?? 0) < (term.ns ?? 0);
  switch (term.is) {
    case "error":
      return (row) => ((flags[row] ?? 0) & ERROR) !== 0;
    case "critical":
      return (row) => (critical[row] ?? 0) > 0;
    case "service": {
      const is = resources.map((r) => r.service.toLowerCase().includes(term.value));
      return (row) => is[resource[row] ?? 0] ?? false;
    }
    case "name": {
      const is = names.map((n) => n.toLowerCase().includes(term.value));
      return (row) => is[name[row] ?? 0] ?? false;
    }
    case "kind":
      return (row) => (KINDS[kind[row] ?? 0] ?? "").startsWith(term.value);
    case "self":
      return over(self);
    case "duration":
      return over(duration);
    default: {
      const key = term.is.slice(1);
      const own = resources.map((place) => has(readResource(trace.bytes, place), key, term.value));
      const may = containing(trace, key);
      return (row) => (own[resource[row] ?? 0] ?? false) || (may[row] === 1 && hasAttribute(trace, row, key, term.value));
    }
  }
}

/** @param {import("../../types.js").Attribute[]} attributes @param {string} key @param {string} value */
function has(attributes, key, value) {
  return attributes.some((a) => a.key === key && a.value === value);
}

/** @param {Trace} trace @param {number} row @param {string} key @param {string} value */
function hasAttribute(trace, row, key, value) {
  if (!trace.len[row]) return false;
  const span = readSpan(trace, row);
  return has(span.attributes, key, value) || span.events.some((e) => has(e.attributes, key, value)) ||
    span.links.some((l) => has(l.attributes, key, value));
}

/**
 * Rows with a text in them, without regard to case. Each byte is read as one character, so that a place
 * in the text is a place in the bytes.
 * @param {Trace} trace
 * @param {string} needle
 */
export function containing(trace, needle) {
  const { bytes, count } = trace;
  const hits = new Uint8Array(count);
  const one = new TextDecoder("latin1");
  const wanted = one.decode(new TextEncoder().encode(needle)).toLowerCase();
  if (wanted === "") return hits;
  const places = byPlace(trace);
  // Numbers and times are bytes, too: what is short may be one of them.
  const isShort = wanted.length < 4;
  for (let from = 0; from < bytes.length; from += PIECE) {
    const to = Math.min(from + PIECE + wanted.length - 1, bytes.length);
    const piece = one.decode(bytes.subarray(from, to)).toLowerCase();
    let at = piece.indexOf(wanted);
    while (at >= 0) {
      const place = places.containing(from + at);
      let next = from + at + 1;
      if (place) {
        for (const row of place.rows) if (!hits[row] && (!isShort || shows(trace, row, needle))) hits[row] = 1;
        // One hit is enough for a span.
        next = place.end;
      }
      at = next - from < piece.length ? piece.indexOf(wanted, next - from) : -1;
    }
  }
  byNames(trace, needle.toLowerCase(), hits);
  return hits;
}

/** Ids and missing spans, whose text is not in the bytes. @param {Trace} trace @param {string} needle @param {Uint8Array} hits */
function byNames(trace, needle, hits) {
  if (!/^[0-9a-f]{4,16}$/.test(needle)) return;
  for (let row = 0; row < trace.count; row++) {
    if (hex64(trace.idHi[row] ?? 0, trace.idLo[row] ?? 0).startsWith(needle)) hits[row] = 1;
  }
}

/** @param {Trace} trace @param {number} row @param {string} needle */
function shows(trace, row, needle) {
  const lower = needle.toLowerCase();
  const span = readSpan(trace, row);
  const texts = [span.name, span.message, span.state];
  const resource = trace.resources[trace.resource[row] ?? 0];
  const lists = [span.attributes, ...span.events.map((e) => e.attributes), ...span.links.map((l) => l.attributes)];
  if (resource) lists.push(readResource(trace.bytes, resource));
  for (const list of lists) for (const a of list) texts.push(a.key, a.value);
  for (const event of span.events) texts.push(event.name);
  return texts.some((t) => t.toLowerCase().includes(lower));
}

/**
 * Which rows a place in the bytes belongs to: that of a span, or all of a resource.
 * @param {Trace} trace
 */
function byPlace(trace) {
  const { at, len, count, resource, resources } = trace;
  const order = Uint32Array.from({ length: count }, (_, i) => i).filter((row) => len[row] !== 0);
  order.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0));
  /** @type {number[][]} */
  const rows = resources.map(() => []);
  for (let row = 0; row < count; row++) rows[resource[row] ?? 0]?.push(row);
  const spans = Float64Array.from(order, (row) => at[row] ?? 0);
  const starts = Float64Array.from(resources, (r) => r.at);
  return {
    /** @param {number} place */
    containing(place) {
      const row = order[below(spans, place)];
      if (row !== undefined && place >= (at[row] ?? 0) && place < (at[row] ?? 0) + (len[row] ?? 0)) {
        return { rows: [row], end: (at[row] ?? 0) + (len[row] ?? 0) };
      }
      const r = below(starts, place);
      const found = resources[r];
      if (found && place >= found.at && place < found.at + found.len) {
        return { rows: rows[r] ?? [], end: place + 1 };
      }
      return null;
    },
  };
}

/** The last that is not greater. @param {Float64Array} sorted @param {number} value */
function below(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

