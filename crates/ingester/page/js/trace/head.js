// What stands above the rows: what this trace is, what failed, and what is not as it should be.

import { CIRCLE, DUPLICATE, REVERSED, SKEW } from "../model/otlp.js";
import { readSpan } from "../model/span.js";
import { copy, h, icon } from "../dom.js";
import { count, duration, moment, plural } from "../format.js";
import { settings } from "../settings.js";

/** @typedef {import("./state.js").State} State */

/** Errors that are read to name them. */
const MOST_READ = 200;

/**
 * @param {State} state
 * @param {{ message: string, partial: boolean, name: string, found: boolean }} about
 * @param {{ show: (row: number) => void, find: (typed: string) => void, align: (aligned: boolean) => void, menu: Node[] }} on
 */
export function head(state, about, on) {
  const { trace } = state;
  const root = trace.roots[0] ?? 0;
  const service = (/** @type {number} */ row) => trace.resources[trace.resource[row] ?? 0]?.service ?? "";
  const counts = new Map();
  for (let row = 0; row < trace.count; row++) {
    const name = service(row);
    counts.set(name, (counts.get(name) ?? 0) + (trace.self[row] ?? 0));
  }
  const services = [...counts].sort((a, b) => b[1] - a[1]);
  const all = services.reduce((sum, [, self]) => sum + self, 0) || 1;
  return h("header", { class: "t-head" },
    h("div", { class: "t-line" },
      h("h1", {}, h("span", { class: "service" }, service(root)), " ", trace.names[trace.name[root] ?? 0] ?? "trace"),
      h("span", { class: "t-duration" }, duration(trace.length)),
      h("span", { class: "t-count" }, plural(trace.spans, "span")),
      h("span", { class: "t-count" }, plural(counts.size, "service")),
      h("span", { class: trace.errors.length > 0 ? "t-count bad" : "t-count muted" },
        trace.errors.length > 0 ? `✕ ${plural(trace.errors.length, "error")}` : "no errors"),
      h("span", { class: "grow" }),
      ...on.menu),
    h("div", { class: "t-line small" },
      h("code", { class: "t-id" }, trace.traceId),
      h("button", { class: "ghost", "aria-label": "copy the trace id", title: "copy the trace id", onclick: () => copy(trace.traceId, "trace id copied") }, icon("copy")),
      h("span", { class: "muted" }, moment(trace.base, settings.utc)),
      about.name ? h("span", { class: "badge" }, `from ${about.name}`) : null,
      ...errors(state, on.show),
      ...faults(state, about, on)),
    h("div", { class: "t-line small legend", "aria-label": "services by self time" },
      ...services.slice(0, 12).map(([name, self]) => h("button", {
        class: "chip", style: { "--c": `var(--s${(state.slots.get(name) ?? 0) % 10})` },
        title: `${name}: ${duration(self)} self time. Click to find its spans.`, onclick: () => on.find(`service:"${name}"`),
      }, h("i", { class: (state.slots.get(name) ?? 0) >= 10 ? "dot striped" : "dot" }), name || "(no service)", h("small", {}, `${Math.round((self / all) * 100)} %`))),
      services.length > 12 ? h("span", { class: "muted" }, `and ${services.length - 12} more`) : null));
}

/** Kinds of errors with their counts. @param {State} state @param {(row: number) => void} show */
function errors({ trace }, show) {
  /** @type {Map<string, { count: number, row: number }>} */
  const kinds = new Map();
  for (const row of trace.errors.slice(0, MOST_READ)) {
    const span = readSpan(trace, row);
    const at = (/** @type {import("../../types.js").Attribute[]} */ list, /** @type {string} */ key) => list.find((a) => a.key === key)?.value;
    const thrown = span.events.map((e) => at(e.attributes, "exception.type")).find(Boolean);
    const status = at(span.attributes, "http.response.status_code") ?? at(span.attributes, "http.status_code");
    const kind = thrown ?? at(span.attributes, "error.type") ?? (span.message.slice(0, 40) || (status ? `HTTP ${status}` : span.name));
    const one = kinds.get(kind);
    if (one) one.count++;
    else kinds.set(kind, { count: 1, row });
  }
  return [...kinds].slice(0, 6).map(([kind, { count: n, row }]) =>
    h("button", { class: "chip bad", title: "show the first of these errors", onclick: () => show(row) }, `✕ ${kind}`, n > 1 ? h("small", {}, count(n)) : null));
}

/**
 * @param {State} state
 * @param {{ message: string, partial: boolean, found: boolean }} about
 * @param {{ show: (row: number) => void, find: (typed: string) => void, align: (aligned: boolean) => void }} on
 */
function faults({ trace }, about, on) {
  const flagged = (/** @type {number} */ flag) => {
    const rows = [];
    for (let row = 0; row < trace.count; row++) if ((trace.flags[row] ?? 0) & flag) rows.push(row);
    return rows;
  };
  const note = (/** @type {string} */ text, /** @type {string} */ why, /** @type {(() => void) | undefined} */ click) =>
    click ? h("button", { class: "chip warn", title: why, onclick: click }, text) : h("span", { class: "chip warn", title: why }, text);
  const list = [];
  if (about.partial || about.message) list.push(note(`partial: ${about.message || "some places could not be asked"}`, "not all that may hold spans could be asked", undefined));
  if (trace.missing > 0) list.push(note(plural(trace.missing, "parent missing", "parents missing"), "spans name parents that are not in this trace", () => on.show(missing())));
  const real = trace.roots.filter((row) => !((trace.flags[row] ?? 0) & 2));
  if (real.length > 1) list.push(note(`${real.length} roots`, "several spans have no parent; none is hidden", () => on.show(real[1] ?? 0)));
  if (trace.otherTraces > 0) list.push(note("several traces", "spans of more than one trace id are shown together", undefined));
  for (const [flag, one, many] of /** @type {[number, string, string][]} */ ([
    [DUPLICATE, "id twice", "ids twice"], [CIRCLE, "circle", "circles"], [REVERSED, "ends before its start", "end before their start"],
  ])) {
    const rows = flagged(flag);
    if (rows.length > 0) list.push(note(plural(rows.length, one, many), "marked in the rows", () => on.show(rows[0] ?? 0)));
  }
  const skewed = flagged(SKEW);
  if (trace.moved.length > 0) {
    list.push(note(`clocks aligned: ${trace.moved.slice(0, 3).map((m) => `${m.host} ${m.by > 0 ? "+" : ""}${duration(m.by)}`).join(", ")}`,
      "each host's spans are moved by one amount; click for the times as they came", () => on.align(false)));
  } else if (skewed.length > 0) {
    list.push(note(`${plural(skewed.length, "span")} outside of the call: align clocks`, "the clocks of hosts differ; click to move each host's spans by one amount", () => on.align(true)));
  }
  const age = Date.now() - Number((trace.base + BigInt(Math.round(trace.length))) / 1_000_000n);
  if (about.found && age < 30_000) list.push(h("span", { class: "chip", title: "the youngest span is under 30 s old; r loads the trace again" }, "may still grow"));
  return list;

  function missing() {
    for (let row = 0; row < trace.count; row++) if ((trace.flags[row] ?? 0) & 2) return row;
    return 0;
  }
}

