// Edges between services out of what a search tells. Pure.

/** @typedef {import("../../types.js").Found} Found */
/** @typedef {import("../../types.js").FoundSpan} FoundSpan */
/** @typedef {import("../../types.js").Edge} Edge */

export const LIMIT = 200;
/** Both ends of every call. */
export const CALLS = "({ kind = client || kind = producer } &> { kind = server || kind = consumer }) | " +
  "select(resource.service.name, status, kind, nestedSetLeft, nestedSetParent)";
/** Calls of what sends no spans. */
export const OUTSIDE = "{ (kind = client || kind = producer) && (span.db.system.name != nil || span.db.system != nil || span.messaging.system != nil) } | " +
  "select(resource.service.name, status, span.db.system.name, span.db.system, span.messaging.system)";

/**
 * @param {Found[]} calls @param {Found[]} outside
 * @returns {Edge[]}
 */
export function sampled(calls, outside) {
  /** @type {Map<string, Edge>} */
  const found = new Map();
  const add = (/** @type {string} */ from, /** @type {string} */ to, /** @type {FoundSpan} */ span) => {
    if (from === to || !from || !to) return;
    const key = `${from}\n${to}`;
    let edge = found.get(key);
    if (!edge) found.set(key, (edge = { from, to, calls: 0, errors: 0, sum: 0 }));
    edge.calls++;
    if (value(span, "status") === "error") edge.errors++;
    edge.sum += Number(span.durationNanos ?? 0);
  };
  for (const trace of calls) {
    const spans = (trace.spanSets ?? []).flatMap((set) => set.spans ?? []);
    const byLeft = new Map(spans.map((span) => [value(span, "nestedSetLeft"), span]));
    for (const span of spans) {
      const caller = byLeft.get(value(span, "nestedSetParent"));
      if (caller && ["server", "consumer"].includes(value(span, "kind"))) add(value(caller, "service.name"), value(span, "service.name"), span);
    }
  }
  for (const trace of outside) {
    for (const span of (trace.spanSets ?? []).flatMap((set) => set.spans ?? [])) {
      const peer = value(span, "db.system.name") || value(span, "db.system") || value(span, "messaging.system");
      add(value(span, "service.name"), peer && `(${peer})`, span);
    }
  }
  return [...found.values()].sort((a, b) => b.calls - a.calls);
}

/** @param {FoundSpan} span @param {string} key */
function value(span, key) {
  const found = span.attributes?.find((a) => a.key === key)?.value;
  const text = String(Object.values(found ?? {})[0] ?? "");
  return text === "nil" ? "" : text;
}
