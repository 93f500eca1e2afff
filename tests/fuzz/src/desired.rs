//! Desired records as the host sends them: refused with a place, or accepted unchanged.

use atsync::internals::declare;
use std::fmt::Write as _;

/// An accepted record is stored as JSON, and that JSON must mean the same record to every later
/// reader.
pub fn desired(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let records = match declare::parse("input", &text) {
        Ok(records) => records,
        Err(error) => {
            assert!(error.to_string().contains("input:"), "a refusal says where: {error}");
            return;
        }
    };
    // Two records with one key are refused as a batch; each by itself is accepted.
    let mut lines = String::new();
    for record in &records {
        let declarations = declare::declarations(std::slice::from_ref(record))
            .expect("a parsed record can be declared");
        assert_eq!(declarations.len(), 1);
        for declaration in declarations {
            assert_eq!(declaration.key, record.key());
            writeln!(lines, "{}", declaration.body).expect("a string takes it in");
        }
    }
    let again = declare::parse("again", &lines).expect("an accepted record is accepted again");
    assert_eq!(again, records, "the stored record is the declared one");
}
