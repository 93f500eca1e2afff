//! Desired records as they come in: refused with a place, or taken in for what they are.

use atsync::internals::declare;
use std::fmt::Write as _;

/// What is accepted is stored as JSON, and that JSON must mean the same record to whoever reads it
/// later.
pub fn desired(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let records = match declare::parse("input", &text) {
        Ok(records) => records,
        Err(error) => {
            assert!(error.to_string().contains("input:"), "a refusal says where: {error}");
            return;
        }
    };
    // Two records with one key are refused as a batch; each by itself is fine.
    let mut lines = String::new();
    for record in &records {
        let declarations = declare::declarations(std::slice::from_ref(record))
            .expect("what was parsed can be declared");
        assert_eq!(declarations.len(), 1);
        for declaration in declarations {
            assert_eq!(declaration.key, record.key());
            writeln!(lines, "{}", declaration.body).expect("a string takes it in");
        }
    }
    let again = declare::parse("again", &lines).expect("what was accepted is accepted again");
    assert_eq!(again, records, "what is stored is what was declared");
}
