//! The store's reading of bytes that it did not write, as in a damaged file or in one of another
//! version.
//!
//! The whole input is read as a row of each form, and as a key.

use atsync::internals::store::StoreError;
use atsync::internals::store::redb::foreign;

/// A row that can be read is written back unchanged; a row that cannot be read is reported as
/// damaged, by name.
pub fn row(bytes: &[u8]) {
    for (name, read) in foreign::FORMS {
        match read(bytes) {
            Ok(written) => {
                assert_eq!(read(&written).expect("a written row can be read"), written, "{name}")
            }
            Err(StoreError::Unusable(why)) => assert!(why.starts_with(name), "{name}: {why}"),
            Err(other) => panic!("{name}: {other}"),
        }
    }
}
