//! The workshop: `cargo xtask VERB`.
fn main() {}
