// A browser, its windows, and what is looked at on every page: axe-core in light and dark, and the
// width of a phone. Screenshots are in target/screenshots.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { screenshots } from "./site.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const WIDE = { width: 1100, height: 800 };
const PHONE = { width: 360, height: 740 };

export async function launched() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: flags, chromiumSandbox: false });
}

/** A window. What its pages complain of (violated policies, errors of the script) is added. */
export async function opened(browser, site, complaints, options = {}) {
  const context = await browser.newContext({ baseURL: site.url, viewport: WIDE, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
  page.on("console", (message) => {
    // Chromium reports each answer of 4xx as an error.
    const isStatus = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isStatus) complaints.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

async function shot(page, name) {
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** What axe finds on a page. It is injected past the page's policy, which stays in force. */
export async function violations(page) {
  await page.evaluate(axe);
  const results = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }));
  return results.violations.map((one) =>
    `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n  ")}`);
}

/** Looks at a page in light and dark, wide and on a phone. */
export async function inspect(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], `${name} in ${colorScheme}`);
    await shot(page, `${name}-${colorScheme}`);
  }
  await page.setViewportSize(PHONE);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= PHONE.width, `${name} is ${wide} pixels wide on a phone`);
  assert.deepEqual(await violations(page), [], `${name} on a phone`);
  await page.emulateMedia({ colorScheme: "light" });
  await shot(page, `${name}-phone`);
  await page.setViewportSize(WIDE);
}
