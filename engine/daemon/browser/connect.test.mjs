// The connect page in a real browser, against the sandbox: a customer's administrator connects by a
// credential and by a consent, with the keyboard alone, on a phone, in light and dark, without the
// script, and with assistive technology (axe-core). Nothing waits for a time.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { activate, tabTo } from "./keyboard.mjs";
import { inspect, launched, opened } from "./pages.mjs";
import { Site, screenshots } from "./site.mjs";

// A rectangle of one colour.
const LOGO = "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAkCAIAAAC2bqvFAAAAOklEQVR42u3PQQkAAAgEsEtiMNMZ1Qw+hcEKLNXzWgQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEbhaNDNiIA1Im8QAAAABJRU5ErkJggg==";
const theme = { name: "Acme Referrals", colour: "#ffd400", logo: LOGO };
const own = { theme, settings: { source: "No Such Source" } };

let site;
let browser;
const complaints = [];

before(async () => {
  mkdirSync(screenshots, { recursive: true });
  site = await Site.start();
  browser = await launched();
});

after(async () => {
  await browser?.close();
  await site?.stop();
});

async function window(options = {}) {
  return opened(browser, site, complaints, options);
}

async function connected(name) {
  const authorization = `Bearer ${site.tokens.operator}`;
  const answer = await fetch(`${site.url}/v1/connections/${name}`, { headers: { authorization } });
  return answer.status;
}

/** Fills in the credential of the customer, with the keyboard alone. */
async function paste(page, secret) {
  await tabTo(page, "text", "Client ID");
  await page.keyboard.type("sandbox");
  await page.keyboard.press("Tab");
  await page.keyboard.type(secret);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

test("a customer connects by a credential; what is missing is shown and heals when ticked", async () => {
  await site.control("PATCH", "/access", { revoke: ["harvest:candidates:list"] });
  const page = await window();
  await page.goto(await site.link("by-key", own));
  await inspect(page, "connect-start");
  await tabTo(page, "summary", "Use a credential");
  await page.keyboard.press("Enter");
  await inspect(page, "connect-key");
  await paste(page, "wrong");
  await page.getByText("Greenhouse refused the credential.").waitFor();
  await inspect(page, "connect-refused");
  assert.equal(await connected("by-key"), 404);
  await paste(page, "sandbox-secret");
  await page.getByRole("heading", { level: 1, name: "Something is missing" }).waitFor();
  const row = page.locator("tr", { hasText: "harvest:candidates:list" });
  assert.ok(await row.getByText("API Credentials").isVisible());
  await inspect(page, "connect-missing");
  await site.control("PATCH", "/access", { grant: ["harvest:candidates:list"] });
  await activate(page, "button", "Check again");
  await page.getByRole("heading", { level: 1, name: "The connection works" }).waitFor();
  await inspect(page, "connect-works");
  await activate(page, "button", "Finish");
  await page.getByRole("heading", { level: 1, name: "Connected" }).waitFor();
  await inspect(page, "connect-done");
  await activate(page, "link", "Back to Acme Referrals");
  assert.equal(page.url(), `${site.url}/livez`);
  assert.equal(await connected("by-key"), 200);
});

test("a customer connects by a consent, and comes back from the ATS in the same browser", async () => {
  const link = await site.link("by-consent", { theme });
  const page = await window();
  await page.goto(link);
  await activate(page, "button", "Begin");
  await inspect(page, "connect-consent");
  await activate(page, "link", "Continue to Greenhouse");
  assert.ok(page.url().startsWith(site.ats), page.url());
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { level: 1, name: "The connection works" }).waitFor();
  assert.equal(page.url(), link, "no code stays in the address");
  await inspect(page, "connect-consented");
  await activate(page, "button", "Finish");
  await page.getByRole("heading", { level: 1, name: "Connected" }).waitFor();
  assert.equal(await connected("by-consent"), 200);
  const other = await window();
  await other.goto(link);
  await other.getByRole("heading", { level: 1, name: "This link was used" }).waitFor();
  await inspect(other, "connect-used");
});

test("a refused consent leads back and begins anew, without the script too", async () => {
  const page = await window({ javaScriptEnabled: false });
  await page.goto(await site.link("refused"));
  for (const decision of ["Deny", "Allow"]) {
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByRole("link", { name: "Continue to Greenhouse" }).click();
    await page.getByRole("button", { name: decision }).click();
    if (decision === "Deny") await page.getByText("The consent was refused in Greenhouse").waitFor();
  }
  await page.getByRole("heading", { level: 1, name: "The connection works" }).waitFor();
});

test("no page violates its policy or has an error in its script", () => {
  assert.deepEqual(complaints, []);
});
