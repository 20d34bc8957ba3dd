// Which rows are on the screen: a list of numbers, made anew at each change by jumping over what is shut.

import { ERROR } from "./otlp.js";

/** @typedef {import("../../types.js").Trace} Trace */
/** @typedef {import("../../types.js").View} View */

/** Up to so many spans all are open at first; above, so many rows. */
export const OPEN_AT_FIRST = 500;
/** To so many errors the road is open at first. */
const ERRORS_AT_FIRST = 50;

/**
 * @param {Trace} trace
 * @param {View} view
 * @returns {import("../../types.js").Visible}
 */
export function visible(trace, view) {
  const { size, depth, groupAt, groups } = trace;
  const from = Math.max(view.focus, 0);
  const to = view.focus < 0 ? trace.count : from + (size[from] ?? 0);
  const base = view.focus < 0 ? 0 : (depth[from] ?? 0);
  const rows = new Int32Array(to - from + groups.length);
  const depths = new Uint16Array(rows.length);
  /** Ends of the groups around. @type {number[]} */
  const around = [];
  let count = 0;
  let row = from;
  while (row < to) {
    while (around.length > 0 && row >= /** @type {number} */ (around[around.length - 1])) around.pop();
    if (view.keep && !view.keep[row]) {
      row += (size[row] ?? 0);
      continue;
    }
    const deep = (depth[row] ?? 0) - base + around.length;
    const g = view.grouping && !view.keep ? (groupAt[row] ?? 0) : -1;
    const group = g < 0 ? undefined : groups[g];
    if (group && row !== view.focus) {
      rows[count] = ~g;
      depths[count++] = deep;
      if (!view.groupOpen[g]) {
        row = group.end;
        continue;
      }
      around.push(group.end);
    }
    rows[count] = row;
    depths[count++] = deep + (group && row !== view.focus ? 1 : 0);
    row += view.open[row] ? 1 : (size[row] ?? 0);
  }
  return { rows, depth: depths, count };
}

/**
 * What is open when a trace is shown: all of a small one. Of a large one the upper levels, and the roads
 * to errors, along the critical path and to the row that was asked for.
 * @param {Trace} trace
 * @param {number} wanted
 * @returns {View}
 */
export function atFirst(trace, wanted = -1) {
  const view = {
    open: new Uint8Array(trace.count),
    groupOpen: new Uint8Array(trace.groups.length),
    grouping: true,
    keep: null,
    focus: -1,
  };
  if (trace.count <= OPEN_AT_FIRST) view.open.fill(1);
  else {
    byLevels(trace, view.open);
    for (const row of trace.errors.slice(0, ERRORS_AT_FIRST)) reveal(trace, view, row);
    for (let row = 0; row < trace.count; row++) if ((trace.critical[row] ?? 0) > 0) openAbove(trace, view.open, row);
  }
  if (wanted >= 0) reveal(trace, view, wanted);
  return view;
}

/** @param {Trace} trace @param {Uint8Array} open */
function byLevels(trace, open) {
  let shown = trace.roots.length;
  let level = trace.roots;
  while (level.length > 0) {
    /** @type {number[]} */
    const next = [];
    for (const row of level) {
      const children = shownChildren(trace, row);
      if (children.length === 0) continue;
      if (shown + children.length > OPEN_AT_FIRST) return;
      open[row] = 1;
      shown += children.length;
      for (const child of children) next.push(child);
    }
    level = next;
  }
}

/** Children, of a group the first alone. @param {Trace} trace @param {number} row */
function shownChildren(trace, row) {
  const found = [];
  const end = row + (trace.size[row] ?? 0);
  let child = row + 1;
  while (child < end && found.length <= OPEN_AT_FIRST) {
    found.push(child);
    const group = trace.groups[(trace.groupAt[child] ?? 0)];
    child = group ? group.end : child + (trace.size[child] ?? 0);
  }
  return found;
}

/** @param {Trace} trace @param {Uint8Array} open @param {number} row */
function openAbove(trace, open, row) {
  for (let up = (trace.parent[row] ?? 0); up >= 0 && !open[up]; up = (trace.parent[up] ?? 0)) open[up] = 1;
}

/**
 * Opens everything above a row, groups too.
 * @param {Trace} trace @param {View} view @param {number} row
 */
export function reveal(trace, view, row) {
  for (let up = (trace.parent[row] ?? 0); up >= 0; up = (trace.parent[up] ?? 0)) view.open[up] = 1;
  trace.groups.forEach((group, g) => {
    if (group.first <= row && row < group.end) view.groupOpen[g] = 1;
  });
}

/**
 * Rows that match and all above them.
 * @param {Trace} trace @param {ArrayLike<number>} hits
 */
export function withAncestors(trace, hits) {
  const keep = new Uint8Array(trace.count);
  for (let i = 0; i < hits.length; i++) {
    for (let row = (hits[i] ?? 0); row >= 0 && !keep[row]; row = (trace.parent[row] ?? 0)) keep[row] = 1;
  }
  return keep;
}

/**
 * Opens or shuts one level: what stands deepest among open rows shuts, the highest that is shut opens.
 * @param {Trace} trace @param {View} view @param {1 | -1} way
 */
export function oneLevel(trace, view, way) {
  const { count, size, depth } = trace;
  let edge = way > 0 ? Infinity : -1;
  for (let row = 0; row < count; row++) {
    if ((size[row] ?? 0) === 1) continue;
    const isShut = !view.open[row];
    if (way > 0 && isShut) edge = Math.min(edge, (depth[row] ?? 0));
    if (way < 0 && !isShut) edge = Math.max(edge, (depth[row] ?? 0));
  }
  for (let row = 0; row < count; row++) {
    if ((depth[row] ?? 0) === edge && (size[row] ?? 0) > 1) view.open[row] = way > 0 ? 1 : 0;
  }
}

/** Number of errors below a row, itself included. @param {Trace} trace @param {number} row */
export function hasErrorBelow(trace, row) {
  const end = row + (trace.size[row] ?? 0);
  for (let i = row + 1; i < end; i++) if ((trace.flags[i] ?? 0) & ERROR) return true;
  return false;
}
