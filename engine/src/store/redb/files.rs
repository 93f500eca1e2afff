//! The files of a store and of its backups on the disk: their creation and their permissions.
//!
//! Only its owner may read a store, whatever the umask is. A new file has mode 0600. The engine
//! corrects the mode of an existing file when it opens it, with a warning, or else refuses the
//! file.
//!
//! Left out: other systems than Unix, where a file has the rights of its directory; and the
//! directory, which the engine does not create.

#![expect(clippy::disallowed_methods, reason = "makes and guards the store's file")]

use crate::store::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The ending of a file's name while it is created.
const MAKING: &str = ".making";
/// The ending of a store's name while it is rewritten.
pub(super) const COMPACTING: &str = ".compacting";
/// Links that are followed one after the other.
const LINKS_MAX: usize = 8;

/// Opens an existing store's file.
pub(super) fn open(path: &Path) -> Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Creates a file that only its owner may read.
pub(super) fn create(place: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)
}

/// Creates a store beside its place, and gives it its name when it is complete. If two processes do
/// so at once, the first one's stays.
pub(super) fn make(
    path: &Path,
    fill: impl FnOnce(File) -> std::result::Result<(), StoreError>,
) -> std::result::Result<(), StoreError> {
    let failed = |error: Error| unreachable_path(&path.display().to_string(), &error);
    let path = end_of_links(path).map_err(failed)?;
    let making = making(&path);
    // Of a process with this number that was killed.
    match std::fs::remove_file(&making) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let made = create(&making)
        .map_err(failed)
        .and_then(fill)
        .and_then(|()| named(&making, &path).map_err(failed));
    drop(std::fs::remove_file(&making));
    made?;
    sync_directory(&path)
}

/// Creates a file beside its place, and gives it its name when it is complete and durable. A file
/// that has the name keeps it.
///
/// # Errors
/// [`StoreError::Invalid`] when there is a file of that name.
pub(super) fn make_new<T>(
    path: &Path,
    fill: impl FnOnce(&Path, File) -> std::result::Result<T, StoreError>,
) -> std::result::Result<T, StoreError> {
    let is_there = || {
        StoreError::Invalid(format!(
            "{} exists, and no file is overwritten; name another one, or move that one away",
            path.display()
        ))
    };
    let failed = |error: Error| {
        StoreError::Unusable(format!(
            "{} cannot be written: {error}; see that its directory exists, and that the process \
             that writes it may write there",
            path.display()
        ))
    };
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(is_there());
    }
    let making = making(path);
    // Of a process with this number that was killed.
    match std::fs::remove_file(&making) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let filled = create(&making).map_err(failed).and_then(|file| fill(&making, file));
    let made = filled.and_then(|filled| {
        File::open(&making).and_then(|file| file.sync_all()).map_err(failed)?;
        let named = match std::fs::hard_link(&making, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(is_there()),
            // A file system without links.
            Err(_) if std::fs::symlink_metadata(path).is_ok() => return Err(is_there()),
            Err(_) => std::fs::rename(&making, path),
            linked => linked,
        };
        named.map_err(failed)?;
        Ok(filled)
    });
    drop(std::fs::remove_file(&making));
    let made = made?;
    sync_directory(path)?;
    Ok(made)
}

/// Counts the files that this process creates: two of one name at once must not meet.
static MADE: AtomicU64 = AtomicU64::new(0);

/// The name of a file while it is created.
fn making(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    name.push(format!("{MAKING}.{}.{number}", std::process::id()));
    path.with_file_name(name)
}

fn named(making: &Path, path: &Path) -> Result<()> {
    File::open(making)?.sync_all()?;
    match std::fs::hard_link(making, path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        // A file system without links.
        Err(_) => std::fs::rename(making, path)?,
    }
    Ok(())
}

/// The target of a path, even if no file exists there.
fn end_of_links(path: &Path) -> Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..LINKS_MAX {
        match std::fs::read_link(&place) {
            Ok(to) => place = place.parent().map_or(to.clone(), |parent| parent.join(&to)),
            Err(_) => return Ok(place),
        }
    }
    Err(Error::other("too many links follow one another"))
}

/// Makes sure that only the owner may read or write the file.
#[cfg(unix)]
pub(super) fn keep_private(place: &str, file: &File) -> std::result::Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = || file.metadata().map(|found| found.permissions().mode() & 0o7777);
    let failed = |error: Error| unreachable_path(place, &error);
    let before = mode().map_err(failed)?;
    if before & 0o077 == 0 {
        return Ok(());
    }
    let repaired =
        file.set_permissions(std::fs::Permissions::from_mode(before & 0o700)).and_then(|()| mode());
    match repaired {
        Ok(now) if now & 0o077 == 0 => {
            tracing::warn!(
                "{place} could be reached by other users (mode {before:04o}), and it holds \
                 candidates' data; it has mode {now:04o} now"
            );
            Ok(())
        }
        other => {
            let why = other.map_or_else(
                |error| error.to_string(),
                |_| "the file system keeps its mode".to_owned(),
            );
            Err(StoreError::Unusable(format!(
                "{place} can be reached by other users (mode {before:04o}), it holds candidates' \
                 data, and this cannot be changed ({why}). \
                 Run `chmod 600` on it as its owner, or move it to a file system that has modes"
            )))
        }
    }
}

/// See the module.
#[cfg(not(unix))]
pub(super) fn keep_private(_: &str, _: &File) -> std::result::Result<(), StoreError> {
    Ok(())
}

/// The refusal of a path that cannot be opened.
pub(super) fn unreachable_path(place: &str, error: &std::io::Error) -> StoreError {
    StoreError::Unusable(format!(
        "{place} cannot be opened as the store: {error}. See that its directory exists and that \
         this user may read and write there"
    ))
}

/// Removes what an interrupted compaction left beside a store that is open, hence locked, by the caller.
///
/// # Errors
/// When the file exists and cannot be removed: it holds a copy of the store's rows.
pub(super) fn clear_away(path: &Path) -> std::result::Result<(), StoreError> {
    // If the path is a link, the copy is beside the file itself.
    let path = std::fs::canonicalize(path).map_err(|error| failed(path, &error))?;
    let place = beside(&path);
    match std::fs::remove_file(&place) {
        Ok(()) => {
            tracing::info!(file = %place.display(), "removed what an interrupted compaction left");
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(&place, &error)),
    }
}

/// The place of a store's copy while it is rewritten.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(COMPACTING);
    path.with_file_name(name)
}

/// An error of the file system about a path.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// Makes the new name durable.
pub(super) fn sync_directory(path: &Path) -> std::result::Result<(), StoreError> {
    let Some(directory) = path.parent().filter(|_| cfg!(unix)) else { return Ok(()) };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(directory, &error))
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::super::open;
    use super::keep_private;
    use crate::entropy::SystemEntropy;
    use crate::store::StoreError;
    use std::fs::{File, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_is_no_store_keeps_its_mode_and_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        for bytes in [
            b"127.0.0.1 localhost".to_vec(),
            vec![7; 100_000],
            b"redb\x1a\x0a\xa9\x0d\x0a then something else".to_vec(),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            open::file(&path, 1 << 20, &SystemEntropy).map(drop).unwrap_err();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_file_that_others_can_reach_and_whose_mode_cannot_be_changed_is_refused() {
        // Readable by all users; the kernel refuses to change its mode, even for root.
        let place = "/proc/self/status";
        let refused = keep_private(place, &File::open(place).unwrap()).unwrap_err();
        let StoreError::Unusable(said) = &refused else { panic!("{refused:?}") };
        assert!(
            said.contains(place) && said.contains("0444") && said.contains("chmod 600"),
            "{said}"
        );
    }
}
