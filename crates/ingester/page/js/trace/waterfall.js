// The rows: a tree grid of which only what is seen exists. Rows are recycled: a row's elements are patched
// when its number changes, and else moved.

import { ERROR, CIRCLE, DUPLICATE, MISSING, REVERSED, SKEW } from "../model/otlp.js";
import { eventTimes } from "../model/span.js";
import { h, setText } from "../dom.js";
import { count, duration, ticks } from "../format.js";

/** @typedef {import("../../types.js").Trace} Trace */
/** @typedef {import("./state.js").State} State */

export const ROW = 24;
/** Browsers end an element near 17 million pixels. */
const TALLEST = 12_000_000;
const DEEPEST = 40;
const MOST_PIECES = 40;
const KINDS = ["", "internal", "server", "client", "producer", "consumer"];
const BADGES = /** @type {[number, string, string][]} */ ([
  [DUPLICATE, "id twice", "another span of this trace has the same id"],
  [CIRCLE, "circle", "its parents lead back to itself; shown as a root"],
  [REVERSED, "ends early", "it ends before it starts; counted as 0"],
  [SKEW, "clock?", "it lies outside of the call that it answers: the clocks of two hosts differ"],
]);

/**
 * @param {State} state
 * @param {{ select: (entry: number) => void, toggle: (entry: number) => void, zoom: (from: number, to: number) => void }} on
 */
export function waterfall(state, on) {
  const axis = h("div", { class: "axis", "aria-hidden": "true" });
  const splitter = h("div", {
    class: "splitter", role: "separator", "aria-orientation": "vertical", "aria-label": "width of the names", tabindex: "0",
  });
  const head = h("div", { class: "wf-head" },
    h("div", { class: "c-name" }, "Service and operation"), axis, h("div", { class: "c-self" }, "Self time"));
  const layer = h("div", { class: "layer", role: "presentation" });
  const box = h("div", { class: "box", role: "presentation" });
  const scroller = h("div", {
    class: "scroller", role: "treegrid", tabindex: "0", "aria-label": "Spans", "aria-readonly": "true", id: "spans",
  }, layer, box);
  const element = h("div", { class: "waterfall" }, head, splitter, scroller);
  /** @type {ReturnType<typeof makeRow>[]} */
  let pool = [];
  let stale = true;
  let frame = 0;

  scroller.addEventListener("scroll", () => ask(), { passive: true });
  new ResizeObserver(() => {
    stale = true;
    ask();
  }).observe(scroller);
  scroller.addEventListener("click", (event) => {
    const place = rowOf(event.target);
    if (place < 0) return;
    const entry = state.visible.rows[place] ?? 0;
    if (event.target instanceof Element && event.target.closest(".twist")) on.toggle(entry);
    else on.select(entry);
  });
  scroller.addEventListener("dblclick", (event) => {
    const place = rowOf(event.target);
    if (place >= 0) on.toggle(state.visible.rows[place] ?? 0);
  });

  /** @param {EventTarget | null} target */
  function rowOf(target) {
    const row = target instanceof Element ? target.closest(".row") : null;
    return row ? Number(row.getAttribute("aria-rowindex")) - 1 : -1;
  }

  function ask() {
    if (!frame) frame = requestAnimationFrame(paint);
  }

  /** How far the tall box is short of its rows. */
  const scale = () => {
    const wanted = state.visible.count * ROW;
    return wanted > TALLEST ? (wanted - scroller.clientHeight) / (TALLEST - scroller.clientHeight) : 1;
  };

  function paint() {
    frame = 0;
    const { rows, depth } = state.visible;
    const total = state.visible.count;
    const top = scroller.scrollTop * scale();
    const first = Math.max(0, Math.min(Math.floor(top / ROW), total));
    const shown = Math.ceil(scroller.clientHeight / ROW) + 2;
    if (stale) {
      box.style.height = `${Math.min(total * ROW, TALLEST)}px`;
      scroller.setAttribute("aria-rowcount", String(total));
      drawAxis();
    }
    while (pool.length < shown) {
      const row = makeRow();
      pool.push(row);
      layer.append(row.element);
    }
    for (let k = 0; k < pool.length; k++) {
      // A ring: a row keeps its elements while it is seen.
      const place = first + ((((k - first) % pool.length) + pool.length) % pool.length);
      const row = /** @type {typeof pool[0]} */ (pool[k]);
      if (place >= total || place >= first + shown) {
        row.element.hidden = true;
        row.place = -1;
        continue;
      }
      if (stale || row.place !== place) {
        patch(row, place, rows[place] ?? 0, depth[place] ?? 0);
        row.element.hidden = false;
      }
      row.element.style.transform = `translateY(${place * ROW - top}px)`;
    }
    stale = false;
    mark();
  }

  function mark() {
    let active = "";
    for (const row of pool) {
      const isSelected = row.place >= 0 && state.visible.rows[row.place] === state.selected;
      if (row.element.classList.contains("selected") !== isSelected) {
        row.element.classList.toggle("selected", isSelected);
        row.element.setAttribute("aria-selected", String(isSelected));
      }
      if (isSelected) active = row.element.id;
    }
    if (active) scroller.setAttribute("aria-activedescendant", active);
    else scroller.removeAttribute("aria-activedescendant");
  }

  function drawAxis() {
    const [from, to] = state.zoom;
    const marks = ticks(to - from, 5).filter((t) => t <= to - from);
    axis.replaceChildren(...marks.map((t) => {
      const part = t / (to - from || 1);
      return h("span", { class: part > 0.86 ? "tick last" : "tick", style: { left: `${part * 100}%` } }, from + t === 0 ? "0" : duration(from + t));
    }));
    const step = (marks[1] ?? to - from) / (to - from || 1);
    element.style.setProperty("--grid", `${Math.max(step, 0.02) * 100}%`);
    element.style.setProperty("--bar", `${scroller.offsetWidth - scroller.clientWidth}px`);
  }

  /** @param {ReturnType<typeof makeRow>} row @param {number} place @param {number} entry @param {number} depth */
  function patch(row, place, entry, depth) {
    const { trace, view } = /** @type {{ trace: Trace, view: import("../../types.js").View }} */ (state);
    const group = entry < 0 ? trace.groups[~entry] : undefined;
    const at = group ? group.first : entry;
    const flags = group ? 0 : trace.flags[at] ?? 0;
    const isMissing = (flags & MISSING) !== 0;
    const hasChildren = group !== undefined || (trace.size[at] ?? 1) > 1;
    const isOpen = group ? view.groupOpen[~entry] === 1 : view.open[at] === 1;
    row.place = place;
    const e = row.element;
    e.setAttribute("aria-rowindex", String(place + 1));
    row.put("level", String(depth + 1), (v) => e.setAttribute("aria-level", v));
    row.put("open", hasChildren ? String(isOpen) : "", (v) => (v ? e.setAttribute("aria-expanded", v) : e.removeAttribute("aria-expanded")));
    const isError = (flags & ERROR) !== 0;
    const hidesError = hasChildren && !isOpen && !group && state.errorsBelow(at) > 0;
    const isHit = state.hitSet !== null && !group && state.hitSet[at] === 1;
    row.put("class", `row${isError ? " error" : ""}${isMissing ? " missing" : ""}${isHit ? " hit" : ""}` +
      `${group ? " group" : ""}${state.hitSet && !isHit ? " dim" : ""}${state.slot(at) >= 10 ? " striped" : ""}`, (v) => (e.className = v));
    row.put("colour", `var(--s${state.slot(at) % 10})`, (v) => e.style.setProperty("--c", v));
    row.put("indent", `${Math.min(depth, DEEPEST) * 14 + 4}px`, (v) => (row.name.style.paddingLeft = v));
    row.put("twist", hasChildren ? (isOpen ? "▾" : "▸") : "", (v) => (row.twist.textContent = v));
    const service = trace.resources[trace.resource[at] ?? 0]?.service ?? "";
    const up = trace.parent[at] ?? -1;
    const above = up < 0 ? undefined : trace.resources[trace.resource[up] ?? 0]?.service;
    // A service is named where it changes.
    setText(row.service, isMissing || (service === above && !(up >= 0 && (trace.flags[up] ?? 0) & MISSING)) ? "" : service);
    const name = trace.names[trace.name[at] ?? 0] ?? "";
    setText(row.title, group ? `${count(group.count)} × ${name}` : isMissing ? `missing span ${idText(trace, at)}` : name);
    row.put("hint", [service, name, KINDS[trace.kind[at] ?? 0]].filter(Boolean).join(" · "), (v) => (row.title.title = v));
    const notes = BADGES.filter(([flag]) => flags & flag);
    const badges = notes.map(([, text, why]) => h("span", { class: "badge warn", title: why }, text));
    const below = (trace.size[at] ?? 1) - 1;
    if (hasChildren && !isOpen && !group) badges.push(h("span", { class: "badge" }, `+${count(below)}`));
    if (badges.length > 0 || row.badges.firstChild) row.badges.replaceChildren(...badges);
    row.put("cross", isError ? "error" : hidesError ? "an error below" : "", (v) => {
      row.cross.textContent = v ? "✕" : "";
      row.cross.className = hidesError ? "cross below" : "cross";
      row.cross.title = v;
    });
    bars(row, trace, at, group, isMissing);
  }

  /**
   * @param {ReturnType<typeof makeRow>} row @param {Trace} trace @param {number} at
   * @param {import("../../types.js").Group | undefined} group @param {boolean} isMissing
   */
  function bars(row, trace, at, group, isMissing) {
    const [zoomFrom, zoomTo] = state.zoom;
    const width = zoomTo - zoomFrom || 1;
    let start = trace.start[at] ?? 0;
    let took = trace.duration[at] ?? 0;
    if (group) {
      let end = start + took;
      for (let i = group.first; i < group.end; i += trace.size[i] ?? 1) {
        start = Math.min(start, trace.start[i] ?? 0);
        end = Math.max(end, (trace.start[i] ?? 0) + (trace.duration[i] ?? 0));
      }
      took = end - start;
    }
    const left = (start - zoomFrom) / width;
    const part = took / width;
    const isOutside = left > 1 || left + part < 0;
    row.bar.hidden = isOutside;
    row.bar.style.left = `${Math.max(left, -1) * 100}%`;
    row.bar.style.width = `${Math.min(part, 3) * 100}%`;
    const text = group
      ? `avg ${duration(group.sum / group.count)}, max ${duration(trace.duration[group.slowest] ?? 0)}`
      : duration(took);
    setText(row.label, isMissing ? "" : text);
    row.label.hidden = isOutside;
    const end = Math.min(left + part, 1);
    // Beside the bar, where there is room; else inside of it.
    const style = row.label.style;
    if (end < 0.86) {
      row.label.className = "label";
      style.left = `calc(${Math.max(end, 0) * 100}% + 6px)`;
      style.right = "auto";
    } else if (left > 0.14) {
      row.label.className = "label";
      style.left = "auto";
      style.right = `calc(${(1 - left) * 100}% + 6px)`;
    } else {
      row.label.className = "label inside";
      style.left = "auto";
      style.right = `calc(${(1 - end) * 100}% + 6px)`;
    }
    row.put("critical", group ? "" : strip(trace, at, zoomFrom, width), (v) => (row.critical.style.backgroundImage = v));
    const events = group || !trace.events[at] ? [] : eventTimes(trace, at, 30);
    if (events.length > 0 || row.events.firstChild) {
      row.events.replaceChildren(...events.map((time) => h("i", { style: { left: `${((time - zoomFrom) / width) * 100}%` } })));
    }
    const self = group ? 0 : trace.self[at] ?? 0;
    setText(row.self, group ? duration(group.sum) : isMissing ? "" : duration(self));
    row.element.setAttribute("aria-label", `${row.title.textContent}, ${text}${row.cross.title ? `, ${row.cross.title}` : ""}`);
  }

  /** The pieces of the critical path in a span, as one picture. @param {Trace} trace @param {number} at @param {number} from @param {number} width */
  function strip(trace, at, from, width) {
    const first = trace.pieceAt[at] ?? 0;
    const last = Math.min(trace.pieceAt[at + 1] ?? 0, first + MOST_PIECES);
    if (last <= first) return "";
    const found = [];
    for (let i = first; i < last; i++) {
      const a = ((trace.pieceFrom[i] ?? 0) - from) / width;
      const b = ((trace.pieceTo[i] ?? 0) - from) / width;
      if (b > 0 && a < 1) found.push([Math.max(a, 0) * 100, Math.min(Math.max(b, a + 0.0012), 1) * 100]);
    }
    const stops = found.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)).map(([a, b]) =>
      `transparent ${a}%,var(--critical) ${a}%,var(--critical) ${b}%,transparent ${b}%`);
    return stops.length > 0 ? `linear-gradient(90deg,${stops.join(",")})` : "";
  }

  /** Brings a place into view. @param {number} place @param {boolean} [middle] */
  function scrollTo(place, middle = false) {
    const height = scroller.clientHeight;
    const top = scroller.scrollTop * scale();
    const at = place * ROW;
    if (at < top || at + ROW > top + height || middle) {
      const wanted = middle || at + ROW > top + height ? at - height / 2 : at - ROW;
      scroller.scrollTop = Math.max(0, wanted) / scale();
    }
  }

  return {
    element, scroller, splitter, scrollTo, mark,
    refresh() {
      stale = true;
      ask();
    },
    /** Rows that fit. */
    page: () => Math.max(1, Math.floor(scroller.clientHeight / ROW) - 1),
  };
}

let made = 0;

function makeRow() {
  const twist = h("span", { class: "twist", "aria-hidden": "true" });
  const service = h("span", { class: "service" });
  const title = h("span", { class: "title" });
  const cross = h("span", { class: "cross" });
  const badges = h("span", { class: "badges" });
  const name = h("div", { class: "c-name", role: "gridcell" }, twist, h("i", { class: "dot" }), service, title, cross, badges);
  const bar = h("div", { class: "bar" });
  const critical = h("div", { class: "critical" });
  const events = h("div", { class: "events" });
  const label = h("span", { class: "label" });
  const time = h("div", { class: "c-time", role: "gridcell" }, bar, critical, events, label);
  const self = h("div", { class: "c-self", role: "gridcell" });
  const element = h("div", { class: "row", role: "row", id: `row-${made++}` }, name, time, self);
  /** What was set last: the same is not set again. @type {Record<string, string>} */
  const had = {};
  const put = (/** @type {string} */ key, /** @type {string} */ value, /** @type {(value: string) => void} */ set) => {
    if (had[key] === value) return;
    had[key] = value;
    set(value);
  };
  return { element, name, twist, service, title, cross, badges, bar, critical, events, label, self, put, place: -1 };
}

/** @param {Trace} trace @param {number} row */
export function idText(trace, row) {
  return (trace.idHi[row] ?? 0).toString(16).padStart(8, "0") + (trace.idLo[row] ?? 0).toString(16).padStart(8, "0");
}
