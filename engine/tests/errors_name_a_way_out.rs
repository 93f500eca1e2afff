//! The errors that a host meets say what to do next, not only what happened.
//!
//! Method: one of each variant with a fixed text; the way out is the clause after the semicolon.
//! Left out: errors whose text is made where they happen, and `NotSent`, whose kinds say whether
//! the same call may succeed later.

use atsync::internals::adapter::{AdapterError, HostError, LoadError};
use atsync::internals::store::StoreError;
use std::path::PathBuf;

#[test]
fn every_error_of_the_store_and_of_loading_an_adapter_says_what_to_do_next() {
    let text = || "why".to_owned();
    let (name, reason) = (text, text);
    let errors: Vec<Box<dyn std::error::Error>> = vec![
        Box::new(StoreError::Busy("nowhere.redb".to_owned())),
        Box::new(StoreError::IntentOpen(7)),
        Box::new(StoreError::LeaseLost { connection: text(), fence: 2 }),
        Box::new(StoreError::TooLarge { what: text(), size: 2, max: 1 }),
        Box::new(StoreError::Io(text())),
        Box::new(HostError::Cache { directory: PathBuf::from("x"), reason: reason() }),
        Box::new(HostError::Engine(text())),
        Box::new(HostError::Ticker(std::io::Error::other("x"))),
        Box::new(LoadError::Read { name: name(), reason: reason() }),
        Box::new(LoadError::TooLarge { name: name(), bytes_max: 1 }),
        Box::new(LoadError::TooMuch {
            name: name(),
            what: "functions",
            found: 2,
            allowed: 1,
            fits_apart: false,
        }),
        Box::new(LoadError::TooMuch {
            name: name(),
            what: "functions",
            found: 2,
            allowed: 1,
            fits_apart: true,
        }),
        Box::new(LoadError::TooCostly { name: name(), seconds: 30 }),
        Box::new(LoadError::Compiler { name: name(), program: text(), reason: reason() }),
        Box::new(LoadError::NotAComponent { name: name(), found: text() }),
        Box::new(LoadError::Broken { name: name(), reason: reason() }),
        Box::new(LoadError::Imports { name: name(), imports: vec![text()] }),
        Box::new(LoadError::Version { name: name(), contract: text(), is_newer: true }),
        Box::new(LoadError::Version { name: name(), contract: text(), is_newer: false }),
        Box::new(LoadError::Exports { name: name(), reason: reason() }),
        Box::new(LoadError::Describe { name: name(), error: AdapterError::Circle }),
        Box::new(LoadError::Manifest { name: name(), reason: reason() }),
    ];
    for error in errors {
        let told = error.to_string();
        assert!(told.contains("; "), "{told}");
    }
    let trimmed = StoreError::ChangesGone { first: 3 }.to_string();
    assert!(trimmed.contains("read the records anew"), "{trimmed}");
}
