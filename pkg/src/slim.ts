/**
 * The same as the main entry without the WebAssembly module inside: for pages that load the file
 * `fedproof/fedproof.wasm` themselves, which is a quarter smaller and compiles while it arrives.
 *
 * @packageDocumentation
 */
import { FedproofError, invalidArgument } from "./errors.js";
import { isUint8Array } from "./input.js";
import { provide } from "./wasm.js";

export * from "./api.js";

/**
 * Loads the module. Until then every function throws `not_initialised`. Further calls change nothing.
 *
 * @param source The bytes of `fedproof.wasm`, its compiled module, or the response of fetching it
 * (or the promise of one).
 * @throws FedproofError `invalid_argument`; what the platform throws for a file that is no module.
 * @example
 * import wasmUrl from "fedproof/fedproof.wasm?url";
 * await init(fetch(wasmUrl));
 */
export async function init(
  source: BufferSource | WebAssembly.Module | Response | PromiseLike<Response>,
): Promise<void> {
  const given: unknown = await source;
  if (given instanceof WebAssembly.Module) return provide(given);
  if (isUint8Array(given) || given instanceof ArrayBuffer) {
    return provide(await WebAssembly.compile(given as BufferSource));
  }
  if (typeof Response === "function" && given instanceof Response) return provide(await load(given));
  throw invalidArgument("the source of init", "bytes, a WebAssembly.Module or a Response", given);
}

async function load(response: Response): Promise<WebAssembly.Module> {
  if (!response.ok) {
    throw new FedproofError(
      "invalid_argument",
      `the response for the WebAssembly module has status ${response.status}`,
      { details: { argument: "source", status: response.status, url: response.url } },
    );
  }
  // Streaming needs the right content type, which not every server sends.
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
