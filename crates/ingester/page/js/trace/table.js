// The table of operations: it shows what is asked a hundred times at once.

import { operations } from "../model/table.js";
import { h } from "../dom.js";
import { count, duration, percent } from "../format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {keyof import("../model/table.js").Operation} Column */

/** @type {[Column, string][]} */
const COLUMNS = [
  ["name", "Operation"], ["count", "Spans"], ["errors", "Errors"], ["self", "Self time"], ["critical", "Critical path"],
  ["sum", "Sum"], ["p50", "p50"], ["p95", "p95"], ["longest", "Longest"],
];
const MOST = 500;

/**
 * @param {State} state
 * @param {{ find: (typed: string) => void, show: (row: number) => void }} on
 */
export function table(state, on) {
  const list = operations(state.trace);
  for (const one of list) one.slot = state.slots.get(one.service) ?? 0;
  /** @type {Column} */
  let by = "self";
  let way = -1;
  const element = h("div", { class: "scroll-x table-view" });

  function paint() {
    const sorted = [...list].sort((a, b) => {
      const [x, y] = [a[by], b[by]];
      return (x < y ? -1 : x > y ? 1 : 0) * way;
    });
    const most = Math.max(...list.map((one) => one.self), 1);
    const all = list.reduce((sum, one) => sum + one.self, 0);
    element.replaceChildren(
      h("table", { class: "data" },
        h("caption", { class: "visually-hidden" }, "Operations of this trace"),
        h("thead", {}, h("tr", {}, ...COLUMNS.map(([column, title]) =>
          h("th", { scope: "col", class: column === "name" ? "" : "num", "aria-sort": by === column ? (way < 0 ? "descending" : "ascending") : undefined },
            h("button", { class: "sort", onclick: () => sort(column) }, title, by === column ? (way < 0 ? " ↓" : " ↑") : ""))))),
        h("tbody", {}, ...sorted.slice(0, MOST).map((one) =>
          h("tr", { class: one.errors > 0 ? "error" : "" },
            h("td", { style: { "--c": `var(--s${one.slot % 10})` } }, h("i", { class: "dot" }), h("span", { class: "service" }, one.service), " ",
              h("button", { class: "linkish", title: "show these spans", onclick: () => on.find(`service:"${one.service}" name:"${one.name}"`) }, one.name || "(no name)")),
            h("td", { class: "num" }, count(one.count)),
            h("td", { class: one.errors > 0 ? "num bad" : "num muted" }, one.errors > 0 ? `✕ ${count(one.errors)}` : "–"),
            h("td", { class: "num meter", style: { "--part": `${(one.self / most) * 100}%` } }, h("span", {}, duration(one.self), h("small", {}, percent(one.self / (all || 1))))),
            h("td", { class: "num" }, one.critical > 0 ? duration(one.critical) : h("span", { class: "muted" }, "–")),
            h("td", { class: "num" }, duration(one.sum)),
            h("td", { class: "num" }, duration(one.p50)),
            h("td", { class: "num" }, duration(one.p95)),
            h("td", { class: "num" }, h("button", { class: "linkish", title: "show the longest", onclick: () => on.show(one.row) }, duration(one.longest))))))),
      list.length > MOST ? h("p", { class: "muted" }, `The first ${MOST} of ${count(list.length)} operations.`) : h("span"));
  }

  /** @param {Column} column */
  function sort(column) {
    way = by === column ? -way : column === "name" ? 1 : -1;
    by = column;
    paint();
  }

  paint();
  return { element };
}
