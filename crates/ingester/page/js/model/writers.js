// A trace as OTLP's JSON, with hex ids: what the Collector and Jaeger read.

import { Fields, hex } from "./bytes.js";

/** @param {import("../../types.js").Trace} trace */
export function otlpJson(trace) {
  const { bytes } = trace;
  const resourceSpans = messages(bytes, 0, bytes.length, 1).map(([from, to]) => ({
    resource: { attributes: messages(bytes, from, to, 1).flatMap(([f, t]) => attributes(bytes, f, t, 1)) },
    scopeSpans: messages(bytes, from, to, 2).map(([f, t]) => {
      const [scope] = messages(bytes, f, t, 1);
      return {
        scope: scope ? { name: text(bytes, scope, 1), version: text(bytes, scope, 2) } : {},
        spans: messages(bytes, f, t, 2).map((place) => spanJson(bytes, place[0], place[1])),
      };
    }),
  }));
  return JSON.stringify({ resourceSpans }, null, 1);
}

/**
 * @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} number
 * @returns {[number, number][]}
 */
function messages(bytes, from, to, number) {
  /** @type {[number, number][]} */
  const found = [];
  const fields = new Fields(bytes).reset(from, to);
  while (fields.next()) if (fields.number === number && fields.wire === 2) found.push([fields.from, fields.to]);
  return found;
}

/** @param {Uint8Array} bytes @param {[number, number]} place @param {number} number */
function text(bytes, place, number) {
  const fields = new Fields(bytes).reset(place[0], place[1]);
  while (fields.next()) if (fields.number === number && fields.wire === 2) return fields.text();
  return "";
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
export function spanJson(bytes, from, to) {
  /** @type {Record<string, any>} */
  const span = { traceId: "", spanId: "" };
  const f = new Fields(bytes).reset(from, to);
  const id = () => hex(bytes, f.from, f.to);
  while (f.next()) {
    switch (f.number) {
      case 1: span["traceId"] = id(); break;
      case 2: span["spanId"] = id(); break;
      case 3: span["traceState"] = f.text(); break;
      case 4: if (f.to > f.from) span["parentSpanId"] = id(); break;
      case 5: span["name"] = f.text(); break;
      case 6: span["kind"] = f.lo; break;
      case 7: span["startTimeUnixNano"] = String(f.uint64()); break;
      case 8: span["endTimeUnixNano"] = String(f.uint64()); break;
      case 10: span["droppedAttributesCount"] = f.lo; break;
      case 11: (span["events"] ??= []).push(eventJson(bytes, f.from, f.to)); break;
      case 12: span["droppedEventsCount"] = f.lo; break;
      case 13: (span["links"] ??= []).push(linkJson(bytes, f.from, f.to)); break;
      case 14: span["droppedLinksCount"] = f.lo; break;
      case 15: span["status"] = statusJson(bytes, f.from, f.to); break;
      case 16: span["flags"] = f.lo; break;
    }
  }
  const list = attributes(bytes, from, to, 9);
  if (list.length > 0) span["attributes"] = list;
  return span;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function eventJson(bytes, from, to) {
  const f = new Fields(bytes).reset(from, to);
  let time = "0";
  while (f.next()) if (f.number === 1) time = String(f.uint64());
  return { timeUnixNano: time, name: text(bytes, [from, to], 2), attributes: attributes(bytes, from, to, 3) };
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function linkJson(bytes, from, to) {
  const [trace] = messages(bytes, from, to, 1);
  const [span] = messages(bytes, from, to, 2);
  return {
    traceId: trace ? hex(bytes, trace[0], trace[1]) : "",
    spanId: span ? hex(bytes, span[0], span[1]) : "",
    attributes: attributes(bytes, from, to, 4),
  };
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function statusJson(bytes, from, to) {
  const f = new Fields(bytes).reset(from, to);
  let code = 0;
  while (f.next()) if (f.number === 3) code = f.lo;
  const message = text(bytes, [from, to], 2);
  return { ...(message ? { message } : {}), ...(code ? { code } : {}) };
}

/**
 * @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} number
 * @returns {{ key: string, value: any }[]}
 */
function attributes(bytes, from, to, number) {
  return messages(bytes, from, to, number).map((place) => {
    const [value] = messages(bytes, place[0], place[1], 2);
    return { key: text(bytes, place, 1), value: value ? anyJson(bytes, value[0], value[1]) : {} };
  });
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to @returns {any} */
function anyJson(bytes, from, to) {
  const f = new Fields(bytes).reset(from, to);
  if (!f.next()) return {};
  switch (f.number) {
    case 1: return { stringValue: f.text() };
    case 2: return { boolValue: f.lo !== 0 };
    case 3: return { intValue: String(f.int64()) };
    case 4: return { doubleValue: new DataView(bytes.buffer, bytes.byteOffset + f.at - 8, 8).getFloat64(0, true) };
    case 5: return { arrayValue: { values: messages(bytes, f.from, f.to, 1).map(([a, b]) => anyJson(bytes, a, b)) } };
    case 6: return { kvlistValue: { values: attributes(bytes, f.from, f.to, 1) } };
    case 7: return { bytesValue: btoa(String.fromCharCode(...bytes.subarray(f.from, f.to))) };
    default: return {};
  }
}
