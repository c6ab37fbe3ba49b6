// The host for Node in the other runtimes that have its modules. Skipped where they are not installed.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { authority, dnsServer, httpsServer } from "./servers.mjs";

const script = fileURLToPath(new URL("runtimes/ask.mjs", import.meta.url));

for (const [runtime, ...flags] of [["node"], ["deno", "run", "--no-prompt", "--allow-net", "--allow-sys", "--allow-env=NODE_USE_SYSTEM_CA"], ["bun", "run"]]) {
  const command = runtime === "node" ? process.execPath : runtime;
  const missing = spawnSync(command, ["--version"]).error !== undefined && `${runtime} is not installed`;

  test(`${runtime} looks up, connects, expects and refuses as it should`, { skip: missing }, async (t) => {
    const trusted = await authority();
    const handle = ({ url, headers, socket }, response) => {
      if (url !== "/slow") response.end(`${headers.host} ${socket.servername || "none"}`);
    };
    const { port } = await httpsServer(t, await trusted.issue(["a.test", "127.0.0.1"]), handle);
    const zone = { "a.test": [["CNAME", "b.test"]], "b.test": [["A", "127.0.0.1"]], "_x._tcp.a.test": [["SRV", 1, 2, port, "a.test"]] };
    const { server } = await dnsServer(t, zone);
    const child = spawn(command, [...flags, script, JSON.stringify({ ca: trusted.ca, server, port })], { timeout: 60_000 });
    const chunks = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) child[name].on("data", (chunk) => (chunks[name] += chunk));
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 0, chunks.stderr);
    assert.deepEqual(JSON.parse(chunks.stdout), {
      srv: [{ priority: 1, weight: 2, port, target: "a.test" }],
      addresses: ["127.0.0.1"],
      canonicalName: "b.test",
      none: [],
      named: "h.test a.test",
      unnamed: "127.0.0.1 none",
      wrongName: "host_tls",
      untrusted: "host_tls",
      private: "host_address_forbidden",
      mapped: "host_address_forbidden",
      refused: "host_unreachable",
      slow: "host_timed_out",
    });
  });
}
