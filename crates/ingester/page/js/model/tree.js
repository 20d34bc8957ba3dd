// Spans into a tree: parents by id, faults as what they are, and then every column in pre-order, so that a
// subtree is a range of rows. No recursion: chains may be as deep as there are spans.

import { CIRCLE, DUPLICATE, ERROR, MISSING, SKEW } from "./otlp.js";
import { measure } from "./times.js";

/** @typedef {import("../../types.js").Columns} Columns */
/** @typedef {import("../../types.js").Trace} Trace */

const SERVER = 2;
const CLIENT = 3;
/** A run of so many alike siblings is a group. */
export const ALIKE = 10;

/** @param {Columns} columns @returns {Trace} */
export function plant(columns) {
  const all = withMissing(columns);
  cut(all.parent, all.columns.flags);
  return measure(grouped(ordered(all.columns, all.parent, all.missing)));
}

/**
 * Parents by id. A parent that is not there gets a row of its own behind the spans.
 * @param {Columns} from
 */
function withMissing(from) {
  const n = from.count;
  const byId = new Ids(n);
  const parent = new Int32Array(n).fill(-1);
  const { idHi, idLo, parentHi, parentLo, kind, flags } = from;
  /** A server span that has its client's id (Zipkin), by client. @type {Map<number, number>} */
  const servers = new Map();
  for (let row = 0; row < n; row++) {
    const hi = (idHi[row] ?? 0), lo = (idLo[row] ?? 0);
    const first = byId.get(hi, lo);
    if (first < 0) {
      byId.set(hi, lo, row);
    } else if (!servers.has(first) && isPair((kind[first] ?? 0), (kind[row] ?? 0))) {
      const client = (kind[first] ?? 0) === CLIENT ? first : row;
      servers.set(client, client === first ? row : first);
      byId.set(hi, lo, client);
    } else {
      flags[row] = (flags[row] ?? 0) | DUPLICATE;
    }
  }
  const missingHi = /** @type {number[]} */ ([]);
  const missingLo = /** @type {number[]} */ ([]);
  const missing = new Ids(16);
  for (let row = 0; row < n; row++) {
    const hi = (parentHi[row] ?? 0), lo = (parentLo[row] ?? 0);
    if (hi === 0 && lo === 0) continue;
    const found = byId.get(hi, lo);
    if (found >= 0) {
      // Children of a shared id are the server's.
      parent[row] = servers.get(found) ?? found;
      continue;
    }
    let number = missing.get(hi, lo);
    if (number < 0) {
      number = missingHi.length;
      missing.set(hi, lo, number);
      missingHi.push(hi);
      missingLo.push(lo);
    }
    parent[row] = n + number;
  }
  for (const [client, server] of servers) parent[server] = client;
  return append(from, parent, missingHi, missingLo);
}

/** @param {number} a @param {number} b */
function isPair(a, b) {
  return (a === CLIENT && b === SERVER) || (a === SERVER && b === CLIENT);
}

/**
 * @param {Columns} from @param {Int32Array} parent @param {number[]} hi @param {number[]} lo
 */
function append(from, parent, hi, lo) {
  const n = from.count;
  const m = hi.length;
  if (m === 0) return { columns: from, parent, missing: 0 };
  const columns = { ...from, count: n + m };
  for (const key of SPAN_COLUMNS) {
    const old = from[key];
    const Type = /** @type {new (n: number) => typeof old} */ (old.constructor);
    const longer = new Type(n + m);
    longer.set(/** @type {any} */ (old));
    /** @type {any} */ (columns)[key] = longer;
  }
  const parents = new Int32Array(n + m).fill(-1);
  parents.set(parent);
  columns.names = [...from.names, "missing span"];
  const end = new Float64Array(m);
  const start = new Float64Array(m).fill(Infinity);
  for (let row = 0; row < n; row++) {
    const k = (parent[row] ?? 0) - n;
    if (k < 0) continue;
    const first = (from.start[row] ?? 0);
    // It looks like the first of its children.
    if (first < (start[k] ?? 0)) {
      start[k] = first;
      columns.resource[n + k] = (from.resource[row] ?? 0);
      columns.scope[n + k] = (from.scope[row] ?? 0);
    }
    end[k] = Math.max((end[k] ?? 0), first + (from.duration[row] ?? 0));
  }
  for (let k = 0; k < m; k++) {
    columns.idHi[n + k] = hi[k] ?? 0;
    columns.idLo[n + k] = lo[k] ?? 0;
    columns.name[n + k] = from.names.length;
    columns.flags[n + k] = MISSING;
    columns.start[n + k] = (start[k] ?? 0);
    columns.duration[n + k] = (end[k] ?? 0) - (start[k] ?? 0);
  }
  return { columns, parent: parents, missing: m };
}

/** @type {("at" | "len" | "name" | "idHi" | "idLo" | "parentHi" | "parentLo" | "start" | "duration" | "kind" | "flags" | "events" | "links" | "resource" | "scope")[]} */
const SPAN_COLUMNS = [
  "at", "len", "name", "idHi", "idLo", "parentHi", "parentLo", "start", "duration", "kind", "flags", "events",
  "links", "resource", "scope",
];

/**
 * Cuts circles: the first of each becomes a root with a badge.
 * @param {Int32Array} parent
 * @param {Uint8Array} flags
 */
function cut(parent, flags) {
  const seen = new Uint32Array(parent.length);
  for (let row = 0; row < parent.length; row++) {
    let up = row;
    while (up >= 0 && seen[up] === 0) {
      seen[up] = row + 1;
      const next = (parent[up] ?? 0);
      if (next >= 0 && seen[next] === row + 1) {
        parent[up] = -1;
        flags[up] = (flags[up] ?? 0) | CIRCLE;
      }
      up = (parent[up] ?? 0);
    }
  }
}

/**
 * All columns in pre-order, siblings by start.
 * @param {Columns} columns @param {Int32Array} parents @param {number} missing
 */
function ordered(columns, parents, missing) {
  const n = columns.count;
  const { start, duration } = columns;
  const byStart = sorted(n, start, duration);
  const firstChild = new Int32Array(n).fill(-1);
  const sibling = new Int32Array(n).fill(-1);
  let top = -1;
  for (let i = n - 1; i >= 0; i--) {
    const row = (byStart[i] ?? 0);
    const up = (parents[row] ?? 0);
    sibling[row] = up < 0 ? top : (firstChild[up] ?? 0);
    if (up < 0) top = row;
    else firstChild[up] = row;
  }
  const order = new Uint32Array(n);
  const place = new Int32Array(n);
  const depth = new Uint16Array(n);
  const parent = new Int32Array(n);
  const size = new Uint32Array(n).fill(1);
  /** @type {number[]} */
  const roots = [];
  let done = 0;
  let row = top;
  while (row >= 0) {
    order[done] = row;
    place[row] = done;
    const up = (parents[row] ?? 0);
    parent[done] = up < 0 ? -1 : (place[up] ?? 0);
    depth[done] = up < 0 ? 0 : Math.min((depth[(place[up] ?? 0)] ?? 0) + 1, 65535);
    if (up < 0) roots.push(done);
    done++;
    let next = (firstChild[row] ?? 0);
    while (next < 0 && row >= 0) {
      next = (sibling[row] ?? 0);
      row = (parents[row] ?? 0);
    }
    row = next;
  }
  for (let i = n - 1; i > 0; i--) {
    const up = (parent[i] ?? 0);
    if (up >= 0) size[up] = (size[up] ?? 0) + (size[i] ?? 0);
  }
  const out = { ...columns };
  for (const key of SPAN_COLUMNS) {
    const old = columns[key];
    const Type = /** @type {new (n: number) => typeof old} */ (old.constructor);
    const moved = new Type(n);
    for (let i = 0; i < n; i++) moved[i] = (old[(order[i] ?? 0)] ?? 0);
    /** @type {any} */ (out)[key] = moved;
  }
  return { ...out, parent, depth, size, roots, missing, spans: n - missing };
}

/**
 * Rows by start, of those that start together the longest first. In buckets of time: most have few rows, so
 * this takes a tenth of the time of one sort.
 * @param {number} n @param {Float64Array} start @param {Float64Array} duration
 */
function sorted(n, start, duration) {
  let most = 1;
  for (let row = 0; row < n; row++) most = Math.max(most, start[row] ?? 0);
  const bucket = (/** @type {number} */ row) => Math.floor(((start[row] ?? 0) / most) * (n - 1));
  const ends = new Uint32Array(n + 1);
  for (let row = 0; row < n; row++) ends[bucket(row) + 1] = (ends[bucket(row) + 1] ?? 0) + 1;
  for (let i = 0; i < n; i++) ends[i + 1] = (ends[i + 1] ?? 0) + (ends[i] ?? 0);
  const next = ends.slice();
  const rows = new Uint32Array(n);
  for (let row = 0; row < n; row++) {
    const to = next[bucket(row)] ?? 0;
    rows[to] = row;
    next[bucket(row)] = to + 1;
  }
  for (let i = 0; i < n; i++) {
    const from = ends[i] ?? 0;
    const to = ends[i + 1] ?? 0;
    if (to - from > 1) {
      rows.subarray(from, to).sort((a, b) => (start[a] ?? 0) - (start[b] ?? 0) || (duration[b] ?? 0) - (duration[a] ?? 0) || a - b);
    }
  }
  return rows;
}

/**
 * Runs of alike leaves and subtrees beside each other. A span with an error is never inside one.
 * @template {Columns & { parent: Int32Array, size: Uint32Array }} T
 * @param {T} tree
 */
function grouped(tree) {
  const { count, parent, size, name, kind, resource, resources, flags, duration, start } = tree;
  const groupAt = new Int32Array(count).fill(-1);
  /** @type {import("../../types.js").Group[]} */
  const groups = [];
  const service = resources.map((r) => r.service);
  const faulty = new Uint8Array(count);
  for (let row = count - 1; row >= 0; row--) {
    if ((flags[row] ?? 0) & (ERROR | MISSING)) faulty[row] = 1;
    const up = (parent[row] ?? 0);
    if (up >= 0 && faulty[row]) faulty[up] = 1;
  }
  const taken = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    if (taken[row] || faulty[row]) continue;
    const group = { first: row, end: row, count: 0, sum: 0, slowest: row };
    let next = row;
    while (
      next < count && (parent[next] ?? 0) === (parent[row] ?? 0) && !faulty[next] && (name[next] ?? 0) === (name[row] ?? 0) &&
      (kind[next] ?? 0) === (kind[row] ?? 0) && service[(resource[next] ?? 0)] === service[(resource[row] ?? 0)]
    ) {
      taken[next] = 1;
      group.count++;
      group.sum += (duration[next] ?? 0);
      if ((duration[next] ?? 0) > (duration[group.slowest] ?? 0)) group.slowest = next;
      next += (size[next] ?? 0);
    }
    group.end = next;
    if (group.count >= ALIKE) {
      groupAt[row] = groups.length;
      groups.push(group);
    }
  }
  skew(tree);
  const errors = [];
  for (let row = 0; row < count; row++) if ((flags[row] ?? 0) & ERROR) errors.push(row);
  errors.sort((a, b) => (start[a] ?? 0) - (start[b] ?? 0));
  let length = 0;
  for (let row = 0; row < count; row++) length = Math.max(length, (start[row] ?? 0) + (duration[row] ?? 0));
  return { ...tree, groupAt, groups, errors, length, moved: [] };
}

/**
 * A call that is answered by another host outside of the time in which it was made.
 * @param {Columns & { parent: Int32Array }} tree
 */
function skew(tree) {
  const { count, parent, kind, resource, start, duration, flags } = tree;
  for (let row = 0; row < count; row++) {
    const up = (parent[row] ?? 0);
    if (up < 0 || (kind[row] ?? 0) !== SERVER || (kind[up] ?? 0) !== CLIENT) continue;
    if ((resource[up] ?? 0) === (resource[row] ?? 0) || (flags[up] ?? 0) & MISSING) continue;
    const before = (start[row] ?? 0) < (start[up] ?? 0);
    const after = (start[row] ?? 0) + (duration[row] ?? 0) > (start[up] ?? 0) + (duration[up] ?? 0);
    if (before || after) flags[row] = (flags[row] ?? 0) | SKEW;
  }
}

/** Rows by span id: open addressing over two 32-bit halves. */
export class Ids {
  /** @param {number} n */
  constructor(n) {
    let size = 64;
    while (size < n * 2) size *= 2;
    this.hi = new Uint32Array(size);
    this.lo = new Uint32Array(size);
    this.row = new Int32Array(size).fill(-1);
    this.used = 0;
  }

  /** @param {number} hi @param {number} lo */
  slot(hi, lo) {
    const mask = this.row.length - 1;
    let slot = (Math.imul(hi ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(lo, 0xc2b2ae35)) & mask;
    slot = (slot ^ (slot >>> 13)) & mask;
    while ((this.row[slot] ?? 0) >= 0 && ((this.hi[slot] ?? 0) !== hi || (this.lo[slot] ?? 0) !== lo)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** @param {number} hi @param {number} lo */
  get(hi, lo) {
    return (this.row[this.slot(hi, lo)] ?? 0);
  }

  /** @param {number} hi @param {number} lo @param {number} row */
  set(hi, lo, row) {
    if ((this.used + 1) * 2 > this.row.length) this.grow();
    const slot = this.slot(hi, lo);
    if ((this.row[slot] ?? 0) < 0) this.used++;
    this.hi[slot] = hi;
    this.lo[slot] = lo;
    this.row[slot] = row;
  }

  grow() {
    const larger = new Ids(this.row.length);
    for (let i = 0; i < this.row.length; i++) {
      if ((this.row[i] ?? 0) >= 0) larger.set((this.hi[i] ?? 0), (this.lo[i] ?? 0), (this.row[i] ?? 0));
    }
    Object.assign(this, { hi: larger.hi, lo: larger.lo, row: larger.row });
  }
}
