// OTLP's bytes into columns: one walk, nothing is copied but ids, times and what is counted. Field numbers
// are those of opentelemetry/proto/trace/v1/trace.proto and of tempopb.TraceByIDResponse.

import { Fields, Malformed, hex, text } from "./bytes.js";

/** Bits of `flags`. */
export const ERROR = 1;
export const MISSING = 2;
export const DUPLICATE = 4;
export const CIRCLE = 8;
export const REVERSED = 16;
export const SKEW = 32;

const SERVICE = "service.name";
/** What tells instances apart, the best first. */
const HOSTS = ["k8s.pod.name", "service.instance.id", "host.name", "container.id"];

/**
 * The parts of an answer of `/api/v2/traces/{id}`.
 * @param {Uint8Array} bytes
 */
export function envelope(bytes) {
  const fields = new Fields(bytes).reset(0, bytes.length);
  const parts = { from: 0, to: 0, partial: false, message: "" };
  while (fields.next()) {
    if (fields.number === 1 && fields.wire === 2) {
      parts.from = fields.from;
      parts.to = fields.to;
    } else if (fields.number === 3) parts.partial = fields.lo === 1;
    else if (fields.number === 4 && fields.wire === 2) parts.message = fields.text();
  }
  return parts;
}

/**
 * Walks `TracesData`, which lies at `from .. to`.
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} to
 * @returns {import("../../types.js").Columns}
 */
export function walk(bytes, from = 0, to = bytes.length) {
  const columns = room(bytes, count(bytes, from, to));
  const ends = new Float64Array(columns.count * 2);
  const state = { row: 0, names: new Map(), ends, first: -1 };
  const outer = new Fields(bytes).reset(from, to);
  const inner = new Fields(bytes);
  const list = new Fields(bytes);
  const span = new Fields(bytes);
  while (outer.next()) {
    if (outer.number !== 1 || outer.wire !== 2) continue;
    const resource = columns.resources.length;
    columns.resources.push({ at: outer.from, len: 0, service: "", host: "" });
    inner.reset(outer.from, outer.to);
    while (inner.next()) {
      if (inner.wire !== 2) continue;
      if (inner.number === 1) columns.resources[resource] = readResource(bytes, inner.from, inner.to);
      // Before version 0.16 of OTLP they had the number 1000.
      if (inner.number !== 2 && inner.number !== 1000) continue;
      const scope = columns.scopes.length;
      columns.scopes.push({ at: inner.from, len: 0 });
      list.reset(inner.from, inner.to);
      while (list.next()) {
        if (list.wire !== 2) continue;
        if (list.number === 1) columns.scopes[scope] = { at: list.from, len: list.to - list.from };
        if (list.number !== 2) continue;
        columns.resource[state.row] = resource;
        columns.scope[state.row] = scope;
        readSpan(columns, state, span.reset(list.from, list.to));
      }
    }
  }
  relate(columns, ends);
  return columns;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function count(bytes, from, to) {
  let spans = 0;
  const outer = new Fields(bytes).reset(from, to);
  const inner = new Fields(bytes);
  const list = new Fields(bytes);
  while (outer.next()) {
    if (outer.number !== 1 || outer.wire !== 2) continue;
    inner.reset(outer.from, outer.to);
    while (inner.next()) {
      if (inner.wire !== 2 || (inner.number !== 2 && inner.number !== 1000)) continue;
      list.reset(inner.from, inner.to);
      while (list.next()) if (list.number === 2 && list.wire === 2) spans++;
    }
  }
  return spans;
}

/** @param {Uint8Array} bytes @param {number} n @returns {import("../../types.js").Columns} */
function room(bytes, n) {
  const u32 = () => new Uint32Array(n);
  return {
    bytes, count: n, traceId: "", otherTraces: 0, base: 0n,
    at: u32(), len: u32(), name: u32(), names: [], idHi: u32(), idLo: u32(), parentHi: u32(), parentLo: u32(),
    start: new Float64Array(n), duration: new Float64Array(n), kind: new Uint8Array(n), flags: new Uint8Array(n),
    events: new Uint16Array(n), links: new Uint16Array(n), resource: u32(), scope: u32(), resources: [], scopes: [],
  };
}

/**
 * @param {Uint8Array} bytes @param {number} from @param {number} to
 * @returns {import("../../types.js").Resource}
 */
function readResource(bytes, from, to) {
  const resource = { at: from, len: to - from, service: "", host: "" };
  let best = HOSTS.length;
  const fields = new Fields(bytes).reset(from, to);
  const pair = new Fields(bytes);
  while (fields.next()) {
    if (fields.number !== 1 || fields.wire !== 2) continue;
    let key = "";
    let value = "";
    pair.reset(fields.from, fields.to);
    while (pair.next()) {
      if (pair.number === 1 && pair.wire === 2) key = pair.text();
      if (pair.number === 2 && pair.wire === 2) value = firstText(bytes, pair.from, pair.to);
    }
    if (key === SERVICE) resource.service = value;
    const rank = HOSTS.indexOf(key);
    if (rank >= 0 && rank < best) {
      best = rank;
      resource.host = value;
    }
  }
  return resource;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function firstText(bytes, from, to) {
  const value = new Fields(bytes).reset(from, to);
  while (value.next()) if (value.number === 1 && value.wire === 2) return value.text();
  return "";
}

/**
 * @param {import("../../types.js").Columns} out
 * @param {{ row: number, names: Map<number, number[]>, ends: Float64Array, first: number }} state
 * @param {Fields} fields
 */
function readSpan(out, state, fields) {
  const row = state.row++;
  const { bytes } = out;
  out.at[row] = fields.at;
  out.len[row] = fields.end - fields.at;
  let nameFrom = 0;
  let nameTo = 0;
  let startHi = 0, startLo = 0, endHi = 0, endLo = 0;
  while (fields.next()) {
    const { number, wire } = fields;
    if (wire === 2) {
      const length = fields.to - fields.from;
      if (number === 1 && length === 16) compareTrace(out, state, fields.from);
      else if (number === 2 && length === 8) {
        out.idHi[row] = big(bytes, fields.from);
        out.idLo[row] = big(bytes, fields.from + 4);
      } else if (number === 4 && length === 8) {
        out.parentHi[row] = big(bytes, fields.from);
        out.parentLo[row] = big(bytes, fields.from + 4);
      } else if (number === 5) {
        nameFrom = fields.from;
        nameTo = fields.to;
      } else if (number === 11) out.events[row] = (out.events[row] ?? 0) + 1;
      else if (number === 13) out.links[row] = (out.links[row] ?? 0) + 1;
      else if (number === 15 && isError(bytes, fields.from, fields.to)) out.flags[row] = ERROR;
    } else if (number === 7) {
      startHi = fields.hi;
      startLo = fields.lo;
    } else if (number === 8) {
      endHi = fields.hi;
      endLo = fields.lo;
    } else if (number === 6 && wire === 0) out.kind[row] = fields.lo > 5 ? 0 : fields.lo;
  }
  out.name[row] = intern(out, state.names, nameFrom, nameTo);
  // Halves for now: `start` has the upper and `duration` the lower ones; `relate` needs the least first.
  out.start[row] = startHi;
  out.duration[row] = startLo;
  state.ends[row * 2] = endHi;
  state.ends[row * 2 + 1] = endLo;
}

/** @param {Uint8Array} b @param {number} at */
function big(b, at) {
  return (((b[at] ?? 0) << 24) | ((b[at + 1] ?? 0) << 16) | ((b[at + 2] ?? 0) << 8) | (b[at + 3] ?? 0)) >>> 0;
}

/**
 * @param {import("../../types.js").Columns} out
 * @param {{ first: number }} state
 * @param {number} at
 */
function compareTrace(out, state, at) {
  const { bytes } = out;
  if (state.first < 0) {
    state.first = at;
    out.traceId = hex(bytes, at, at + 16);
    return;
  }
  for (let i = 0; i < 16; i++) {
    if (bytes[state.first + i] !== bytes[at + i]) {
      out.otherTraces++;
      return;
    }
  }
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function isError(bytes, from, to) {
  // Status: message = 2, code = 3. Mostly it is empty or two bytes.
  if (to - from === 2) return bytes[from] === 24 && bytes[from + 1] === 2;
  const status = new Fields(bytes).reset(from, to);
  let code = 0;
  while (status.next()) if (status.number === 3) code = status.lo;
  return code === 2;
}

/**
 * The number of a name. Names are compared as bytes, since there are few and spans are many.
 * @param {import("../../types.js").Columns} out
 * @param {Map<number, number[]>} names places and numbers by hash: from, to, number, …
 * @param {number} from
 * @param {number} to
 */
function intern(out, names, from, to) {
  const { bytes } = out;
  let hash = 2166136261;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 16777619);
  let known = names.get(hash);
  if (!known) names.set(hash, (known = []));
  for (let k = 0; k < known.length; k += 3) {
    const at = known[k] ?? 0;
    if ((known[k + 1] ?? 0) - at !== to - from) continue;
    let same = true;
    for (let i = 0; same && i < to - from; i++) same = bytes[at + i] === bytes[from + i];
    if (same) return known[k + 2] ?? 0;
  }
  const number = out.names.length;
  out.names.push(text(bytes, from, to));
  known.push(from, to, number);
  return number;
}

/**
 * Times relative to the first start: so they are exact as 64-bit floats for 104 days.
 * @param {import("../../types.js").Columns} out
 * @param {Float64Array} ends
 */
function relate(out, ends) {
  let hi = Infinity;
  let lo = 0;
  for (let row = 0; row < out.count; row++) {
    const h = /** @type {number} */ (out.start[row]);
    const l = /** @type {number} */ (out.duration[row]);
    // A span without a start says nothing of when the trace began.
    if ((h !== 0 || l !== 0) && (h < hi || (h === hi && l < lo))) {
      hi = h;
      lo = l;
    }
  }
  if (hi === Infinity) hi = 0;
  out.base = (BigInt(hi) << 32n) | BigInt(lo);
  for (let row = 0; row < out.count; row++) {
    const start = ((out.start[row] ?? 0) - hi) * 4294967296 + ((out.duration[row] ?? 0) - lo);
    const end = ((ends[row * 2] ?? 0) - hi) * 4294967296 + ((ends[row * 2 + 1] ?? 0) - lo);
    out.start[row] = Math.max(start, 0);
    if (end < start) out.flags[row] = (out.flags[row] ?? 0) | REVERSED;
    out.duration[row] = Math.max(end - Math.max(start, 0), 0);
  }
}

export { Malformed };
