// What a click on a node of the map, or on an edge between two, searches for. Pure.

/** By what a node that sends no spans may have got its name. */
const NAMES = ["db.system.name", "db.system", "messaging.system", "peer.service", "server.address", "db.namespace", "db.name"];
/** Callers outside that have no name. */
const USER = "(user)";

/** @param {string} name of a node: in parentheses when it sends no spans */
export function queryOf(name) {
  return `{ ${condition(name)} }`;
}

/**
 * Spans that a call led to: those of the called service below the caller's. Where one side sends no spans,
 * those of the other one that name it.
 * @param {string} from @param {string} to as of nodes
 */
export function queryOfEdge(from, to) {
  if (!isOutside(from) && !isOutside(to)) return `${queryOf(from)} > ${queryOf(to)}`;
  const [own, other] = isOutside(from) ? [to, from] : [from, to];
  return `{ ${condition(own)} && (${condition(other)}) }`;
}

/** @param {string} name */
function isOutside(name) {
  return name.startsWith("(");
}

/** @param {string} name */
function condition(name) {
  if (name === USER) return "(kind = server || kind = consumer) && nestedSetParent < 0";
  if (!isOutside(name)) return `resource.service.name = ${JSON.stringify(name)}`;
  const value = JSON.stringify(name.slice(1, -1));
  return NAMES.map((key) => `span.${key} = ${value}`).join(" || ");
}
