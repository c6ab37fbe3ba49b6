/**
 * For Cloudflare's runtime, which compiles WebAssembly at deployment and refuses to do it later.
 *
 * @packageDocumentation
 */
import module from "./wasm/fedproof_bg.wasm";
import { provide } from "./wasm.js";

provide(module);

export * from "./api.js";
