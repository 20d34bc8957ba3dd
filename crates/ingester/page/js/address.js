// What the page shows, as its address: what can be shared is in it. Pure.

/** @typedef {import("../types.js").Address} Address */

/** @type {Address} */
const EMPTY = {
  view: "", q: "", since: "", start: "", end: "", trace: "", span: "", find: "", tenant: "", tab: "", clock: "", only: "", by: "",
};

/** @param {string} query @returns {Address} */
export function parse(query) {
  const given = new URLSearchParams(query);
  const address = { ...EMPTY };
  for (const key of /** @type {(keyof Address)[]} */ (Object.keys(EMPTY))) address[key] = given.get(key) ?? "";
  if (!/^[0-9a-f]{0,32}$/i.test(address.trace)) address.trace = "";
  return address;
}

/** @param {Partial<Address>} address */
export function write(address) {
  const query = new URLSearchParams();
  for (const key of /** @type {(keyof Address)[]} */ (Object.keys(EMPTY))) {
    const value = address[key];
    if (value) query.set(key, value);
  }
  const text = query.toString();
  return text ? `?${text}` : "./";
}

/**
 * What of the present address a link keeps: of another trace the tenant, of another question the time
 * that it is asked about, and all within a view.
 * @param {Address} now @param {Partial<Address>} changed @returns {Partial<Address>}
 */
export function kept(now, changed) {
  const { tenant, since, start, end } = now;
  if (changed.trace && changed.trace !== now.trace) return { tenant };
  if (changed.view === "search" && changed.q) return { tenant, since, start, end };
  return now;
}

/**
 * A trace id as a person pastes it: hex digits, perhaps with what a UUID or a traceparent has around.
 * @param {string} typed
 */
export function traceId(typed) {
  const text = typed.trim().toLowerCase();
  const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(text);
  if (parent) return parent[1] ?? "";
  const plain = text.replace(/-/g, "");
  return /^[0-9a-f]{8,32}$/.test(plain) ? plain : "";
}
