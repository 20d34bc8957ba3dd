// Who calls whom in one trace. Pure.

import { ERROR, MISSING } from "./otlp.js";
import { readSpan } from "./span.js";

/** @typedef {import("../../types.js").Edge} Edge */

const CLIENT = 3;
const PRODUCER = 4;
/** What a client span without a server calls, the best name first. */
const PEERS = ["db.system.name", "db.system", "messaging.system", "peer.service", "server.address", "net.peer.name"];
const MOST_READ = 20_000;

/**
 * Edges between services; databases and queues, which send no spans, are known by their callers: their
 * names stand in round brackets.
 * @param {import("../../types.js").Trace} trace
 * @returns {Edge[]}
 */
export function edges(trace) {
  const { count, parent, resource, resources, flags, duration, kind, size } = trace;
  /** @type {Map<string, Edge>} */
  const found = new Map();
  const service = (/** @type {number} */ row) => resources[resource[row] ?? 0]?.service ?? "";
  let read = 0;
  const add = (/** @type {string} */ from, /** @type {string} */ to, /** @type {number} */ row) => {
    const key = `${from}\n${to}`;
    let edge = found.get(key);
    if (!edge) found.set(key, (edge = { from, to, calls: 0, errors: 0, sum: 0 }));
    edge.calls++;
    if ((flags[row] ?? 0) & ERROR) edge.errors++;
    edge.sum += duration[row] ?? 0;
  };
  for (let row = 0; row < count; row++) {
    if ((flags[row] ?? 0) & MISSING) continue;
    const up = parent[row] ?? -1;
    if (up >= 0 && !((flags[up] ?? 0) & MISSING) && service(up) !== service(row)) add(service(up), service(row), row);
    const calls = kind[row] === CLIENT || kind[row] === PRODUCER;
    if (!calls || read >= MOST_READ || hasOther(row)) continue;
    read++;
    const span = readSpan(trace, row);
    const peer = PEERS.map((key) => span.attributes.find((a) => a.key === key)?.value).find(Boolean);
    if (peer) add(service(row), `(${peer})`, row);
  }
  return [...found.values()].sort((a, b) => b.calls - a.calls);

  /** Whether a call is answered by spans of another service. @param {number} row */
  function hasOther(row) {
    const end = row + (size[row] ?? 1);
    for (let child = row + 1; child < end; child += size[child] ?? 1) if (service(child) !== service(row)) return true;
    return false;
  }
}
