// What stands where a trace would: it is loading, or why there is none.

import { h } from "../dom.js";

/** @param {string} text */
export function loading(text) {
  return h("div", { class: "empty", role: "status" }, h("div", { class: "spinner" }), h("p", {}, text));
}

/** @param {string} text @param {() => void} again @param {string} search */
export function notThere(text, again, search) {
  return h("div", { class: "empty" }, h("h1", {}, "No trace to show"), h("p", {}, text),
    h("p", {}, h("button", { onclick: again }, "Try again"), " ", h("a", { class: "button", href: search }, "To the search")));
}

/** @param {string} id @param {string} message what could not be asked */
export function absent(id, message) {
  const why = message ? `Parts could not be asked: ${message}.`
    : "It may not have arrived yet, be older than the blocks are kept, or belong to another tenant.";
  return `There is no trace ${id}. ${why}`;
}
