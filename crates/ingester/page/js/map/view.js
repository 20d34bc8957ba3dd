// The map of services: every call, where the ingesters count them; else, or when it is asked for, a sample
// of the newest traces with calls between them. It says which.

import * as api from "../api.js";
import { slots } from "../colour.js";
import { fill, h, say } from "../dom.js";
import { clock, day, plural } from "../format.js";
import { range, rangeField } from "../search/range.js";
import { queryOf, queryOfEdge } from "./click.js";
import { edgesOf } from "./counted.js";
import { drawMap } from "./draw.js";
import { LIMIT, OUTSIDE, CALLS, sampled } from "./sample.js";

/** @typedef {import("../../types.js").Found} Found */
/** @typedef {import("../../types.js").Edge} Edge */
/** @typedef {import("../../types.js").CountedCalls} CountedCalls */

/** @param {HTMLElement} root @param {import("../main.js").App} app */
export function mapView(root, app) {
  /** @type {AbortController | null} */
  let running = null;
  /** Whether a sample is asked for although calls are counted. */
  let sampling = false;
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
    if (!sampling) {
      told.textContent = "asking for what is counted …";
      const counted = /** @type {import("../../types.js").Answer<CountedCalls>} */ (await api.json("metrics/spans/calls", {}, mine.signal));
      if (mine.signal.aborted) return;
      if (counted.ok) return showCounted(counted.value, address);
    }
    fill(time, rangeField(address, (changed) => app.go(changed)), sampling ? other("all that is counted", address) : null);
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
    draw(edges, "No trace of this time has a call from one service to another.");
  }

  /** @param {CountedCalls} calls @param {import("../../types.js").Address} address */
  function showCounted({ since, ingesters, missing, edges }, address) {
    fill(time, other("a sample of the newest traces", address));
    const lacking = missing.length > 0 ? ` Not told: ${missing.join("; ")}.` : "";
    told.textContent = `every call that ${plural(ingesters, "ingester")} counted since ${day(since * 1000, false)} ${clock(since * 1000, false)}, but for pairs that were long silent.${lacking}`;
    say(told.textContent);
    draw(edgesOf(edges), "No call from one service to another has come yet.");
  }

  /** Shows the other kind of map. @param {string} text @param {import("../../types.js").Address} address */
  function other(text, address) {
    return h("button", { type: "button", onclick: () => {
      sampling = !sampling;
      void show(address);
    } }, text);
  }

  /** @param {Edge[]} edges @param {string} nothing said when there are none */
  function draw(edges, nothing) {
    const names = edges.flatMap((edge) => [edge.from, edge.to]);
    fill(box, edges.length === 0
      ? h("div", { class: "empty" }, h("h2", {}, "No calls"), h("p", {}, nothing))
      : drawMap(edges, slots(names), {
        click: (name) => app.go({ view: "search", q: queryOf(name) }),
        follow: ({ from, to }) => app.go({ view: "search", q: queryOfEdge(from, to) }),
      }));
    document.body.dataset["ready"] = "map";
  }

  return { show, hide: () => running?.abort() };
}
