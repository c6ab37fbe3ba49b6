/**
 * The host for Deno: that of Node, which Deno's `node:` modules carry. It needs `--allow-net`.
 *
 * @packageDocumentation
 */
export { nodeHost as denoHost, type NodeHost as DenoHost, type NodeHostOptions as DenoHostOptions } from "./node.js";
