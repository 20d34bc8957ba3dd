// What the trace view shows, as one object: the trace, what is open, selected, found, zoomed to.

import { ERROR } from "../model/otlp.js";
import { atFirst, reveal, visible, withAncestors } from "../model/rows.js";
import { slots } from "../colour.js";

/** @typedef {import("../../types.js").Trace} Trace */

export class State {
  /** @param {Trace} trace @param {string} wanted a span's id, or nothing */
  constructor(trace, wanted) {
    this.trace = trace;
    const row = wanted ? rowOf(trace, wanted) : -1;
    /** A row, or `~g` for a group. */
    this.selected = row >= 0 ? row : trace.count > 0 ? 0 : NaN;
    this.view = atFirst(trace, row);
    this.visible = visible(trace, this.view);
    /** @type {[number, number]} */
    this.zoom = [0, trace.length];
    /** Rows that were found, in order. @type {Uint32Array | null} */
    this.hits = null;
    /** @type {Uint8Array | null} */
    this.hitSet = null;
    /** What alone is shown: "", hits, critical, errors. */
    this.only = "";
    this.slots = slots(trace.resources.map((r) => r.service));
    this.sums = errorSums(trace);
  }

  /** The colour of a row. @param {number} row */
  slot(row) {
    return this.slots.get(this.trace.resources[this.trace.resource[row] ?? 0]?.service ?? "") ?? 0;
  }

  /** Errors below a row. @param {number} row */
  errorsBelow(row) {
    const end = row + (this.trace.size[row] ?? 1);
    return (this.sums[end] ?? 0) - (this.sums[row + 1] ?? 0);
  }

  /** The place of the selected row among those that are shown, or -1. */
  place() {
    return this.visible.rows.subarray(0, this.visible.count).indexOf(this.selected);
  }

  /** Makes the list of rows anew. */
  list() {
    const { trace, view } = this;
    const wanted = this.only === "hits" ? this.hits : this.only === "errors" ? trace.errors
      : this.only === "critical" ? criticalRows(trace) : null;
    view.keep = wanted ? withAncestors(trace, wanted) : null;
    if (wanted && wanted.length < 20_000) for (const row of wanted) openAbove(trace, view.open, row);
    this.visible = visible(trace, view);
  }

  /** After rows were shut the selected one may be inside of one: then that is selected. */
  keepPlace() {
    this.list();
    let row = this.selected;
    while (row >= 0 && this.place() < 0) {
      row = this.trace.parent[row] ?? -1;
      if (row >= 0) this.selected = row;
    }
  }

  /** Opens what is above a row and selects it. @param {number} row */
  show(row) {
    const { trace, view } = this;
    if (view.focus >= 0 && (row < view.focus || row >= view.focus + (trace.size[view.focus] ?? 1))) view.focus = -1;
    if (view.keep && !view.keep[row]) this.only = "";
    reveal(trace, view, row);
    this.selected = row;
    this.list();
  }
}

/** @param {Trace} trace @param {Uint8Array} open @param {number} row */
function openAbove(trace, open, row) {
  for (let up = trace.parent[row] ?? -1; up >= 0 && !open[up]; up = trace.parent[up] ?? -1) open[up] = 1;
}

/** @param {Trace} trace */
export function criticalRows(trace) {
  const rows = [];
  for (let row = 0; row < trace.count; row++) if ((trace.critical[row] ?? 0) > 0) rows.push(row);
  return rows;
}

/** Errors before each row. @param {Trace} trace */
function errorSums(trace) {
  const sums = new Uint32Array(trace.count + 1);
  for (let row = 0; row < trace.count; row++) sums[row + 1] = (sums[row] ?? 0) + ((trace.flags[row] ?? 0) & ERROR ? 1 : 0);
  return sums;
}

/** @param {Trace} trace @param {string} id hex */
export function rowOf(trace, id) {
  const padded = id.toLowerCase().padStart(16, "0");
  if (!/^[0-9a-f]{16}$/.test(padded)) return -1;
  const hi = parseInt(padded.slice(0, 8), 16);
  const lo = parseInt(padded.slice(8), 16);
  for (let row = 0; row < trace.count; row++) if (trace.idLo[row] === lo && trace.idHi[row] === hi) return row;
  return -1;
}
