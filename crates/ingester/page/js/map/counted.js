// Edges between services out of what the ingesters have counted: every call, not a sample. Pure.

/** @typedef {import("../../types.js").Edge} Edge */
/** @typedef {import("../../types.js").Counted} Counted */

/**
 * As the map draws them: what sends no spans itself stands in parentheses.
 * @param {Counted[]} counted
 * @returns {Edge[]}
 */
export function edgesOf(counted) {
  /** @type {Map<string, Edge>} */
  const found = new Map();
  for (const { client, server, connection_type, calls, failed, client_seconds, server_seconds } of counted) {
    if (client === server || !client || !server) continue;
    const isVirtual = connection_type === "virtual_node";
    // A side that did not come has taken no time.
    const isCallerOutside = isVirtual && client_seconds === 0;
    const isOutside = connection_type === "database" || (isVirtual && !isCallerOutside);
    const from = isCallerOutside ? `(${client})` : client;
    const to = isOutside ? `(${server})` : server;
    const key = `${from}\n${to}`;
    let edge = found.get(key);
    if (!edge) found.set(key, (edge = { from, to, calls: 0, errors: 0, sum: 0 }));
    edge.calls += calls;
    edge.errors += failed;
    edge.sum += (isOutside ? client_seconds : server_seconds) * 1e9;
  }
  return [...found.values()].sort((a, b) => b.calls - a.calls);
}
