//! The checked-in code is what the definitions say.

use parsecd_wire_codegen::{generate, generated_file};

#[test]
fn generated_code_is_fresh() {
    let generated = generate().expect("the definitions generate code");
    let checked_in = std::fs::read_to_string(generated_file()).expect("generated code is checked in");
    assert!(generated == checked_in, "wire/proto was changed: run cargo run -p parsecd-wire-codegen");
}
