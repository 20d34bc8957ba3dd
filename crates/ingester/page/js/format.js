// Durations, times and numbers as people read them. Pure.

const STEPS = /** @type {const} */ ([[3.6e12, "h"], [6e10, "m"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]]);

/**
 * Nanoseconds with three digits: `1.23 s`, `45.6 ms`, `789 µs`; from an hour on in two units.
 * @param {number} ns
 * @returns {string}
 */
export function duration(ns) {
  if (!Number.isFinite(ns)) return "–";
  if (ns < 0) return `-${duration(-ns)}`;
  if (ns >= 6e10) {
    const seconds = Math.round(ns / 1e9);
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return h > 0 ? `${h} h ${m} m` : `${m} m ${s} s`;
  }
  for (const [size, unit] of STEPS) if (ns >= size) return `${digits(ns / size)} ${unit}`;
  return `${Math.round(ns)} ns`;
}

/** Three digits that count, at most. @param {number} n */
export function digits(n) {
  const size = Math.abs(n);
  const text = size >= 100 ? n.toFixed(0) : size >= 10 ? n.toFixed(1) : n.toFixed(2);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** `1,234,567`. @param {number} n */
export function count(n) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `12.3 k`, `4.5 M`. @param {number} n */
export function short(n) {
  const size = Math.abs(n);
  if (size >= 1e9) return `${digits(n / 1e9)} G`;
  if (size >= 1e6) return `${digits(n / 1e6)} M`;
  if (size >= 1e4) return `${digits(n / 1e3)} k`;
  return size >= 100 || Number.isInteger(n) ? count(n) : digits(n);
}

/** @param {number} n */
export function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${digits(n)} ${units[at]}`;
}

/** @param {number} part */
export function percent(part) {
  if (!Number.isFinite(part)) return "–";
  return part > 0 && part < 0.001 ? "<0.1 %" : `${digits(part * 100)} %`;
}

/** `1 span`, `2 spans`. @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/**
 * Date and time to the millisecond, with the zone: `2026-11-29 14:59:58.120 +01:00`.
 * @param {bigint} unixNs
 * @param {boolean} utc
 */
export function moment(unixNs, utc) {
  const ms = Number(unixNs / 1_000_000n);
  const date = new Date(ms);
  const zone = utc ? 0 : -date.getTimezoneOffset();
  return `${day(ms, utc)} ${clock(ms, utc)}.${String(((ms % 1000) + 1000) % 1000).padStart(3, "0")} ${offset(zone)}`;
}

/** @param {number} ms @param {boolean} utc */
export function day(ms, utc) {
  const d = shifted(ms, utc);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
}

/** `14:59:58`. @param {number} ms @param {boolean} utc */
export function clock(ms, utc) {
  const d = shifted(ms, utc);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/** @param {number} ms @param {boolean} utc */
function shifted(ms, utc) {
  const d = new Date(ms);
  return utc ? d : new Date(ms - d.getTimezoneOffset() * 60_000);
}

/** @param {number} minutes */
function offset(minutes) {
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `3 s ago`. @param {number} ms */
export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} m ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

/**
 * Milliseconds of a written length of time such as `15m`, `1h30m`; none if it is none.
 * @param {string} text
 */
export function lengthOf(text) {
  const UNITS = /** @type {Record<string, number>} */ ({ s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 });
  if (!/^(\d+[smhd])+$/.test(text)) return null;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)([smhd])/g)) sum += Number(n) * (UNITS[unit ?? ""] ?? 0);
  return sum;
}

/**
 * Round numbers from 0 to `most`, some `wanted` of them.
 * @param {number} most @param {number} wanted
 */
export function ticks(most, wanted) {
  if (!(most > 0)) return [0];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => i * step);
}

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Characters that would hide, or turn what stands around them round, as what they are.
 * @param {string} text
 */
export function shown(text) {
  return text.replace(CONTROL, (c) => {
    const code = c.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/**
 * A long text without its middle.
 * @param {string} text @param {number} most
 */
export function middle(text, most) {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - half)}…${text.slice(text.length - half)}`;
}
