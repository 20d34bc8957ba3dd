// Where a trace's time goes: self time, the critical path, and clocks that disagree.

import { MISSING } from "./otlp.js";

/** @typedef {import("../../types.js").Trace} Trace */

const SERVER = 2;
const CLIENT = 3;
const CONSUMER = 5;

/**
 * Self times and the critical path of a tree.
 * @param {Omit<Trace, "self" | "critical" | "pieceAt" | "pieceFrom" | "pieceTo">} tree
 * @returns {Trace}
 */
export function measure(tree) {
  const self = selfTimes(tree);
  return { ...tree, self, ...criticalPath(tree) };
}

/**
 * A span's duration less the union of its children's intervals, clipped to it: never negative.
 * @param {{ count: number, size: Uint32Array, start: Float64Array, duration: Float64Array, flags: Uint8Array }} tree
 */
export function selfTimes(tree) {
  const { count, size, start, duration, flags } = tree;
  const self = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    if ((flags[row] ?? 0) & MISSING) continue;
    const from = (start[row] ?? 0);
    const to = from + (duration[row] ?? 0);
    const end = row + (size[row] ?? 0);
    let covered = 0;
    let until = from;
    // Siblings stand by start.
    for (let child = row + 1; child < end; child += (size[child] ?? 0)) {
      const childFrom = Math.max((start[child] ?? 0), until);
      const childTo = Math.min((start[child] ?? 0) + (duration[child] ?? 0), to);
      if (childTo > childFrom) {
        covered += childTo - childFrom;
        until = childTo;
      }
    }
    self[row] = to - from - covered;
  }
  return self;
}

/**
 * The critical path of the longest root: from its end backwards, at time t in a span the child that
 * ended last at or before t goes on; without one the span itself owns the time.
 * @param {{ count: number, size: Uint32Array, start: Float64Array, duration: Float64Array, kind: Uint8Array, roots: number[] }} tree
 */
export function criticalPath(tree) {
  const { count, size, start, duration, kind, roots } = tree;
  const critical = new Float64Array(count);
  const rows = /** @type {number[]} */ ([]);
  const froms = /** @type {number[]} */ ([]);
  const tos = /** @type {number[]} */ ([]);
  const own = (/** @type {number} */ row, /** @type {number} */ from, /** @type {number} */ to) => {
    if (to <= from) return;
    critical[row] = (critical[row] ?? 0) + to - from;
    rows.push(row);
    froms.push(from);
    tos.push(to);
  };
  let root = -1;
  for (const row of roots) if (root < 0 || (duration[row] ?? 0) > (duration[root] ?? 0)) root = row;
  const todo = root < 0 ? [] : [[root, (start[root] ?? 0) + (duration[root] ?? 0)]];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [row, until] = /** @type {[number, number]} */ (next);
    const from = (start[row] ?? 0);
    let t = until;
    const children = candidates(row);
    for (const { child, end } of children) {
      if (t <= from) break;
      if (end > t) continue;
      own(row, end, t);
      todo.push([child, end]);
      t = Math.max((start[child] ?? 0), from);
    }
    own(row, from, t);
  }
  return { critical, ...pieces(count, rows, froms, tos) };

  /** Children that may hold their parent up, the last to end first. @param {number} row */
  function candidates(row) {
    const end = (start[row] ?? 0) + (duration[row] ?? 0);
    const found = [];
    for (let child = row + 1; child < row + (size[row] ?? 0); child += (size[child] ?? 0)) {
      if ((start[child] ?? 0) >= end || (kind[child] ?? 0) === CONSUMER) continue;
      found.push({ child, end: Math.min((start[child] ?? 0) + (duration[child] ?? 0), end) });
    }
    return found.sort((a, b) => b.end - a.end);
  }
}

/**
 * Pieces by row.
 * @param {number} count @param {number[]} rows @param {number[]} froms @param {number[]} tos
 */
function pieces(count, rows, froms, tos) {
  const pieceAt = new Uint32Array(count + 1);
  for (const row of rows) pieceAt[row + 1] = (pieceAt[row + 1] ?? 0) + 1;
  for (let row = 0; row < count; row++) pieceAt[row + 1] = (pieceAt[row + 1] ?? 0) + (pieceAt[row] ?? 0);
  const next = pieceAt.slice();
  const pieceFrom = new Float64Array(rows.length);
  const pieceTo = new Float64Array(rows.length);
  rows.forEach((row, i) => {
    const to = (next[row] ?? 0);
    next[row] = to + 1;
    pieceFrom[to] = (froms[i] ?? 0);
    pieceTo[to] = (tos[i] ?? 0);
  });
  return { pieceAt, pieceFrom, pieceTo };
}

/**
 * How far each resource's spans have to be moved, nanoseconds, so that the first server span of it lies in
 * the middle of its client's. The root's host stands still.
 * @param {Trace} trace
 */
export function clockOffsets(trace) {
  const { count, parent, kind, resource, start, duration, resources } = trace;
  const host = resources.map((r, i) => r.host || `${r.service}#${i}`);
  /** @type {Map<string, number>} */
  const offsets = new Map();
  for (let row = 0; row < count; row++) {
    const own = /** @type {string} */ (host[(resource[row] ?? 0)]);
    const up = (parent[row] ?? 0);
    if (up < 0) {
      if (!offsets.has(own)) offsets.set(own, 0);
      continue;
    }
    if (offsets.has(own)) continue;
    const above = offsets.get(/** @type {string} */ (host[(resource[up] ?? 0)])) ?? 0;
    const isCall = (kind[row] ?? 0) === SERVER && (kind[up] ?? 0) === CLIENT;
    const inside = (start[row] ?? 0) >= (start[up] ?? 0) &&
      (start[row] ?? 0) + (duration[row] ?? 0) <= (start[up] ?? 0) + (duration[up] ?? 0);
    const middle = (start[up] ?? 0) + (duration[up] ?? 0) / 2 - (start[row] ?? 0) - (duration[row] ?? 0) / 2;
    offsets.set(own, above + (isCall && !inside ? Math.round(middle) : 0));
  }
  return resources.map((_, i) => offsets.get(/** @type {string} */ (host[i])) ?? 0);
}
