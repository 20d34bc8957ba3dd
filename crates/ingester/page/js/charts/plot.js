// Lines, or a field of colours, over time, on a canvas. All plots of a view share one crosshair.

import { context, h, token } from "../dom.js";
import { clock, day, ticks } from "../format.js";
import { settings } from "../settings.js";

/** @typedef {import("../../types.js").Line} Line */
/** @typedef {{ at: number, value: number, trace: string }} Exemplar */
/** @typedef {{ lines?: Line[], heat?: { tops: number[], rows: Map<number, number>[], step: number }, exemplars?: Exemplar[], unit: (n: number) => string, from: number, to: number }} Data */

const LEFT = 60;
const BOTTOM = 18;
const TOP = 6;
const RIGHT = 8;

/**
 * @param {{ cross: (at: number | null) => void, pick: (from: number, to: number, least: number, most: number) => void, open: (trace: string) => void }} on
 * @param {string} label
 */
export function plot(on, label) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const tip = h("div", { class: "tip", hidden: true });
  const brush = h("div", { class: "brush", hidden: true });
  const element = h("div", { class: "plot", role: "img", "aria-label": `${label}; the table below has the numbers` }, canvas, brush, tip);
  /** @type {Data | null} */
  let data = null;
  /** @type {number | null} */
  let crossAt = null;
  /** @type {{ x: number, y: number } | null} */
  let from = null;
  let size = { width: 0, height: 0 };
  let most = 1;
  let least = 0;

  const x = (/** @type {number} */ at) => data ? LEFT + ((at - data.from) / (data.to - data.from || 1)) * (size.width - LEFT - RIGHT) : 0;
  const timeAt = (/** @type {number} */ px) => data ? data.from + ((px - LEFT) / (size.width - LEFT - RIGHT)) * (data.to - data.from) : 0;
  const isLog = () => Boolean(data?.heat);
  const y = (/** @type {number} */ v) => {
    const part = isLog() ? Math.log(Math.max(v, least) / least) / Math.log(most / least) : v / most;
    return TOP + (1 - part) * (size.height - TOP - BOTTOM);
  };
  const valueAt = (/** @type {number} */ px) => {
    const part = 1 - (px - TOP) / (size.height - TOP - BOTTOM);
    return isLog() ? least * (most / least) ** part : part * most;
  };

  function draw() {
    if (!data || !element.isConnected || element.clientWidth === 0) return;
    const { context: c, width, height } = context(canvas);
    size = { width, height };
    c.font = "11px system-ui, sans-serif";
    if (data.heat) {
      least = (data.heat.tops[0] ?? 1e-6) / 2;
      most = data.heat.tops[data.heat.tops.length - 1] ?? 1;
    } else {
      least = 0;
      most = Math.max(1e-9, ...(data.lines ?? []).flatMap((l) => l.points.map((p) => p.value))) * 1.08;
    }
    grid(c);
    c.save();
    c.beginPath();
    c.rect(LEFT, 0, width - LEFT - RIGHT + 1, height - BOTTOM + 1);
    c.clip();
    if (data.heat) field(c, data.heat);
    for (const line of data.lines ?? []) curve(c, line);
    for (const one of data.exemplars ?? []) {
      if (one.value > most || one.value < least) continue;
      c.strokeStyle = token("hit");
      c.lineWidth = 1.5;
      c.beginPath();
      c.arc(x(one.at), y(one.value), 3.5, 0, 7);
      c.stroke();
    }
    c.restore();
    if (crossAt !== null && crossAt >= data.from && crossAt <= data.to) {
      c.strokeStyle = token("line-strong");
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(Math.round(x(crossAt)) + 0.5, TOP);
      c.lineTo(Math.round(x(crossAt)) + 0.5, height - BOTTOM);
      c.stroke();
    }
  }

  /** @param {CanvasRenderingContext2D} c */
  function grid(c) {
    if (!data) return;
    const { width, height } = size;
    c.strokeStyle = token("line");
    c.fillStyle = token("muted");
    c.lineWidth = 1;
    c.textBaseline = "middle";
    c.textAlign = "right";
    const marks = isLog() ? Array.from({ length: 12 }, (_, i) => 10 ** (i - 7)).filter((v) => v >= least && v <= most) : ticks(most, 4);
    for (const mark of marks) {
      const at = Math.round(y(mark)) + 0.5;
      c.beginPath();
      c.moveTo(LEFT, at);
      c.lineTo(width - RIGHT, at);
      c.stroke();
      c.fillText(mark === 0 ? "0" : data.unit(mark), LEFT - 6, at);
    }
    const long = data.to - data.from > 36e5 * 30;
    for (let i = 0; i <= 4; i++) {
      const at = data.from + ((data.to - data.from) * i) / 4;
      c.textAlign = i === 0 ? "left" : i === 4 ? "right" : "center";
      c.fillText(long ? `${day(at, settings.utc).slice(5)} ${clock(at, settings.utc).slice(0, 5)}` : clock(at, settings.utc).slice(0, data.to - data.from < 6e5 ? 8 : 5), x(at), height - 7);
    }
  }

  /** @param {CanvasRenderingContext2D} c @param {Line} line */
  function curve(c, line) {
    c.strokeStyle = token(line.slot);
    c.lineWidth = 1.8;
    c.lineJoin = "round";
    c.beginPath();
    line.points.forEach((p, i) => (i === 0 ? c.moveTo(x(p.at), y(p.value)) : c.lineTo(x(p.at), y(p.value))));
    c.stroke();
    if (line.points.length < 3) for (const p of line.points) c.strokeRect(x(p.at) - 1, y(p.value) - 1, 2, 2);
  }

  /** @param {CanvasRenderingContext2D} c @param {NonNullable<Data["heat"]>} heat */
  function field(c, heat) {
    const full = Math.max(1, ...heat.rows.flatMap((row) => [...row.values()]));
    c.fillStyle = token("accent");
    heat.rows.forEach((row, i) => {
      const top = heat.tops[i] ?? 0;
      for (const [at, value] of row) {
        if (value <= 0) continue;
        c.globalAlpha = 0.12 + 0.88 * Math.sqrt(value / full);
        const left = x(at - heat.step);
        c.fillRect(left, y(top), Math.max(x(at) - left - 1, 1), Math.max(y(top / 2) - y(top) - 1, 1));
      }
    });
    c.globalAlpha = 1;
  }

  const where = (/** @type {PointerEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  element.addEventListener("pointermove", (event) => {
    const at = where(event);
    if (from && Math.abs(at.x - from.x) > 4) {
      brush.hidden = false;
      brush.style.left = `${Math.min(at.x, from.x)}px`;
      brush.style.width = `${Math.abs(at.x - from.x)}px`;
      if (isLog()) {
        brush.style.top = `${Math.min(at.y, from.y)}px`;
        brush.style.bottom = "auto";
        brush.style.height = `${Math.abs(at.y - from.y)}px`;
      }
    }
    on.cross(timeAt(at.x));
    tell(at);
  });
  element.addEventListener("pointerleave", () => {
    tip.hidden = true;
    on.cross(null);
  });
  element.addEventListener("pointerdown", (event) => {
    from = where(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointerup", (event) => {
    const at = where(event);
    const start = from;
    from = null;
    if (start && !brush.hidden) {
      on.pick(timeAt(Math.min(at.x, start.x)), timeAt(Math.max(at.x, start.x)),
        isLog() ? valueAt(Math.max(at.y, start.y)) : 0, isLog() ? valueAt(Math.min(at.y, start.y)) : Infinity);
    } else {
      const near = (data?.exemplars ?? []).find((e) => Math.hypot(x(e.at) - at.x, y(e.value) - at.y) < 8);
      if (near) on.open(near.trace);
    }
    brush.hidden = true;
  });

  /** @param {{ x: number, y: number }} at */
  function tell(at) {
    if (!data) return;
    const time = timeAt(at.x);
    const unit = data.unit;
    const rows = (data.lines ?? []).map((line) => {
      const near = line.points.reduce((best, p) => (Math.abs(p.at - time) < Math.abs(best.at - time) ? p : best), line.points[0] ?? { at: 0, value: 0 });
      return { name: line.name, value: near.value };
    }).sort((a, b) => b.value - a.value).slice(0, 10);
    if (data.heat) {
      const { tops, rows: counts, step } = data.heat;
      const i = tops.findIndex((top) => valueAt(at.y) <= top);
      const slot = [...(counts[i]?.keys() ?? [])].find((end) => time > end - step && time <= end);
      rows.push({ name: `${unit((tops[i] ?? 0) / 2)} – ${unit(tops[i] ?? 0)}`, value: counts[i]?.get(slot ?? 0) ?? 0 });
    }
    tip.textContent = [clock(time, settings.utc), ...rows.map((row) => `${data?.heat ? String(row.value) : unit(row.value)}  ${row.name}`)].join("\n");
    tip.hidden = false;
    tip.style.left = `${at.x + 14 + tip.offsetWidth > size.width ? at.x - 14 - tip.offsetWidth : at.x + 14}px`;
    tip.style.top = "4px";
  }

  new ResizeObserver(draw).observe(element);
  return {
    element, draw,
    /** @param {Data} next */
    show(next) {
      data = next;
      draw();
    },
    /** @param {number | null} at */
    cross(at) {
      crossAt = at;
      requestAnimationFrame(draw);
    },
  };
}
