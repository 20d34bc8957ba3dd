// The time that is asked about: the last so long, or from and to.

import { h } from "../dom.js";
import { clock, day, lengthOf } from "../format.js";
import { settings } from "../settings.js";

const LENGTHS = /** @type {const} */ ([["5m", "last 5 minutes"], ["15m", "last 15 minutes"], ["1h", "last hour"], ["3h", "last 3 hours"], ["12h", "last 12 hours"], ["24h", "last day"], ["48h", "last 2 days"], ["7d", "last 7 days"]]);
export const USUAL = "1h";

/**
 * Unix seconds of what an address asks about.
 * @param {import("../../types.js").Address} address @param {number} now milliseconds
 */
export function range(address, now) {
  const start = Number(address.start);
  const end = Number(address.end);
  if (start > 0 && end > start) return { start, end, fixed: true };
  const length = lengthOf(address.since || USUAL) ?? 3_600_000;
  const to = Math.ceil(now / 1000) + 1;
  return { start: to - Math.round(length / 1000), end: to, fixed: false };
}

/**
 * @param {import("../../types.js").Address} address
 * @param {(changed: Partial<import("../../types.js").Address>) => void} change
 */
export function rangeField(address, change) {
  const { start, end, fixed } = range(address, Date.now());
  const own = LENGTHS.some(([value]) => value === address.since) || !address.since;
  const field = h("select", {
    "aria-label": "time", class: "range", onchange: () => field.value && change({ since: field.value, start: "", end: "" }),
  },
    fixed ? h("option", { value: "", selected: true }, `${day(start * 1000, settings.utc)} ${clock(start * 1000, settings.utc)} – ${clock(end * 1000, settings.utc)}`) : null,
    !own && !fixed ? h("option", { value: address.since, selected: true }, `last ${address.since}`) : null,
    ...LENGTHS.map(([value, text]) => h("option", { value, selected: !fixed && value === (address.since || USUAL) }, text)));
  return field;
}
