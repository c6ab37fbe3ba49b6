// A real Synapse on the loopback address, as one more server of a federation under test.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SigningKey } from "fedproof";
import { call, User } from "./client.mjs";
import { hostOf, send } from "./https.mjs";

const LAUNCHER = fileURLToPath(new URL("../../synapse/homeserver.py", import.meta.url));
const UNAVAILABLE = 69; // what the launcher ends with when there is no Synapse to be had
const INSTALL_AND_START_SECONDS = 300; // the first run installs Synapse; later ones take two seconds
const STOP_SECONDS = 5;
const PASSWORD = "only for this run";
const REGISTRATION_SECRET = "only for this run";

/**
 * Starts a Synapse and waits until it answers. Where there is none to be had (no Python, or it cannot be installed),
 * one line says so and the result has only `unavailable`, the reason, for the `skip` of tests, and `stop`.
 *
 * @param options
 * - `authority`: who signs its certificate, and whom it trusts when it speaks to others
 * - `serverName`: without it `localhost:` and its port
 * - `delegates`: more names its certificate is valid for
 * - `dns`: a `Dns`, which it asks about every name but `localhost`; without it, it can resolve no other name
 * - `ports`: where it goes instead of a port, such as `{ 443: wellKnown.port }`
 * - `config`: Synapse's own options, over ours
 * @returns {Promise<Synapse | { unavailable: string, stop(): Promise<void> }>}
 */
export async function startSynapse({ authority, serverName, delegates = [], dns, ports = {}, config = {} }) {
  const port = await freePort();
  const name = serverName ?? `localhost:${port}`;
  const key = SigningKey.generate();
  const folder = mkdtempSync(join(tmpdir(), "fedproof-synapse-"));
  const { cert, key: tlsKey } = authority.issue(["localhost", "127.0.0.1", hostOf(name), ...delegates]);
  const files = {
    "authority.pem": authority.certificate,
    "server.pem": cert,
    "server.key": tlsKey,
    "signing.key": key.toSynapseKeyFile(),
    "more.json": JSON.stringify({ registration_shared_secret: REGISTRATION_SECRET, ...config }),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const synapse = new Synapse({ serverName: name, port, key, authority, folder });
  const options = [
    ...["--folder", folder, "--name", name, "--port", port],
    ...(dns ? ["--dns", dns.port] : []),
    ...Object.entries(ports).flatMap(([from, to]) => ["--redirect", `${from}:${to}`]),
  ];
  try {
    const unavailable = await synapse.start(options.map(String));
    if (!unavailable) return synapse;
    await synapse.stop();
    console.log(`# skipped: no Synapse to talk to: ${unavailable}`);
    return { unavailable, stop: async () => {} };
  } catch (error) {
    await synapse.stop();
    throw error;
  }
}

export class Synapse {
  /** Nothing: it is there. */
  unavailable = undefined;
  #agent;
  #child;
  #ended;
  #folder;
  #admin;
  /** For tests that never come to `stop`. */
  #atExit = () => {
    this.#child.kill("SIGKILL");
    this.#discard();
  };

  constructor({ serverName, port, key, authority, folder }) {
    this.serverName = serverName;
    this.port = port;
    /** Its signing key. */
    this.key = key;
    this.ca = authority.certificate;
    this.#folder = folder;
    this.#agent = new Agent({ keepAlive: true });
  }

  /** Starts the process; gives why there is no Synapse, or nothing once it answers. */
  async start(options) {
    const output = createWriteStream(join(this.#folder, "output.log"));
    // It ends itself when the pipe to it is closed, as it is however this process ends.
    this.#child = spawn("python3", [LAUNCHER, ...options], { stdio: ["pipe", "pipe", "pipe"] });
    process.once("exit", this.#atExit);
    this.#child.stdout.pipe(output, { end: false });
    this.#child.stderr.pipe(output, { end: false });
    this.#child.stdin.on("error", () => {}); // it is gone already
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", resolve);
      this.#child.on("close", (code, signal) => resolve({ code: code ?? signal }));
    }).finally(() => output.end());
    let end;
    this.#ended.then((how) => (end = how));
    const deadline = performance.now() + INSTALL_AND_START_SECONDS * 1000;
    while (performance.now() < deadline) {
      if (end?.code === "ENOENT") return "there is no python3";
      if (end?.code === UNAVAILABLE) return this.log().trim().split("\n").at(-1);
      if (end) throw new Error(`Synapse ended while starting (${end.code}):\n${this.log().slice(-4000)}`);
      if (await this.#answers()) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`Synapse does not answer after ${INSTALL_AND_START_SECONDS} s:\n${this.log().slice(-4000)}`);
  }

  /** A request to it, as of `send` in https.mjs: `{ method, path, headers, body }`. */
  send(request) {
    return send({ port: this.port, tlsName: hostOf(this.serverName), ca: this.ca, agent: this.#agent, ...request });
  }

  /** Registers a user. */
  async register(localpart, { admin = false } = {}) {
    const path = "/_synapse/admin/v1/register";
    const { nonce } = await call(this, "GET", path);
    const mac = createHmac("sha1", REGISTRATION_SECRET)
      .update([nonce, localpart, PASSWORD, admin ? "admin" : "notadmin"].join("\0"))
      .digest("hex");
    const body = { nonce, username: localpart, password: PASSWORD, admin, mac };
    return new User(this, await call(this, "POST", path, { body }));
  }

  /** A new device of a registered user. */
  async login(localpart) {
    const body = { type: "m.login.password", identifier: { type: "m.id.user", user: localpart }, password: PASSWORD };
    return new User(this, await call(this, "POST", "/_matrix/client/v3/login", { body }));
  }

  /** Deactivates an account, as the server's admin: the user leaves all rooms and can never come back. */
  async deactivate(userId) {
    await this.admin("POST", `v1/deactivate/${encodeURIComponent(userId)}`, { erase: false });
  }

  /** Any request of Synapse's admin API: `path` is what follows `/_synapse/admin/`. */
  async admin(method, path, body) {
    this.#admin ??= await this.register("server-admin", { admin: true });
    return this.#admin.request(method, `/_synapse/admin/${path}`, body);
  }

  /** What it has said so far: why it refused an event stands nowhere else. */
  log() {
    const read = (file) => {
      try {
        return readFileSync(join(this.#folder, file), "utf8");
      } catch {
        return "";
      }
    };
    return read("synapse.log") + read("output.log");
  }

  /** Stops it and throws its folder away. */
  async stop() {
    this.#agent.destroy();
    if (this.#child?.pid !== undefined) {
      this.#child.stdin.end();
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_SECONDS * 1000);
      await this.#ended;
      clearTimeout(timer);
    }
    process.off("exit", this.#atExit);
    this.#discard();
  }

  #discard() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers() {
    try {
      return (await this.send({ path: "/_matrix/client/versions" })).status === 200;
    } catch {
      return false;
    }
  }
}

/** A port nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
