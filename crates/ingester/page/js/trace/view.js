// The trace view: loads a trace, and leads keys and clicks to what they change.

import { h, copy, fill, say, setText, toast } from "../dom.js";
import { call } from "../loader.js";
import * as api from "../api.js";
import { isKey } from "../keys.js";
import { oneLevel } from "../model/rows.js";
import { bar, menu } from "./bar.js";
import { details } from "./details.js";
import { head } from "./head.js";
import { minimap } from "./minimap.js";
import { absent, loading, notThere } from "./notes.js";
import { drag } from "./splitter.js";
import { State, rowOf } from "./state.js";
import { table } from "./table.js";
import { idText, waterfall } from "./waterfall.js";

/** @typedef {import("../../types.js").Address} Address */
/** @typedef {import("../../types.js").Trace} Trace */
/** @typedef {{ trace: Trace, message: string, partial: boolean, name: string, found: boolean }} Loaded */

/**
 * @param {HTMLElement} root
 * @param {{ go: (change: Partial<Address>, replace?: boolean) => void, link: (change: Partial<Address>) => string, address: () => Address }} app
 */
export function traceView(root, app) {
  /** @type {Loaded | null} */
  let loaded = null;
  /** @type {State | null} */
  let state = null;
  /** @type {ReturnType<typeof parts> | null} */
  let ui = null;
  let asked = "";
  let ticket = 0;

  /** @param {Address} address */
  async function show(address) {
    if (address.trace && address.trace !== asked) {
      asked = address.trace;
      await open(address);
    } else if (state && ui) {
      const row = address.span ? rowOf(state.trace, address.span) : -1;
      if (row >= 0 && row !== state.selected) select(row, true);
      ui.tab(address.tab);
    }
  }

  /** @param {Address} address */
  async function open(address) {
    const mine = ++ticket;
    busy(`Loading trace ${address.trace} …`);
    const url = api.url(`api/v2/traces/${address.trace}`);
    const answer = await call("open", { url, headers: api.headers() }).catch((error) => ({ status: 0, text: api.unreachable(error) }));
    if (mine !== ticket) return;
    if (answer.status !== undefined) return failed(answer.status === 0 ? answer.text : api.explain(answer.status, answer.text));
    if (answer.trace.count === 0) return failed(absent(address.trace, answer.message));
    document.body.dataset["took"] = JSON.stringify(answer.took);
    loaded = { trace: answer.trace, message: answer.message, partial: answer.partial, name: "", found: true };
    build(address);
    if (address.clock === "aligned") align(true);
  }

  /** A file that was dropped, chosen or pasted. @param {ArrayBuffer} bytes @param {string} name */
  async function file(bytes, name) {
    const mine = ++ticket;
    asked = "";
    busy(`Reading ${name} …`);
    try {
      const answer = await call("file", { bytes, name }, [bytes]);
      if (mine !== ticket) return;
      loaded = { trace: answer.trace, message: "", partial: false, name, found: false };
      build(app.address());
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} text */
  function busy(text) {
    delete document.body.dataset["ready"];
    fill(root, loading(text));
  }

  /** @param {string} text */
  function failed(text) {
    loaded = state = ui = null;
    fill(root, notThere(text, () => { asked = ""; show(app.address()); }, app.link({ trace: "", span: "", find: "", tab: "", view: "search" })));
    say(text);
    document.body.dataset["ready"] = "failed";
  }

  /** @param {Address} address */
  function build(address) {
    if (!loaded) return;
    state = new State(loaded.trace, address.span);
    ui = parts(state, loaded);
    fill(root, ui.element);
    document.title = `${loaded.trace.names[loaded.trace.name[loaded.trace.roots[0] ?? 0] ?? 0] ?? "trace"} · Tributary`;
    ui.refresh();
    ui.tab(address.tab);
    if (address.find) find(address.find);
    if (address.only) only(address.only);
    requestAnimationFrame(() => {
      if (!state || !ui) return;
      ui.rows.scrollTo(Math.max(state.place(), 0), address.span !== "");
      if (!address.tab) ui.rows.scroller.focus({ preventScroll: true });
      document.body.dataset["ready"] = "trace";
    });
  }

  /** @param {State} state @param {Loaded} about */
  function parts(state, about) {
    const rows = waterfall(state, { select, toggle, zoom });
    const mini = minimap(state, { zoom });
    const pane = details(state, {
      link: app.link, show: jump, close: () => {
        body.classList.add("no-pane");
        rows.scroller.focus();
        rows.refresh();
      },
    });
    const tools = bar({
      find, only, step, level, whole: () => zoom(0, state.trace.length), tab: (tab) => app.go({ tab }, true), leave: () => rows.scroller.focus(),
    });
    const main = h("div", { class: "t-main" }, mini.element, rows.element);
    const side = h("div", { class: "pane-splitter", role: "separator", "aria-label": "width of the pane", "aria-orientation": "vertical", tabindex: "0" });
    const body = h("div", { class: "t-body" }, main, side, pane.element);
    const other = h("div", { class: "t-other", hidden: true });
    const element = h("div", { class: "trace" },
      head(state, about, { show: jump, find: elsewhere, align, menu: menu(state.trace, about.found, link) }), tools.element, body, other);
    drag(rows.splitter, "nameWidth", 1, 160, 900, "--name-width", rows.refresh);
    drag(side, "paneWidth", -1, 260, 900, "--pane-width", rows.refresh);
    let shownTab = "";
    return {
      element, rows, mini, pane, findField: tools.findField, hits: tools.hits, onlyField: tools.onlyField, body,
      refresh() {
        state.list();
        rows.refresh();
        mini.frame();
        mini.draw();
        pane.paint();
      },
      /** @param {string} id */
      tab(id) {
        tools.choose(id);
        body.hidden = id !== "";
        other.hidden = id === "";
        if (id === shownTab) return;
        shownTab = id;
        if (id === "table") fill(other, table(state, { find: elsewhere, show: (row) => { app.go({ tab: "" }, true); jump(row); } }).element);
        else if (id === "map") {
          import("../map/trace.js").then(({ traceMap }) => shownTab === id && fill(other, traceMap(state, { find: elsewhere })));
        }
        else rows.refresh();
      },
    };
  }

  function link() {
    const span = state && state.selected >= 0 ? idText(state.trace, state.selected) : "";
    copy(new URL(app.link({ span }), document.baseURI).href, "link copied");
  }

  /** @param {number} entry @param {boolean} [quiet] the address has it already */
  function select(entry, quiet = false) {
    if (!state || !ui) return;
    if (entry >= 0 && state.visible.rows.subarray(0, state.visible.count).indexOf(entry) < 0) state.show(entry);
    state.selected = entry;
    ui.body.classList.remove("no-pane");
    ui.rows.scrollTo(Math.max(state.place(), 0));
    ui.rows.refresh();
    ui.pane.paint();
    if (!quiet && entry >= 0 && loaded?.found) app.go({ span: idText(state.trace, entry) }, true);
  }

  /** Opens the way to a row. @param {number} row */
  function jump(row) {
    if (!state || !ui) return;
    state.show(row);
    ui.onlyField.value = state.only;
    ui.rows.refresh();
    select(row);
    ui.rows.scrollTo(Math.max(state.place(), 0), true);
  }

  /** @param {number} entry @param {boolean} [open] */
  function toggle(entry, open) {
    if (!state || !ui) return;
    const { view, trace } = state;
    if (entry < 0) view.groupOpen[~entry] = open ?? !view.groupOpen[~entry] ? 1 : 0;
    else if ((trace.size[entry] ?? 1) > 1) view.open[entry] = open ?? !view.open[entry] ? 1 : 0;
    state.list();
    ui.rows.refresh();
  }

  /** @param {number} from @param {number} to */
  function zoom(from, to) {
    if (!state || !ui) return;
    const length = state.trace.length;
    const least = Math.max(length * 1e-6, 100);
    const middle = (from + to) / 2;
    state.zoom = to - from < least ? [Math.max(0, middle - least / 2), middle + least / 2] : [Math.max(0, from), Math.min(length, to)];
    ui.mini.frame();
    ui.rows.refresh();
  }

  /** From another tab. @param {string} typed */
  function elsewhere(typed) {
    app.go({ tab: "" }, true);
    find(typed);
  }

  /** @param {string} typed */
  async function find(typed) {
    if (!state || !ui) return;
    const mine = state;
    if (ui.findField.value !== typed) ui.findField.value = typed;
    const rows = typed.trim() === "" ? null : await call("find", { typed });
    if (state !== mine || ui.findField.value !== typed) return;
    mine.hits = rows;
    mine.hitSet = rows ? new Uint8Array(mine.trace.count) : null;
    for (const row of rows ?? []) if (mine.hitSet) mine.hitSet[row] = 1;
    if (mine.only === "hits" && !rows) only("");
    mine.list();
    ui.rows.refresh();
    ui.mini.draw();
    if (rows && rows.length > 0 && mine.hitSet?.[mine.selected] !== 1) jump(rows[0] ?? 0);
    tellHits();
    if (loaded?.found) app.go({ find: typed }, true);
  }

  function tellHits() {
    if (!state || !ui) return;
    const { hits, selected } = state;
    const at = hits ? hits.indexOf(selected) : -1;
    setText(ui.hits, !hits ? "" : hits.length === 0 ? "nothing" : at >= 0 ? `${at + 1} of ${hits.length}` : `${hits.length}`);
    ui.hits.classList.toggle("bad", hits !== null && hits.length === 0);
  }

  /** The next hit, or span with an error, from the selected row on. @param {1 | -1} way @param {ArrayLike<number> | null} [list] */
  function step(way, list = state?.hits ?? null) {
    if (!state || !list || list.length === 0) return;
    const rows = Array.from(list).sort((a, b) => a - b);
    const from = state.selected < 0 ? (state.trace.groups[~state.selected]?.first ?? 0) : state.selected;
    const next = way > 0 ? rows.find((row) => row > from) ?? rows[0] : rows.reverse().find((row) => row < from) ?? rows[0];
    jump(next ?? 0);
    tellHits();
  }

  /** @param {string} what */
  function only(what) {
    if (!state || !ui) return;
    state.only = what;
    ui.onlyField.value = what;
    state.list();
    ui.rows.refresh();
    ui.rows.scrollTo(Math.max(state.place(), 0));
    say(`${state.visible.count} rows`);
  }

  /** @param {1 | -1} way */
  function level(way) {
    if (!state || !ui) return;
    oneLevel(state.trace, state.view, way);
    keepPlace();
  }

  function keepPlace() {
    if (!state || !ui) return;
    state.keepPlace();
    ui.rows.refresh();
    ui.rows.scrollTo(Math.max(state.place(), 0));
  }

  /** @param {boolean} aligned */
  async function align(aligned) {
    if (!state || !loaded) return;
    const id = state.selected >= 0 ? idText(state.trace, state.selected) : "";
    const answer = await call("clocks", { aligned });
    if (!answer || !loaded) return;
    loaded = { ...loaded, trace: answer.trace };
    build({ ...app.address(), span: id });
    if (loaded.found) app.go({ clock: aligned ? "aligned" : "" }, true);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (!state || !ui || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "f" && !ui.body.hidden) {
      event.preventDefault();
      ui.findField.focus();
      ui.findField.select();
      return;
    }
    const inRows = document.activeElement === ui.rows.scroller || document.activeElement === document.body;
    if (event.key === "Escape" && !inRows && ui.pane.element.contains(document.activeElement)) {
      ui.rows.scroller.focus();
      return;
    }
    if (!isKey(event) || ui.body.hidden) return;
    const done = (inRows && inRow(event.key)) || anywhere(event.key);
    if (done) event.preventDefault();
  }

  /** Keys of the grid. @param {string} name */
  function inRow(name) {
    if (!state || !ui) return false;
    const place = state.place();
    const { rows, count } = state.visible;
    const to = (/** @type {number} */ next) => select(rows[Math.max(0, Math.min(next, count - 1))] ?? 0);
    const entry = state.selected;
    const isOpen = entry < 0 ? state.view.groupOpen[~entry] === 1 : state.view.open[entry] === 1;
    const hasChildren = entry < 0 || (state.trace.size[entry] ?? 1) > 1;
    switch (name) {
      case "ArrowDown": case "j": to(place + 1); return true;
      case "ArrowUp": case "k": to(place - 1); return true;
      case "PageDown": to(place + ui.rows.page()); return true;
      case "PageUp": to(place - ui.rows.page()); return true;
      case "Home": to(0); return true;
      case "End": to(count - 1); return true;
      case "ArrowRight":
        if (hasChildren && !isOpen) toggle(entry, true);
        else if (hasChildren) to(place + 1);
        return true;
      case "ArrowLeft":
        if (hasChildren && isOpen) toggle(entry, false);
        else up(place);
        return true;
      case " ": toggle(entry); return true;
      case "Enter":
        ui.body.classList.remove("no-pane");
        ui.pane.element.focus();
        return true;
    }
    return false;
  }

  /** To the row above that is less deep. @param {number} place */
  function up(place) {
    if (!state) return;
    const { rows, depth } = state.visible;
    for (let i = place - 1; i >= 0; i--) {
      if ((depth[i] ?? 0) < (depth[place] ?? 0)) return select(rows[i] ?? 0);
    }
  }

  /** @param {string} name */
  function anywhere(name) {
    if (!state || !ui) return false;
    const { trace, view } = state;
    const row = state.selected;
    switch (name) {
      case "/": ui.findField.focus(); ui.findField.select(); return true;
      case "n": step(1); return true;
      case "N": step(-1); return true;
      case "e": step(1, trace.errors); return true;
      case "E": step(-1, trace.errors); return true;
      case "c": only(state.only === "critical" ? "" : "critical"); return true;
      case "[": level(-1); return true;
      case "]": level(1); return true;
      case "*": view.open.fill(1); view.groupOpen.fill(1); keepPlace(); return true;
      case "-": view.open.fill(0); view.groupOpen.fill(0); keepPlace(); return true;
      case "x": view.grouping = !view.grouping; toast(view.grouping ? "alike spans are grouped" : "every span has its row"); keepPlace(); return true;
      case "z":
        if (row >= 0) {
          const took = trace.duration[row] ?? 0;
          zoom((trace.start[row] ?? 0) - took * 0.05, (trace.start[row] ?? 0) + took * 1.05);
        }
        return true;
      case "0": zoom(0, trace.length); return true;
      case "f":
        if (row >= 0) {
          view.focus = row;
          view.open[row] = 1;
          keepPlace();
          toast("only this span and what is below; Esc leads back");
        }
        return true;
      case "Escape":
        if (view.focus >= 0) view.focus = -1;
        else if (state.only) only("");
        keepPlace();
        return true;
      case "y": link(); return true;
      case "r":
        if (loaded?.found) {
          asked = "";
          show({ ...app.address(), span: row >= 0 ? idText(trace, row) : "" });
        }
        return true;
      case "s": app.go({ trace: "", span: "", find: "", tab: "", view: "search" }); return true;
    }
    return false;
  }

  return { show, file, key };
}
