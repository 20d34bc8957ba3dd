// Files of other formats into OTLP's bytes, so that there is one model: OTLP as protobuf and JSON (one
// object or one a line), Tempo's `batches` and `trace`, Jaeger's `data`, Zipkin v2.

import { Malformed, Writer } from "./bytes.js";
import { envelope, walk } from "./otlp.js";

/** @typedef {Record<string, any>} Json */

/**
 * @param {Uint8Array} bytes
 * @param {string} name for errors
 * @returns {Uint8Array} `TracesData`
 */
export function read(bytes, name) {
  const first = bytes.find((byte) => byte > 32);
  if (first === 123 || first === 91) return readJson(new TextDecoder().decode(bytes), name);
  try {
    if (walk(bytes).count > 0) return bytes;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  try {
    const { from, to } = envelope(bytes);
    const inner = bytes.slice(from, to);
    if (walk(inner).count > 0) return inner;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  throw new Error(`${name}: no spans in it. OTLP (protobuf, JSON), Tempo's, Jaeger's and Zipkin's JSON can be read.`);
}

/** @param {string} text @param {string} name */
function readJson(text, name) {
  const out = new Writer();
  /** @type {Json[]} */
  let documents;
  try {
    documents = [JSON.parse(text)];
  } catch {
    try {
      documents = text.split("\n").filter((line) => line.trim() !== "").map((line) => JSON.parse(line));
    } catch (error) {
      throw new Error(`${name}: not JSON: ${error instanceof Error ? error.message : error}`);
    }
  }
  let known = false;
  for (const parsed of documents) {
    const list = parsed["resourceSpans"] ?? parsed["batches"] ?? parsed["trace"]?.["resourceSpans"] ??
      parsed["trace"]?.["batches"];
    if (Array.isArray(list)) {
      known = true;
      for (const one of list) otlp(out, one);
    } else if (Array.isArray(parsed["data"])) {
      known = true;
      for (const one of parsed["data"]) jaeger(out, one);
    } else if (Array.isArray(parsed)) {
      known = true;
      zipkin(out, parsed.flat());
    }
  }
  const bytes = out.done();
  if (!known || walk(bytes).count === 0) {
    throw new Error(`${name}: no spans in this JSON. OTLP's, Tempo's, Jaeger's and Zipkin's can be read.`);
  }
  return bytes;
}

/** An id: hex in OTLP's JSON, base64 in Tempo's. @param {unknown} text @param {number} length */
function id(text, length) {
  const given = typeof text === "string" ? text : "";
  const out = new Uint8Array(length);
  if (given === "") return new Uint8Array(0);
  if (/^[0-9a-f]*$/i.test(given) && (given.length === length * 2 || !/[^0-9a-f]/i.test(given))) {
    const padded = given.padStart(length * 2, "0").slice(-length * 2);
    for (let i = 0; i < length; i++) out[i] = parseInt(padded.slice(i * 2, i * 2 + 2), 16);
    return out;
  }
  try {
    const raw = atob(given);
    for (let i = 0; i < length; i++) out[i] = raw.charCodeAt(i) || 0;
  } catch {
    throw new Error(`an id that is neither hex nor base64: ${given.slice(0, 40)}`);
  }
  return out;
}

/** @param {unknown} value */
function whole(value) {
  try {
    return BigInt(/** @type {any} */ (typeof value === "number" ? Math.round(value) : value ?? 0));
  } catch {
    return 0n;
  }
}

const KINDS = ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];
const STATUS = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/** @param {string[]} names @param {unknown} value */
const number = (names, value) => (typeof value === "string" ? Math.max(names.indexOf(value), 0) : Number(value ?? 0) || 0);

/** @param {Writer} out @param {Json} resource */
function otlp(out, resource) {
  out.message(1, (r) => {
    r.message(1, (inner) => attributes(inner, 1, resource["resource"]?.["attributes"]));
    for (const scope of resource["scopeSpans"] ?? resource["instrumentationLibrarySpans"] ?? []) {
      r.message(2, (s) => {
        s.message(1, (inner) => {
          const from = scope["scope"] ?? scope["instrumentationLibrary"] ?? {};
          inner.text(1, String(from["name"] ?? ""));
          inner.text(2, String(from["version"] ?? ""));
          attributes(inner, 3, from["attributes"]);
        });
        for (const span of scope["spans"] ?? []) s.message(2, (inner) => otlpSpan(inner, span));
      });
    }
  });
}

/** @param {Writer} out @param {Json} span */
function otlpSpan(out, span) {
  out.raw(1, id(span["traceId"], 16));
  out.raw(2, id(span["spanId"], 8));
  if (span["traceState"]) out.text(3, String(span["traceState"]));
  out.raw(4, id(span["parentSpanId"], 8));
  out.text(5, String(span["name"] ?? ""));
  out.int(6, number(KINDS, span["kind"]));
  out.fixed64(7, whole(span["startTimeUnixNano"]));
  out.fixed64(8, whole(span["endTimeUnixNano"]));
  attributes(out, 9, span["attributes"]);
  for (const event of span["events"] ?? []) {
    out.message(11, (e) => {
      e.fixed64(1, whole(event["timeUnixNano"]));
      e.text(2, String(event["name"] ?? ""));
      attributes(e, 3, event["attributes"]);
    });
  }
  for (const link of span["links"] ?? []) {
    out.message(13, (l) => {
      l.raw(1, id(link["traceId"], 16));
      l.raw(2, id(link["spanId"], 8));
      attributes(l, 4, link["attributes"]);
    });
  }
  if (span["status"]) {
    out.message(15, (s) => {
      s.text(2, String(span["status"]["message"] ?? ""));
      s.int(3, number(STATUS, span["status"]["code"]));
    });
  }
}

/** @param {Writer} out @param {number} field @param {Json[] | undefined} list */
function attributes(out, field, list) {
  for (const pair of Array.isArray(list) ? list : []) {
    out.message(field, (a) => {
      a.text(1, String(pair["key"] ?? ""));
      a.message(2, (v) => anyValue(v, pair["value"] ?? {}));
    });
  }
}

/** @param {Writer} out @param {Json} value */
function anyValue(out, value) {
  if (value["stringValue"] !== undefined) out.text(1, String(value["stringValue"]));
  else if (value["boolValue"] !== undefined) out.int(2, Boolean(value["boolValue"]));
  else if (value["intValue"] !== undefined) out.int(3, whole(value["intValue"]));
  else if (value["doubleValue"] !== undefined) out.double(4, Number(value["doubleValue"]));
  else if (value["bytesValue"] !== undefined) out.raw(7, id64(String(value["bytesValue"])));
  else if (value["arrayValue"]) {
    out.message(5, (list) => {
      for (const one of value["arrayValue"]["values"] ?? []) list.message(1, (v) => anyValue(v, one));
    });
  } else if (value["kvlistValue"]) out.message(6, (list) => attributes(list, 1, value["kvlistValue"]["values"]));
}

/** @param {string} text */
function id64(text) {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

/** A value of plain JSON. @param {Writer} out @param {unknown} value */
function plain(out, value) {
  if (typeof value === "boolean") out.int(2, value);
  else if (typeof value === "number") {
    if (Number.isInteger(value)) out.int(3, value);
    else out.double(4, value);
  } else out.text(1, String(value ?? ""));
}

/** @param {Writer} out @param {number} field @param {string} key @param {unknown} value */
function pair(out, field, key, value) {
  out.message(field, (a) => {
    a.text(1, key);
    a.message(2, (v) => plain(v, value));
  });
}

/** @param {Writer} out @param {Json} trace */
function jaeger(out, trace) {
  for (const [process, about] of Object.entries(/** @type {Record<string, Json>} */ (trace["processes"] ?? {}))) {
    out.message(1, (r) => {
      r.message(1, (inner) => {
        pair(inner, 1, "service.name", about["serviceName"]);
        for (const tag of about["tags"] ?? []) pair(inner, 1, tag["key"], tag["value"]);
      });
      r.message(2, (s) => {
        for (const span of trace["spans"] ?? []) if (span["processID"] === process) s.message(2, (o) => jaegerSpan(o, span));
      });
    });
  }
}

/** @param {Writer} out @param {Json} span */
function jaegerSpan(out, span) {
  const tags = /** @type {Json[]} */ (span["tags"] ?? []);
  const tag = (/** @type {string} */ key) => tags.find((t) => t["key"] === key)?.["value"];
  const references = /** @type {Json[]} */ (span["references"] ?? []);
  const parent = references.find((r) => r["refType"] === "CHILD_OF") ?? references[0];
  const start = whole(span["startTime"]) * 1000n;
  out.raw(1, id(span["traceID"], 16));
  out.raw(2, id(span["spanID"], 8));
  out.raw(4, id(parent?.["spanID"] ?? span["parentSpanID"], 8));
  out.text(5, String(span["operationName"] ?? ""));
  out.int(6, Math.max(["", "internal", "server", "client", "producer", "consumer"].indexOf(String(tag("span.kind") ?? "")), 0));
  out.fixed64(7, start);
  out.fixed64(8, start + whole(span["duration"]) * 1000n);
  for (const one of tags) pair(out, 9, one["key"], one["value"]);
  for (const log of span["logs"] ?? []) {
    const fields = /** @type {Json[]} */ (log["fields"] ?? []);
    out.message(11, (e) => {
      e.fixed64(1, whole(log["timestamp"]) * 1000n);
      e.text(2, String(fields.find((f) => f["key"] === "event")?.["value"] ?? "log"));
      for (const one of fields) pair(e, 3, one["key"], one["value"]);
    });
  }
  for (const other of references.filter((r) => r !== parent)) {
    out.message(13, (l) => {
      l.raw(1, id(other["traceID"], 16));
      l.raw(2, id(other["spanID"], 8));
    });
  }
  if (String(tag("error")) === "true") out.message(15, (s) => s.int(3, 2));
}

/** @param {Writer} out @param {Json[]} spans */
function zipkin(out, spans) {
  const services = new Set(spans.map((span) => String(span["localEndpoint"]?.["serviceName"] ?? "")));
  for (const service of services) {
    out.message(1, (r) => {
      r.message(1, (inner) => pair(inner, 1, "service.name", service));
      r.message(2, (s) => {
        for (const span of spans) {
          if (String(span["localEndpoint"]?.["serviceName"] ?? "") === service) s.message(2, (o) => zipkinSpan(o, span));
        }
      });
    });
  }
}

/** @param {Writer} out @param {Json} span */
function zipkinSpan(out, span) {
  const start = whole(span["timestamp"]) * 1000n;
  const tags = /** @type {Record<string, string>} */ (span["tags"] ?? {});
  out.raw(1, id(span["traceId"], 16));
  out.raw(2, id(span["id"], 8));
  out.raw(4, id(span["parentId"], 8));
  out.text(5, String(span["name"] ?? ""));
  out.int(6, Math.max(["", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].indexOf(span["kind"] ?? "?"), 0));
  out.fixed64(7, start);
  out.fixed64(8, start + whole(span["duration"]) * 1000n);
  for (const [key, value] of Object.entries(tags)) pair(out, 9, key, value);
  for (const note of span["annotations"] ?? []) {
    out.message(11, (e) => {
      e.fixed64(1, whole(note["timestamp"]) * 1000n);
      e.text(2, String(note["value"] ?? ""));
    });
  }
  if ("error" in tags) out.message(15, (s) => s.int(3, 2));
}
