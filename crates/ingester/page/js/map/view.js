// The map of services, from a sample of the newest traces with calls between them; it says so.

import * as api from "../api.js";
import { slots } from "../colour.js";
import { fill, h, say } from "../dom.js";
import { plural } from "../format.js";
import { range, rangeField } from "../search/range.js";
import { drawMap } from "./draw.js";
import { LIMIT, OUTSIDE, CALLS, sampled } from "./sample.js";

/** @typedef {import("../../types.js").Found} Found */

/** @param {HTMLElement} root @param {import("../main.js").App} app */
export function mapView(root, app) {
  /** @type {AbortController | null} */
  let running = null;
  const time = h("span", {});
  const told = h("p", { class: "muted", role: "status" });
  const box = h("div", {});
  fill(root, h("div", { class: "search-head" },
    h("div", { class: "query-line small" }, h("h1", {}, "Map of services"), time, told)), h("div", { class: "page" }, box));

  /** @param {import("../../types.js").Address} address */
  async function show(address) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    delete document.body.dataset["ready"];
    fill(time, rangeField(address, (changed) => app.go(changed)));
    told.textContent = "looking at the newest traces …";
    const { start, end } = range(address, Date.now());
    const ask = (/** @type {string} */ q) => /** @type {Promise<import("../../types.js").Answer<{ traces?: Found[] }>>} */ (
      api.json("api/search", { q, start, end, limit: LIMIT, spss: 100 }, mine.signal));
    const [calls, outside] = await Promise.all([ask(CALLS), ask(OUTSIDE)]);
    if (mine.signal.aborted) return;
    if (!calls.ok || !outside.ok) {
      told.textContent = "";
      fill(box, h("p", { class: "fault" }, !calls.ok ? calls.text : !outside.ok ? outside.text : ""));
      document.body.dataset["ready"] = "failed";
      return;
    }
    const edges = sampled(calls.value.traces ?? [], outside.value.traces ?? []);
    const looked = Math.max(calls.value.traces?.length ?? 0, outside.value.traces?.length ?? 0);
    told.textContent = `a sample: the newest ${plural(looked, "trace")} of this time. The map of a single trace is exact.`;
    say(told.textContent);
    const names = edges.flatMap((edge) => [edge.from, edge.to]);
    fill(box, edges.length === 0
      ? h("div", { class: "empty" }, h("h2", {}, "No calls"), h("p", {}, "No trace of this time has a call from one service to another."))
      : drawMap(edges, slots(names), {
        click: (name) => app.go({
          view: "search", q: name.startsWith("(")
            ? `{ span.db.system.name = ${JSON.stringify(name.slice(1, -1))} || span.db.system = ${JSON.stringify(name.slice(1, -1))} || span.messaging.system = ${JSON.stringify(name.slice(1, -1))} }`
            : `{ resource.service.name = ${JSON.stringify(name)} }`,
        }),
      }));
    document.body.dataset["ready"] = "map";
  }

  return { show, hide: () => running?.abort() };
}
