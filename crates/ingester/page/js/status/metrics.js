// Prometheus' text, as far as the page reads it: names, labels, values. Pure.

/** @param {string} text */
export function samples(text) {
  /** @type {{ name: string, labels: Record<string, string>, value: number }[]} */
  const list = [];
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!found) continue;
    const labels = Object.fromEntries([...(found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, k, v]) => [k, v]));
    list.push({ name: found[1] ?? "", labels, value: Number(found[3]) });
  }
  return {
    list,
    /** The sum over all labels; NaN if there is none. @param {string} name */
    sum(name) {
      const own = list.filter((one) => one.name === name);
      return own.length > 0 ? own.reduce((sum, one) => sum + one.value, 0) : NaN;
    },
  };
}
