// Elements, made in one place: what comes from spans only ever becomes text.

import { shown } from "./format.js";

/** @typedef {string | number | Node | null | undefined | false | (string | number | Node | null | undefined | false)[]} Child */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props] attributes; `on…` listeners; `class`, `style` custom properties
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  assign(element, props);
  append(element, children);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...Child} children
 */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  assign(element, props);
  append(element, children);
  return element;
}

const ICONS = {
  copy: "M5 1h8v10h-2M3 4h7v11H3z",
  search: "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2M10.6 10.6L15 15",
};

/** A picture of 14 pixels, drawn in lines. @param {keyof typeof ICONS} name */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", width: 13, height: 13, "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** @param {Element & ElementCSSInlineStyle} element @param {Record<string, any>} props */
function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, String(v));
    else if (name === "value" && "value" in element) element.value = value;
    else if (name === "checked" && "checked" in element) element.checked = value;
    else element.setAttribute(name, value === true ? "" : shown(String(value)));
  }
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : shown(String(child)));
  }
}

/** @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  const safe = shown(text);
  if (element.textContent !== safe) element.textContent = safe;
}

/** Says something to people who listen instead of looking. @param {string} text */
export function say(text) {
  const live = document.getElementById("live");
  if (live) setText(live, text);
}

/** A message that goes away. @param {string} text */
export function toast(text) {
  document.querySelector(".toast")?.remove();
  const note = h("div", { class: "toast" }, text);
  document.body.append(note);
  say(text);
  setTimeout(() => note.remove(), 2500);
}

/** @param {string} text @param {string} [what] */
export async function copy(text, what = "copied") {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
  } catch {
    toast("the browser does not allow to copy here");
  }
}

/**
 * Offers bytes as a file.
 * @param {BlobPart} bytes @param {string} name @param {string} type
 */
export function save(bytes, name, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * A canvas as large as its box, and sharp.
 * @param {HTMLCanvasElement} canvas
 */
export function context(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.scale(ratio, ratio);
  return { context, width, height };
}

/** A colour of the theme. @param {string} name */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
