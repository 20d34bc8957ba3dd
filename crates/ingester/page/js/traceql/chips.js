// A query that is one filter of conditions joined by `&&`, as its conditions. Pure.

import { lex } from "./lex.js";

/**
 * The conditions; none where the query is richer.
 * @param {string} query
 * @returns {string[] | null}
 */
export function conditions(query) {
  const tokens = lex(query).filter((t) => t.kind !== "space");
  if (tokens.length === 0) return [];
  if (tokens[0]?.text !== "{" || tokens[tokens.length - 1]?.text !== "}") return null;
  const inside = tokens.slice(1, -1);
  if (inside.some((t) => "{}()".includes(t.text) || t.text === "||" || t.text === "|")) return null;
  /** @type {string[]} */
  const found = [];
  let from = 0;
  for (let i = 0; i <= inside.length; i++) {
    if (i < inside.length && inside[i]?.text !== "&&") continue;
    const first = inside[from];
    const last = inside[i - 1];
    if (first && last && i > from) found.push(query.slice(first.at, last.at + last.text.length));
    from = i + 1;
  }
  return found;
}

/**
 * One filter of any form with a condition more; none where it is not one.
 * @param {string} query @param {string} condition
 */
export function within(query, condition) {
  const inside = /^\s*\{([^{}]*)\}\s*$/.exec(query)?.[1]?.trim();
  return inside ? `{ (${inside}) && ${condition} }` : null;
}

/** @param {string[]} list */
export function filter(list) {
  return list.length > 0 ? `{ ${list.join(" && ")} }` : "{ }";
}

/**
 * The query with a condition more, of the same spans where it is one filter; else as a filter of its own.
 * @param {string} query @param {string} condition
 */
export function narrowed(query, condition) {
  const list = conditions(query);
  if (!list) return within(query, condition) ?? `${query.trim()} && { ${condition} }`;
  return filter(list.includes(condition) ? list : [...list, condition]);
}
