// What stands over the rows to find, leave out and open, and the ways out of the page.

import * as api from "../api.js";
import { copy, h, save } from "../dom.js";
import { call } from "../loader.js";

const TABS = /** @type {const} */ ([["", "Waterfall"], ["table", "Table"], ["map", "Map"]]);
const WAIT = 120;

/**
 * @param {{ find: (typed: string) => void, only: (what: string) => void, step: (way: 1 | -1) => void, level: (way: 1 | -1) => void,
 *   whole: () => void, tab: (id: string) => void, leave: () => void }} on
 */
export function bar(on) {
  let timer = 0;
  const findField = h("input", {
    type: "search", id: "find", placeholder: "Find  ( / )", "aria-label": "find in this trace", spellcheck: "false", autocomplete: "off",
    oninput: () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => on.find(findField.value), WAIT);
    },
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") on.step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") {
        findField.value = "";
        on.find("");
        on.leave();
      }
      if (event.key === "ArrowDown") on.leave();
    },
  });
  const hits = h("span", { class: "hits muted", "aria-live": "polite" });
  const onlyField = h("select", { "aria-label": "which rows", onchange: () => on.only(onlyField.value) },
    h("option", { value: "" }, "all rows"), h("option", { value: "hits" }, "only what was found"),
    h("option", { value: "errors" }, "only errors"), h("option", { value: "critical" }, "only the critical path"));
  const tabs = TABS.map(([id, title]) => h("button", { role: "tab", "data-tab": id, onclick: () => on.tab(id) }, title));
  const element = h("div", { class: "t-bar" },
    h("div", { class: "tabs", role: "tablist", "aria-label": "views of the trace" }, ...tabs),
    h("span", { class: "field" }, findField, hits,
      h("button", { class: "ghost", title: "previous (N)", "aria-label": "previous hit", onclick: () => on.step(-1) }, "↑"),
      h("button", { class: "ghost", title: "next (n)", "aria-label": "next hit", onclick: () => on.step(1) }, "↓")),
    onlyField,
    h("span", { class: "grow" }),
    h("span", { class: "key-critical", title: "where time cannot be saved without making the whole shorter" }, "critical path"),
    h("button", { class: "ghost", title: "shut one level ( [ )", "aria-label": "shut one level", onclick: () => on.level(-1) }, "−"),
    h("button", { class: "ghost", title: "open one level ( ] )", "aria-label": "open one level", onclick: () => on.level(1) }, "+"),
    h("button", { class: "ghost whole", title: "the whole time (0)", onclick: on.whole }, "whole"));
  return {
    element, findField, hits, onlyField,
    /** @param {string} id */
    choose(id) {
      for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset["tab"] === id));
      element.classList.toggle("only-tabs", id !== "");
    },
  };
}

/**
 * Ways out: files, a link, a command.
 * @param {import("../../types.js").Trace} trace @param {boolean} found whether the server has it @param {() => void} link
 */
export function menu(trace, found, link) {
  const name = trace.traceId || "trace";
  return [
    h("button", {
      title: "save as OTLP protobuf: what tools of OpenTelemetry read",
      onclick: () => save(trace.bytes.slice(), `${name}.otlp.pb`, "application/protobuf"),
    }, "↓ protobuf"),
    h("button", {
      title: "save as OTLP JSON: what the Collector and Jaeger read",
      onclick: async () => save(await call("json", {}), `${name}.json`, "application/json"),
    }, "↓ JSON"),
    ...(found ? [
      h("button", { title: "copy a link to this view (y)", onclick: link }, "Link"),
      h("button", {
        title: "copy a command", onclick: () => copy(`curl -H 'Accept: application/json' '${api.url(`api/v2/traces/${name}`)}'`, "command copied"),
      }, "curl"),
    ] : []),
  ];
}
