// Which questions the charts ask. Pure.

import { conditions, filter, within } from "../traceql/chips.js";
import { lex } from "../traceql/lex.js";

/** Work that was asked for from outside of a process. */
export const USUAL = "{ kind = server || kind = consumer }";
/** Keys that are offered to group by. */
export const GROUPS = [
  "resource.service.name", "name", "span.http.route", "kind", "status", "resource.k8s.pod.name", "resource.service.version",
  "span.rpc.method", "span.http.response.status_code",
];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];

/** Seconds between points: some 100 of them. @param {{ start: number, end: number }} range */
export function step({ start, end }) {
  return STEPS.find((s) => s >= (end - start) / 100) ?? 86400;
}

/**
 * The question narrowed to errors; none where the question is no single filter.
 * @param {string} q
 */
export function failing(q) {
  const list = conditions(q);
  if (list) return filter([...list, "status = error"]);
  return within(q, "status = error") ?? "";
}

/** @param {string} q @param {string} by */
export function red(q, by) {
  const group = by ? ` by(${by})` : "";
  const errors = failing(q);
  return {
    rate: `${q} | rate()${group}`,
    errors: errors ? `${errors} | rate()${group}` : "",
    durations: `${q} | quantile_over_time(duration, 0.5, 0.9, 0.99)`,
    median: `${q} | quantile_over_time(duration, 0.5, 0.9, 0.99)${group}`,
    heat: `${q} | histogram_over_time(duration)`,
  };
}

/** What of a query finds spans: all before its first pipe. @param {string} q */
export function spansOf(q) {
  const pipe = lex(q).find((token) => token.text === "|");
  return (pipe ? q.slice(0, pipe.at) : q).trim();
}

/** A label's value as text. @param {Record<string, unknown> | undefined} value */
export function text(value) {
  return String(Object.values(value ?? {})[0] ?? "");
}

/**
 * What tells a series from its siblings.
 * @param {import("../../types.js").Series} series @param {string} [except] a label that is shown otherwise
 */
export function title(series, except = "") {
  const labels = (series.labels ?? []).filter((l) => l.key !== except && l.key !== "__name__");
  return labels.map((l) => (l.key === "p" ? `p${Number(text(l.value)) * 100}` : text(l.value) || "(none)")).join(" · ") || "all";
}

/** @param {import("../../types.js").Series} series */
export function points(series) {
  return (series.samples ?? []).map((s) => ({ at: Number(s.timestampMs ?? 0), value: Number(s.value ?? 0) }));
}
