//! What the store reads back: bytes that it did not write, as they stand in a damaged file or in
//! one of another version.
//!
//! The whole input is read as a row of each form, and as a key.

use atsync::internals::store::StoreError;
use atsync::internals::store::redb::foreign;

/// A row that can be read is written as it reads, and what cannot be read is called damaged, by its
/// name.
pub fn row(bytes: &[u8]) {
    for (name, read) in foreign::FORMS {
        match read(bytes) {
            Ok(written) => {
                assert_eq!(read(&written).expect("what was written can be read"), written, "{name}")
            }
            Err(StoreError::Unusable(why)) => assert!(why.starts_with(name), "{name}: {why}"),
            Err(other) => panic!("{name}: {other}"),
        }
    }
}
