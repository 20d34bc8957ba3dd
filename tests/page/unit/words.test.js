// Queries, addresses, numbers, colours, slices, maps: by tables.

import assert from "node:assert/strict";
import { test } from "node:test";
const js = "../../../crates/ingester/page/js";
const { lex } = await import(`${js}/traceql/lex.js`);
const { place, filterWithout, isMetrics } = await import(`${js}/traceql/context.js`);
const { conditions, filter, narrowed } = await import(`${js}/traceql/chips.js`);
const { condition } = await import(`${js}/traceql/write.js`);
const { failing, spansOf, step } = await import(`${js}/charts/queries.js`);
const { joined, slices } = await import(`${js}/search/slices.js`);
const { kept, parse, traceId, write } = await import(`${js}/address.js`);
const format = await import(`${js}/format.js`);
const { slots } = await import(`${js}/colour.js`);
const { layout } = await import(`${js}/map/layout.js`);
const { edgesOf } = await import(`${js}/map/counted.js`);
const { queryOf, queryOfEdge } = await import(`${js}/map/click.js`);
const { sampled } = await import(`${js}/map/sample.js`);
const { samples } = await import(`${js}/status/metrics.js`);

test("a query's tokens cover it, and know their kinds", () => {
  const kinds = (/** @type {string} */ q) => lex(q).filter((/** @type {any} */ t) => t.kind !== "space").map((/** @type {any} */ t) => `${t.kind[0]}:${t.text}`).join(" ");
  const table = [
    ["", ""],
    ['{ span.http.url = "a b" }', 'b:{ a:span.http.url o:= t:"a b" b:}'],
    ["{.x>=1.5s&&status=error}|rate()", "b:{ a:.x o:>= n:1.5s o:&& w:status o:= w:error b:} o:| w:rate b:( b:)"],
    ['{ span."a \\" b".c != `x` }', 'b:{ a:span."a \\" b".c o:!= t:`x` b:}'],
    ['{ name = "open', 'b:{ w:name o:= t:"open'],
    ["{ event:name =~ \"x\" } &>> { }", 'b:{ a:event:name o:=~ t:"x" b:} o:&>> b:{ b:}'],
    ["{ § }", "b:{ o:§ b:}"],
  ];
  for (const [q, expected] of table) {
    assert.equal(kinds(q ?? ""), expected, q);
    assert.equal(lex(q ?? "").map((/** @type {any} */ t) => t.text).join(""), q);
  }
});

test("what may stand at the caret", () => {
  const table = [
    ["{ | }", "key", ""], ["{ sta|", "key", "sta"], ["{ span.ht| }", "key", "span.ht"], ["{ status =| ", "value", ""],
    ['{ resource.service.name = "we|', "value", '"we'], ["{ name |", "operator", ""], ["{ status = error && |", "key", ""],
    ["{ } | ra", "none", ""], ["|", "none", ""], ["{ a = 1 } |", "none", ""],
  ];
  for (const [typed = "", want, text] of table) {
    const caret = typed.indexOf("|");
    const found = place(typed.slice(0, caret) + typed.slice(caret + 1), caret);
    assert.equal(found.want, want, typed);
    if (want !== "none") assert.equal(found.typed, text, typed);
  }
  assert.equal(place("{ } | ra", 8).want, "after");
  assert.equal(filterWithout('{ status = error && name = "x" }', 27), "{ status = error }");
  assert.equal(filterWithout("{ name = ", 9), "");
});

test("chips, and queries that are narrowed", () => {
  const table = [
    ["", []], ["{ }", []], ["{}", []], ["{ status = error }", ["status = error"]],
    ['{ a.b = "x && y" && kind=server }', ['a.b = "x && y"', "kind=server"]],
    ["{ a = 1 || b = 2 }", null], ["{ a = 1 } && { b = 2 }", null], ["{ a = 1 } | rate()", null],
  ];
  for (const [q, expected] of table) assert.deepEqual(conditions(q), expected, String(q));
  assert.equal(filter([]), "{ }");
  assert.equal(narrowed("{ a = 1 }", "b = 2"), "{ a = 1 && b = 2 }");
  assert.equal(narrowed("{ a = 1 }", "a = 1"), "{ a = 1 }");
  assert.equal(narrowed("{ a = 1 || c = 3 }", "b = 2"), "{ (a = 1 || c = 3) && b = 2 }");
  assert.equal(narrowed("{ a = 1 } >> { c = 3 }", "b = 2"), "{ a = 1 } >> { c = 3 } && { b = 2 }");
  assert.equal(failing("{ kind = server || kind = consumer }"), "{ (kind = server || kind = consumer) && status = error }");
  assert.equal(failing("{ a = 1 } >> { b = 2 }"), "");
  assert.equal(isMetrics("{ } | rate() by(name)"), true);
  assert.equal(isMetrics("{ name = \"rate(\" }"), false);
  assert.equal(spansOf("{ a = 1 || b = \"|\" } | rate()"), "{ a = 1 || b = \"|\" }");
  assert.equal(step({ start: 0, end: 3600 }), 60);
});

test("conditions from what a span holds", () => {
  const table = [
    [["span", "http.route", "string", "/a\"b"], 'span.http.route = "/a\\"b"'], [["resource", "n", "int", "5"], "resource.n = 5"],
    [["span", "with space", "bool", "true"], 'span."with space" = true'], [["span", "q\"", "string", ""], 'span."q\\"" = ""'],
    [["span", "x", "double", "NaN"], ""], [["span", "x", "array", "[]"], ""], [["span", "", "string", "x"], ""],
  ];
  for (const [given, expected] of table) assert.equal(condition(...(/** @type {any} */ (given))), expected);
});

test("a range in slices, the newest first, without gaps", () => {
  for (const [start, end] of [[0, 60], [0, 3600], [1000, 700_000], [0, 604_800]]) {
    const list = slices(start, end);
    assert.equal(list[0].end, end);
    assert.equal(list[list.length - 1].start, start);
    for (let i = 1; i < list.length; i++) assert.equal(list[i].end, list[i - 1].start);
    assert.ok(list.length < 8);
  }
  assert.equal(slices(0, 3600).length, 1);
  const rows = joined([{ traceID: "a", durationMs: 5, startTimeUnixNano: "1" }], [{ traceID: "a", durationMs: 9, startTimeUnixNano: "1" }, { traceID: "b", startTimeUnixNano: "2" }]);
  assert.deepEqual(rows.map((/** @type {any} */ r) => [r.traceID, r.durationMs]), [["b", undefined], ["a", 9]]);
});

test("addresses", () => {
  const address = { q: "{ a = \"&\" }", trace: "1f", tenant: "t" };
  const back = parse(write(address));
  for (const [key, value] of Object.entries(address)) assert.equal(back[key], value);
  assert.equal(write({}), "./");
  assert.equal(parse("?trace=<script>").trace, "");
  const ids = [
    ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"], [" 4BF92F3577B34DA6 ", "4bf92f3577b34da6"],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"],
    ["4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"], ["{ }", ""], ["cafe", ""],
  ];
  for (const [typed, id] of ids) assert.equal(traceId(typed), id, typed);
});

test("what a link keeps of the address", () => {
  const now = parse("?view=charts&q={}&start=1&end=2&since=1h&tenant=t&trace=1f&by=name");
  assert.deepEqual(kept(now, { trace: "2f" }), { tenant: "t" });
  assert.deepEqual(kept(now, { view: "search", q: "{ name = \"a\" }" }), { tenant: "t", since: "1h", start: "1", end: "2" });
  assert.deepEqual(kept(now, { view: "map" }), now);
  assert.deepEqual(kept(now, { trace: "1f", span: "3" }), now);
});

test("numbers as people read them", () => {
  const table = [
    [format.duration(0), "0 ns"], [format.duration(999), "999 ns"], [format.duration(1500), "1.5 µs"], [format.duration(45_600_000), "45.6 ms"],
    [format.duration(1.234e9), "1.23 s"], [format.duration(61e9), "1 m 1 s"], [format.duration(3.66e12), "1 h 1 m"], [format.duration(-5e6), "-5 ms"],
    [format.duration(NaN), "–"], [format.count(1234567), "1,234,567"], [format.short(12_345), "12.3 k"], [format.bytes(1_530_000), "1.53 MB"],
    [format.percent(0.0004), "<0.1 %"], [format.percent(0.5), "50 %"], [format.moment(1_700_000_000_123_456_789n, true), "2023-11-14 22:13:20.123 UTC"],
    [format.lengthOf("1h30m"), 5_400_000], [format.lengthOf("1x"), null], [format.shown("a\u202eb\u0007\n"), "a⟨U+202E⟩b␇\n"],
    [format.middle("abcdefghij", 5), "ab…ij"], [format.plural(1, "span"), "1 span"],
  ];
  for (const [got, expected] of table) assert.equal(got, expected);
  assert.deepEqual(format.ticks(100, 5), [0, 20, 40, 60, 80, 100]);
});

test("the same set has the same colours, and no two of ten are equal", () => {
  const names = Array.from({ length: 10 }, (_, i) => `service-${i}`);
  const found = slots(names);
  assert.equal(new Set(found.values()).size, 10);
  assert.deepEqual(slots([...names].reverse()), found);
  assert.ok(Math.max(...slots([...names, "one more"]).values()) >= 10);
});

test("maps: layers by the longest way, circles do not hang it", () => {
  const edge = (/** @type {string} */ from, /** @type {string} */ to) => ({ from, to, calls: 1, errors: 0, sum: 1 });
  const map = layout([edge("a", "b"), edge("b", "c"), edge("a", "c"), edge("c", "a"), edge("c", "c")]);
  assert.deepEqual(map.nodes.map((/** @type {any} */ n) => [n.name, n.layer]).sort(), [["a", 0], ["b", 1], ["c", 2]]);
  assert.equal(layout(Array.from({ length: 100 }, (_, i) => edge(`a${i}`, `b${i}`)), 60).left, 140);
  const text = (/** @type {string} */ key, /** @type {string} */ value) => ({ key, value: { stringValue: value } });
  const int = (/** @type {string} */ key, /** @type {number} */ value) => ({ key, value: { intValue: String(value) } });
  const calls = [{ spanSets: [{ spans: [
    { spanID: "1", durationNanos: "9", attributes: [text("service.name", "web"), text("kind", "client"), int("nestedSetLeft", 3), int("nestedSetParent", 1)] },
    { spanID: "2", durationNanos: "7", attributes: [text("service.name", "pay"), text("kind", "server"), text("status", "error"), int("nestedSetLeft", 4), int("nestedSetParent", 3)] },
  ] }] }];
  const outside = [{ spanSets: [{ spans: [{ spanID: "3", durationNanos: "5", attributes: [text("service.name", "pay"), text("db.system.name", "redis")] }] }] }];
  assert.deepEqual(sampled(calls, outside), [
    { from: "web", to: "pay", calls: 1, errors: 1, sum: 7 }, { from: "pay", to: "(redis)", calls: 1, errors: 0, sum: 5 },
  ]);
});

test("maps of what is counted: who sends no spans stands in parentheses", () => {
  const counted = (/** @type {string} */ client, /** @type {string} */ server, /** @type {string} */ connection_type, client_seconds = 2, server_seconds = 1) =>
    ({ client, server, connection_type, calls: 3, failed: 1, client_seconds, server_seconds });
  const table = [
    [counted("web", "pay", ""), [{ from: "web", to: "pay", calls: 3, errors: 1, sum: 1e9 }]],
    [counted("web", "work", "messaging_system"), [{ from: "web", to: "work", calls: 3, errors: 1, sum: 1e9 }]],
    [counted("pay", "redis", "database", 2, 2), [{ from: "pay", to: "(redis)", calls: 3, errors: 1, sum: 2e9 }]],
    [counted("pay", "stripe", "virtual_node", 2, 0), [{ from: "pay", to: "(stripe)", calls: 3, errors: 1, sum: 2e9 }]],
    [counted("user", "web", "virtual_node", 0, 1), [{ from: "(user)", to: "web", calls: 3, errors: 1, sum: 1e9 }]],
    [counted("web", "web", ""), []],
    [counted("", "", ""), []],
  ];
  for (const [one, expected] of table) assert.deepEqual(edgesOf([one]), expected);
  const both = edgesOf([counted("a", "b", ""), counted("a", "b", "messaging_system"), counted("c", "d", "")]);
  assert.deepEqual(both[0], { from: "a", to: "b", calls: 6, errors: 2, sum: 2e9 });
});

test("a click on the map asks for what has that name", () => {
  assert.equal(queryOf('a"b'), '{ resource.service.name = "a\\"b" }');
  assert.ok(queryOf("(redis)").startsWith('{ span.db.system.name = "redis" || span.db.system = "redis" || '));
  assert.equal(queryOf("(user)"), "{ (kind = server || kind = consumer) && nestedSetParent < 0 }");
  assert.equal(queryOfEdge("a", 'b"'), '{ resource.service.name = "a" } > { resource.service.name = "b\\"" }');
  assert.ok(queryOfEdge("a", "(redis)").startsWith('{ resource.service.name = "a" && (span.db.system.name = "redis" || '));
  assert.equal(queryOfEdge("(user)", "a"), '{ resource.service.name = "a" && ((kind = server || kind = consumer) && nestedSetParent < 0) }');
});

test("Prometheus' text", () => {
  const found = samples('# HELP x y\nx{a="b",c="d\\"e"} 3\nx{a="f"} 4\ny 1.5\n');
  assert.equal(found.sum("x"), 7);
  assert.equal(found.sum("y"), 1.5);
  assert.ok(Number.isNaN(found.sum("z")));
  assert.equal(found.list[0].labels.a, "b");
});
