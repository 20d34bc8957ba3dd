// What may stand where the caret is. Pure.

import { lex } from "./lex.js";

/** @typedef {{ want: "key" | "value" | "operator" | "after" | "none", key: string, typed: string, from: number, to: number }} Place */

const COMPARE = new Set(["=", "!=", "=~", "!~", "<", "<=", ">", ">="]);
export const INTRINSICS = [
  "name", "duration", "status", "kind", "statusMessage", "rootName", "rootServiceName", "traceDuration", "event:name",
  "span:id", "trace:id", "span:parentID", "link:traceID", "link:spanID", "instrumentation:name",
];
export const FUNCTIONS = [
  "rate()", "count_over_time()", "quantile_over_time(duration, 0.5, 0.9, 0.99)", "histogram_over_time(duration)",
  "avg_over_time(duration)", "max_over_time(duration)", "count() > 1", "by(resource.service.name)", "select(resource.service.name)",
];

/**
 * @param {string} query @param {number} caret
 * @returns {Place}
 */
export function place(query, caret) {
  const tokens = lex(query);
  const upTo = tokens.filter((t) => t.at < caret);
  const last = upTo[upTo.length - 1];
  const isWithin = last && last.kind !== "space" && last.at + last.text.length >= caret;
  const meant = upTo.filter((t) => t.kind !== "space");
  const current = isWithin && (last.kind === "word" || last.kind === "attribute" || last.kind === "text" || last.kind === "number") ? last : null;
  const before = current ? meant.slice(0, -1) : meant;
  const [a, b] = [before[before.length - 1], before[before.length - 2]];
  const range = current
    ? { typed: query.slice(current.at, caret), from: current.at, to: current.at + current.text.length }
    : { typed: "", from: caret, to: caret };
  const depth = before.reduce((d, t) => d + (t.text === "{" ? 1 : t.text === "}" ? -1 : 0), 0);
  if (depth <= 0) {
    if (a?.text === "|") return { want: "after", key: "", ...range };
    return { want: "none", key: "", ...range };
  }
  if (a && COMPARE.has(a.text) && b && (b.kind === "attribute" || b.kind === "word")) return { want: "value", key: b.text, ...range };
  if (a && (a.kind === "attribute" || a.kind === "word") && !current) return { want: "operator", key: a.text, ...range };
  if (!a || a.text === "{" || a.text === "&&" || a.text === "||" || a.text === "(" || a.text === "!") return { want: "key", key: "", ...range };
  return { want: "none", key: "", ...range };
}

/**
 * The filter so far without the condition at the caret: what values are asked with.
 * @param {string} query @param {number} caret
 */
export function filterWithout(query, caret) {
  const open = query.lastIndexOf("{", caret - 1);
  if (open < 0) return "";
  const shut = query.indexOf("}", open);
  const inside = query.slice(open + 1, shut < 0 ? query.length : shut);
  const parts = inside.split("&&");
  let at = open + 1;
  const kept = parts.filter((part) => {
    const holds = caret >= at && caret <= at + part.length;
    at += part.length + 2;
    return !holds && part.trim() !== "";
  });
  return kept.length > 0 ? `{ ${kept.map((part) => part.trim()).join(" && ")} }` : "";
}

/** Whether a query asks for numbers. @param {string} query */
export function isMetrics(query) {
  return /\|\s*(rate|count_over_time|(min|max|avg|sum|quantile|histogram)_over_time|compare)\s*\(/.test(query);
}
