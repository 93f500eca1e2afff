//! The `atsync` binary.
fn main() {}
