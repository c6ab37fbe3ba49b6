// The lines that a generator of cases writes, which runs inside the environment that holds Synapse.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const UNAVAILABLE = 69; // what the generator ends with when there is no Synapse to be had

/** The lines of a Python script; once they are over, `unavailable` says why there were none. */
export class Lines {
  unavailable = undefined;
  #command;

  constructor(script, ...options) {
    this.#command = [script, ...options.map(String)];
  }

  async *[Symbol.asyncIterator]() {
    const child = spawn("python3", this.#command, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    const end = new Promise((resolve) => {
      child.on("error", (error) => resolve(error));
      child.on("close", (code) => resolve(code));
    });
    yield* createInterface({ input: child.stdout });
    const code = await end;
    if (code?.code === "ENOENT") this.unavailable = "there is no python3";
    else if (code === UNAVAILABLE) this.unavailable = said.trim().split("\n").at(-1);
    else assert.equal(code, 0, `the generator of rooms failed:\n${said.slice(-2000)}`);
  }
}
