// A trace by operation: what repeats, and where the time goes. Pure.

import { ERROR, MISSING } from "./otlp.js";

/** @typedef {{ service: string, name: string, count: number, errors: number, sum: number, self: number, critical: number, p50: number, p95: number, longest: number, row: number, slot: number }} Operation */

/**
 * @param {import("../../types.js").Trace} trace
 * @returns {Operation[]} the ones with the most self time first
 */
export function operations(trace) {
  /** @type {Map<string, { rows: number[], service: string, name: string }>} */
  const found = new Map();
  for (let row = 0; row < trace.count; row++) {
    if ((trace.flags[row] ?? 0) & MISSING) continue;
    const service = trace.resources[trace.resource[row] ?? 0]?.service ?? "";
    const key = `${service}\n${trace.name[row]}`;
    let one = found.get(key);
    if (!one) found.set(key, (one = { rows: [], service, name: trace.names[trace.name[row] ?? 0] ?? "" }));
    one.rows.push(row);
  }
  const list = [...found.values()].map(({ rows, service, name }) => {
    const took = Float64Array.from(rows, (row) => trace.duration[row] ?? 0).sort();
    const add = (/** @type {Float64Array} */ of) => rows.reduce((sum, row) => sum + (of[row] ?? 0), 0);
    const longest = took[took.length - 1] ?? 0;
    return {
      service, name, count: rows.length, slot: 0,
      errors: rows.filter((row) => (trace.flags[row] ?? 0) & ERROR).length,
      sum: add(trace.duration), self: add(trace.self), critical: add(trace.critical),
      p50: quantile(took, 0.5), p95: quantile(took, 0.95), longest,
      row: rows.find((row) => trace.duration[row] === longest) ?? rows[0] ?? 0,
    };
  });
  return list.sort((a, b) => b.self - a.self || b.count - a.count);
}

/** @param {Float64Array} sorted @param {number} q */
export function quantile(sorted, q) {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
