// Traces that were found: a row each, newest first, sorted by any column.

import { h } from "../dom.js";
import { ago, clock, count, day, duration } from "../format.js";
import { slots } from "../colour.js";
import { settings } from "../settings.js";

/** @typedef {import("../../types.js").Found} Found */
/** @typedef {"start" | "duration" | "spans" | "errors"} Column */

/** @param {Found} one */
export function figures(one) {
  const services = Object.entries(one.serviceStats ?? {});
  const sum = (/** @type {"spanCount" | "errorCount"} */ key) => services.reduce((n, [, s]) => n + (s[key] ?? 0), 0);
  return {
    start: Number(BigInt(one.startTimeUnixNano ?? 0) / 1_000_000n), duration: one.durationMs ?? 0,
    spans: sum("spanCount"), errors: sum("errorCount"), services,
    matched: (one.spanSets ?? (one.spanSet ? [one.spanSet] : [])).reduce((n, set) => n + (set.matched ?? 0), 0),
  };
}

/**
 * @param {{ link: (changed: Partial<import("../../types.js").Address>) => string }} on
 */
export function results(on) {
  const element = h("div", { class: "scroll-x results" });
  /** @type {Column} */
  let by = "start";
  let way = -1;
  let withMatches = false;
  /** @type {Found[]} */
  let list = [];

  function paint() {
    const rows = list.map((one) => ({ one, ...figures(one) })).sort((a, b) => (a[by] - b[by]) * way);
    const longest = Math.max(1, ...rows.map((row) => row.duration));
    const colours = slots(rows.flatMap((row) => row.services.map(([name]) => name)));
    const colour = (/** @type {string} */ name) => ({ "--c": `var(--s${(colours.get(name) ?? 0) % 10})` });
    const now = Date.now();
    const title = (/** @type {Column} */ column, /** @type {string} */ text) =>
      h("th", { scope: "col", class: column === "start" || column === "duration" ? "" : "num", "aria-sort": by === column ? (way < 0 ? "descending" : "ascending") : undefined },
        h("button", { class: "sort", onclick: () => { way = by === column ? -way : -1; by = column; paint(); } }, text, by === column ? (way < 0 ? " ↓" : " ↑") : ""));
    const withDay = rows.some((row) => day(row.start, settings.utc) !== day(now, settings.utc));
    element.replaceChildren(h("table", { class: "data" },
      h("caption", { class: "visually-hidden" }, "Traces that were found"),
      h("thead", {}, h("tr", {}, title("start", "Start"), h("th", { scope: "col" }, "Trace"), title("duration", "Duration"),
        title("spans", "Spans"), title("errors", "Errors"), h("th", { scope: "col" }, "Services"))),
      h("tbody", {}, ...rows.map((row) => {
        const service = row.one.rootServiceName ?? "";
        const lost = service.startsWith("<");
        return h("tr", {},
          h("td", { class: "when", title: `${day(row.start, settings.utc)} ${clock(row.start, settings.utc)} ${settings.utc ? "UTC" : "local time"}` },
            withDay ? `${day(row.start, settings.utc).slice(5)} ` : "", clock(row.start, settings.utc), h("small", {}, ago(now - row.start))),
          h("td", { style: colour(service) },
            h("a", { class: "trace-link", href: on.link({ trace: row.one.traceID, view: "" }) }, h("i", { class: "dot" }),
              h("span", { class: "service" }, lost ? "root missing" : service || "(no service)"), " ", row.one.rootTraceName ?? ""),
            withMatches && row.matched > 0 ? h("small", { title: "spans that match the query" }, `${count(row.matched)} match`) : null),
          h("td", { class: "meter took", style: { "--part": `${(Math.log1p(row.duration) / Math.log1p(longest)) * 100}%` } }, row.duration > 0 ? duration(row.duration * 1e6) : "< 1 ms"),
          h("td", { class: "num" }, count(row.spans)),
          h("td", { class: row.errors > 0 ? "num bad" : "num muted" }, row.errors > 0 ? `✕ ${count(row.errors)}` : "–"),
          h("td", { class: "services" }, ...row.services.sort((a, b) => (b[1].spanCount ?? 0) - (a[1].spanCount ?? 0)).slice(0, 4).map(([name, s]) =>
            h("span", { class: "svc", style: colour(name), title: `${name}: ${count(s.spanCount ?? 0)} spans, ${count(s.errorCount ?? 0)} errors` }, h("i", { class: "dot" }), name)),
            row.services.length > 4 ? h("span", { class: "muted" }, `+${row.services.length - 4}`) : null));
      }))));
  }

  return {
    element,
    /** @param {Found[]} found @param {boolean} matches whether a query was asked that tells spans apart */
    show(found, matches) {
      list = found;
      withMatches = matches;
      paint();
    },
  };
}
