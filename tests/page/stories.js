// The page as people use it. Each story has a browser's page of its own; none may show a fault.

import assert from "node:assert/strict";
import { TEXTS, ID, hostile } from "./hostile.js";
import { asHost, audit, launch, open, origin, proxy, ready, shot } from "./harness.js";
import { otlp } from "./unit/make.js";

const env = /** @type {Record<string, string>} */ (process.env);
const time = `start=${env.START}&end=${env.END}`;
const spans = Number(env.SPANS);

/** @type {Record<string, (page: any) => Promise<void>>} */
const stories = {
  async "a trace is what was recorded"(page) {
    await page.goto(`${origin}?trace=${env.TRACE}`);
    await ready(page, "trace");
    const head = await page.locator(".t-head").innerText();
    assert.match(head, new RegExp(`${spans} spans`));
    assert.match(head, new RegExp(`${env.ERRORS} error`));
    await page.keyboard.press("*");
    await page.locator(`#spans[aria-rowcount="${spans}"]`).waitFor();
    await page.getByRole("tab", { name: "Table" }).click();
    const counts = await page.locator(".table-view tbody tr td:nth-child(2)").allInnerTexts();
    assert.equal(counts.reduce((/** @type {number} */ sum, /** @type {string} */ n) => sum + Number(n.replace(/,/g, "")), 0), spans);
    await page.getByRole("tab", { name: "Map" }).click();
    await page.locator(".map-box .node").nth(2).waitFor();
  },

  async "by keys alone: from the search into an attribute, and back"(page) {
    await page.goto(`${origin}?${time}`);
    await ready(page, "search");
    await page.keyboard.press("/");
    await page.keyboard.type("{ status = error }");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await page.locator(".chips code", { hasText: "status = error" }).waitFor();
    await ready(page, "search");
    const first = page.locator(".trace-link").first();
    await first.focus();
    await page.keyboard.press("Enter");
    await ready(page, "trace");
    await page.keyboard.press("e");
    await page.locator(".row.selected.error").waitFor();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "details");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "spans");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowLeft");
    await page.locator('#spans[aria-rowcount="1"]').waitFor();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("/");
    await page.keyboard.type("kind:server");
    await page.locator(".hits", { hasText: / of / }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.locator("dialog.help").waitFor();
    await page.keyboard.press("Escape");
    await page.goBack();
    await ready(page, "search");
    assert.equal(await page.locator(".chips code").innerText(), "status = error");
  },

  async "a mistake is shown at its place, and completion offers what there is"(page) {
    await page.goto(`${origin}?${time}&q=${encodeURIComponent("{ statsu = error }")}`);
    await ready(page, "failed");
    assert.equal(await page.locator(".q-fault").innerText(), "statsu");
    await page.locator("textarea").fill("");
    await page.locator("textarea").pressSequentially("{ resource.service.na");
    await page.locator(".offers li[aria-selected=true]", { hasText: "resource.service.name" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type('= "web-');
    await page.locator(".offers li", { hasText: "web-gateway" }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.type("}");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Enter");
    await ready(page, "search");
    assert.ok((await page.locator(".trace-link").count()) > 10);
  },

  async "charts lead to traces"(page) {
    await page.goto(`${origin}?view=charts&${time}`);
    await ready(page, "charts");
    const rows = await page.locator(".page table tbody tr").allInnerTexts();
    assert.ok(rows.some((/** @type {string} */ row) => row.includes("web-gateway")), rows.join("\n"));
    await page.locator(".page table tbody a", { hasText: "order-api" }).click();
    await ready(page, "search");
    assert.ok((await page.locator(".trace-link").count()) > 0);
  },

  async "the map has every call that is counted, and an edge leads to its traces"(page) {
    const answer = page.waitForResponse((/** @type {any} */ response) => response.url().endsWith("/metrics/spans/calls"));
    await page.goto(`${origin}?view=map&${time}`);
    await ready(page, "map");
    const { edges } = await (await answer).json();
    /** @type {Record<string, number>} */
    const counted = {};
    for (const { client, server, calls } of edges) {
      if (client !== server && client && server) counted[`${client} → ${server}`] = (counted[`${client} → ${server}`] ?? 0) + calls;
    }
    assert.ok(Object.keys(counted).length > 20, "edges that are counted");
    await page.locator("summary", { hasText: "as a table" }).click();
    const rows = await page.locator(".map-box tbody tr").evaluateAll((/** @type {HTMLTableRowElement[]} */ rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText)));
    const bare = (/** @type {string} */ name) => name.replace(/^\((.*)\)$/, "$1");
    const shown = Object.fromEntries(rows.map((/** @type {string[]} */ [from, to, calls]) =>
      [`${bare(from ?? "")} → ${bare(to ?? "")}`, Number(calls?.replace(/,/g, ""))]));
    assert.deepEqual(shown, counted);
    assert.equal(await page.locator(".map-box .edge").count(), rows.length);
    await audit(page);
    await page.getByRole("link", { name: /^order-api → payment: / }).locator("text").click();
    await ready(page, "search");
    assert.equal(await page.locator("textarea").inputValue(), '{ resource.service.name = "order-api" } > { resource.service.name = "payment" }');
    assert.ok((await page.locator(".trace-link").count()) > 10);
    await page.goBack();
    await ready(page, "map");
    await page.getByRole("button", { name: "a sample of the newest traces" }).click();
    await page.locator(".query-line", { hasText: "a sample: the newest" }).waitFor();
    await ready(page, "map");
    await audit(page);
  },

  async "what tries to be more than text stays text"(page) {
    const body = JSON.stringify(hostile());
    const answer = await fetch(env.OTLP, { method: "POST", headers: { "content-type": "application/json" }, body });
    assert.equal(answer.status, 200);
    await page.goto(`${origin}?trace=${ID}`);
    await ready(page, "trace");
    assert.ok((await page.locator("h1").innerText()).includes(TEXTS.name));
    const pane = await page.locator("#details").innerText();
    for (const text of [TEXTS.name, TEXTS.key, TEXTS.value, TEXTS.link, TEXTS.event, TEXTS.message, "⟨U+202E⟩"]) assert.ok(pane.includes(text), text);
    assert.equal(await page.locator("#details a[href^='javascript']").count(), 0);
    await page.keyboard.press("ArrowDown");
    for (const tab of ["Table", "Map"]) await page.getByRole("tab", { name: tab }).click();
    await page.goto(`${origin}?since=5m`);
    await ready(page, "search");
    assert.ok((await page.locator(".trace-link").first().innerText()).includes(TEXTS.name));
    for (const q of [TEXTS.name, `{ name = "${TEXTS.value}" && x`]) {
      await page.goto(`${origin}?since=5m&tenant=${encodeURIComponent(TEXTS.name)}&trace=${encodeURIComponent(TEXTS.name)}&q=${encodeURIComponent(q)}`);
      await ready(page, "failed");
    }
    await page.goto(`${origin}?view=charts&since=5m&by=${encodeURIComponent(TEXTS.key)}&q=${encodeURIComponent(TEXTS.value)}`);
    await ready(page, "failed");
    assert.equal(await page.locator("img, iframe, object, embed, body script, svg[onload], b").count(), 0);
  },

  async "a hundred thousand spans: few rows exist, the last one is the last"(page) {
    const many = Array.from({ length: 100_000 }, (_, i) => ({
      id: i + 1, up: i === 0 ? undefined : Math.ceil(i / 50), at: i, took: 200_000 - i, name: `work ${i % 97}`, error: i % 9973 === 5,
    }));
    await page.goto(origin);
    await ready(page, "search");
    await page.locator("input[type=file]").setInputFiles({ name: "large.pb", mimeType: "application/protobuf", buffer: Buffer.from(otlp(many)) });
    await ready(page, "trace");
    await page.keyboard.press("x");
    await page.keyboard.press("*");
    const grid = page.locator("#spans");
    await page.locator('#spans[aria-rowcount="100000"]').waitFor();
    const fits = Math.ceil(await grid.evaluate((/** @type {Element} */ e) => e.clientHeight / 24)) + 2;
    for (const key of ["End", "Home"]) {
      await page.keyboard.press(key);
      assert.ok((await page.locator(".row").count()) <= fits, "rows that exist");
    }
    await page.keyboard.press("End");
    await page.locator('.row.selected[aria-rowindex="100000"]').waitFor();
    await page.keyboard.press("e");
    await page.locator(".row.selected.error").waitFor();
    await page.keyboard.press("-");
    await page.locator('#spans[aria-rowcount="1"]').waitFor();
    await page.locator("#find").fill("work 96");
    await page.locator(".hits", { hasText: "of 1030" }).waitFor();
  },

  async "out as a file and in again"(page) {
    await page.goto(`${origin}?trace=${env.TRACE}`);
    await ready(page, "trace");
    for (const [button, name] of [["↓ JSON", "trace.json"], ["↓ protobuf", "trace.pb"]]) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
      const path = await download.path();
      await page.goto(origin);
      await ready(page, "search");
      const { readFileSync } = await import("node:fs");
      await page.locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer: readFileSync(path) });
      await ready(page, "trace");
      assert.match(await page.locator(".t-head").innerText(), new RegExp(`${spans} spans`));
    }
    await page.locator("input[type=file]").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
    await page.locator("#main p", { hasText: "no spans in this JSON" }).waitFor();
  },

  async "below any prefix, several at once"(page) {
    const front = await proxy(["/one", "/deep/er"]);
    try {
      for (const prefix of ["/one", "/deep/er"]) {
        await page.goto(`${front.url}${prefix}/?${time}`);
        await ready(page, "search");
        await page.locator(".trace-link").first().click();
        await ready(page, "trace");
        assert.ok(page.url().startsWith(`${front.url}${prefix}/?`), page.url());
        await page.goto(`${front.url}${prefix}/trace/${env.TRACE}`);
        await ready(page, "trace");
      }
    } finally {
      front.close();
    }
  },

  async "what is not there is told, with what to do"(page) {
    await page.goto(`${origin}?trace=00000000000000000000000000000abc`);
    await ready(page, "failed");
    await page.locator("#main p", { hasText: "There is no trace" }).waitFor();
    await page.goto(`${origin}?since=5m&q=${encodeURIComponent('{ name = "nowhere" }')}`);
    await ready(page, "search");
    await page.locator("#main p", { hasText: "No trace in this time matches" }).waitFor();
    await page.route("**/api/**", (/** @type {any} */ route) => route.abort());
    await page.goto(`${origin}?trace=${env.TRACE}`);
    await ready(page, "failed");
    await page.locator("#main p", { hasText: "does not answer" }).waitFor();
    assert.equal(await asHost("evil.example"), 421);
    assert.equal(await asHost("localhost:1"), 200);
  },
};

const views = {
  trace: [`?trace=${env.TRACE}`, "trace"], table: [`?trace=${env.TRACE}&tab=table`, "trace"], "trace-map": [`?trace=${env.TRACE}&tab=map`, "trace"],
  search: [`?${time}`, "search"], charts: [`?view=charts&${time}`, "charts"], map: [`?view=map&${time}`, "map"], status: ["?view=status", "status"],
};

const browser = await launch();
let failed = 0;
/** @param {string} name @param {Record<string, any>} options @param {(page: any) => Promise<void>} story */
async function tell(name, options, story) {
  const began = Date.now();
  const { page, faults, close } = await open(browser, options);
  try {
    await story(page);
    assert.deepEqual(faults, []);
    console.log(`ok   ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed++;
    await shot(page, `failed-${failed}`);
    console.log(`FAIL ${name}: ${error instanceof Error ? error.stack : error}\n${faults.join("\n")}`);
  } finally {
    await close();
  }
}

const only = process.argv[2] ?? "";
for (const [name, story] of Object.entries(stories)) if (name.includes(only)) await tell(name, {}, story);
for (const colorScheme of ["light", "dark"]) {
  if (only && only !== "views") continue;
  await tell(`each view, ${colorScheme}, without a finding`, { colorScheme }, async (page) => {
    for (const [view, [address, state]] of Object.entries(views)) {
      await page.goto(origin + address);
      await ready(page, state);
      await audit(page);
      await shot(page, `${view}-${colorScheme}`);
    }
  });
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
