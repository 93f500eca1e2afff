//! Desired records from a file or from stdin.

use crate::failure::Failure;
use atsync::declare;
use atsync::model::desired::Desired;
use std::io::Read;
use std::path::Path;

/// More than a million small records. What is larger is declared in parts.
const DESIRED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Reads and checks the whole file; nothing of it is used when a part is wrong.
///
/// # Errors
/// One message with file, line and field.
pub(crate) fn desired(path: &Path) -> Result<Vec<Desired>, Failure> {
    let (name, bytes) = if path == Path::new("-") {
        ("stdin".to_owned(), read(std::io::stdin().lock()))
    } else {
        (path.display().to_string(), std::fs::File::open(path).and_then(read))
    };
    let bytes = bytes.map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > DESIRED_BYTES_MAX {
        return Err(Failure::new(format!("{name} is larger than {DESIRED_BYTES_MAX} bytes; declare it in parts")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(format!("{name} is not UTF-8 from byte {at} on; write it as UTF-8"))
    })?;
    let records = declare::parse(&name, &text)?;
    declare::declarations(&records).map_err(|error| error.at(&name))?;
    Ok(records)
}

fn read(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(DESIRED_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
