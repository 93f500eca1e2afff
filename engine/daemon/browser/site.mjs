// A sandbox with a company, and `atsync serve` beside it, in a directory that is removed at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { randomBytes } from "node:crypto";

const root = new URL("../../../", import.meta.url).pathname;
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const programs = join(target, "debug");

export const screenshots = join(target, "screenshots");

/** Starts a program, and returns it with the first line that has this text. */
async function started(name, args, text, options = {}) {
  const child = spawn(join(programs, name), args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const said = await new Promise((resolve, reject) => {
    const lines = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (line.includes(text)) resolve(line);
      });
    }
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${name} ended:\n${lines.join("\n")}`)));
  });
  return { child, said };
}

async function stopped(child) {
  if (child.exitCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

export class Site {
  /** Starts both. `operator` may everything, `reader` reads. */
  static async start() {
    const site = new Site();
    site.directory = mkdtempSync(join(tmpdir(), "atsync-browser-"));
    const sandbox = await started(
      "atsync-greenhouse-sandbox",
      ["--listen", "127.0.0.1:0", "--seed", "3", "--candidates", "60", "--rate-limit", "10000"],
      "listening on",
    );
    site.sandbox = sandbox.child;
    site.ats = sandbox.said.match(/http:\/\/[\d.:]+/)[0];
    site.tokens = { operator: randomBytes(32).toString("hex"), reader: randomBytes(32).toString("hex") };
    writeFileSync(join(site.directory, "acme.toml"), site.config());
    const serve = await started("atsync", ["--config", "acme.toml", "serve"], "and http://", {
      cwd: site.directory,
      env: {
        ...process.env,
        ATSYNC_CACHE_DIR: join(target, "tmp", "adapters"),
        GH_SECRET: "sandbox-secret",
        OPERATOR: site.tokens.operator,
        READER: site.tokens.reader,
        SEAL: randomBytes(32).toString("hex"),
        CLIENT_SECRET: "vendor-secret",
      },
    });
    site.serve = serve.child;
    site.url = serve.said.match(/http:\/\/[\d.:]+/)[0];
    await site.control("POST", "/partners", {
      id: "vendor", secret: "vendor-secret", name: "Acme Referrals",
      redirect_uris: [`${site.url}/connect/callback`],
    });
    return site;
  }

  // The schedules pull once at the start, and then at the turn of the year.
  config() {
    return `store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = { scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = { env = "GH_SECRET" } }
origins = { api = "${this.ats}", auth = "${this.ats}" }
allow_private_network = true
schedule = { jobs = "0 0 1 1 *", candidates = "0 0 1 1 *", applications = "0 0 1 1 *" }
settle_window_ms = 3600000

[connections.northwind]
adapter = "greenhouse"
auth = { scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = { env = "READER" } }
origins = { api = "${this.ats}", auth = "${this.ats}" }
allow_private_network = true
schedule = { jobs = "0 0 1 1 *" }

[serve]
listen = "127.0.0.1:0"
seal_key = { env = "SEAL" }
allow_private_network = true
clients.vendor = { adapter = "greenhouse", client_id = "vendor", client_secret = { env = "CLIENT_SECRET" } }
tokens.operator = { secret = { env = "OPERATOR" }, scope = "admin" }
tokens.reader = { secret = { env = "READER" }, scope = "read", connections = ["acme"] }
`;
  }

  async stop() {
    if (this.serve) await stopped(this.serve);
    if (this.sandbox) await stopped(this.sandbox);
    if (this.directory) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Asks the sandbox's control surface. */
  async control(method, path, body) {
    return asked(`${this.ats}/_sandbox${path}`, method, body);
  }

  /** Asks the API as the operator. */
  async api(method, path, body) {
    const authorization = `Bearer ${this.tokens.operator}`;
    return asked(`${this.url}/v1/connections/acme${path}`, method, body, { authorization });
  }

  /** Makes a connect link; `rest` changes its body. */
  async link(connection, rest = {}) {
    const authorization = `Bearer ${this.tokens.operator}`;
    const made = await asked(`${this.url}/v1/connect-links`, "POST", {
      connection,
      adapter: "greenhouse",
      origins: { api: this.ats, auth: this.ats },
      allow_private_network: true,
      return_url: `${this.url}/livez`,
      ...rest,
    }, { authorization });
    return made.url;
  }

  /** Asks the API until its answer is right. */
  async until(path, isRight) {
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      const answer = await this.api("GET", path);
      if (isRight(answer)) return answer;
    }
    throw new Error(`${path}: ${JSON.stringify(await this.api("GET", path))}`);
  }
}

async function asked(url, method, body, headers = {}) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}
