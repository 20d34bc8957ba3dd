// One span in full, read when it is looked at. Field numbers as in trace.proto and common.proto.

import { Fields, hex } from "./bytes.js";

/** @typedef {import("../../types.js").Attribute} Attribute */
/** @typedef {import("../../types.js").Columns} Columns */

/**
 * @param {Columns} columns
 * @param {number} row
 * @returns {import("../../types.js").Span}
 */
export function readSpan(columns, row) {
  const { bytes, base } = columns;
  const at = columns.at[row] ?? 0;
  const fields = new Fields(bytes).reset(at, at + (columns.len[row] ?? 0));
  /** @type {import("../../types.js").Span} */
  const span = {
    id: "", parent: "", trace: "", state: "", name: "", kind: 0, start: 0n, end: 0n, status: 0, message: "",
    attributes: [], events: [], links: [], dropped: { attributes: 0, events: 0, links: 0 },
  };
  while (fields.next()) {
    const { number, wire, from, to } = fields;
    if (wire === 2) {
      if (number === 1) span.trace = hex(bytes, from, to);
      else if (number === 2) span.id = hex(bytes, from, to);
      else if (number === 3) span.state = fields.text();
      else if (number === 4) span.parent = hex(bytes, from, to);
      else if (number === 5) span.name = fields.text();
      else if (number === 9) span.attributes.push(attribute(bytes, from, to));
      else if (number === 11) span.events.push(event(bytes, from, to, base));
      else if (number === 13) span.links.push(link(bytes, from, to));
      else if (number === 15) readStatus(span, new Fields(bytes).reset(from, to));
    } else if (number === 6) span.kind = fields.lo;
    else if (number === 7) span.start = fields.uint64();
    else if (number === 8) span.end = fields.uint64();
    else if (number === 10) span.dropped.attributes = fields.lo;
    else if (number === 12) span.dropped.events = fields.lo;
    else if (number === 14) span.dropped.links = fields.lo;
  }
  return span;
}

/** @param {import("../../types.js").Span} span @param {Fields} fields */
function readStatus(span, fields) {
  while (fields.next()) {
    if (fields.number === 2 && fields.wire === 2) span.message = fields.text();
    if (fields.number === 3) span.status = fields.lo;
  }
}

/**
 * Attributes of a resource, or of a scope with its name and version.
 * @param {Uint8Array} bytes
 * @param {{ at: number, len: number }} place
 */
export function readResource(bytes, place) {
  /** @type {Attribute[]} */
  const attributes = [];
  const fields = new Fields(bytes).reset(place.at, place.at + place.len);
  while (fields.next()) {
    if (fields.number === 1 && fields.wire === 2) attributes.push(attribute(bytes, fields.from, fields.to));
  }
  return attributes;
}

/** @param {Uint8Array} bytes @param {{ at: number, len: number }} place */
export function readScope(bytes, place) {
  const scope = { name: "", version: "", attributes: /** @type {Attribute[]} */ ([]) };
  const fields = new Fields(bytes).reset(place.at, place.at + place.len);
  while (fields.next()) {
    if (fields.wire !== 2) continue;
    if (fields.number === 1) scope.name = fields.text();
    if (fields.number === 2) scope.version = fields.text();
    if (fields.number === 3) scope.attributes.push(attribute(bytes, fields.from, fields.to));
  }
  return scope;
}

/**
 * When events happened, since the base: for ticks.
 * @param {Columns} columns @param {number} row @param {number} most
 */
export function eventTimes(columns, row, most) {
  const { bytes, base } = columns;
  const at = columns.at[row] ?? 0;
  const fields = new Fields(bytes).reset(at, at + (columns.len[row] ?? 0));
  const times = [];
  while (times.length < most && fields.next()) {
    if (fields.number === 11 && fields.wire === 2) {
      const inner = new Fields(bytes).reset(fields.from, fields.to);
      while (inner.next()) if (inner.number === 1) times.push(Number(inner.uint64() - base));
    }
  }
  return times;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to @param {bigint} base */
function event(bytes, from, to, base) {
  const event = { name: "", time: 0, attributes: /** @type {Attribute[]} */ ([]) };
  const fields = new Fields(bytes).reset(from, to);
  while (fields.next()) {
    if (fields.number === 1) event.time = Number(fields.uint64() - base);
    else if (fields.number === 2 && fields.wire === 2) event.name = fields.text();
    else if (fields.number === 3 && fields.wire === 2) event.attributes.push(attribute(bytes, fields.from, fields.to));
  }
  return event;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function link(bytes, from, to) {
  const link = { trace: "", span: "", attributes: /** @type {Attribute[]} */ ([]) };
  const fields = new Fields(bytes).reset(from, to);
  while (fields.next()) {
    if (fields.wire !== 2) continue;
    if (fields.number === 1) link.trace = hex(bytes, fields.from, fields.to);
    else if (fields.number === 2) link.span = hex(bytes, fields.from, fields.to);
    else if (fields.number === 4) link.attributes.push(attribute(bytes, fields.from, fields.to));
  }
  return link;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to @returns {Attribute} */
export function attribute(bytes, from, to) {
  let key = "";
  /** @type {Pick<Attribute, "type" | "value">} */
  let value = { type: "none", value: "" };
  const fields = new Fields(bytes).reset(from, to);
  while (fields.next()) {
    if (fields.wire !== 2) continue;
    if (fields.number === 1) key = fields.text();
    if (fields.number === 2) value = anyValue(bytes, fields.from, fields.to, 0);
  }
  return { key, ...value };
}

/** Values within values go no deeper than this. */
const DEEPEST = 32;

/**
 * `AnyValue` as text: JSON, if it is made of others.
 * @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} depth
 * @returns {Pick<Attribute, "type" | "value">}
 */
function anyValue(bytes, from, to, depth) {
  const fields = new Fields(bytes).reset(from, to);
  if (!fields.next()) return { type: "none", value: "" };
  switch (fields.number) {
    case 1:
      return { type: "string", value: fields.text() };
    case 2:
      return { type: "bool", value: String(fields.lo !== 0) };
    case 3:
      return { type: "int", value: String(fields.int64()) };
    case 4:
      return { type: "double", value: String(double(bytes, fields.at - 8)) };
    case 5:
      return { type: "array", value: depth > DEEPEST ? "…" : list(bytes, fields.from, fields.to, depth + 1) };
    case 6:
      return { type: "map", value: depth > DEEPEST ? "…" : pairs(bytes, fields.from, fields.to, depth + 1) };
    case 7:
      return { type: "bytes", value: hex(bytes, fields.from, fields.to) };
    default:
      return { type: "none", value: "" };
  }
}

/** @param {Uint8Array} bytes @param {number} at */
function double(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0, true);
}

/** @param {Pick<Attribute, "type" | "value">} value */
function nested(value) {
  return value.type === "string" || value.type === "bytes" ? JSON.stringify(value.value) : value.value || "null";
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} depth */
function list(bytes, from, to, depth) {
  const values = [];
  const fields = new Fields(bytes).reset(from, to);
  while (fields.next()) {
    if (fields.number === 1 && fields.wire === 2) values.push(nested(anyValue(bytes, fields.from, fields.to, depth)));
  }
  return `[${values.join(", ")}]`;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} depth */
function pairs(bytes, from, to, depth) {
  const values = [];
  const fields = new Fields(bytes).reset(from, to);
  const pair = new Fields(bytes);
  while (fields.next()) {
    if (fields.number !== 1 || fields.wire !== 2) continue;
    let key = "";
    let value = "null";
    pair.reset(fields.from, fields.to);
    while (pair.next()) {
      if (pair.wire !== 2) continue;
      if (pair.number === 1) key = pair.text();
      if (pair.number === 2) value = nested(anyValue(bytes, pair.from, pair.to, depth));
    }
    values.push(`${JSON.stringify(key)}: ${value}`);
  }
  return `{${values.join(", ")}}`;
}
