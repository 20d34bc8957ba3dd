// Files in and out: what goes out as JSON comes in again as the same trace; other formats become one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { otlp } from "./make.js";
import { read } from "../../../crates/ingester/page/js/model/readers.js";
import { otlpJson } from "../../../crates/ingester/page/js/model/writers.js";
import { walk } from "../../../crates/ingester/page/js/model/otlp.js";
import { plant } from "../../../crates/ingester/page/js/model/tree.js";
import { readSpan } from "../../../crates/ingester/page/js/model/span.js";
import { Writer } from "../../../crates/ingester/page/js/model/bytes.js";

/** @param {unknown} json */
const bytes = (json) => new TextEncoder().encode(typeof json === "string" ? json : JSON.stringify(json));
/** @param {Uint8Array} data */
const open = (data) => plant(walk(read(data, "a file")));
/** @param {ReturnType<typeof open>} t */
const all = (t) => Array.from({ length: t.count }, (_, row) => readSpan(t, row));

const spans = [
  { id: 1, took: 90, service: "web", attributes: { "a.b": "c\"d" } },
  { id: 2, up: 1, at: 5, took: 20, kind: 3, service: "web" },
  { id: 3, up: 2, at: 6, took: 10, kind: 2, error: true, service: "pay" },
];

test("out as JSON and in again", () => {
  const before = plant(walk(otlp(spans)));
  assert.deepEqual(all(open(bytes(otlpJson(before)))), all(before));
});

test("OTLP's forms", () => {
  const json = JSON.parse(otlpJson(plant(walk(otlp(spans)))));
  const envelope = new Writer();
  envelope.raw(1, otlp(spans));
  const base64 = (/** @type {string} */ hex) => Buffer.from(hex, "hex").toString("base64");
  const tempo = structuredClone(json.resourceSpans);
  for (const one of tempo.flatMap((/** @type {any} */ r) => r.scopeSpans.flatMap((/** @type {any} */ s) => s.spans))) {
    for (const key of ["traceId", "spanId", "parentSpanId"]) if (one[key]) one[key] = base64(one[key]);
    one.kind = ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT"][one.kind];
    if (one.status) one.status.code = "STATUS_CODE_ERROR";
  }
  const forms = {
    protobuf: otlp(spans), "an answer": envelope.done(), json: bytes(json),
    lines: bytes(json.resourceSpans.map((/** @type {any} */ r) => JSON.stringify({ resourceSpans: [r] })).join("\n")),
    "Tempo's batches": bytes({ batches: tempo }), "Tempo's trace": bytes({ trace: { resourceSpans: tempo } }),
  };
  for (const [name, form] of Object.entries(forms)) {
    const t = open(form);
    assert.equal(t.count, 3, name);
    assert.deepEqual([...t.depth], [0, 1, 2], name);
    assert.equal(t.errors.length, 1, name);
    assert.equal(t.traceId, "0123456789abcdef0123456789abcdef", name);
  }
});

test("Jaeger's and Zipkin's", () => {
  const jaeger = open(bytes({
    data: [{
      traceID: "1f", processes: { p1: { serviceName: "web", tags: [{ key: "hostname", type: "string", value: "h" }] } },
      spans: [
        { traceID: "1f", spanID: "a", operationName: "GET", startTime: 1000, duration: 50, processID: "p1", references: [], tags: [{ key: "span.kind", value: "server" }, { key: "error", value: true }], logs: [{ timestamp: 1010, fields: [{ key: "event", value: "seen" }] }] },
        { traceID: "1f", spanID: "b", operationName: "SELECT", startTime: 1010, duration: 20, processID: "p1", references: [{ refType: "CHILD_OF", traceID: "1f", spanID: "a" }], tags: [] },
      ],
    }],
  }));
  assert.deepEqual([...jaeger.depth], [0, 1]);
  assert.deepEqual([...jaeger.duration], [50_000, 20_000]);
  assert.equal(jaeger.errors.length, 1);
  assert.equal(readSpan(jaeger, 0).events[0]?.name, "seen");
  const zipkin = open(bytes([
    { traceId: "1f", id: "a", name: "get", kind: "CLIENT", timestamp: 1000, duration: 50, localEndpoint: { serviceName: "web" }, tags: {} },
    { traceId: "1f", id: "a", name: "get", kind: "SERVER", timestamp: 1010, duration: 20, localEndpoint: { serviceName: "pay" }, tags: { error: "no" }, annotations: [{ timestamp: 1015, value: "here" }] },
  ]));
  assert.deepEqual([...zipkin.depth], [0, 1]);
  assert.deepEqual(zipkin.resources.map((r) => r.service), ["web", "pay"]);
});

test("what is none of them is named", () => {
  for (const [what, said] of [["{}", /no spans in this JSON/], ["[]", /no spans/], ["{", /not JSON/], ["hello", /no spans in it/], ["", /no spans in it/]]) {
    assert.throws(() => read(bytes(what), "it"), /** @type {RegExp} */ (said), String(what));
  }
});
