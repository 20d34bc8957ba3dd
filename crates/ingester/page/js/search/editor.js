// The field for queries: a plain text area over a painted copy of its text. Completion inserts nothing unasked.

import * as api from "../api.js";
import { h, say } from "../dom.js";
import { lex } from "../traceql/lex.js";
import { FUNCTIONS, INTRINSICS, filterWithout, place } from "../traceql/context.js";
import { name } from "../traceql/write.js";

const WORDS = new Set(["true", "false", "nil", "error", "ok", "unset", "server", "client", "producer", "consumer", "internal", "unspecified"]);
const MOST = 50;
const WAIT = 150;

/** @typedef {{ text: string, note: string }} Offer */

/**
 * @param {{ run: () => void, range: () => { start: number, end: number } }} on
 */
export function editor(on) {
  const paint = h("pre", { class: "painted", "aria-hidden": "true" });
  const list = h("ul", { class: "offers", role: "listbox", id: "offers", "aria-label": "completions", hidden: true });
  const area = h("textarea", {
    rows: "1", spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-label": "TraceQL query, or a trace id",
    "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": "offers",
    placeholder: "{ }   TraceQL, or a trace id",
  });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const element = h("div", { class: "editor" }, h("div", { class: "field-box" }, paint, area, list), fault);
  /** @type {Offer[]} */
  let offers = [];
  let chosen = -1;
  let spot = { from: 0, to: 0 };
  let mark = -1;
  /** @type {AbortController | null} */
  let asking = null;
  let timer = 0;
  /** @type {Map<string, { at: number, offers: Offer[] }>} */
  const cache = new Map();

  area.addEventListener("input", () => {
    setFault("");
    draw();
    complete();
  });
  area.addEventListener("click", () => complete());
  area.addEventListener("blur", () => setTimeout(shut, 150));
  area.addEventListener("scroll", () => {
    paint.scrollTop = area.scrollTop;
    paint.scrollLeft = area.scrollLeft;
  });
  area.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      shut();
      on.run();
    } else if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (isOpen && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      take(offers[chosen]);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      shut();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      shut();
      on.run();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      complete(true);
    }
  });

  function draw() {
    const parts = lex(area.value).map((token) => {
      const kind = token.kind === "word" && WORDS.has(token.text) ? "constant" : token.kind;
      const isMarked = mark >= token.at && mark < token.at + token.text.length;
      return h("span", { class: `q-${kind}${isMarked ? " q-fault" : ""}` }, token.text);
    });
    paint.replaceChildren(...parts, document.createTextNode("\n"));
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 160)}px`;
  }

  /** @param {boolean} [forced] */
  function complete(forced = false) {
    clearTimeout(timer);
    asking?.abort();
    const at = place(area.value, area.selectionStart);
    spot = { from: at.from, to: at.to };
    if (at.want === "none" || (at.typed === "" && !forced && at.want === "key" && area.value.trim() === "")) return shut();
    if (at.want === "operator") return offer(forced ? ["=", "!=", "=~", "!~", ">", "<"].map((text) => ({ text, note: "" })) : []);
    if (at.want === "after") return offer(matching(FUNCTIONS.map((text) => ({ text, note: "" })), at.typed));
    timer = window.setTimeout(async () => {
      asking = new AbortController();
      const found = at.want === "key" ? await keys(asking.signal) : await values(at.key, asking.signal);
      if (!asking.signal.aborted && document.activeElement === area) offer(matching(found, at.typed.replace(/^"/, "")));
    }, forced ? 0 : WAIT);
  }

  /** @param {Offer[]} found @param {string} typed */
  function matching(found, typed) {
    const wanted = typed.toLowerCase();
    const bare = wanted.replace(/^\./, "");
    const rank = (/** @type {string} */ text) => {
      const lower = text.toLowerCase().replace(/^"/, "");
      const own = lower.replace(/^(span|resource|event|link|instrumentation)\./, "");
      return lower.startsWith(wanted) || own.startsWith(bare) ? 0 : lower.includes(bare) ? 1 : 2;
    };
    const ranked = found.map((one) => ({ one, rank: rank(one.text) })).filter((r) => r.rank < 2 && r.one.text !== typed);
    return ranked.sort((a, b) => a.rank - b.rank).slice(0, MOST).map((r) => r.one);
  }

  /** @param {AbortSignal} signal */
  async function keys(signal) {
    return cached("keys", async () => {
      /** @type {import("../../types.js").Answer<{ scopes?: { name: string, tags?: string[] }[] }>} */
      const answer = await api.json("api/v2/search/tags", { ...on.range(), limit: 2000 }, signal);
      if (!answer.ok) return null;
      const own = INTRINSICS.map((text) => ({ text, note: "intrinsic" }));
      const rest = (answer.value.scopes ?? []).filter((s) => s.name !== "intrinsic")
        .flatMap((s) => (s.tags ?? []).map((tag) => ({ text: name(s.name, tag), note: s.name })));
      return [...own, ...rest];
    });
  }

  /** @param {string} key @param {AbortSignal} signal */
  async function values(key, signal) {
    const q = filterWithout(area.value, area.selectionStart);
    return cached(`${key}\n${q}`, async () => {
      /** @type {import("../../types.js").Answer<{ tagValues?: { type: string, value: string }[] }>} */
      const answer = await api.json(`api/v2/search/tag/${encodeURIComponent(key)}/values`, { ...on.range(), q, limit: 500 }, signal);
      if (!answer.ok) return null;
      return (answer.value.tagValues ?? []).map(({ type, value }) =>
        ({ text: type === "string" ? JSON.stringify(value) : value, note: type === "string" ? "" : type })).sort((a, b) => (a.text < b.text ? -1 : 1));
    });
  }

  /** Kept for a minute. @param {string} key @param {() => Promise<Offer[] | null>} ask */
  async function cached(key, ask) {
    const known = cache.get(key);
    if (known && Date.now() - known.at < 60_000) return known.offers;
    const found = await ask();
    if (found) cache.set(key, { at: Date.now(), offers: found });
    return found ?? [];
  }

  /** @param {Offer[]} found */
  function offer(found) {
    offers = found;
    chosen = found.length > 0 ? 0 : -1;
    list.hidden = found.length === 0;
    list.replaceChildren(...found.map((one, i) => h("li", {
      role: "option", id: `offer-${i}`, onmousedown: (/** @type {Event} */ e) => { e.preventDefault(); take(one); },
    }, h("span", {}, one.text), one.note ? h("small", {}, one.note) : null)));
    choose(chosen);
    if (found.length > 0) say(`${found.length} completions`);
  }

  /** @param {number} to */
  function choose(to) {
    chosen = offers.length > 0 ? (to + offers.length) % offers.length : -1;
    [...list.children].forEach((item, i) => {
      item.setAttribute("aria-selected", String(i === chosen));
      if (i === chosen) item.scrollIntoView({ block: "nearest" });
    });
    if (chosen >= 0) area.setAttribute("aria-activedescendant", `offer-${chosen}`);
    else area.removeAttribute("aria-activedescendant");
  }

  /** @param {Offer | undefined} one */
  function take(one) {
    shut();
    if (!one) return;
    const text = `${one.text} `;
    area.setRangeText(text, spot.from, spot.to, "end");
    draw();
    area.focus();
    complete();
  }

  function shut() {
    clearTimeout(timer);
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }

  /** What the server says of the query; its place is underlined. @param {string} text */
  function setFault(text) {
    const at = /line (\d+), col (\d+)/.exec(text);
    mark = at ? offset(area.value, Number(at[1]), Number(at[2])) : -1;
    fault.hidden = text === "";
    fault.textContent = text;
    draw();
  }

  return {
    element, setFault,
    get: () => area.value.trim(),
    /** @param {string} text */
    set(text) {
      if (area.value.trim() !== text.trim()) area.value = text;
      draw();
    },
    focus: () => area.focus(),
  };
}

/** @param {string} text @param {number} line @param {number} column both from 1 */
function offset(text, line, column) {
  const lines = text.split("\n");
  return lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0) + column - 1;
}
