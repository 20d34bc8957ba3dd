// A map as SVG: nodes are links, edges as thick as their calls.

import { h, svg } from "../dom.js";
import { count, duration, percent } from "../format.js";
import { layout } from "./layout.js";

const WIDTH = 168;
const HEIGHT = 46;
const GAP = { x: 170, y: 30 };

/**
 * @param {import("../../types.js").Edge[]} edges
 * @param {Map<string, number>} slots
 * @param {{ click: (name: string) => void, rate?: (calls: number) => string }} on
 */
export function drawMap(edges, slots, on) {
  const map = layout(edges);
  const width = map.layers * (WIDTH + GAP.x) - GAP.x + 24;
  const height = map.tallest * (HEIGHT + GAP.y) - GAP.y + 24;
  const inLayer = (/** @type {number} */ layer) => map.nodes.filter((node) => node.layer === layer).length;
  const spot = new Map(map.nodes.map((node) => [node.name, {
    x: 12 + node.layer * (WIDTH + GAP.x),
    y: 12 + node.place * (HEIGHT + GAP.y) + ((map.tallest - inLayer(node.layer)) * (HEIGHT + GAP.y)) / 2,
  }]));
  const most = Math.max(1, ...map.edges.map((edge) => edge.calls));
  const say = on.rate ?? ((/** @type {number} */ calls) => `${count(calls)}×`);
  const lines = map.edges.map((edge) => {
    const a = spot.get(edge.from) ?? { x: 0, y: 0 };
    const b = spot.get(edge.to) ?? { x: 0, y: 0 };
    const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2];
    const isBack = x2 < x1;
    const bend = isBack ? 90 : Math.max((x2 - x1) / 2, 30);
    const path = `M${x1},${y1} C${x1 + bend},${y1 + (isBack ? 60 : 0)} ${x2 - bend},${y2 + (isBack ? 60 : 0)} ${x2},${y2}`;
    const bad = edge.errors > 0;
    const text = `${say(edge.calls)} · ${duration(edge.sum / edge.calls)}${bad ? ` · ✕ ${percent(edge.errors / edge.calls)}` : ""}`;
    // Labels near their end, where edges have parted.
    const far = Math.min(1, (WIDTH + GAP.x) / Math.max(x2 - x1, 1));
    const at = { x: x1 + Math.min((x2 - x1) * 0.5, GAP.x / 2), y: y1 + (y2 - y1) * 0.5 * far + (isBack ? 45 : 0) };
    return svg("g", { class: bad ? "edge bad" : "edge" },
      svg("title", {}, `${edge.from} → ${edge.to}: ${text}`),
      svg("path", { d: path, "stroke-width": 1.2 + 3.5 * Math.sqrt(edge.calls / most), "marker-end": "url(#arrow)" }),
      svg("text", { x: at.x, y: at.y - 5, "text-anchor": "middle" }, text));
  });
  const boxes = map.nodes.map((node) => {
    const { x, y } = spot.get(node.name) ?? { x: 0, y: 0 };
    const isOutside = node.name.startsWith("(");
    const name = isOutside ? node.name.slice(1, -1) : node.name;
    const note = isOutside ? "seen from its callers" : node.calls > 0 ? `${say(node.calls)} in` : "start";
    return svg("g", {
      class: isOutside ? "node outside" : "node", tabindex: "0", role: "link", transform: `translate(${x} ${y})`,
      style: { "--c": `var(--s${(slots.get(node.name) ?? 0) % 10})` },
      "aria-label": `${name}, ${note}${node.errors ? `, ${count(node.errors)} errors` : ""}`,
      onclick: () => on.click(node.name),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && on.click(node.name),
    },
      svg("rect", { width: WIDTH, height: HEIGHT, rx: isOutside ? HEIGHT / 2 : 6 }),
      isOutside ? null : svg("rect", { class: "side", width: 5, height: HEIGHT, rx: 2 }),
      svg("text", { x: 16, y: 19, class: "name" }, name.length > 21 ? `${name.slice(0, 20)}…` : name),
      svg("text", { x: 16, y: 36, class: "note" }, note, node.errors > 0 ? ` · ✕ ${count(node.errors)}` : ""));
  });
  return h("div", { class: "map-box" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "map of services" },
      svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
        svg("path", { d: "M0,0 L8,4 L0,8 z" }))), ...lines, ...boxes),
    map.left > 0 ? h("p", { class: "muted" }, `and ${map.left} more`) : null,
    h("details", {}, h("summary", {}, "as a table"),
      h("table", { class: "data" },
        h("thead", {}, h("tr", {}, ...["from", "to", "calls", "errors", "average"].map((t, i) => h("th", { scope: "col", class: i > 1 ? "num" : "" }, t)))),
        h("tbody", {}, ...map.edges.map((e) => h("tr", {}, h("td", {}, e.from), h("td", {}, e.to), h("td", { class: "num" }, count(e.calls)),
          h("td", { class: e.errors ? "num bad" : "num muted" }, e.errors ? `✕ ${count(e.errors)}` : "–"), h("td", { class: "num" }, duration(e.sum / e.calls))))))));
}
