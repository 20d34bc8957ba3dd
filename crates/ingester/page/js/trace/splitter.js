// Handles between columns: their widths are taste, kept by the browser.

import { change, settings } from "../settings.js";

/**
 * A splitter: dragged, or moved by arrows.
 * @param {HTMLElement} handle @param {"nameWidth" | "paneWidth"} setting @param {1 | -1} way
 * @param {number} least @param {number} most @param {string} property @param {() => void} after
 */
export function drag(handle, setting, way, least, most, property, after) {
  const set = (/** @type {number} */ width) => {
    const fine = Math.max(least, Math.min(most, width));
    document.documentElement.style.setProperty(property, `${fine}px`);
    handle.setAttribute("aria-valuenow", String(Math.round(fine)));
    change({ [setting]: fine });
    after();
  };
  document.documentElement.style.setProperty(property, `${settings[setting]}px`);
  handle.setAttribute("aria-valuemin", String(least));
  handle.setAttribute("aria-valuemax", String(most));
  handle.setAttribute("aria-valuenow", String(settings[setting]));
  handle.addEventListener("pointerdown", (event) => {
    const from = event.clientX;
    const width = settings[setting];
    handle.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ to) => set(width + (to.clientX - from) * way);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), { once: true });
  });
  handle.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 20 : event.key === "ArrowLeft" ? -20 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    set(settings[setting] + step * way);
  });
}
