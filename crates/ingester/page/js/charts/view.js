// Charts: rate, errors, durations of a question, by a key; each area leads to its traces.

import * as api from "../api.js";
import { slots } from "../colour.js";
import { fill, h, say } from "../dom.js";
import { digits, duration, percent, short } from "../format.js";
import { editor } from "../search/editor.js";
import { range, rangeField } from "../search/range.js";
import { narrowed } from "../traceql/chips.js";
import { isMetrics } from "../traceql/context.js";
import { plot } from "./plot.js";
import { GROUPS, USUAL, points, red, spansOf, step, text, title } from "./queries.js";

/** @typedef {import("../../types.js").Address} Address */
/** @typedef {import("../../types.js").Series} Series */
/** @typedef {import("../../types.js").Answer<{ series?: Series[], message?: string }>} Told */

const MOST = 8;
const seconds = (/** @type {number} */ s) => duration(s * 1e9);
const perSecond = (/** @type {number} */ n) => `${short(n)}/s`;

/** @param {HTMLElement} root @param {import("../main.js").App} app */
export function chartsView(root, app) {
  /** @type {AbortController | null} */
  let running = null;
  const field = editor({ run, range: () => { const { start, end } = range(app.address(), Date.now()); return { start, end }; } });
  const time = h("span", {});
  const groups = h("datalist", { id: "groups" }, ...GROUPS.map((g) => h("option", { value: g })));
  const by = h("input", { list: "groups", "aria-label": "grouped by", placeholder: "nothing", size: "24", onchange: () => app.go({ by: by.value.trim() || "-" }) });
  const grid = h("div", { class: "charts-grid" });
  const tableBox = h("div", {});
  fill(root, h("div", { class: "search-head" },
    h("h1", { class: "visually-hidden" }, "Charts"),
    h("div", { class: "query-line" }, field.element, time, h("button", { class: "primary", onclick: run }, "Run")),
    h("div", { class: "query-line small" }, h("label", { class: "check" }, "by ", by), groups,
      h("span", { class: "muted" }, "Drag over a chart to see the traces of that area. Rings are example traces."))),
    h("div", { class: "page" }, grid, tableBox));
  /** @type {ReturnType<typeof plot>[]} */
  let plots = [];

  function run() {
    const typed = field.get();
    if (typed === app.address().q) load(app.address());
    else app.go({ q: typed });
  }

  /** @param {Address} address */
  function show(address) {
    field.set(address.q || USUAL);
    by.value = address.by === "-" ? "" : address.by || "resource.service.name";
    fill(time, rangeField(address, (changed) => app.go(changed)));
    load(address);
  }

  /** @param {string} name @param {string} note */
  function card(name, note) {
    const chart = plot({
      cross: (at) => plots.forEach((p) => p.cross(at)),
      open: (trace) => app.go({ trace, view: "" }),
      pick: (from, to, least, most) => {
        let q = spansOf(app.address().q || USUAL);
        if (note === "errors") q = narrowed(q, "status = error");
        if (most < Infinity) q = narrowed(narrowed(q, `duration >= ${exact(least)}`), `duration <= ${exact(most)}`);
        app.go({ view: "search", q, start: String(Math.floor(from / 1000)), end: String(Math.ceil(to / 1000) + 1), since: "" });
      },
    }, name);
    plots.push(chart);
    const legend = h("div", { class: "plot-legend" });
    const told = h("small", {});
    return { chart, legend, told, element: h("section", { class: "card" }, h("h2", {}, name, told), chart.element, legend) };
  }

  /** @param {Address} address */
  async function load(address) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    delete document.body.dataset["ready"];
    field.setFault("");
    const { start, end } = range(address, Date.now());
    const every = step({ start, end });
    const time = { from: start * 1000, to: end * 1000 };
    const ask = (/** @type {string} */ q, exemplars = 0) => /** @type {Promise<Told>} */ (
      api.json("api/metrics/query_range", { q, start, end, step: `${every}s`, exemplars }, mine.signal));
    plots = [];
    const q = address.q || USUAL;
    if (isMetrics(q)) {
      const own = card("Result", "");
      own.element.style.gridColumn = "1 / -1";
      fill(grid, own.element);
      fill(tableBox);
      const answer = await ask(q, 20);
      if (mine.signal.aborted) return;
      if (!answer.ok) return fault(answer.text);
      const isTime = /_over_time\(\s*(duration|traceDuration|span:duration|trace:duration)/.test(q);
      const isRate = /\|\s*rate\(/.test(q);
      lines(own, answer.value.series ?? [], isTime ? seconds : isRate ? perSecond : short, time, "");
      document.body.dataset["ready"] = "charts";
      return;
    }
    const group = by.value;
    const asks = red(q, group);
    const cards = { rate: card("Rate", ""), errors: card("Errors", "errors"), durations: card("Duration", ""), heat: card("Duration, every span counted", "") };
    fill(grid, ...Object.values(cards).map((one) => one.element));
    const answers = await Promise.all([ask(asks.rate), asks.errors ? ask(asks.errors) : null, ask(asks.durations, 30), ask(asks.heat), ask(asks.median)]);
    if (mine.signal.aborted) return;
    const [rate, errors, durations, heat, medians] = answers;
    const bad = answers.find((one) => one && !one.ok);
    if (bad && !bad.ok) return fault(bad.text);
    if (rate?.ok) lines(cards.rate, rate.value.series ?? [], perSecond, time, "");
    if (errors?.ok) lines(cards.errors, errors.value.series ?? [], perSecond, time, "");
    else cards.errors.told.textContent = "only for one filter";
    if (durations?.ok) lines(cards.durations, durations.value.series ?? [], seconds, time, "quantiles");
    if (heat?.ok) warm(cards.heat, heat.value.series ?? [], time, every * 1000);
    fill(tableBox, table(rate?.ok ? rate.value.series ?? [] : [], errors?.ok ? errors.value.series ?? [] : [], medians?.ok ? medians.value.series ?? [] : [], group));
    const partial = answers.find((one) => one?.ok && one.value.message);
    if (partial?.ok && partial.value.message) field.setFault(`partial: ${partial.value.message}`);
    say("charts are drawn");
    document.body.dataset["ready"] = "charts";
  }

  /** @param {string} message */
  function fault(message) {
    field.setFault(message);
    fill(grid);
    fill(tableBox);
    document.body.dataset["ready"] = "failed";
  }

  /**
   * @param {ReturnType<typeof card>} into @param {Series[]} series @param {(n: number) => string} unit
   * @param {{ from: number, to: number }} time @param {string} how
   */
  function lines(into, series, unit, time, how) {
    const all = series.map((one) => ({ one, name: title(one), points: points(one) }));
    const sum = (/** @type {{ points: { value: number }[] }} */ l) => l.points.reduce((n, p) => n + p.value, 0);
    const most = how === "quantiles" ? all : all.filter((l) => sum(l) > 0).sort((a, b) => sum(b) - sum(a)).slice(0, MOST);
    const colours = slots(most.map((l) => l.name));
    const shown = most.map((l, i) => ({
      name: l.name, points: l.points, slot: how === "quantiles" ? (["s5", "s2", "s7"][i] ?? "s9") : `s${(colours.get(l.name) ?? 0) % 10}`,
    }));
    const exemplars = series.flatMap((one) => (one.exemplars ?? []).map((e) => ({
      at: Number(e.timestampMs ?? 0), value: Number(e.value ?? 0), trace: text(e.labels?.find((l) => l.key === "trace:id")?.value),
    }))).filter((e) => e.trace);
    into.chart.show({ lines: shown, exemplars, unit, ...time });
    const left = all.filter((l) => sum(l) > 0).length - most.length;
    fill(into.legend, ...shown.map((l) => h("span", { style: { "--c": `var(--${l.slot})` } }, h("i", { class: "dot" }), l.name)),
      left > 0 && how !== "quantiles" ? h("span", {}, `and ${left} more`) : null, shown.length === 0 ? h("span", {}, "none in this time") : null);
  }

  /** @param {ReturnType<typeof card>} into @param {Series[]} series @param {{ from: number, to: number }} time @param {number} every */
  function warm(into, series, time, every) {
    const sorted = series.map((one) => ({ top: Number(text(one.labels?.find((l) => l.key === "__bucket")?.value)), row: new Map(points(one).map((p) => [p.at, p.value])) }))
      .filter((one) => one.top > 0).sort((a, b) => a.top - b.top);
    into.chart.show({ heat: { tops: sorted.map((one) => one.top), rows: sorted.map((one) => one.row), step: every }, unit: seconds, ...time });
    into.told.textContent = sorted.length === 0 ? "none in this time" : "the stronger, the more spans";
  }

  /** @param {Series[]} rates @param {Series[]} errors @param {Series[]} medians @param {string} group */
  function table(rates, errors, medians, group) {
    const mean = (/** @type {Series | undefined} */ one) => {
      const list = one ? points(one) : [];
      return list.length > 0 ? list.reduce((n, p) => n + p.value, 0) / list.length : 0;
    };
    // Quantiles of a whole range are not the mean of those of its parts: the largest is told, as the worst.
    const worst = (/** @type {string} */ name, /** @type {number} */ p) => {
      const one = medians.find((m) => title(m, "p") === name && Number(text(m.labels?.find((l) => l.key === "p")?.value)) === p);
      return one ? Math.max(...points(one).map((s) => s.value)) : NaN;
    };
    const rows = rates.map((one) => {
      const name = title(one);
      const rate = mean(one);
      const failed = mean(errors.find((e) => title(e) === name));
      return { name, rate, failed, p50: worst(name, 0.5), p90: worst(name, 0.9), p99: worst(name, 0.99) };
    }).filter((row) => row.rate > 0).sort((a, b) => b.rate - a.rate);
    if (rows.length === 0) return h("p", { class: "muted" }, "No spans in this time.");
    return h("table", { class: "data" }, h("caption", { class: "visually-hidden" }, "the same numbers"),
      h("thead", {}, h("tr", {}, ...[group || "all", "rate", "errors", "share", "worst p50", "worst p90", "worst p99"].map((t, i) => h("th", { scope: "col", class: i > 0 ? "num" : "" }, t)))),
      h("tbody", {}, ...rows.slice(0, 100).map((row) => h("tr", {},
        h("td", {}, group ? h("a", { href: app.link({ view: "search", q: narrowed(app.address().q || USUAL, condition(group, row.name)) }) }, row.name) : row.name),
        h("td", { class: "num" }, perSecond(row.rate)),
        h("td", { class: row.failed > 0 ? "num bad" : "num muted" }, row.failed > 0 ? `✕ ${perSecond(row.failed)}` : "–"),
        h("td", { class: row.failed > 0 ? "num bad" : "num muted" }, row.failed > 0 ? percent(row.failed / row.rate) : "–"),
        ...[row.p50, row.p90, row.p99].map((v) => h("td", { class: "num" }, Number.isFinite(v) ? seconds(v) : "–"))))));
  }

  const redraw = () => plots.forEach((p) => p.draw());
  window.addEventListener("theme", redraw);
  return {
    show,
    hide() {
      running?.abort();
      window.removeEventListener("theme", redraw);
    },
  };
}

/** @param {string} key @param {string} value */
function condition(key, value) {
  const isWord = ["kind", "status"].includes(key) || /^-?\d+(\.\d+)?$/.test(value);
  return value === "(none)" || value === "nil" ? `${key} = nil` : `${key} = ${isWord ? value : JSON.stringify(value)}`;
}

/** A duration as a query writes it. @param {number} s */
function exact(s) {
  const us = Math.max(1, Math.round(s * 1e6));
  return us < 1000 ? `${us}us` : `${digits(us / 1000)}ms`;
}
