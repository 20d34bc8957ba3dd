// Taste, in the browser's own storage: theme, time zone, widths. Nothing of a trace.

const KEY = "tributary";

/** @type {{ theme: "system" | "light" | "dark", utc: boolean, keys: boolean, nameWidth: number, paneWidth: number, nanos?: boolean }} */
export const settings = { theme: "system", utc: false, keys: true, nameWidth: 380, paneWidth: 420 };

export function load() {
  try {
    Object.assign(settings, JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    // Storage is switched off, or holds what is not ours: defaults then.
  }
  apply();
}

/** @param {Partial<typeof settings>} changed */
export function change(changed) {
  Object.assign(settings, changed);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Then they last as long as the page.
  }
  apply();
}

function apply() {
  document.documentElement.dataset["theme"] = settings.theme;
}
