// Durations over time of the traces that are listed: a point each. Dragging an area lists only those in it.

import { context, h, token } from "../dom.js";
import { clock, duration } from "../format.js";
import { settings } from "../settings.js";
import { figures } from "./results.js";

/** @typedef {import("../../types.js").Found} Found */

const LEFT = 62;
const BOTTOM = 20;
const TOP = 8;

/**
 * @param {{ open: (id: string) => void, brush: (area: Area | null) => void }} on
 * @typedef {{ from: number, to: number, least: number, most: number }} Area milliseconds
 */
export function scatter(on) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const tip = h("div", { class: "tip", hidden: true });
  const box = h("div", { class: "brush", hidden: true });
  const element = h("div", { class: "scatter", role: "img", "aria-label": "durations over time; the table below has the same traces" }, canvas, box, tip);
  /** @type {{ id: string, x: number, y: number, one: Found, bad: boolean }[]} */
  let points = [];
  let scale = { from: 0, to: 1, least: 1, most: 10 };
  /** @type {Found[]} */
  let list = [];
  /** @type {{ x: number, y: number } | null} */
  let from = null;

  function draw() {
    if (!element.isConnected || element.clientWidth === 0) return;
    const { context: c, width, height } = context(canvas);
    const rows = list.map((one) => ({ one, ...figures(one) }));
    const took = rows.map((r) => Math.max(r.duration, 0.5));
    const least = Math.min(1, ...took);
    const most = Math.max(10, ...took) * 1.3;
    scale = { ...scale, least, most };
    const x = (/** @type {number} */ ms) => LEFT + ((ms - scale.from) / (scale.to - scale.from || 1)) * (width - LEFT - 10);
    const y = (/** @type {number} */ ms) => TOP + (1 - Math.log(ms / least) / Math.log(most / least)) * (height - TOP - BOTTOM);
    c.font = "11px system-ui, sans-serif";
    c.fillStyle = token("muted");
    c.strokeStyle = token("line");
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (let power = Math.ceil(Math.log10(least)); 10 ** power <= most; power++) {
      const at = Math.round(y(10 ** power)) + 0.5;
      c.beginPath();
      c.moveTo(LEFT, at);
      c.lineTo(width, at);
      c.stroke();
      c.fillText(duration(10 ** power * 1e6), LEFT - 8, at);
    }
    c.textAlign = "center";
    for (let i = 0; i <= 6; i++) {
      const ms = scale.from + ((scale.to - scale.from) * i) / 6;
      c.textAlign = i === 0 ? "left" : i === 6 ? "right" : "center";
      c.fillText(clock(ms, settings.utc).slice(0, scale.to - scale.from > 600_000 ? 5 : 8), x(ms), height - 8);
    }
    points = rows.map((r) => ({ id: r.one.traceID, one: r.one, x: x(r.start), y: y(Math.max(r.duration, least)), bad: r.errors > 0 }));
    c.lineWidth = 2;
    for (const point of points) {
      if (point.bad) {
        c.strokeStyle = token("error");
        c.beginPath();
        c.moveTo(point.x - 4, point.y - 4);
        c.lineTo(point.x + 4, point.y + 4);
        c.moveTo(point.x + 4, point.y - 4);
        c.lineTo(point.x - 4, point.y + 4);
        c.stroke();
      } else {
        c.globalAlpha = 0.75;
        c.fillStyle = token("accent");
        c.beginPath();
        c.arc(point.x, point.y, 4, 0, 7);
        c.fill();
        c.globalAlpha = 1;
      }
    }
  }

  const where = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const area = element.getBoundingClientRect();
    return { x: event.clientX - area.left, y: event.clientY - area.top, width: area.width, height: area.height };
  };
  const near = (/** @type {{ x: number, y: number }} */ at) => {
    let best = null;
    let distance = 12;
    for (const point of points) {
      const d = Math.hypot(point.x - at.x, point.y - at.y);
      if (d < distance) {
        distance = d;
        best = point;
      }
    }
    return best;
  };
  element.addEventListener("pointerdown", (event) => {
    from = where(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const at = where(event);
    if (from && Math.hypot(at.x - from.x, at.y - from.y) > 5) {
      box.hidden = false;
      box.style.left = `${Math.min(at.x, from.x)}px`;
      box.style.top = `${Math.min(at.y, from.y)}px`;
      box.style.width = `${Math.abs(at.x - from.x)}px`;
      box.style.height = `${Math.abs(at.y - from.y)}px`;
      return;
    }
    const point = near(at);
    tip.hidden = !point;
    element.style.cursor = point ? "pointer" : "crosshair";
    if (!point) return;
    tip.textContent = `${point.one.rootServiceName ?? ""} ${point.one.rootTraceName ?? ""} · ${duration((point.one.durationMs ?? 0) * 1e6)}`;
    tip.style.left = `${Math.min(point.x + 10, at.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(point.y - 30, 0)}px`;
  });
  element.addEventListener("pointerleave", () => (tip.hidden = true));
  element.addEventListener("pointerup", (event) => {
    const at = where(event);
    if (from && !box.hidden) {
      const ms = (/** @type {number} */ x) => scale.from + ((x - LEFT) / (at.width - LEFT - 10)) * (scale.to - scale.from);
      const took = (/** @type {number} */ y) => scale.least * (scale.most / scale.least) ** (1 - (y - TOP) / (at.height - TOP - BOTTOM));
      on.brush({ from: ms(Math.min(at.x, from.x)), to: ms(Math.max(at.x, from.x)), least: took(Math.max(at.y, from.y)), most: took(Math.min(at.y, from.y)) });
    } else {
      const point = near(at);
      if (point) on.open(point.id);
      else {
        box.hidden = true;
        on.brush(null);
      }
    }
    from = null;
  });
  new ResizeObserver(draw).observe(element);

  return {
    element, draw,
    clear() {
      box.hidden = true;
    },
    /** @param {Found[]} found @param {{ start: number, end: number }} range seconds */
    show(found, range) {
      list = found;
      scale = { ...scale, from: range.start * 1000, to: range.end * 1000 };
      draw();
    },
  };
}
