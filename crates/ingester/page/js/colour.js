// Which colour stands for a value. Pure. A value's wish is its hash; the values of a trace, by name, take
// their wish or the next free one: so the same set looks the same everywhere.

/** Slots of the palette in `base.css`. */
export const SLOTS = 10;

/** @param {string} text */
export function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  return Math.imul(h, 0x2c1b3c6d) >>> 0;
}

/**
 * A slot for each value: below `SLOTS` plain, above it with stripes.
 * @param {Iterable<string>} values
 * @returns {Map<string, number>}
 */
export function slots(values) {
  const found = new Map();
  const taken = new Set();
  let round = 0;
  for (const value of [...new Set(values)].sort()) {
    if (taken.size === SLOTS) {
      taken.clear();
      round++;
    }
    let slot = hash(value) % SLOTS;
    while (taken.has(slot)) slot = (slot + 3) % SLOTS;
    taken.add(slot);
    found.set(value, slot + (round % 2) * SLOTS);
  }
  return found;
}
