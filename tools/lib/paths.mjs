// Where things are, relative to the top of the repository.
import { fileURLToPath } from "node:url";
import path from "node:path";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const at = (...parts) => path.join(root, ...parts);

export const target = "wasm32-unknown-unknown";
export const dist = "pkg/dist";
export const bindgenTool = `target/bindgen/debug/fedproof-bindgen${process.platform === "win32" ? ".exe" : ""}`;
export const coreWasm = `target/${target}/release/fedproof.wasm`;
export const glueDir = "target/glue";
export const stampDir = "target/steps";
