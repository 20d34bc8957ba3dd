// Keys, and the page that tells of them. Single letters count only outside of fields, and can be switched off.

import { h } from "./dom.js";
import { change, settings } from "./settings.js";

/** Keys as they are told. @type {[string, [string, string][]][]} */
const HELP = [
  ["Rows", [
    ["↓ ↑ or j k", "next, previous row"], ["→ ←", "open or to the child; shut or to the parent"], ["Home End", "first, last row"],
    ["Enter", "into the pane of details; Esc leads back"], ["[ ]", "shut, open one level"], ["* -", "open all, shut all"],
  ]],
  ["Finding", [
    ["/", "find in this trace"], ["n N", "next, previous hit"], ["e E", "next, previous error"], ["c", "only the critical path"],
    ["f", "only this span and what is below; Esc leads back"],
  ]],
  ["View", [
    ["z", "zoom to the span"], ["0", "the whole trace"], ["x", "group alike spans or not"], ["r", "load again"],
    ["y", "copy a link to the span"], ["s", "to the search"], ["?", "this"],
  ]],
];

/** @param {Event} event */
export function inField(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement &&
    (target.matches("input:not([type=checkbox]), textarea, select") || target.isContentEditable);
}

/** Whether a key with a letter counts. @param {KeyboardEvent} event */
export function isKey(event) {
  return settings.keys && !event.ctrlKey && !event.metaKey && !event.altKey && !inField(event);
}

export function help() {
  const open = document.querySelector("dialog.help");
  if (open instanceof HTMLDialogElement) {
    open.close();
    return;
  }
  const dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" },
    h("div", { class: "d-title" }, h("h2", { id: "help-title" }, "Keys"),
      h("button", { class: "ghost", "aria-label": "close", onclick: () => dialog.close() }, "✕")),
    h("div", { class: "help-columns" }, ...HELP.map(([title, keys]) =>
      h("section", {}, h("h3", {}, title), h("dl", {}, ...keys.flatMap(([key, what]) =>
        [h("dt", {}, ...key.split(" ").map((k) => (k === "or" ? " or " : h("kbd", {}, k)))), h("dd", {}, what)]))))),
    h("label", { class: "check" }, h("input", {
      type: "checkbox", checked: settings.keys, onchange: (/** @type {Event} */ event) =>
        change({ keys: /** @type {HTMLInputElement} */ (event.target).checked }),
    }), "single letters are keys"),
    h("p", { class: "muted" }, "Finding takes text of names, keys, values, events and ids, and also: ",
      h("code", {}, "error"), " ", h("code", {}, "service:cart"), " ", h("code", {}, "kind:client"), " ", h("code", {}, "http.route=/cart"), " ",
      h("code", {}, ">100ms"), " ", h("code", {}, "self>5ms"), ". Several words must all hold."));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
