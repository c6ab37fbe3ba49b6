/** From the options of a command to a conversation, and from its end to an exit code. */
import type { NodeHost } from "../../hosts/node.js";
import { Federation, FedproofError, type KeyRing, SigningKey } from "../../index.js";
import { NOT_ACCEPTED } from "../program.js";
import { readWhole } from "../source.js";
import { UsageError } from "../usage.js";
import { tellFailure } from "./failure.js";
import type { IdentityFlags, NetworkFlags } from "./options.js";

/** As a shell reports a process that SIGINT ended. */
const INTERRUPTED = 130;

/** Who asks when nothing has to be signed: a name that nobody can have (RFC 2606). */
const NOBODY = "fedproof.invalid";

/** What a command talks with. */
export interface Conversation {
  federation: Federation;
  host: NodeHost;
  /** Keys of other servers. */
  keys: KeyRing;
  signingKey: SigningKey | undefined;
  /** For every call: it ends at Ctrl-C, and when the time of `--timeout` is over. */
  signal: AbortSignal;
}

/**
 * Has a conversation. What goes wrong in it is told, with what can be done about it, and makes the exit code 1;
 * what is wrong with the command line is thrown.
 */
export async function converse(
  flags: NetworkFlags & IdentityFlags,
  work: (conversation: Conversation) => Promise<number>,
): Promise<number> {
  const signingKey = await readKey(flags);
  const host = await hostOf(flags).catch((thrown: unknown) => {
    signingKey?.dispose();
    throw thrown;
  });
  const ending = endingOf(flags.timeout);
  try {
    const federation = new Federation({ serverName: flags.serverName ?? NOBODY, signingKey, host });
    const { keys } = federation;
    try {
      return await work({ federation, host, keys, signingKey, signal: ending.signal });
    } finally {
      keys.dispose();
    }
  } catch (thrown) {
    if (ending.signal.aborted) return ending.tell(flags.json === true);
    if (!(thrown instanceof FedproofError) || isUsage(thrown)) throw thrown;
    tellFailure(thrown, flags.json === true);
    return NOT_ACCEPTED;
  } finally {
    ending.forget();
    host.close();
    signingKey?.dispose();
  }
}

/** @throws UsageError when requests could not be signed. */
export function requireIdentity({ key, serverName }: IdentityFlags, why: string): void {
  if (key !== undefined && serverName !== undefined) return;
  throw new UsageError(`--key and --server-name are needed: ${why}`, {
    hint:
      "The key is that of a server whose name leads to where its public half is published: others look it up\n" +
      'there. "fedproof keys NAME" shows what they see; Synapse keeps the key in its signing.key.',
  });
}

async function readKey({ key, serverName }: IdentityFlags): Promise<SigningKey | undefined> {
  if (key === undefined) return undefined;
  if (serverName === undefined) throw new UsageError("--key needs --server-name: whose key is it?");
  const text = await readWhole(key);
  try {
    return SigningKey.fromSynapseKeyFile(text);
  } finally {
    text.fill(0);
  }
}

async function hostOf({ allowAddress, ca, insecure, dns }: NetworkFlags): Promise<NodeHost> {
  const authorities = ca === undefined ? undefined : new TextDecoder().decode(await readWhole(ca));
  // Loaded when it is needed: no other command opens a socket.
  const { nodeHost } = await import("../../hosts/node.js");
  try {
    return nodeHost({ allowAddresses: allowAddress, ca: authorities, insecure, servers: dns });
  } catch (thrown) {
    if (!(thrown instanceof FedproofError)) throw thrown;
    // It speaks of the options of nodeHost.
    const argument = String(thrown.details["argument"]);
    const option = /allowAddresses/.test(argument) ? "--allow-address" : /servers/.test(argument) ? "--dns" : "--ca";
    const expected = String(thrown.details["expected"] ?? "something else");
    throw new UsageError(`${option} must be ${expected.replace(/^an array of /, "")}`);
  }
}

/** What ends a conversation from outside. */
interface Ending {
  signal: AbortSignal;
  tell(json: boolean): number;
  forget(): void;
}

function endingOf(timeout: number | undefined): Ending {
  const controller = new AbortController();
  let exitCode = NOT_ACCEPTED;
  let error = new FedproofError("timed_out", "");
  // Once: a second Ctrl-C ends the process, whatever it is at.
  const interrupt = (): void => {
    exitCode = INTERRUPTED;
    error = new FedproofError("aborted", "interrupted");
    controller.abort(error);
  };
  process.once("SIGINT", interrupt);
  const timer = setTimeout(() => {
    error = new FedproofError("timed_out", `it took longer than ${(timeout ?? 0) / 1000} s, which --timeout allows`);
    controller.abort(error);
  }, timeout ?? 2 ** 31 - 1);
  timer.unref();
  return {
    signal: controller.signal,
    tell(json) {
      tellFailure(error, json);
      return exitCode;
    },
    forget() {
      clearTimeout(timer);
      process.off("SIGINT", interrupt);
    },
  };
}

/** Wrong on our side, before anybody was asked. */
function isUsage({ code }: FedproofError): boolean {
  return USAGE.has(code) || code.startsWith("request_") || code.startsWith("json_");
}

const USAGE: ReadonlySet<string> = new Set([
  "invalid_argument",
  "invalid_option",
  "server_name_invalid",
  "signing_key_missing",
  "unknown_room_version",
  "not_an_object",
  "number_not_integer",
  "integer_out_of_range",
  "key_file_invalid",
  "seed_invalid",
  "wasm_trap",
  "callback_failed",
]);
