// Off the page's thread: traces are fetched, read and measured here, and searched in.

import { envelope, walk } from "./model/otlp.js";
import { plant } from "./model/tree.js";
import { clockOffsets } from "./model/times.js";
import { find } from "./model/find.js";
import { otlpJson } from "./model/writers.js";

/** @typedef {import("../types.js").Trace} Trace */

/** @type {Trace | null} */
let trace = null;

/** @type {Record<string, (message: any) => Promise<any> | any>} */
const calls = {
  /** @param {{ url: string, headers: Record<string, string> }} message */
  async open({ url, headers }) {
    const began = performance.now();
    const response = await fetch(url, { headers: { ...headers, Accept: "application/protobuf" } });
    if (!response.ok) return { status: response.status, text: await response.text() };
    const type = response.headers.get("content-type") ?? "";
    const all = new Uint8Array(await response.arrayBuffer());
    const fetched = performance.now();
    if (!type.includes("protobuf")) return shown(await reading(all, "the answer"), "", false, { fetched: fetched - began });
    const { from, to, partial, message } = envelope(all);
    return shown(all.subarray(from, to), message, partial, { fetched: fetched - began });
  },

  /** @param {{ bytes: ArrayBuffer, name: string }} message */
  async file({ bytes, name }) {
    return shown(await reading(new Uint8Array(bytes), name), "", false, {});
  },

  /** @param {{ typed: string }} message */
  find({ typed }) {
    return trace ? find(trace, typed) : new Uint32Array(0);
  },

  /** Spans of each host moved by one amount. @param {{ aligned: boolean }} message */
  clocks({ aligned }) {
    if (!trace) return null;
    const columns = walk(trace.bytes);
    if (aligned) {
      const by = clockOffsets(plant(walk(trace.bytes)));
      for (let row = 0; row < columns.count; row++) {
        columns.start[row] = (columns.start[row] ?? 0) + (by[columns.resource[row] ?? 0] ?? 0);
      }
      const least = columns.start.reduce((a, b) => Math.min(a, b), Infinity);
      for (let row = 0; row < columns.count; row++) columns.start[row] = (columns.start[row] ?? 0) - least;
      columns.base += BigInt(Math.round(least));
      trace = plant(columns);
      trace.moved = trace.resources.flatMap((r, i) => (by[i] ? [{ host: `${r.service} ${r.host}`, by: by[i] ?? 0 }] : []));
    } else trace = plant(columns);
    return { trace: copied(trace) };
  },

  json() {
    return trace ? otlpJson(trace) : "";
  },
};

/** Other formats; their readers are loaded with the first file. @param {Uint8Array} bytes @param {string} name */
async function reading(bytes, name) {
  const { read } = await import("./model/readers.js");
  return read(bytes, name);
}

/**
 * @param {Uint8Array} bytes @param {string} message @param {boolean} partial @param {Record<string, number>} took
 */
function shown(bytes, message, partial, took) {
  const began = performance.now();
  const columns = walk(bytes);
  const walked = performance.now();
  trace = plant(columns);
  const planted = performance.now();
  return { trace: copied(trace), message, partial, took: { ...took, walked: walked - began, planted: planted - walked } };
}

/** The page's own copy: arrays are handed over, and the worker keeps its own. @param {Trace} trace */
function copied(trace) {
  return { ...trace, bytes: trace.bytes.slice() };
}

/** @param {any} value @param {Set<ArrayBuffer>} found */
function buffers(value, found = new Set()) {
  const bytes = value?.trace?.bytes ?? value;
  if (bytes instanceof Uint8Array && value?.trace) found.add(/** @type {ArrayBuffer} */ (bytes.buffer));
  return [...found];
}

self.onmessage = async ({ data }) => {
  const { call, number, ...message } = data;
  try {
    const value = await calls[call]?.(message);
    self.postMessage({ number, value }, { transfer: buffers(value) });
  } catch (error) {
    self.postMessage({ number, error: error instanceof Error ? error.message : String(error) });
  }
};

