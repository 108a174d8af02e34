//! Rewrites `wire/src/generated` after a change in `wire/proto`.

use parsecd_wire_codegen::{CodegenError, generate, generated_file};

fn main() -> Result<(), CodegenError> {
    let path = generated_file();
    std::fs::write(&path, generate()?).map_err(|source| CodegenError::File { path, source })
}
