// The search: newest traces without a word, a query, chips, points over time, a table.

import * as api from "../api.js";
import { traceId } from "../address.js";
import { fill, h, say, setText } from "../dom.js";
import { bytes, digits, plural } from "../format.js";
import { inField } from "../keys.js";
import { conditions, filter, narrowed } from "../traceql/chips.js";
import { isMetrics } from "../traceql/context.js";
import { editor } from "./editor.js";
import { nothing } from "./nothing.js";
import { range, rangeField } from "./range.js";
import { figures, results } from "./results.js";
import { scatter } from "./scatter.js";
import { joined, slices } from "./slices.js";

/** @typedef {import("../../types.js").Address} Address */
/** @typedef {import("../../types.js").Found} Found */

const LIMIT = 50;
const LIVE = 3000;

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").App} app
 */
export function searchView(root, app) {
  /** @type {Found[]} */
  let found = [];
  /** @type {import("./scatter.js").Area | null} */
  let area = null;
  let limit = LIMIT;
  let asked = "";
  /** @type {AbortController | null} */
  let running = null;
  let timer = 0;

  const field = editor({ run, range: () => trimmed(range(app.address(), Date.now())) });
  const time = h("span", {});
  const chips = h("div", { class: "chips" });
  const errors = h("input", { type: "checkbox", onchange: () => toggle("status = error", errors.checked) });
  const live = h("input", { type: "checkbox", onchange: again });
  const progress = h("p", { class: "progress", role: "status" });
  const stop = h("button", { class: "ghost", hidden: true, onclick: () => running?.abort() }, "stop");
  const more = h("button", { hidden: true, onclick: () => { limit *= 4; search(true); } }, "more");
  const here = h("button", { hidden: true, onclick: searchHere }, "search only this area");
  const points = scatter({
    open: (id) => app.go({ trace: id, view: "" }),
    brush: (chosen) => {
      area = chosen;
      here.hidden = !chosen;
      paint();
    },
  });
  const table = results({ link: app.link });
  const empty = h("div", {});
  fill(root, h("div", { class: "search-head" },
    h("h1", { class: "visually-hidden" }, "Search for traces"),
    h("div", { class: "query-line" }, field.element, time, h("button", { class: "primary", title: "Enter", onclick: run }, "Run")),
    h("div", { class: "query-line small" }, chips, h("span", { class: "grow" }),
      h("label", { class: "check" }, errors, "errors only"), h("label", { class: "check" }, live, "live"))),
    h("div", { class: "search-body" }, points.element,
      h("div", { class: "query-line small under" }, progress, stop, more, h("span", { class: "grow" }), here), empty, table.element));

  /** @param {Address} address */
  function show(address) {
    field.set(address.q);
    fill(time, rangeField(address, (changed) => app.go(changed)));
    const list = conditions(address.q);
    errors.checked = list?.includes("status = error") ?? false;
    fill(chips, ...chipsOf(address.q));
    const key = [address.q, address.since, address.start, address.end, address.tenant].join("\n");
    if (key !== asked || found.length === 0) {
      asked = key;
      limit = LIMIT;
      area = null;
      here.hidden = true;
      points.clear();
      search(false);
    } else paint();
  }

  /** @param {string} query */
  function chipsOf(query) {
    const list = conditions(query);
    if (!list) return [h("span", { class: "chip" }, "as text")];
    const made = list.map((one, i) => h("span", { class: "chip" }, h("code", {}, one),
      h("button", { class: "ghost", "aria-label": `without ${one}`, onclick: () => app.go({ q: filter(list.filter((_, k) => k !== i)) }) }, "✕")));
    return made.length > 0 ? made : [h("span", { class: "muted" }, "the newest traces; type { for conditions, or paste a trace id")];
  }

  function run() {
    const typed = field.get();
    const id = traceId(typed);
    if (id) app.go({ trace: id, q: "", view: "" });
    else if (isMetrics(typed)) app.go({ view: "charts", q: typed });
    else if (typed === app.address().q) search(false);
    else app.go({ q: typed });
  }

  /** @param {string} condition @param {boolean} on */
  function toggle(condition, on) {
    const q = app.address().q;
    const list = conditions(q);
    if (on) app.go({ q: narrowed(q, condition) });
    else if (list) app.go({ q: filter(list.filter((one) => one !== condition)) });
  }

  function searchHere() {
    if (!area) return;
    const round = (/** @type {number} */ ms) => `${digits(Math.max(ms, 0.01))}ms`.replace(/,/g, "");
    const q = narrowed(narrowed(app.address().q, `traceDuration >= ${round(area.least)}`), `traceDuration <= ${round(area.most)}`);
    app.go({ q, start: String(Math.floor(area.from / 1000)), end: String(Math.ceil(area.to / 1000) + 1), since: "" });
  }

  /** @param {boolean} quiet keeps what is shown until there is more */
  async function search(quiet) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    clearTimeout(timer);
    const address = app.address();
    const whole = range(address, Date.now());
    if (!quiet) {
      found = [];
      delete document.body.dataset["ready"];
      fill(empty);
      paint();
    }
    field.setFault("");
    more.hidden = true;
    stop.hidden = false;
    /** @type {Found[]} */
    let list = [];
    let looked = 0;
    for (const slice of slices(whole.start, whole.end)) {
      setText(progress, `asking back to ${new Date(slice.start * 1000).toLocaleTimeString()} … ${list.length} of ${limit}`);
      /** @type {import("../../types.js").Answer<{ traces?: Found[], metrics?: { inspectedBytes?: string } }>} */
      const answer = await api.json("api/search", { q: address.q || "{ }", ...slice, limit: limit, spss: 1 }, mine.signal);
      if (mine.signal.aborted) {
        if (running === mine) finish(list, looked, "stopped: ");
        return;
      }
      if (!answer.ok) return failed(answer.text, list);
      looked += Number(answer.value.metrics?.inspectedBytes ?? 0);
      list = joined(list, answer.value.traces ?? []).slice(0, limit);
      if (!quiet || list.length >= found.length) {
        found = list;
        paint();
      }
      if (list.length >= limit) break;
    }
    found = list;
    finish(list, looked, "");
    if (list.length === 0) fill(empty, await nothing(address));
    else fill(empty);
    document.body.dataset["ready"] = "search";
    again();
  }

  /** @param {Found[]} list @param {number} looked @param {string} how */
  function finish(list, looked, how) {
    running = null;
    stop.hidden = true;
    more.hidden = list.length < limit;
    const all = list.length < limit ? "all there are in this time" : "the newest of this time";
    const told = `${how}${plural(list.length, "trace")}${list.length > 0 && !how ? `, ${all}` : ""}${looked > 0 ? ` · ${bytes(looked)} looked at` : ""}`;
    setText(progress, told);
    say(told);
    paint();
  }

  /** @param {string} text @param {Found[]} list */
  function failed(text, list) {
    running = null;
    stop.hidden = true;
    found = list;
    field.setFault(text);
    setText(progress, "");
    paint();
    document.body.dataset["ready"] = "failed";
  }

  function again() {
    clearTimeout(timer);
    if (live.checked && !app.address().start) timer = window.setTimeout(() => (document.hidden ? again() : search(true)), LIVE);
  }

  function paint() {
    const chosen = area;
    const list = chosen ? found.filter((one) => {
      const { start, duration } = figures(one);
      return start >= chosen.from && start <= chosen.to && Math.max(duration, 0.5) >= chosen.least && duration <= chosen.most;
    }) : found;
    table.element.hidden = found.length === 0;
    points.element.hidden = found.length === 0;
    table.show(list, (conditions(app.address().q)?.length ?? 1) > 0);
    points.show(found, shownRange());
  }

  /** The time of the points: of what was found, where that is much less than what was asked about. */
  function shownRange() {
    const { start, end } = range(app.address(), Date.now());
    const starts = found.map((one) => figures(one).start / 1000);
    if (starts.length < 2) return { start, end };
    const [least, most] = [Math.min(...starts), Math.max(...starts)];
    const pad = Math.max((most - least) * 0.04, 1);
    return { start: Math.max(start, least - pad), end: Math.min(end, most + pad) };
  }

  window.addEventListener("theme", points.draw);
  return {
    show,
    /** @param {KeyboardEvent} event */
    key(event) {
      if (event.key === "/" && !inField(event)) {
        event.preventDefault();
        field.focus();
      }
    },
    hide() {
      running?.abort();
      clearTimeout(timer);
      live.checked = false;
      window.removeEventListener("theme", points.draw);
    },
  };
}

/** @param {{ start: number, end: number }} range */
function trimmed({ start, end }) {
  return { start, end };
}
