//! Writes the JavaScript glue for a wasm file: `fedproof-bindgen INPUT.wasm OUT_DIR`.
//!
//! The same as the `wasm-bindgen` command line with our options, but a third of its dependencies.

use std::{env, error::Error};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [input, out_dir] = args.as_slice() else {
        return Err("usage: fedproof-bindgen INPUT.wasm OUT_DIR".into());
    };
    Bindgen::new()
        .input_path(input)
        .web(true)?
        .typescript(true)
        // Bundlers follow `new URL("….wasm", import.meta.url)` and would ship a second copy.
        .omit_default_module_path(true)
        // The only way on stable Rust to get a working module back after a trap.
        .reset_state_function(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out_dir)?;
    Ok(())
}
