// A map as SVG: nodes are links, edges may be; these are as thick as their calls, each with a place of its own
// at both ends.

import { h, svg } from "../dom.js";
import { count, duration, percent } from "../format.js";
import { layout } from "./layout.js";

/** @typedef {import("../../types.js").Edge} Edge */

const WIDTH = 164;
const LEAST = 46;
const PORT = 17;
const GAP = { x: 176, y: 24 };
const LABEL = 26;

/**
 * @param {Edge[]} edges
 * @param {Map<string, number>} slots
 * @param {{ click: (name: string) => void, follow?: (edge: Edge) => void }} on a node, an edge
 */
export function drawMap(edges, slots, on) {
  const map = layout(edges);
  const { boxes, width, height } = arranged(map);
  const most = Math.max(1, ...map.edges.map((edge) => edge.calls));
  const lines = map.edges.map((edge) => line(edge, boxes, most, on.follow));
  const nodes = map.nodes.map((node) => {
    const { x, y, tall } = boxes.get(node.name) ?? { x: 0, y: 0, tall: LEAST };
    const isOutside = node.name.startsWith("(");
    const name = isOutside ? node.name.slice(1, -1) : node.name;
    const note = isOutside ? `${count(node.calls)}× by its callers` : node.calls > 0 ? `${count(node.calls)}× called` : "begins here";
    const top = tall / 2 - 4;
    return svg("g", {
      class: isOutside ? "node outside" : "node", tabindex: "0", role: "link", transform: `translate(${x} ${y})`,
      style: { "--c": `var(--s${(slots.get(node.name) ?? 0) % 10})` },
      onclick: () => on.click(node.name),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && on.click(node.name),
    },
      svg("rect", { width: WIDTH, height: tall, rx: isOutside ? 18 : 6 }),
      isOutside ? null : svg("rect", { class: "side", width: 5, height: tall, rx: 2 }),
      svg("text", { x: 16, y: top, class: "name" }, name.length > 20 ? `${name.slice(0, 19)}…` : name),
      svg("text", { x: 16, y: top + 16, class: "note" }, note),
      node.errors > 0 ? svg("text", { x: WIDTH - 10, y: top + 16, class: "note bad", "text-anchor": "end" }, `✕ ${count(node.errors)}`) : null);
  });
  return h("div", { class: "map-box" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "map of services" },
      svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
        svg("path", { d: "M0,0 L8,4 L0,8 z" }))), ...lines, ...nodes),
    map.left > 0 ? h("p", { class: "muted" }, `and ${map.left} more`) : null,
    h("details", {}, h("summary", {}, "as a table"), table(map.edges)));
}

/**
 * Where the boxes stand: as tall as their edges need.
 * @param {ReturnType<typeof layout>} map
 */
function arranged(map) {
  /** @type {Map<string, { x: number, y: number, tall: number, ins: Edge[], outs: Edge[] }>} */
  const boxes = new Map();
  for (const node of map.nodes) {
    const ins = map.edges.filter((edge) => edge.to === node.name);
    const outs = map.edges.filter((edge) => edge.from === node.name);
    const tall = Math.max(LEAST, Math.max(ins.length, outs.length) * PORT + 8);
    boxes.set(node.name, { x: 12 + node.layer * (WIDTH + GAP.x), y: 0, tall, ins, outs });
  }
  const columns = Array.from({ length: map.layers }, (_, layer) =>
    map.nodes.filter((node) => node.layer === layer).sort((a, b) => a.place - b.place));
  const heights = columns.map((nodes) => nodes.reduce((sum, node) => sum + (boxes.get(node.name)?.tall ?? 0) + GAP.y, -GAP.y));
  const height = Math.max(0, ...heights);
  columns.forEach((nodes, layer) => {
    let y = 16 + (height - (heights[layer] ?? 0)) / 2;
    for (const node of nodes) {
      const box = boxes.get(node.name);
      if (!box) continue;
      box.y = y;
      y += box.tall + GAP.y;
    }
  });
  const middle = (/** @type {string} */ name) => {
    const box = boxes.get(name);
    return box ? box.y + box.tall / 2 : 0;
  };
  for (const box of boxes.values()) {
    box.ins.sort((a, b) => middle(a.from) - middle(b.from));
    box.outs.sort((a, b) => middle(a.to) - middle(b.to));
  }
  return { boxes, width: map.layers * (WIDTH + GAP.x) - GAP.x + 24, height: height + 32 };
}

/**
 * @param {Edge} edge
 * @param {ReturnType<typeof arranged>["boxes"]} boxes
 * @param {number} most
 * @param {((edge: Edge) => void) | undefined} follow
 */
function line(edge, boxes, most, follow) {
  const a = boxes.get(edge.from);
  const b = boxes.get(edge.to);
  if (!a || !b) return svg("g");
  const port = (/** @type {Edge[]} */ list, /** @type {number} */ tall) => tall / 2 + (list.indexOf(edge) - (list.length - 1) / 2) * PORT;
  const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + port(a.outs, a.tall), b.x, b.y + port(b.ins, b.tall)];
  const isBack = x2 < x1;
  const bend = isBack ? 90 : Math.max((x2 - x1) / 2, 30);
  const down = isBack ? 70 : 0;
  // The label stands on a level piece at the beginning, where edges have places of their own.
  const level = x1 + LABEL * 4;
  const path = isBack
    ? `M${x1},${y1} C${x1 + bend},${y1 + down} ${x2 - bend},${y2 + down} ${x2},${y2}`
    : `M${x1},${y1} H${level} C${level + (x2 - level) / 2},${y1} ${x2 - (x2 - level) / 2},${y2} ${x2},${y2}`;
  const bad = edge.errors > 0;
  const text = `${count(edge.calls)}× ${duration(edge.sum / edge.calls)}${bad ? ` ✕ ${percent(edge.errors / edge.calls)}` : ""}`;
  const link = follow && {
    tabindex: "0", role: "link",
    onclick: () => follow(edge),
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && follow(edge),
  };
  return svg("g", { class: bad ? "edge bad" : "edge", ...link },
    svg("title", {}, `${edge.from} → ${edge.to}: ${text}`),
    svg("path", { d: path, "stroke-width": 1.2 + 3 * Math.sqrt(edge.calls / most), "marker-end": "url(#arrow)" }),
    svg("text", { x: x1 + 5, y: y1 - 3 }, text));
}

/** @param {Edge[]} edges */
function table(edges) {
  return h("table", { class: "data" },
    h("thead", {}, h("tr", {}, ...["from", "to", "calls", "errors", "average"].map((t, i) => h("th", { scope: "col", class: i > 1 ? "num" : "" }, t)))),
    h("tbody", {}, ...edges.map((e) => h("tr", {}, h("td", {}, e.from), h("td", {}, e.to), h("td", { class: "num" }, count(e.calls)),
      h("td", { class: e.errors ? "num bad" : "num muted" }, e.errors ? `✕ ${count(e.errors)}` : "–"), h("td", { class: "num" }, duration(e.sum / e.calls))))));
}
