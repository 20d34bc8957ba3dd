// A range, asked from its new end in slices that grow: rows appear as they come, with any server. Pure.

/**
 * Slices of `start .. end` (Unix seconds), the newest first: an hour, or an eighth of the range, and then each
 * twice as long as the one before. An hour is asked for at once: each question has its own cost.
 * @param {number} start @param {number} end
 * @returns {{ start: number, end: number }[]}
 */
export function slices(start, end) {
  const list = [];
  let length = Math.max(3602, Math.floor((end - start) / 8));
  let to = end;
  while (to > start) {
    const from = Math.max(start, to - length);
    list.push({ start: from, end: to });
    to = from;
    length *= 2;
  }
  return list;
}

/**
 * One row a trace: of two the one that tells of a longer time.
 * @param {import("../../types.js").Found[]} have @param {import("../../types.js").Found[]} more
 */
export function joined(have, more) {
  const byId = new Map(have.map((one) => [one.traceID, one]));
  for (const one of more) {
    const old = byId.get(one.traceID);
    if (!old || (one.durationMs ?? 0) > (old.durationMs ?? 0)) byId.set(one.traceID, one);
  }
  const start = (/** @type {import("../../types.js").Found} */ one) => BigInt(one.startTimeUnixNano ?? 0);
  return [...byId.values()].sort((a, b) => (start(a) < start(b) ? 1 : start(a) > start(b) ? -1 : 0));
}
