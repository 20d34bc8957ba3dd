// What a click on a node of the map searches for. Pure.

/** By what a node that sends no spans may have got its name. */
const NAMES = ["db.system.name", "db.system", "messaging.system", "peer.service", "server.address", "db.namespace", "db.name"];
/** Callers outside that have no name. */
const USER = "(user)";

/** @param {string} name of a node: in parentheses when it sends no spans */
export function queryOf(name) {
  if (name === USER) return "{ (kind = server || kind = consumer) && nestedSetParent < 0 }";
  if (!name.startsWith("(")) return `{ resource.service.name = ${JSON.stringify(name)} }`;
  const value = JSON.stringify(name.slice(1, -1));
  return `{ ${NAMES.map((key) => `span.${key} = ${value}`).join(" || ")} }`;
}
