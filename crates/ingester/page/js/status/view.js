// One screen, numbers of now: whether spans arrive, who else there is, what limits are met.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { ago, bytes, count, duration, short } from "../format.js";
import { samples } from "./metrics.js";

/** @typedef {{ name: string, version: string, tenancy: boolean, ready: boolean, remarks: string[], silent: boolean, others: { name: string, zone: string, started: number }[] }} State */

const EVERY = 3000;

/** @param {HTMLElement} root */
export function statusView(root) {
  let timer = 0;
  const body = h("div", { class: "page" });
  fill(root, body);
  /** Received when last looked, to tell a rate. @type {{ at: number, received: number } | null} */
  let before = null;

  async function show() {
    clearTimeout(timer);
    const [state, told, ready] = await Promise.all([
      /** @type {Promise<import("../../types.js").Answer<State>>} */ (api.json("api/tributary/state")), api.text("metrics"), api.text("ready"),
    ]);
    const metrics = told.ok ? samples(told.value) : samples("");
    const sum = (/** @type {string} */ name) => metrics.sum(`tributary_ingester_${name}`);
    const received = sum("spans_received_total");
    const rate = before && received >= before.received ? ((received - before.received) * 1000) / (Date.now() - before.at) : NaN;
    before = { at: Date.now(), received };
    const number = (/** @type {number} */ n, /** @type {(n: number) => string} */ as = short) => (Number.isNaN(n) ? "–" : as(n));
    const limits = metrics.list.filter((one) => one.name === "tributary_ingester_limited_total" && one.value > 0);
    const own = state.ok ? state.value : null;
    fill(body,
      h("h1", {}, own ? `${own.name} ` : "Status ", own ? h("small", {}, `Tributary ${own.version}`) : null),
      h("p", { class: ready.ok ? "ok" : "not-ok" }, ready.ok ? ready.value.trim() : ready.text || "it does not answer"),
      state.ok || state.status === 404 ? null : h("p", { class: "fault" }, state.text),
      state.ok ? null : h("p", { class: "muted" }, "What answers is no Tributary ingester, or an older one: it says nothing of itself."),
      h("div", { class: "tiles" },
        tile("spans received", number(received), Number.isNaN(rate) ? "since its start" : `${short(rate)}/s now`),
        tile("in memory", number(sum("spans_live")), "spans that are in no block yet; they are found like all others"),
        tile("oldest not in a block", number(sum("oldest_uncovered_seconds"), (s) => (s > 0 ? duration(s * 1e9) : "none")), "a minute or so is usual"),
        tile("memory", number(sum("memory_bytes"), bytes), `of ${number(sum("memory_limit_bytes"), bytes)}`),
        tile("streams of sidecars", number(sum("streams")), `${number(sum("streams_without_credit"))} wait for credit`),
        tile("pressure", number(sum("pressure"), (p) => `${Math.round(p * 100)} %`), "at 100 % senders wait")),
      h("section", {}, h("h2", {}, "Ingesters"),
        h("table", { class: "data" }, h("thead", {}, h("tr", {}, ...["name", "zone", "started"].map((t) => h("th", { scope: "col" }, t)))),
          h("tbody", {}, h("tr", {}, h("td", {}, h("span", { class: "ok" }, own?.name ?? "this one"), h("small", {}, "answers here")), h("td", {}, "–"), h("td", {}, "–")),
            ...(own?.others ?? []).map((one) => h("tr", {}, h("td", {}, h("span", { class: "ok" }, one.name)), h("td", {}, one.zone || "–"),
              h("td", {}, ago(Date.now() - one.started * 1000)))))),
        own?.silent ? h("p", { class: "note warn" }, "There are or were others that do not answer. What they hold is read from the bucket; answers that lack a part say so.") : null),
      h("section", {}, h("h2", {}, "Limits met since its start"),
        limits.length === 0 ? h("p", { class: "muted" }, told.ok ? "none" : "not known")
          : h("table", { class: "data" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "limit"), h("th", { scope: "col" }, "what happens"), h("th", { scope: "col", class: "num" }, "times"))),
            h("tbody", {}, ...limits.map((one) => h("tr", {}, h("td", {}, one.labels["limit"] ?? ""), h("td", {}, one.labels["policy"] ?? ""), h("td", { class: "num" }, count(one.value))))))));
    document.body.dataset["ready"] = "status";
    timer = window.setTimeout(() => (document.hidden ? (timer = window.setTimeout(show, EVERY)) : show()), EVERY);
  }

  return { show, hide: () => clearTimeout(timer) };
}

/** @param {string} name @param {string} value @param {string} note */
function tile(name, value, note) {
  return h("div", { class: "tile" }, h("span", { class: "muted" }, name), h("strong", {}, value), h("span", { class: "muted" }, note));
}
