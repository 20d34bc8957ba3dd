// The map of one trace: exact, since all of its calls are there.

import { h } from "../dom.js";
import { edges } from "../model/edges.js";
import { drawMap } from "./draw.js";

/**
 * @param {import("../trace/state.js").State} state
 * @param {{ find: (typed: string) => void }} on
 */
export function traceMap(state, on) {
  const list = edges(state.trace);
  if (list.length === 0) return h("div", { class: "empty" }, h("p", {}, "One service, and no call that leaves it."));
  return drawMap(list, state.slots, {
    click: (name) => on.find(name.startsWith("(") ? `kind:client ${name.slice(1, -1)}` : `service:"${name}"`),
  });
}
