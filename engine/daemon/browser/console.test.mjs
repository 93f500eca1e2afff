// The console in a real browser, against the sandbox: with the keyboard alone, on a phone, in light
// and dark, without the script, and for assistive technology (axe-core). Nothing waits for a time.
// Screenshots are in target/screenshots.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { activate, tabTo } from "./keyboard.mjs";
import { inspect, launched, opened, violations } from "./pages.mjs";
import { Site, screenshots } from "./site.mjs";

const acme = "/console/connections/acme";

let site;
let browser;
// What a page complained of: violated policies, errors of the script.
const complaints = [];

before(async () => {
  mkdirSync(screenshots, { recursive: true });
  site = await Site.start();
  browser = await launched();
  await prepare();
});

after(async () => {
  await browser?.close();
  await site?.stop();
});

/** A candidate in step of whom a recruiter changed a field, one who is blocked, one in doubt. */
async function prepare() {
  await site.until("/status", (status) => status?.pulled_ms?.applications !== undefined);
  const jobs = (await site.control("GET", "/rows/jobs")).filter(
    (job) => job.status === "open" && !job.confidential,
  );
  const job = jobs.find((one) => jobs.filter((other) => other.name === one.name).length === 1).name;
  await site.api("PUT", "/desired/ref-118", {
    name: { first: "Ada", last: "Byron" },
    emails: ["ada@example.com"],
    title: "Mathematician",
    policy: { title: "enforce" },
    applications: [{ key: "a", job }],
    notes: [{ key: "n", body: "Met at the analytical engine." }],
  });
  const inStep = (record) =>
    record?.status?.conditions?.some((one) => one.type === "Synced" && one.status);
  await site.until("/desired/ref-118", inStep);
  await site.api("PUT", "/desired/ref-119", {
    name: { first: "Alan", last: "Turing" },
    emails: ["alan@example.com"],
    applications: [{ key: "a", job: "Head of Enigmas" }],
  });
  await site.until("/desired/ref-119", (record) => record?.status?.conditions?.length > 0);
  // A request that is lost on the way to the ATS.
  const fault = { method: "POST", path: "/v3/candidates", fault: { kind: "drop_before" } };
  await site.control("POST", "/faults", fault);
  await site.api("PUT", "/desired/ref-120", {
    name: { first: "Emmy", last: "Noether" }, emails: ["emmy@example.com"],
  });
  await site.until("/intents", ({ intents }) => intents.some((one) => one.state === "in_doubt"));
}

async function ada() {
  return (await site.control("GET", "/candidates?email=ada@example.com"))[0];
}

/** A window of a user with a token; `options` as Playwright's. */
async function window(options = {}) {
  return opened(browser, site, complaints, options);
}

async function signedIn(token = site.tokens.operator, options = {}) {
  const page = await window(options);
  await page.goto("/console");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/console");
  return page;
}

test("an operator signs in, reads a plan and applies it, with the keyboard alone", async () => {
  const candidate = await ada();
  await site.control("POST", "/recruiter", {
    do: "set", collection: "candidates", id: candidate.id, values: { title: "Countess" },
  });
  const page = await window();
  await page.goto("/console");
  await inspect(page, "sign-in");
  await page.reload();
  await page.keyboard.type("no token of this server, whatever it is");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.ok(await page.getByText("This is no token of this server.").isVisible());
  await inspect(page, "sign-in-refused");
  await page.getByLabel("Token").focus();
  await page.keyboard.type(site.tokens.operator);
  await Promise.all([page.waitForURL("**/console"), page.keyboard.press("Enter")]);
  await inspect(page, "connections");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.innerText), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await activate(page, "link", "acme");
  await inspect(page, "connection");
  await activate(page, "button", "Plan");
  const change = page.locator("tr", { hasText: "Mathematician" });
  assert.ok(await change.getByText("Countess").isVisible());
  assert.ok(await page.getByText("Requests to the ATS").isVisible());
  await inspect(page, "plan");
  assert.equal((await ada()).title, "Countess", "a plan writes nothing");
  await activate(page, "button", "Apply this plan");
  await page.getByText("Steps done").waitFor();
  await inspect(page, "applied");
  assert.equal((await ada()).title, "Mathematician");
  await activate(page, "button", "Sign out");
  await page.goto(acme);
  assert.ok(page.url().endsWith("/console/sign-in"));
});

test("a plan is not applied when the ATS has moved since it was shown", async () => {
  const candidate = await ada();
  const retitle = (title) => site.control("POST", "/recruiter", {
    do: "set", collection: "candidates", id: candidate.id, values: { title },
  });
  await retitle("Poet");
  const page = await signedIn();
  await page.goto(acme);
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("cell", { name: "Poet" }).waitFor();
  await retitle("Translator");
  await page.getByRole("button", { name: "Apply this plan" }).click();
  await page.getByText("Nothing was written.").waitFor();
  await inspect(page, "plan-moved");
  assert.equal((await ada()).title, "Translator");
});

test("a write in doubt is decided after its evidence and a confirmation", async () => {
  const page = await signedIn();
  await page.goto(acme);
  await activate(page, "link", "In doubt");
  await inspect(page, "in-doubt");
  await activate(page, "link", "candidates.create");
  await page.getByText("What was sent").click();
  await inspect(page, "evidence");
  await tabTo(page, "radio", "It happened");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.ok(await page.getByRole("radio", { name: "It stays unknown" }).isChecked());
  await page.keyboard.press("ArrowUp");
  assert.ok(await page.getByRole("radio", { name: "It did not happen" }).isChecked());
  await activate(page, "button", "Continue");
  await inspect(page, "confirmation");
  await activate(page, "button", "Send it once more");
  await page.getByText("The ATS confirmed it.").waitFor();
  await inspect(page, "decided");
  const found = await site.control("GET", "/candidates?email=emmy@example.com");
  assert.equal(found.length, 1, "it was sent once");
});

test("a recruiter's move appears in the feed by itself, and no text of it is markup", async () => {
  const page = await signedIn();
  await page.goto(`${acme}/feed`);
  await page.getByText("Live: new changes appear by themselves.").waitFor();
  await inspect(page, "feed");
  const candidate = await ada();
  const [application] = await site.control("GET", `/rows/applications?candidate_id=${candidate.id}`);
  const stages = await site.control("GET", `/rows/job_interview_stages?job_id=${application.job_id}`);
  const stage = stages.find((one) => one.id !== application.job_interview_stage_id);
  await site.control("POST", "/recruiter", {
    do: "move", application_id: application.id, stage_name: stage.name,
  });
  await site.control("POST", "/recruiter", {
    do: "rename", candidate_id: candidate.id, last_name: "Byron",
    first_name: "<img src=x onerror=\"document.title='owned'\">",
  });
  await site.api("POST", "/pull", { kinds: ["applications", "candidates"] });
  const row = page.locator("tr.fresh", { hasText: `applications ${application.id}` });
  await row.getByText("stage").first().waitFor();
  await page.locator("tr.fresh", { hasText: "<img src=x onerror=" }).waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.ok(!(await page.title()).includes("owned"));
  await inspect(page, "feed-live");
  // The same rows without the script.
  const plain = await signedIn(site.tokens.reader, { javaScriptEnabled: false });
  await plain.goto(`${acme}/feed`);
  const rows = await plain.locator("#changes tr").allInnerTexts();
  assert.ok(rows.some((text) => text.includes(`applications ${application.id}`)), rows[0]);
  const [newest] = await page.locator("#changes tr").allInnerTexts();
  assert.equal(newest, rows[0]);
});

test("every other page is usable on a phone, in light and dark, and by assistive technology", async () => {
  const page = await signedIn();
  for (const [name, path] of [
    ["records", "/records"],
    ["record-blocked", "/record?key=ref-119"],
    ["record-in-step", "/record?key=ref-118"],
    ["record-unknown", "/record?key=nothing"],
    ["not-found", "/nothing"],
    ["unhealthy", "/../northwind"],
  ]) {
    await page.goto(acme + path);
    await inspect(page, name);
  }
  await site.control("PATCH", "/access", { revoke: ["harvest:candidate_tags:list"] });
  await page.goto(acme);
  await page.getByRole("button", { name: "Check the permissions" }).click();
  await page.getByRole("heading", { name: "Missing" }).waitFor();
  await page.getByText("permissions granted").click();
  await inspect(page, "permissions");
  await site.control("PATCH", "/access", { grant: ["harvest:candidate_tags:list"] });
  await page.goto(acme);
  await page.getByRole("button", { name: "Pull jobs" }).click();
  await page.getByText("Records read").waitFor();
  await inspect(page, "pulled");
  await page.goto(`${acme}/records`);
  await page.getByLabel("Key of a declared record").fill("ref-118");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "ref-118" }).waitFor();
});

test("an operator reads the audit log and has changes sent again, with the keyboard alone", async () => {
  const authorization = `Bearer ${site.tokens.operator}`;
  const made = await fetch(`${site.url}/v1/webhook-endpoints`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    // Nothing listens there.
    body: JSON.stringify({ url: "http://127.0.0.1:9/hooks", kinds: ["candidates"], enabled: false }),
  });
  assert.equal(made.status, 201);
  const page = await signedIn();
  await activate(page, "link", "Webhooks");
  await page.getByText("by a user").waitFor();
  await inspect(page, "webhook-endpoints");
  await activate(page, "link", "127.0.0.1:9");
  await inspect(page, "webhook-endpoint");
  await tabTo(page, "text", "After change");
  await page.keyboard.type("0");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await inspect(page, "webhook-replay");
  await activate(page, "button", "Send again");
  await page.locator("tr", { hasText: "acme" }).getByText("change 0", { exact: true }).waitFor();
  await activate(page, "link", "Enable it");
  await inspect(page, "webhook-enable");
  await activate(page, "button", "Enable");
  await page.getByRole("heading", { level: 1, name: "Webhook endpoint" }).waitFor();
  while (!(await page.getByText("failing", { exact: true }).count())) await page.reload();
  await inspect(page, "webhook-failing");
  await activate(page, "link", "Audit log");
  const row = page.locator("tr", { hasText: "replay deliveries" });
  assert.ok(await row.getByText("operator").isVisible());
  await inspect(page, "audit");
  await tabTo(page, "text", "Token or link");
  await page.keyboard.type("operator");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.ok(page.url().includes("who=operator"));
  await page.getByText("enable webhook endpoint").waitFor();
  await inspect(page, "audit-of-one");
  // The same without the script, on a phone.
  const plain = await signedIn(site.tokens.operator, { javaScriptEnabled: false });
  await plain.setViewportSize({ width: 360, height: 740 });
  await plain.getByRole("link", { name: "Audit log" }).click();
  await plain.getByText("enable webhook endpoint").first().waitFor();
});

test("a reader sees everything of their connection and no button that changes something", async () => {
  const page = await signedIn(site.tokens.reader);
  assert.equal(await page.getByRole("link", { name: "northwind" }).count(), 0);
  for (const path of ["", "/intents", "/records", "/feed"]) {
    await page.goto(acme + path);
    const buttons = await page.getByRole("button").allInnerTexts();
    const own = buttons.filter((name) => !["Sign out", "Explain"].includes(name));
    assert.deepEqual(own, [], path);
  }
  await page.goto(acme);
  await inspect(page, "connection-reader");
});

test("everything but live updates works without the script", async () => {
  const page = await signedIn(site.tokens.operator, { javaScriptEnabled: false });
  await page.getByRole("link", { name: "acme" }).click();
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("heading", { name: "What it does" }).waitFor();
  await page.getByRole("link", { name: "Back to acme" }).click();
  await page.getByRole("button", { name: "Sweep jobs" }).click();
  await page.getByText("Rows seen").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("axe finds a fault that a page has", async () => {
  const page = await signedIn();
  await page.evaluate(() => document.querySelector("main").append(document.createElement("img")));
  const found = await violations(page);
  assert.ok(found.some((one) => one.startsWith("image-alt")), found.join());
});

test("no page violates its policy or has an error in its script", () => {
  assert.deepEqual(complaints, []);
});
