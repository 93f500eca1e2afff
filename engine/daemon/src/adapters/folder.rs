//! The folder of adapters on the disk: one component in each file `NAME.wasm`.
//!
//! A file counts only if it is a regular file within the folder: a symbolic link may lead to
//! another place of the folder (as a mounted secret does), never out of it. Names that begin with a
//! dot, and files without the ending, are not adapters and are ignored.
//!
//! Bounds: [`FILES_MAX`] components of the size that the engine allows, among [`ENTRIES_MAX`]
//! entries; a folder with more is refused as a whole. Left out: what is in a file; the engine loads
//! and checks it.

#![expect(clippy::disallowed_methods, reason = "reads the folder of adapters")]

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Components of one folder. Each is compiled and kept in memory; arbitrary beyond that.
pub(crate) const FILES_MAX: usize = 64;
/// Entries of the folder, of whatever kind. Arbitrary: a folder with more is another folder.
const ENTRIES_MAX: usize = 1_000;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;
const ENDING: &str = ".wasm";

/// What tells, without reading it, that a file changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    bytes: u64,
    mark: Mark,
}

/// The file and its last change: another number after a rename, another time after a write.
#[cfg(unix)]
type Mark = (u64, i64, i64);
#[cfg(not(unix))]
type Mark = Option<std::time::Duration>;

#[cfg(unix)]
fn mark(of: &std::fs::Metadata) -> Mark {
    use std::os::unix::fs::MetadataExt;
    (of.ino(), of.ctime(), of.ctime_nsec())
}

#[cfg(not(unix))]
fn mark(of: &std::fs::Metadata) -> Mark {
    of.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()
}

/// The components of a folder by name; for one that does not count, why.
pub(super) type Listing = BTreeMap<String, Result<Stamp, String>>;

/// Lists a folder.
///
/// # Errors
/// One sentence, when it cannot be read or has too many files.
pub(super) fn list(directory: &Path) -> Result<Listing, String> {
    let place = directory.display();
    let unreadable = |error: std::io::Error| {
        format!(
            "the adapters' folder {place} cannot be read ({error}); make it, or correct `adapters`"
        )
    };
    let root = directory.canonicalize().map_err(unreadable)?;
    let mut listing = Listing::new();
    for (number, entry) in std::fs::read_dir(&root).map_err(unreadable)?.enumerate() {
        if number >= ENTRIES_MAX {
            return Err(format!(
                "the adapters' folder {place} has more than {ENTRIES_MAX} entries; keep nothing \
                 but adapters in it"
            ));
        }
        let file = entry.map_err(unreadable)?.file_name();
        let name = file.to_string_lossy();
        let Some(name) = name.strip_suffix(ENDING).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let stamp = stamp(&root, &root.join(&file));
        let shown = directory.join(&file);
        let fault = |why: &str| {
            format!("{}: {why}", atsync::model::plain::line(&shown.display().to_string()))
        };
        let checked = named(name).and(stamp).map_err(|why| fault(&why));
        drop(listing.insert(name.to_owned(), checked));
        if listing.len() > FILES_MAX {
            return Err(format!(
                "the adapters' folder {place} has more than {FILES_MAX} components; remove those \
                 that no connection uses"
            ));
        }
    }
    Ok(listing)
}

fn named(name: &str) -> Result<(), String> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fits {
        return Ok(());
    }
    Err(format!(
        "an adapter's name has 1 to {NAME_BYTES_MAX} letters, digits, `-` and `_`; rename the file"
    ))
}

fn stamp(root: &Path, file: &Path) -> Result<Stamp, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read ({error})");
    let path = file.canonicalize().map_err(unreadable)?;
    if !path.starts_with(root) {
        return Err("it leads out of the folder; copy the component into it".to_owned());
    }
    let found = path.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err("it is no regular file; put the component's file in its place".to_owned());
    }
    Ok(Stamp { bytes: found.len(), mark: mark(&found), path })
}

/// What a file held when it was read.
pub(super) struct Held {
    /// The component's bytes, at most one more than are allowed.
    pub(super) bytes: Vec<u8>,
    /// Their SHA-256 in hexadecimal.
    pub(super) digest: String,
}

/// Reads a listed file, but no more than one byte beyond what an adapter may have.
///
/// # Errors
/// One sentence, when it cannot be read.
pub(super) fn read(stamp: &Stamp, bytes_max: usize) -> Result<Held, String> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    std::fs::File::open(&stamp.path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| format!("{}: it cannot be read ({error})", stamp.path.display()))?;
    let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Held { bytes, digest })
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES_MAX, FILES_MAX, list, read};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn only_components_are_listed_and_a_wrong_name_is_said() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.wasm", "README.md", ".b.wasm", "c.wasm.part", "d e.wasm"] {
            std::fs::write(at(name), "x").unwrap();
        }
        std::fs::create_dir(at("f.wasm")).unwrap();
        let listing = list(folder.path()).unwrap();
        assert_eq!(listing.keys().collect::<Vec<_>>(), ["a", "d e", "f"]);
        assert!(listing["a"].is_ok());
        assert!(listing["d e"].as_ref().unwrap_err().contains("rename the file"));
        assert!(listing["f"].as_ref().unwrap_err().contains("no regular file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_lead_within_the_folder_and_never_out_of_it() {
        let (folder, other) = (folder(), folder());
        std::fs::create_dir(folder.path().join("versions")).unwrap();
        let version = folder.path().join("versions/a-2.wasm");
        std::fs::write(&version, "two").unwrap();
        std::fs::write(other.path().join("secret"), "s").unwrap();
        let link = |to: &std::path::Path, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        };
        link(&version, "a.wasm");
        link(&other.path().join("secret"), "b.wasm");
        link(&folder.path().join("none"), "c.wasm");
        let listing = list(folder.path()).unwrap();
        let stamp = listing["a"].as_ref().unwrap();
        assert_eq!(read(stamp, 9).unwrap().bytes, b"two");
        assert!(listing["b"].as_ref().unwrap_err().contains("leads out of the folder"));
        assert!(listing["c"].as_ref().unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn a_folder_with_too_many_files_is_refused_and_a_large_file_is_read_in_part() {
        let folder = folder();
        std::fs::write(folder.path().join("a.wasm"), [0; 100]).unwrap();
        let listing = list(folder.path()).unwrap();
        assert_eq!(read(listing["a"].as_ref().unwrap(), 10).unwrap().bytes.len(), 11);
        for number in 0..FILES_MAX {
            std::fs::write(folder.path().join(format!("b{number}.wasm")), "").unwrap();
        }
        assert!(list(folder.path()).unwrap_err().contains("more than 64 components"));
        for number in 0..ENTRIES_MAX {
            std::fs::write(folder.path().join(format!("b{number}.txt")), "").unwrap();
        }
        // Whichever limit the order of the entries meets first.
        assert!(list(folder.path()).unwrap_err().contains("has more than"));
        assert!(list(&folder.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}
