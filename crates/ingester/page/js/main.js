// The frame: which view the address asks for, and what all views share.

import * as api from "./api.js";
import { kept, parse, write } from "./address.js";
import { fill, h } from "./dom.js";
import { help, isKey } from "./keys.js";
import { begin } from "./loader.js";
import { change, load, settings } from "./settings.js";
import { searchView } from "./search/view.js";
import { traceView } from "./trace/view.js";

/** @typedef {import("../types.js").Address} Address */
/** @typedef {{ go: (change: Partial<Address>, replace?: boolean) => void, link: (change: Partial<Address>) => string, address: () => Address }} App */
/** @typedef {{ show: (address: Address) => void, key?: (event: KeyboardEvent) => void, hide?: () => void }} View */

const VIEWS = /** @type {const} */ ([["search", "Search"], ["charts", "Charts"], ["map", "Map"], ["status", "Status"]]);
const THEMES = /** @type {const} */ (["system", "light", "dark"]);

export function start() {
  load();
  begin();
  let address = parse(location.search);
  api.setTenant(address.tenant);

  /** @type {App} */
  const app = {
    address: () => address,
    link: (changed) => write({ ...kept(address, changed), ...changed }),
    go(changed, replace = false) {
      const next = write({ ...address, ...changed });
      if (replace) history.replaceState(null, "", next);
      else history.pushState(null, "", next);
      address = parse(location.search);
      if (!replace || "tab" in changed || "tenant" in changed) show();
    },
  };

  const tenant = h("input", {
    id: "tenant", placeholder: "none", autocomplete: "off", spellcheck: "false", size: "10", value: address.tenant,
    onchange: () => app.go({ tenant: tenant.value.trim() }),
  });
  const file = h("input", { type: "file", hidden: true, onchange: () => file.files?.[0] && openFile(file.files[0]) });
  const theme = h("button", { class: "ghost", onclick: nextTheme });
  const zone = h("button", { class: "ghost", title: "times in local time or in UTC", onclick: () => { change({ utc: !settings.utc }); labels(); view = null; show(); } });
  const nav = h("nav", { "aria-label": "Views" }, ...VIEWS.map(([id, title]) => h("a", { href: "", "data-view": id }, title)));
  const main = h("main", { id: "main", tabindex: "-1" });
  fill(document.body,
    h("a", { class: "skip", href: "#main", onclick: (/** @type {Event} */ e) => { e.preventDefault(); main.focus(); } }, "to the content"),
    h("header", { class: "top" },
      h("a", { class: "brand", href: "./" }, h("i", { class: "logo", "aria-hidden": "true" }), "Tributary"), nav,
      h("span", { class: "grow" }),
      h("label", { class: "tenant" }, "tenant ", tenant),
      h("button", { class: "ghost", title: "open a trace from a file, which is sent nowhere", onclick: () => file.click() }, "Open file"), file,
      zone, theme,
      h("button", { class: "ghost", title: "keys (?)", "aria-label": "keys", onclick: help }, "?")),
    main,
    h("div", { id: "live", class: "visually-hidden", "aria-live": "polite" }));

  // Views that a first visit does not need are loaded when they are asked for.
  const makers = /** @type {Record<string, () => ((root: HTMLElement, app: App) => View) | Promise<(root: HTMLElement, app: App) => View>>} */ ({
    trace: () => traceView,
    search: () => searchView,
    charts: () => import("./charts/view.js").then((module) => module.chartsView),
    map: () => import("./map/view.js").then((module) => module.mapView),
    status: () => import("./status/view.js").then((module) => module.statusView),
  });
  /** @type {View | null} */
  let view = null;
  let shown = "";

  async function show() {
    api.setTenant(address.tenant);
    tenant.value = address.tenant;
    const name = address.trace ? "trace" : address.view in makers ? address.view : "search";
    for (const link of nav.querySelectorAll("a")) {
      const id = link.dataset["view"] ?? "";
      link.setAttribute("href", app.link({ view: id, trace: "", span: "", find: "", tab: "", only: "", clock: "" }));
      if (id === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (shown !== name || !view) {
      view?.hide?.();
      delete document.body.dataset["ready"];
      main.className = name;
      main.replaceChildren();
      if (name !== "trace") document.title = "Tributary";
      view = null;
      shown = name;
      const made = makers[name]?.();
      const make = made instanceof Promise ? await made : made;
      // Another view may have been asked for meanwhile.
      if (shown !== name || view || !make) return;
      view = make(main, app);
    }
    /** @type {View} */ (view).show(address);
  }

  function nextTheme() {
    const at = THEMES.indexOf(settings.theme);
    change({ theme: THEMES[(at + 1) % THEMES.length] ?? "system" });
    labels();
    window.dispatchEvent(new Event("theme"));
  }

  function labels() {
    theme.textContent = { system: "◐ auto", light: "☀ light", dark: "☾ dark" }[settings.theme];
    theme.title = "theme: as the system has it, light, dark";
    zone.textContent = settings.utc ? "UTC" : "local";
  }

  /** @param {File} chosen */
  async function openFile(chosen) {
    const bytes = await chosen.arrayBuffer();
    openBytes(bytes, chosen.name);
  }

  /** @param {ArrayBuffer} bytes @param {string} name */
  function openBytes(bytes, name) {
    history.pushState(null, "", write({ tenant: address.tenant }));
    address = parse(location.search);
    view?.hide?.();
    main.className = "trace";
    const opened = traceView(main, app);
    view = opened;
    shown = "file";
    opened.file(bytes, name);
  }

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const to = new URL(link.href, document.baseURI);
    if (to.origin !== location.origin || to.pathname !== location.pathname || to.hash) return;
    event.preventDefault();
    history.pushState(null, "", to.search || "./");
    address = parse(location.search);
    show();
  });
  window.addEventListener("popstate", () => {
    address = parse(location.search);
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && isKey(event)) {
      event.preventDefault();
      help();
      return;
    }
    view?.key?.(event);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) openFile(dropped);
  });
  document.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    const isField = event.target instanceof HTMLElement && event.target.matches("input, textarea");
    if (!isField && /^\s*[{[]/.test(text)) openBytes(/** @type {ArrayBuffer} */ (new TextEncoder().encode(text).buffer), "what was pasted");
  });

  labels();
  show();
}
