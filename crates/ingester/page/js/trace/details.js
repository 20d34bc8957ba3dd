// The pane: one span in full. Values wrap; each leads to a search and can be copied.

import { CIRCLE, DUPLICATE, ERROR, MISSING, REVERSED, SKEW } from "../model/otlp.js";
import { readResource, readScope, readSpan } from "../model/span.js";
import { copy, h, icon } from "../dom.js";
import { count, duration, moment, percent, plural } from "../format.js";
import { spanJson } from "../model/writers.js";
import { settings } from "../settings.js";
import { condition } from "../traceql/write.js";
import { idText } from "./waterfall.js";

/** @typedef {import("../../types.js").Attribute} Attribute */
/** @typedef {import("./state.js").State} State */

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUS = ["unset", "ok", "error"];
const LONG = 400;

/**
 * @param {State} state
 * @param {{ link: (address: Partial<import("../../types.js").Address>) => string, show: (row: number) => void, close: () => void }} on
 */
export function details(state, on) {
  const element = h("section", { class: "details", "aria-label": "Selected span", id: "details", tabindex: "-1" });
  let filter = "";

  function paint() {
    const entry = state.selected;
    if (Number.isNaN(entry)) {
      element.replaceChildren();
    } else if (entry < 0) element.replaceChildren(...aboutGroup(~entry));
    else if ((state.trace.flags[entry] ?? 0) & MISSING) element.replaceChildren(...aboutMissing(entry));
    else element.replaceChildren(...aboutSpan(entry));
  }

  /** @param {string} title @param {number} row */
  function head(title, row) {
    const service = state.trace.resources[state.trace.resource[row] ?? 0]?.service ?? "";
    return h("header", { style: { "--c": `var(--s${state.slot(row) % 10})` } },
      h("div", { class: "d-title" }, h("h2", {}, title), h("button", { class: "ghost", "aria-label": "close the pane", onclick: on.close }, "✕")),
      h("p", { class: "d-service" }, h("i", { class: "dot" }), service || "no service.name"));
  }

  /** @param {number} g */
  function aboutGroup(g) {
    const { trace } = state;
    const group = trace.groups[g];
    if (!group) return [];
    const name = trace.names[trace.name[group.first] ?? 0] ?? "";
    return [
      head(`${count(group.count)} × ${name}`, group.first),
      facts([
        ["spans", count(group.count)], ["sum", duration(group.sum)], ["average", duration(group.sum / group.count)],
        ["slowest", button(duration(trace.duration[group.slowest] ?? 0), () => on.show(group.slowest))],
      ]),
      h("p", { class: "muted" }, "Alike spans beside each other: one parent, service, name and kind. None has an error. → opens them."),
    ];
  }

  /** @param {number} row */
  function aboutMissing(row) {
    const { trace } = state;
    let children = 0;
    const end = row + (trace.size[row] ?? 1);
    for (let child = row + 1; child < end; child += trace.size[child] ?? 1) children++;
    return [
      head("Missing span", row),
      facts([["id", idText(trace, row)], ["children", count(children)]]),
      h("p", {}, "Spans of this trace name this one as their parent, and it is not here. It may come yet (r loads the trace again); " +
        "or its process ended before it sent it, did not sample it, or sends elsewhere."),
    ];
  }

  /** @param {number} row */
  function aboutSpan(row) {
    const { trace } = state;
    const span = readSpan(trace, row);
    const resource = trace.resources[trace.resource[row] ?? 0];
    const scopePlace = trace.scopes[trace.scope[row] ?? 0];
    const scope = scopePlace && scopePlace.len > 0 ? readScope(trace.bytes, scopePlace) : null;
    const critical = trace.critical[row] ?? 0;
    const took = trace.duration[row] ?? 0;
    const flags = trace.flags[row] ?? 0;
    const at = trace.at[row] ?? 0;
    const json = () => JSON.stringify(spanJson(trace.bytes, at, at + (trace.len[row] ?? 0)), null, 2);
    const up = trace.parent[row] ?? -1;
    const parts = [
      head(span.name || "(no name)", row),
      h("div", { class: "figures" },
        figure("duration", duration(took), percent(took / (trace.length || 1)) + " of the trace"),
        figure("self", duration(trace.self[row] ?? 0), percent((trace.self[row] ?? 0) / (took || 1)) + " of it"),
        figure("critical path", critical > 0 ? duration(critical) : "–", critical > 0 ? percent(critical / (trace.length || 1)) : "not on it")),
      flags & ERROR ? h("div", { class: "note error" }, h("strong", {}, "✕ error"), span.message ? ` ${span.message}` : "") : null,
      ...faults(flags),
      facts([
        ["kind", KINDS[span.kind] ?? String(span.kind)], ["status", STATUS[span.status] ?? String(span.status)],
        ["start", `+${duration(trace.start[row] ?? 0)} · ${moment(span.start, settings.utc)}`],
        ["span id", copied(span.id)],
        ["parent", up >= 0 ? button(span.parent || idText(trace, up), () => on.show(up)) : span.parent || "none: a root"],
        ...(span.state ? [/** @type {[string, string]} */ (["trace state", span.state])] : []),
        ...(scope && scope.name ? [/** @type {[string, string]} */ (["scope", `${scope.name} ${scope.version}`])] : []),
      ]),
      span.events.length > 0 ? events(span.events, trace.start[row] ?? 0) : null,
      attributes("Attributes", "span", span.attributes, true),
      span.links.length > 0 ? links(span.links) : null,
      resource ? attributes("Resource", "resource", readResource(trace.bytes, resource), true) : null,
      scope && scope.attributes.length > 0 ? attributes("Scope", "instrumentation", scope.attributes, true) : null,
      dropped(span.dropped),
      h("p", { class: "d-actions" },
        h("button", { onclick: () => copy(json(), "span copied as JSON") }, "Copy as JSON"),
        h("a", { class: "button", href: on.link({ q: alike(span, resource?.service ?? ""), view: "search" }) }, "Spans like this"),
        h("a", { class: "button", href: on.link({ q: `{ link:traceID = "${span.trace}" && link:spanID = "${span.id}" }`, view: "search" }) }, "What links here")),
    ];
    return parts.filter((part) => part !== null);
  }

  /**
   * @param {string} title @param {"span" | "resource" | "instrumentation" | "event" | "link"} scope
   * @param {Attribute[]} list @param {boolean} withFilter
   */
  function attributes(title, scope, list, withFilter) {
    const sorted = [...list].sort((a, b) => (a.key < b.key ? -1 : 1));
    const body = h("div", { class: "attributes" });
    const paintList = () => {
      const wanted = filter.toLowerCase();
      body.replaceChildren(...sorted
        .filter((a) => wanted === "" || `${a.key} ${a.value}`.toLowerCase().includes(wanted))
        .map((a) => attribute(scope, a)));
    };
    paintList();
    const field = withFilter && scope === "span" && list.length > 8
      ? h("input", {
        type: "search", placeholder: "filter", "aria-label": "filter attributes", value: filter,
        oninput: (/** @type {Event} */ event) => {
          filter = /** @type {HTMLInputElement} */ (event.target).value;
          element.querySelectorAll(".attributes").forEach((one) => one.dispatchEvent(new CustomEvent("filter")));
        },
      })
      : null;
    body.addEventListener("filter", paintList);
    return h("section", {}, h("h3", {}, `${title} `, h("span", { class: "muted" }, count(list.length)), field), body);
  }

  /** @param {string} scope @param {Attribute} a */
  function attribute(scope, a) {
    const query = condition(scope, a.key, a.type, a.value);
    return h("div", { class: "attribute" },
      h("span", { class: "key" }, ...breakable(a.key)),
      value(a),
      h("span", { class: "tools" },
        h("button", { class: "ghost", title: "copy the value", "aria-label": `copy ${a.key}`, onclick: () => copy(a.value) }, icon("copy")),
        query ? h("a", { class: "ghost", title: `search { ${query} }`, "aria-label": `search for ${a.key}`, href: on.link({ q: `{ ${query} }`, view: "search" }) }, icon("search")) : null));
  }

  /** @param {Attribute} a */
  function value(a) {
    if (a.type === "string" && /^https?:\/\//.test(a.value)) {
      return h("a", { class: "value", href: a.value, rel: "noopener noreferrer", target: "_blank" }, a.value);
    }
    if (a.value.length > LONG) {
      const text = h("span", { class: "value" }, a.value.slice(0, LONG), "… ");
      text.append(button(`all ${count(a.value.length)} characters`, () => text.replaceChildren(document.createTextNode(a.value))));
      return text;
    }
    return h("span", { class: `value ${a.type}` }, a.type === "none" ? "(empty)" : a.value === "" ? '""' : a.value);
  }

  /** @param {import("../../types.js").SpanEvent[]} list @param {number} start */
  function events(list, start) {
    const sorted = [...list].sort((a, b) => a.time - b.time);
    return h("section", {}, h("h3", {}, "Events ", h("span", { class: "muted" }, count(list.length))),
      ...sorted.map((event) => {
        const stack = event.attributes.find((a) => a.key === "exception.stacktrace");
        const rest = event.attributes.filter((a) => a !== stack);
        return h("div", { class: event.name === "exception" ? "event exception" : "event" },
          h("div", { class: "event-head" }, h("strong", {}, event.name || "(no name)"), h("span", { class: "muted" }, `+${duration(event.time - start)}`)),
          ...rest.map((a) => attribute("event", a)),
          stack ? h("details", {}, h("summary", {}, "stack trace"), h("pre", {}, stack.value)) : null);
      }));
  }

  /** @param {import("../../types.js").SpanLink[]} list */
  function links(list) {
    return h("section", {}, h("h3", {}, "Links ", h("span", { class: "muted" }, count(list.length))),
      ...list.slice(0, 200).map((link) => h("div", { class: "event" },
        h("a", { href: on.link({ trace: link.trace, span: link.span, view: "" }) },
          link.trace === state.trace.traceId ? `this trace, span ${link.span}` : `trace ${link.trace}`),
        ...link.attributes.map((a) => attribute("link", a)))));
  }

  return {
    element,
    paint() {
      filter = "";
      paint();
      element.scrollTop = 0;
    },
  };
}

/** A key with places to break it, so that words stay whole. @param {string} key */
function breakable(key) {
  return key.split(/(?<=[._/])/).flatMap((part) => [part, h("wbr")]);
}

/** @param {number} flags */
function faults(flags) {
  /** @type {[number, string][]} */
  const texts = [
    [DUPLICATE, "Another span of this trace has the same id. Children are shown under the first."],
    [CIRCLE, "Its parents lead back to itself, so it is shown as a root."],
    [REVERSED, "It ends before it starts: its duration counts as 0."],
    [SKEW, "It lies outside of the call that it answers: the clocks of two hosts differ. “Align clocks” moves each host's spans by one amount."],
  ];
  return texts.filter(([flag]) => flags & flag).map(([, text]) => h("div", { class: "note warn" }, text));
}

/** @param {string} name @param {string} value @param {string} more */
function figure(name, value, more) {
  return h("div", { class: "figure" }, h("span", { class: "muted" }, name), h("strong", {}, value), h("span", { class: "muted" }, more));
}

/** @param {[string, string | Node][]} list */
function facts(list) {
  return h("dl", { class: "facts" }, ...list.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** @param {string} text @param {() => void} onclick */
function button(text, onclick) {
  return h("button", { class: "linkish", onclick }, text);
}

/** @param {string} id */
function copied(id) {
  return h("span", {}, id, " ", h("button", { class: "ghost", "aria-label": "copy the span id", onclick: () => copy(id) }, icon("copy")));
}

/** @param {{ attributes: number, events: number, links: number }} lost */
function dropped(lost) {
  const parts = [
    lost.attributes ? plural(lost.attributes, "attribute") : "",
    lost.events ? plural(lost.events, "event") : "",
    lost.links ? plural(lost.links, "link") : "",
  ].filter(Boolean);
  return parts.length > 0 ? h("p", { class: "note warn" }, `The SDK dropped ${parts.join(", ")} of this span.`) : null;
}

/** @param {import("../../types.js").Span} span @param {string} service */
function alike(span, service) {
  return `{ resource.service.name = ${JSON.stringify(service)} && name = ${JSON.stringify(span.name)} && kind = ${KINDS[span.kind] ?? "unspecified"} }`;
}
