// The README's pictures: a trace of the demo, light and dark. Run beside `tributary demo`:
//
//     PAGE=http://localhost:3200/ PACKAGES=target/page CHROMIUM=/usr/bin/chromium node tests/page/pictures.js docs

import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import path from "node:path";

const env = /** @type {Record<string, string>} */ (process.env);
const { chromium } = createRequire(path.join(path.resolve(env.PACKAGES), "x.js"))("playwright-core");
const folder = process.argv[2] ?? ".";
/** The most that one of them may weigh, bytes. */
const MOST = 60_000;

const query = "{ status = error }";
const found = await fetch(new URL(`api/search?limit=20&since=10m&q=${encodeURIComponent(query)}`, env.PAGE));
const traces = (await found.json()).traces ?? [];
const trace = traces.sort((/** @type {any} */ a, /** @type {any} */ b) => (b.durationMs ?? 0) - (a.durationMs ?? 0))[0];
if (!trace) throw new Error("the demo has told of no error yet: try again");
const browser = await chromium.launch({ executablePath: env.CHROMIUM, args: ["--no-sandbox"] });
for (const colorScheme of ["light", "dark"]) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 640 }, colorScheme });
  await page.goto(`${env.PAGE}?trace=${trace.traceID}`);
  await page.locator('body[data-ready="trace"]').waitFor({ state: "attached" });
  // The last error is the deepest: what went wrong first.
  await page.keyboard.press("E");
  await page.locator(".row.selected.error").waitFor();
  const session = await page.context().newCDPSession(page);
  for (let quality = 80; quality > 20; quality -= 10) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
    const bytes = Buffer.from(data, "base64");
    if (bytes.length > MOST) continue;
    writeFileSync(path.join(folder, `page-${colorScheme}.webp`), bytes);
    console.log(`page-${colorScheme}.webp: ${bytes.length} bytes`);
    break;
  }
}
await browser.close();
