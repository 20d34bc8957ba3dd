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
    const hi = at(idHi, row), lo = at(idLo, row);
    const first = byId.get(hi, lo);
    if (first < 0) {
      byId.set(hi, lo, row);
    } else if (!servers.has(first) && isPair(at(kind, first), at(kind, row))) {
      const client = at(kind, first) === CLIENT ? first : row;
      servers.set(client, client === first ? row : first);
      byId.set(hi, lo, client);
    } else {
      flags[row] = at(flags, row) | DUPLICATE;
    }
  }
  const missingHi = /** @type {number[]} */ ([]);
  const missingLo = /** @type {number[]} */ ([]);
  const missing = new Ids(16);
  for (let row = 0; row < n; row++) {
    const hi = at(parentHi, row), lo = at(parentLo, row);
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
    const k = at(parent, row) - n;
    if (k < 0) continue;
    const first = at(from.start, row);
    // It looks like the first of its children.
    if (first < at(start, k)) {
      start[k] = first;
      columns.resource[n + k] = at(from.resource, row);
      columns.scope[n + k] = at(from.scope, row);
    }
    end[k] = Math.max(at(end, k), first + at(from.duration, row));
  }
  for (let k = 0; k < m; k++) {
    columns.idHi[n + k] = hi[k] ?? 0;
    columns.idLo[n + k] = lo[k] ?? 0;
    columns.name[n + k] = from.names.length;
    columns.flags[n + k] = MISSING;
    columns.start[n + k] = at(start, k);
    columns.duration[n + k] = at(end, k) - at(start, k);
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
      const next = at(parent, up);
      if (next >= 0 && seen[next] === row + 1) {
        parent[up] = -1;
        flags[up] = at(flags, up) | CIRCLE;
      }
      up = at(parent, up);
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
  const byStart = new Uint32Array(n).map((_, i) => i);
  byStart.sort((a, b) => at(start, a) - at(start, b) || at(duration, b) - at(duration, a) || a - b);
  const firstChild = new Int32Array(n).fill(-1);
  const sibling = new Int32Array(n).fill(-1);
  let top = -1;
  for (let i = n - 1; i >= 0; i--) {
    const row = at(byStart, i);
    const up = at(parents, row);
    sibling[row] = up < 0 ? top : at(firstChild, up);
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
    const up = at(parents, row);
    parent[done] = up < 0 ? -1 : at(place, up);
    depth[done] = up < 0 ? 0 : Math.min(at(depth, at(place, up)) + 1, 65535);
    if (up < 0) roots.push(done);
    done++;
    let next = at(firstChild, row);
    while (next < 0 && row >= 0) {
      next = at(sibling, row);
      row = at(parents, row);
    }
    row = next;
  }
  for (let i = n - 1; i > 0; i--) {
    const up = at(parent, i);
    if (up >= 0) size[up] = at(size, up) + at(size, i);
  }
  const out = { ...columns };
  for (const key of SPAN_COLUMNS) {
    const old = columns[key];
    const Type = /** @type {new (n: number) => typeof old} */ (old.constructor);
    const moved = new Type(n);
    for (let i = 0; i < n; i++) moved[i] = at(old, at(order, i));
    /** @type {any} */ (out)[key] = moved;
  }
  return { ...out, parent, depth, size, roots, missing, spans: n - missing };
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
    if (at(flags, row) & (ERROR | MISSING)) faulty[row] = 1;
    const up = at(parent, row);
    if (up >= 0 && faulty[row]) faulty[up] = 1;
  }
  const taken = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    if (taken[row] || faulty[row]) continue;
    const group = { first: row, end: row, count: 0, sum: 0, slowest: row };
    let next = row;
    while (
      next < count && at(parent, next) === at(parent, row) && !faulty[next] && at(name, next) === at(name, row) &&
      at(kind, next) === at(kind, row) && service[at(resource, next)] === service[at(resource, row)]
    ) {
      taken[next] = 1;
      group.count++;
      group.sum += at(duration, next);
      if (at(duration, next) > at(duration, group.slowest)) group.slowest = next;
      next += at(size, next);
    }
    group.end = next;
    if (group.count >= ALIKE) {
      groupAt[row] = groups.length;
      groups.push(group);
    }
  }
  skew(tree);
  const errors = [];
  for (let row = 0; row < count; row++) if (at(flags, row) & ERROR) errors.push(row);
  errors.sort((a, b) => at(start, a) - at(start, b));
  let length = 0;
  for (let row = 0; row < count; row++) length = Math.max(length, at(start, row) + at(duration, row));
  return { ...tree, groupAt, groups, errors, length, moved: [] };
}

/**
 * A call that is answered by another host outside of the time in which it was made.
 * @param {Columns & { parent: Int32Array }} tree
 */
function skew(tree) {
  const { count, parent, kind, resource, start, duration, flags } = tree;
  for (let row = 0; row < count; row++) {
    const up = at(parent, row);
    if (up < 0 || at(kind, row) !== SERVER || at(kind, up) !== CLIENT) continue;
    if (at(resource, up) === at(resource, row) || at(flags, up) & MISSING) continue;
    const before = at(start, row) < at(start, up);
    const after = at(start, row) + at(duration, row) > at(start, up) + at(duration, up);
    if (before || after) flags[row] = at(flags, row) | SKEW;
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
    while (at(this.row, slot) >= 0 && (at(this.hi, slot) !== hi || at(this.lo, slot) !== lo)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** @param {number} hi @param {number} lo */
  get(hi, lo) {
    return at(this.row, this.slot(hi, lo));
  }

  /** @param {number} hi @param {number} lo @param {number} row */
  set(hi, lo, row) {
    if ((this.used + 1) * 2 > this.row.length) this.grow();
    const slot = this.slot(hi, lo);
    if (at(this.row, slot) < 0) this.used++;
    this.hi[slot] = hi;
    this.lo[slot] = lo;
    this.row[slot] = row;
  }

  grow() {
    const larger = new Ids(this.row.length);
    for (let i = 0; i < this.row.length; i++) {
      if (at(this.row, i) >= 0) larger.set(at(this.hi, i), at(this.lo, i), at(this.row, i));
    }
    Object.assign(this, { hi: larger.hi, lo: larger.lo, row: larger.row });
  }
}

/** @param {ArrayLike<number>} array @param {number} i */
function at(array, i) {
  return /** @type {number} */ (array[i]);
}
