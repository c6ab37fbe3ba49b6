// Child processes: shown on a terminal, kept quiet elsewhere and quoted when they fail.
import { spawn, spawnSync } from "node:child_process";
import { root } from "./paths.mjs";
import { Trouble, terminal } from "./say.mjs";

// npm is a .cmd file on Windows, which only a shell can start.
const shellFor = (command) => process.platform === "win32" && command === "npm";

/** The output of a short command, or null when it is not there or fails. */
export function ask(command, args, env = {}) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return status === 0 ? stdout.trim() : null;
}

/**
 * Runs a command to its end and resolves to how it ended and what it printed. `show`: "always"
 * passes the output through as it comes, "terminal" lets the command draw its own progress where
 * somebody watches, "never" keeps it.
 */
export function watch(command, args, show, env = {}) {
  const stdio = show === "terminal" && terminal ? "inherit" : "pipe";
  const colour = show === "always" && terminal ? { CARGO_TERM_COLOR: "always", FORCE_COLOR: "1" } : {};
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      shell: shellFor(command),
      stdio: ["ignore", stdio, stdio],
      env: { ...process.env, ...colour, ...env },
    });
    let output = "";
    for (const [stream, mirror] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (show === "always") mirror.write(text);
      });
    }
    child.on("error", (error) =>
      resolve({ ok: false, end: `${command} could not be started (${error.code}).`, output }),
    );
    child.on("close", (code, signal) =>
      resolve({
        ok: code === 0,
        end: signal ? `It was stopped by ${signal}.` : `It ended with code ${code}.`,
        output,
      }),
    );
  });
}

/** Runs a command that must succeed; resolves to what it printed. */
export async function run(command, args, { show = "never", env, trouble, remedy }) {
  const { ok, end, output } = await watch(command, args, show, env);
  if (ok) return output;
  const advice = noNetwork.test(output)
    ? "A download failed: check the network (or the proxy settings of npm and cargo) and try again."
    : remedy;
  throw new Trouble(trouble, advice ?? end, show === "always" ? "" : output.replace(chatter, ""));
}

const noNetwork =
  /could not resolve host|failed to download|could not download|spurious network error|failed to connect|network is unreachable|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN/i;

// What cargo says about crates that are not the trouble.
const chatter = /^ *(Compiling|Checking|Downloaded|Downloading|Locking|Updating|Blocking) .*\n/gm;
