/**
 * The host for Deno: that of Node, which Deno's `node:` modules carry. It needs `--allow-net`, and for what those
 * modules look at, `--allow-sys` and `--allow-env=NODE_USE_SYSTEM_CA`. Without them questions end with
 * `host_failed`, and Deno's own words say which is missing.
 *
 * One thing is different. Deno's DNS does not tell "there is no such record" from "the resolver failed"
 * (SERVFAIL, REFUSED): both count as no records, so that a conversation may go on to the next step where Node's
 * would stop.
 *
 * @packageDocumentation
 */
export { nodeHost as denoHost, type NodeHost as DenoHost, type NodeHostOptions as DenoHostOptions } from "./node.js";
