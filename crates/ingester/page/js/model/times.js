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
    if (at(flags, row) & MISSING) continue;
    const from = at(start, row);
    const to = from + at(duration, row);
    const end = row + at(size, row);
    let covered = 0;
    let until = from;
    // Siblings stand by start.
    for (let child = row + 1; child < end; child += at(size, child)) {
      const childFrom = Math.max(at(start, child), until);
      const childTo = Math.min(at(start, child) + at(duration, child), to);
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
    critical[row] = at(critical, row) + to - from;
    rows.push(row);
    froms.push(from);
    tos.push(to);
  };
  let root = -1;
  for (const row of roots) if (root < 0 || at(duration, row) > at(duration, root)) root = row;
  const todo = root < 0 ? [] : [[root, at(start, root) + at(duration, root)]];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [row, until] = /** @type {[number, number]} */ (next);
    const from = at(start, row);
    let t = until;
    const children = candidates(row);
    for (const { child, end } of children) {
      if (t <= from) break;
      if (end > t) continue;
      own(row, end, t);
      todo.push([child, end]);
      t = Math.max(at(start, child), from);
    }
    own(row, from, t);
  }
  return { critical, ...pieces(count, rows, froms, tos) };

  /** Children that may hold their parent up, the last to end first. @param {number} row */
  function candidates(row) {
    const end = at(start, row) + at(duration, row);
    const found = [];
    for (let child = row + 1; child < row + at(size, row); child += at(size, child)) {
      if (at(start, child) >= end || at(kind, child) === CONSUMER) continue;
      found.push({ child, end: Math.min(at(start, child) + at(duration, child), end) });
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
  for (const row of rows) pieceAt[row + 1] = at(pieceAt, row + 1) + 1;
  for (let row = 0; row < count; row++) pieceAt[row + 1] = at(pieceAt, row + 1) + at(pieceAt, row);
  const next = pieceAt.slice();
  const pieceFrom = new Float64Array(rows.length);
  const pieceTo = new Float64Array(rows.length);
  rows.forEach((row, i) => {
    const to = at(next, row);
    next[row] = to + 1;
    pieceFrom[to] = at(froms, i);
    pieceTo[to] = at(tos, i);
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
    const own = /** @type {string} */ (host[at(resource, row)]);
    const up = at(parent, row);
    if (up < 0) {
      if (!offsets.has(own)) offsets.set(own, 0);
      continue;
    }
    if (offsets.has(own)) continue;
    const above = offsets.get(/** @type {string} */ (host[at(resource, up)])) ?? 0;
    const isCall = at(kind, row) === SERVER && at(kind, up) === CLIENT;
    const inside = at(start, row) >= at(start, up) &&
      at(start, row) + at(duration, row) <= at(start, up) + at(duration, up);
    const middle = at(start, up) + at(duration, up) / 2 - at(start, row) - at(duration, row) / 2;
    offsets.set(own, above + (isCall && !inside ? Math.round(middle) : 0));
  }
  return resources.map((_, i) => offsets.get(/** @type {string} */ (host[i])) ?? 0);
}

/** @param {ArrayLike<number>} array @param {number} i */
function at(array, i) {
  return /** @type {number} */ (array[i]);
}
