// Where the nodes of a map stand: layers by the longest way from a start, sorted to cross little. Pure.

/** @typedef {import("../../types.js").Edge} Edge */
/** @typedef {{ name: string, layer: number, place: number, calls: number, errors: number }} Node */

/**
 * @param {Edge[]} edges
 * @param {number} most nodes
 * @returns {{ nodes: Node[], edges: Edge[], left: number, layers: number, tallest: number }}
 */
export function layout(edges, most = 60) {
  /** @type {Map<string, Node>} */
  const all = new Map();
  for (const { from, to, calls, errors } of edges) {
    for (const name of [from, to]) if (!all.has(name)) all.set(name, { name, layer: 0, place: 0, calls: 0, errors: 0 });
    const node = /** @type {Node} */ (all.get(to));
    node.calls += calls;
    node.errors += errors;
  }
  const sorted = [...all.values()].sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1));
  const nodes = new Map(sorted.slice(0, most).map((node) => [node.name, node]));
  const kept = edges.filter(({ from, to }) => nodes.has(from) && nodes.has(to) && from !== to);
  const forward = withoutCircles([...nodes.keys()], kept);
  // The longest way: at most as many rounds as there are nodes.
  for (let round = 0; round < nodes.size; round++) {
    let changed = false;
    for (const { from, to } of forward) {
      const a = /** @type {Node} */ (nodes.get(from));
      const b = /** @type {Node} */ (nodes.get(to));
      if (b.layer <= a.layer) {
        b.layer = a.layer + 1;
        changed = true;
      }
    }
    if (!changed) break;
  }
  /** @type {Node[][]} */
  const layers = [];
  for (const node of nodes.values()) (layers[node.layer] ??= []).push(node);
  for (const layer of layers) layer?.sort((a, b) => (a.name < b.name ? -1 : 1)).forEach((node, i) => (node.place = i));
  for (let pass = 0; pass < 4; pass++) {
    const order = pass % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of order) sortByNeighbours(layer ?? [], nodes, forward, pass % 2 === 0);
  }
  return {
    nodes: [...nodes.values()], edges: kept, left: all.size - nodes.size, layers: layers.length,
    tallest: Math.max(0, ...layers.map((layer) => layer?.length ?? 0)),
  };
}

/** Edges but those that lead back. @param {string[]} names @param {Edge[]} edges */
function withoutCircles(names, edges) {
  // What is called least is most likely where requests come in.
  const calls = (/** @type {string} */ name) => edges.filter((edge) => edge.to === name).reduce((sum, edge) => sum + edge.calls, 0);
  const starts = names.map((name) => ({ name, calls: calls(name) })).sort((a, b) => a.calls - b.calls || (a.name < b.name ? -1 : 1))
    .map((one) => one.name);
  const state = new Map();
  const back = new Set();
  for (const start of starts) {
    if (state.has(start)) continue;
    const stack = [{ name: start, next: 0 }];
    state.set(start, "open");
    for (let top = stack[stack.length - 1]; top; top = stack[stack.length - 1]) {
      const out = edges.filter((edge) => edge.from === top?.name);
      const edge = out[top.next++];
      if (!edge) {
        state.set(top.name, "done");
        stack.pop();
      } else if (state.get(edge.to) === "open") back.add(edge);
      else if (!state.has(edge.to)) {
        state.set(edge.to, "open");
        stack.push({ name: edge.to, next: 0 });
      }
    }
  }
  return edges.filter((edge) => !back.has(edge));
}

/** @param {Node[]} layer @param {Map<string, Node>} nodes @param {Edge[]} edges @param {boolean} down */
function sortByNeighbours(layer, nodes, edges, down) {
  const middle = new Map(layer.map((node) => {
    const near = edges.filter((edge) => (down ? edge.to : edge.from) === node.name)
      .map((edge) => nodes.get(down ? edge.from : edge.to)?.place ?? 0);
    return [node.name, near.length > 0 ? near.reduce((a, b) => a + b, 0) / near.length : node.place];
  }));
  layer.sort((a, b) => (middle.get(a.name) ?? 0) - (middle.get(b.name) ?? 0)).forEach((node, i) => (node.place = i));
}
