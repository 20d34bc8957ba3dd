// A browser for stories: what it shows, and what it must never do.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const env = /** @type {Record<string, string>} */ (process.env);
const require = createRequire(path.join(env.PACKAGES, "x.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const origin = env.PAGE;
/** Waits are for a predicate, and this is their deadline. */
const PATIENCE = 60_000;

export async function launch() {
  return chromium.launch({
    executablePath: env.CHROMIUM,
    // No name but this machine's can be resolved: what asks elsewhere fails.
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
}

/**
 * A page, and the faults that it has shown: errors, violations of the policy, requests to elsewhere.
 * @param {any} browser @param {Record<string, any>} [options]
 */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (/** @type {Error} */ error) => faults.push(`error: ${error.stack}`));
  page.on("dialog", (/** @type {any} */ dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("console", (/** @type {any} */ message) => {
    if (/violat|Refused|VIOLATION/i.test(message.text())) faults.push(message.text());
  });
  page.on("request", (/** @type {any} */ request) => {
    const to = new URL(request.url());
    if (to.hostname !== "127.0.0.1" && to.protocol !== "blob:") faults.push(`a request to ${to.href}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.log("VIOLATION", event.violatedDirective, event.blockedURI, event.sample));
  });
  return { page, faults, close: () => context.close() };
}

/** Waits until a view says that it is drawn. @param {any} page @param {string} what */
export async function ready(page, what) {
  const state = page.locator(`body[data-ready="${what}"]`);
  try {
    await state.waitFor({ state: "attached" });
  } catch (error) {
    const body = (await page.locator("body").innerText()).slice(0, 2000);
    throw new Error(`not ${what}, but ${await page.locator("body").getAttribute("data-ready")}: ${body}\n${error}`);
  }
}

/** What axe finds. @param {any} page */
export async function audit(page) {
  const session = await page.context().newCDPSession(page);
  // By the protocol: a page under this policy takes no script from elsewhere.
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run().then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])))",
    awaitPromise: true, returnByValue: true,
  });
  await session.detach();
  assert.equal(result.value, "[]", `accessibility of ${page.url()}`);
}

/**
 * A proxy that takes prefixes off, as one in front of an ingester does.
 * @param {string[]} prefixes
 */
export async function proxy(prefixes) {
  const to = new URL(origin);
  const server = http.createServer((request, response) => {
    const asked = request.url ?? "/";
    const prefix = prefixes.find((one) => asked.startsWith(one)) ?? "";
    const path = asked.slice(prefix.length);
    const headers = { ...request.headers, host: to.host };
    const onward = http.request({ host: to.hostname, port: to.port, path: path.startsWith("/") ? path : `/${path}`, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

/** The status of a request that names another host. @param {string} host */
export function asHost(host) {
  return new Promise((resolve, reject) => {
    const to = new URL("api/echo", origin);
    http.get({ host: to.hostname, port: to.port, path: to.pathname, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on("error", reject);
  });
}

/** A picture for people, where one is asked for. @param {any} page @param {string} name */
export async function shot(page, name) {
  if (env.SHOTS) await page.screenshot({ path: path.join(env.SHOTS, `${name}.png`) });
}
