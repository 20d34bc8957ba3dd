// The model of a trace, by tables: tree and faults, self time, critical path, rows, find.

import assert from "node:assert/strict";
import { test } from "node:test";
import { otlp } from "./make.js";
import { Malformed } from "../../../crates/ingester/page/js/model/bytes.js";
import { CIRCLE, DUPLICATE, ERROR, MISSING, REVERSED, SKEW, walk } from "../../../crates/ingester/page/js/model/otlp.js";
import { plant } from "../../../crates/ingester/page/js/model/tree.js";
import { clockOffsets } from "../../../crates/ingester/page/js/model/times.js";
import { atFirst, oneLevel, reveal, visible, withAncestors } from "../../../crates/ingester/page/js/model/rows.js";
import { find, terms } from "../../../crates/ingester/page/js/model/find.js";
import { readSpan } from "../../../crates/ingester/page/js/model/span.js";

const SERVER = 2;
const CLIENT = 3;
const CONSUMER = 5;

/** @param {Parameters<typeof otlp>[0]} spans */
const trace = (spans) => plant(walk(otlp(spans)));

/** Each row as `depth:id`, `?` for a parent that is missing. @param {ReturnType<typeof trace>} t */
const shape = (t) =>
  Array.from(t.idLo, (id, row) => `${t.depth[row]}:${(t.flags[row] ?? 0) & MISSING ? "?" : ""}${id}`).join(" ");

test("trees, and faults as what they are", () => {
  /** @type {[string, Parameters<typeof otlp>[0], string, Record<number, number>][]} */
  const table = [
    ["nothing", [], "", {}],
    ["a chain", [{ id: 1 }, { id: 2, up: 1 }, { id: 3, up: 2 }], "0:1 1:2 2:3", {}],
    ["children by start", [{ id: 3, up: 1, at: 5 }, { id: 2, up: 1, at: 9 }, { id: 1 }], "0:1 1:3 1:2", {}],
    ["two roots", [{ id: 2, at: 7 }, { id: 1 }], "0:1 0:2", {}],
    ["a missing parent", [{ id: 1 }, { id: 2, up: 9, at: 3 }, { id: 3, up: 9, at: 4 }], "0:1 0:?9 1:2 1:3", { 9: MISSING }],
    ["its own parent", [{ id: 1, up: 1 }], "0:1", { 1: CIRCLE }],
    ["a circle", [{ id: 1, up: 2, at: 1 }, { id: 2, up: 1, at: 2 }, { id: 3 }], "0:3 0:2 1:1", { 2: CIRCLE }],
    ["one id twice", [{ id: 1 }, { id: 1, at: 1 }, { id: 2, up: 1, at: 2 }], "0:1 1:2 0:1", {}],
    ["client and server of one id", [
      { id: 1 }, { id: 2, up: 1, kind: CLIENT, at: 1, took: 9 }, { id: 2, up: 1, kind: SERVER, at: 2, took: 5 },
      { id: 3, up: 2, at: 3 },
    ], "0:1 1:2 2:2 3:3", {}],
    ["an error", [{ id: 1, error: true }], "0:1", { 1: ERROR }],
    ["a server before its client", [
      { id: 1, kind: CLIENT, at: 10, took: 10, host: "a" }, { id: 2, up: 1, kind: SERVER, at: 5, took: 3, host: "b" },
    ], "0:1 1:2", { 2: SKEW }],
    ["the same on one host", [
      { id: 1, kind: CLIENT, at: 10, took: 10 }, { id: 2, up: 1, kind: SERVER, at: 5, took: 3 },
    ], "0:1 1:2", {}],
  ];
  for (const [what, spans, rows, flags] of table) {
    const t = trace(spans);
    assert.equal(shape(t), rows, what);
    for (const [id, flag] of Object.entries(flags)) {
      const row = t.idLo.indexOf(Number(id));
      assert.equal(t.flags[row], flag, `${what}: flags of ${id}`);
    }
  }
  assert.deepEqual([...trace([{ id: 1 }, { id: 1, at: 1 }]).flags], [0, DUPLICATE]);
});

test("a span that ends before it starts counts as nothing", () => {
  const t = trace([{ id: 1, at: 50, took: -20 }]);
  assert.equal(t.flags[0], REVERSED);
  assert.equal(t.duration[0], 0);
});

test("self time and critical path", () => {
  /** @type {[string, Parameters<typeof otlp>[0], Record<number, number>, Record<number, number>][]} self, critical in µs */
  const table = [
    ["alone", [{ id: 1, took: 10 }], { 1: 10 }, { 1: 10 }],
    ["one after the other", [
      { id: 1, took: 100 }, { id: 2, up: 1, at: 10, took: 20 }, { id: 3, up: 1, at: 50, took: 30 },
    ], { 1: 50, 2: 20, 3: 30 }, { 1: 50, 2: 20, 3: 30 }],
    ["beside each other", [
      { id: 1, took: 100 }, { id: 2, up: 1, at: 10, took: 60 }, { id: 3, up: 1, at: 20, took: 70 },
    ], { 1: 20, 2: 60, 3: 70 }, { 1: 30, 2: 0, 3: 70 }],
    ["a child that outlives its parent", [
      { id: 1, took: 100 }, { id: 2, up: 1, at: 80, took: 90 },
    ], { 1: 80, 2: 90 }, { 1: 80, 2: 20 }],
    ["a message's consumer holds its sender up no more", [
      { id: 1, took: 100 }, { id: 2, up: 1, at: 40, took: 60, kind: CONSUMER },
    ], { 1: 40, 2: 60 }, { 1: 100, 2: 0 }],
    ["what begins after the end", [
      { id: 1, took: 100 }, { id: 2, up: 1, at: 120, took: 60 },
    ], { 1: 100, 2: 60 }, { 1: 100, 2: 0 }],
    ["the longest root", [{ id: 1, took: 10 }, { id: 2, at: 5, took: 50 }], { 1: 10, 2: 50 }, { 1: 0, 2: 50 }],
  ];
  for (const [what, spans, self, critical] of table) {
    const t = trace(spans);
    const micros = (/** @type {Float64Array} */ times) =>
      Object.fromEntries(Array.from(t.idLo, (id, row) => [id, (times[row] ?? 0) / 1000]));
    assert.deepEqual(micros(t.self), self, `${what}: self`);
    assert.deepEqual(micros(t.critical), critical, `${what}: critical`);
    const sum = t.pieceTo.reduce((all, to, i) => all + to - (t.pieceFrom[i] ?? 0), 0);
    assert.equal(sum, t.critical.reduce((a, b) => a + b, 0), `${what}: pieces`);
  }
});

test("clocks are moved by one amount a host", () => {
  const t = trace([
    { id: 1, kind: CLIENT, took: 100, host: "a" },
    { id: 2, up: 1, kind: SERVER, at: 500, took: 60, host: "b" },
    { id: 3, up: 2, at: 510, took: 10, host: "b" },
  ]);
  assert.deepEqual(clockOffsets(t), [0, -480_000]);
});

test("alike siblings are one row, errors are not in it", () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ id: i + 2, up: 1, at: i, took: i + 1, name: "SELECT" }));
  const t = trace([{ id: 1, took: 100 }, ...many]);
  const view = atFirst(t);
  assert.deepEqual(t.groups.map((g) => [g.count, g.sum, g.slowest]), [[12, 78_000, 12]]);
  assert.deepEqual([...visible(t, view).rows.slice(0, visible(t, view).count)], [0, ~0]);
  reveal(t, view, 5);
  assert.equal(visible(t, view).count, 14);
  const faulty = trace([{ id: 1 }, ...many.map((span, i) => ({ ...span, error: i === 6 }))]);
  assert.deepEqual(faulty.groups, []);
});

test("what is open, shown and left out", () => {
  const t = trace([
    { id: 1 }, { id: 2, up: 1, at: 1 }, { id: 3, up: 2, at: 2 }, { id: 4, up: 1, at: 3 }, { id: 5, up: 4, at: 4 },
  ]);
  const view = atFirst(t);
  const shown = () => [...visible(t, view).rows.slice(0, visible(t, view).count)];
  assert.deepEqual(shown(), [0, 1, 2, 3, 4]);
  view.open[1] = 0;
  assert.deepEqual(shown(), [0, 1, 3, 4]);
  view.open[1] = 1;
  view.keep = withAncestors(t, [4]);
  assert.deepEqual(shown(), [0, 3, 4]);
  view.keep = null;
  view.focus = 3;
  assert.deepEqual(shown(), [3, 4]);
  assert.deepEqual([...visible(t, view).depth.slice(0, 2)], [0, 1]);
  view.focus = -1;
  oneLevel(t, view, -1);
  assert.deepEqual(shown(), [0, 1, 3]);
  oneLevel(t, view, 1);
  assert.deepEqual(shown(), [0, 1, 2, 3, 4]);
});

test("a large trace opens its upper levels and the roads to errors", () => {
  const spans = [{ id: 1, took: 10_000 }];
  for (let i = 0; i < 40; i++) {
    spans.push({ id: 100 + i, up: 1, at: i, name: `a${i}` });
    for (let k = 0; k < 30; k++) {
      const id = 1000 + i * 30 + k;
      spans.push({ id, up: 100 + i, at: i + k, name: `b${k}`, error: i === 39 && k === 29 });
    }
  }
  const t = trace(spans);
  const view = atFirst(t);
  const { rows, count } = visible(t, view);
  assert.ok(count > 40 && count <= 530, `${count} rows`);
  assert.ok([...rows.slice(0, count)].includes(t.errors[0] ?? -1));
});

test("a chain as deep as there are spans", () => {
  const spans = Array.from({ length: 70_000 }, (_, i) => ({ id: i + 1, up: i || undefined, took: 100_000 - i }));
  const t = trace(spans);
  assert.equal(t.spans, 70_000);
  assert.equal(t.size[0], 70_000);
  assert.equal(visible(t, { ...atFirst(t), open: new Uint8Array(t.count).fill(1) }).count, 70_000);
});

test("questions are taken apart", () => {
  const table = /** @type {const} */ ([
    ["", []],
    ["error", [{ is: "error", value: "" }]],
    [">100ms", [{ is: "duration", value: "", more: true, ns: 1e8 }]],
    ["self<1.5s", [{ is: "self", value: "", more: false, ns: 1.5e9 }]],
    ["service:Pay", [{ is: "service", value: "pay" }]],
    ['db.name="a b" x', [{ is: "=db.name", value: "a b" }, { is: "text", value: "x" }]],
    ['"a b"', [{ is: "text", value: "a b" }]],
  ]);
  for (const [typed, expected] of table) assert.deepEqual(terms(typed), expected, typed);
});

test("spans are found by what is in them", () => {
  const t = trace([
    { id: 1, name: "GET /cart", took: 9000, service: "web" },
    { id: 0xbeef, up: 1, name: "Größe", kind: CLIENT, at: 5, took: 20, service: "pay", attributes: { "user.id": "Ada" } },
    { id: 3, up: 1, name: "charge", error: true, at: 7, took: 200_000, service: "pay", attributes: { "user.id": "Bob" } },
  ]);
  const table = /** @type {const} */ ([
    ["cart", [0]],
    ["CART", [0]],
    ["größe", [1]],
    ["ada", [1]],
    ["user.id", [1, 2]],
    ["user.id=Bob", [2]],
    ["user.id=bob", []],
    ["service:pay", [1, 2]],
    ["kind:client", [1]],
    ["error", [2]],
    [">100ms", [2]],
    ["pay ada", [1]],
    ["beef", []],
    ["000000000000beef", [1]],
    ["nowhere", []],
  ]);
  for (const [typed, rows] of table) assert.deepEqual([...find(t, typed)], rows, typed);
});

test("a span in full", () => {
  const t = trace([{ id: 1, name: "GET", took: 5, attributes: { a: "1", "ключ": "значение" } }]);
  const span = readSpan(t, 0);
  assert.equal(span.id, "0000000000000001");
  assert.equal(span.end - span.start, 5000n);
  assert.deepEqual(span.attributes[1], { key: "ключ", type: "string", value: "значение" });
});

test("bytes that are cut or changed end in an error or in a trace, never in a loop", () => {
  const whole = otlp([{ id: 1, attributes: { a: "b" } }, { id: 2, up: 1, error: true }]);
  for (let end = 0; end < whole.length; end++) survives(whole.slice(0, end));
  for (let at = 0; at < whole.length; at++) {
    for (const change of [1, 0x80, 0xff]) survives(whole.map((byte, i) => (i === at ? byte ^ change : byte)));
  }
  /** @param {Uint8Array} bytes */
  function survives(bytes) {
    try {
      const t = plant(walk(bytes));
      for (let row = 0; row < t.count; row++) readSpan(t, row);
      find(t, "b");
    } catch (error) {
      assert.ok(error instanceof Malformed, String(error));
    }
  }
});
