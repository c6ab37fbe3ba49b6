/** What runtimes that compile WebAssembly at deployment make of an import of the file. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
