/**
 * Matrix federation, verified. Everything is synchronous and ready at import: the WebAssembly
 * module travels inside this one.
 *
 * @packageDocumentation
 */
import { wasmBase64 } from "./wasm/inline.js";
import { fromBinary } from "./base64.js";
import { provide } from "./wasm.js";

provide(fromBinary(atob(wasmBase64)));

export * from "./api.js";
