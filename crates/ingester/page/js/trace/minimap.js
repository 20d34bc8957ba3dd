// The whole trace at a glance: every span a line, errors and hits on top; dragging zooms in time.

import { ERROR, MISSING } from "../model/otlp.js";
import { context, h, token } from "../dom.js";

/** @typedef {import("./state.js").State} State */

/**
 * @param {State} state
 * @param {{ zoom: (from: number, to: number) => void }} on
 */
export function minimap(state, on) {
  const canvas = h("canvas", { class: "minimap-canvas", "aria-hidden": "true" });
  const window_ = h("div", { class: "window" });
  const brush = h("div", { class: "brush", hidden: true });
  const element = h("div", {
    class: "minimap", title: "drag to zoom in time, double-click for the whole",
    role: "img", "aria-label": "the whole trace in small; z zooms to the selected span, 0 shows the whole",
  }, canvas, window_, brush);
  let from = -1;

  const partAt = (/** @type {PointerEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  element.addEventListener("pointerdown", (event) => {
    from = partAt(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (from < 0) return;
    const to = partAt(event);
    brush.hidden = false;
    brush.style.left = `${Math.min(from, to) * 100}%`;
    brush.style.width = `${Math.abs(to - from) * 100}%`;
  });
  element.addEventListener("pointerup", (event) => {
    const to = partAt(event);
    const { length } = state.trace;
    if (from >= 0 && Math.abs(to - from) > 0.004) on.zoom(Math.min(from, to) * length, Math.max(from, to) * length);
    from = -1;
    brush.hidden = true;
  });
  element.addEventListener("dblclick", () => on.zoom(0, state.trace.length));
  let drawn = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== drawn) draw();
  }).observe(element);

  function draw() {
    drawn = element.clientWidth;
    if (!element.isConnected || drawn === 0) return;
    const { trace, hitSet } = state;
    const { context: c, width, height } = context(canvas);
    const colours = Array.from({ length: 10 }, (_, i) => token(`s${i}`));
    const line = Math.max(height / Math.max(trace.count, 1), 0.7);
    const thick = Math.min(Math.max(line * 0.75, 0.8), 4);
    const rows = Math.min(Math.max(trace.count, 1) * line, height);
    const draw = (/** @type {number} */ row, /** @type {string} */ colour, /** @type {number} */ tall) => {
      const x = ((trace.start[row] ?? 0) / (trace.length || 1)) * width;
      const w = Math.max(((trace.duration[row] ?? 0) / (trace.length || 1)) * width, 1);
      c.fillStyle = colour;
      c.fillRect(x, Math.min((row / trace.count) * Math.min(rows, trace.count * 5), height - tall), w, tall);
    };
    const slot = trace.resources.map((_, i) => colours[(state.slots.get(trace.resources[i]?.service ?? "") ?? 0) % 10] ?? "");
    c.globalAlpha = hitSet ? 0.25 : 1;
    for (let row = 0; row < trace.count; row++) {
      if ((trace.flags[row] ?? 0) & MISSING) continue;
      draw(row, slot[trace.resource[row] ?? 0] ?? "", thick);
    }
    c.globalAlpha = 1;
    for (let row = 0; row < trace.count; row++) {
      if ((trace.flags[row] ?? 0) & ERROR) draw(row, token("error"), Math.max(thick, 2));
    }
    if (state.hits && state.hits.length < 5000) for (const row of state.hits) draw(row, token("hit"), Math.max(thick, 2));
  }

  return {
    element,
    draw,
    /** Where the rows' time lies in the whole. */
    frame() {
      const { length } = state.trace;
      const [a, b] = state.zoom;
      window_.style.left = `${(a / (length || 1)) * 100}%`;
      window_.style.width = `${((b - a) / (length || 1)) * 100}%`;
      window_.classList.toggle("whole", a <= 0 && b >= length);
    },
  };
}
