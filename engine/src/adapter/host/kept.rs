//! The cache of compiled code.
//!
//! Loading a file from here runs its code in this process. So the directory belongs to the
//! process's user and has mode 0700, and each file carries a MAC over its name and its bytes. The
//! key of the MAC is a file in the same directory. The cache accepts a key only if it is a regular
//! file of this user with mode 0600 and a single link. If other users could reach the directory,
//! the cache sets its mode to 0700 and makes a new key, which invalidates every file in it. It
//! refuses a directory of another user. A component whose cached file has a wrong MAC is compiled
//! again, with a warning.
//!
//! # Bounds
//! [`CODE_BYTES_MAX`] for each file and [`FILES_MAX`] files; the cache deletes the oldest. Not
//! covered: systems other than Unix, where the directory inherits the rights of its parent; other
//! processes of the same user.

#![expect(clippy::disallowed_methods, reason = "keeps compiled code in a directory")]

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

/// Compiled code of one component. The largest that is compiled, an interpreter of 13 MB, has about
/// 30 MB.
pub(super) const CODE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Components whose code is kept. Arbitrary, more than a process loads.
const FILES_MAX: usize = 32;
/// What a file begins with.
const MAGIC: &[u8] = b"atsync compiled 1\n";
const MAC_BYTES: usize = 32;
/// One block of SHA-256, so that it is used as it is.
const KEY_BYTES: usize = 64;
const KEY_NAME: &str = "key";
const EXTENSION: &str = "code";

/// How often compiled code was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Read from the cache.
    pub hits: usize,
    /// Compiled.
    pub misses: usize,
}

/// A directory of compiled code.
#[derive(Debug)]
pub(super) struct Kept {
    directory: PathBuf,
    key: Key,
    hits: AtomicUsize,
    misses: AtomicUsize,
}

struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Kept {
    /// Opens the directory, and creates it if it does not exist.
    ///
    /// # Errors
    /// The reason, as text for people: another user owns it, its mode cannot be changed, or it is
    /// read-only.
    pub(super) fn open(directory: &Path) -> Result<Self, String> {
        let failed = |error: Error| error.to_string();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(failed)?;
        // Where a link leads is what is looked at, and used from here on.
        let directory = directory.canonicalize().map_err(failed)?;
        let was_private = make_private(&directory)?;
        let key = if was_private { read_key(&directory.join(KEY_NAME)) } else { None };
        let key = key.map_or_else(|| new_key(&directory), Ok)?;
        Ok(Self { directory, key, hits: AtomicUsize::new(0), misses: AtomicUsize::new(0) })
    }

    /// Returns the code that this user stored under a name.
    pub(super) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let code = self.read(name)?;
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(code)
    }

    /// Counts what is compiled.
    pub(super) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.path(name);
        let bytes = read_at_most(&path, CODE_BYTES_MAX.saturating_add(MAGIC.len() + MAC_BYTES))?;
        let found = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first_chunk::<MAC_BYTES>);
        if let Some((mac, code)) = found
            && self.mac(name, code).verify_slice(mac).is_ok()
        {
            return Some(code.to_vec());
        }
        tracing::warn!(file = %path.display(), "compiled code that this user did not put there, or \
            that was damaged; it is not run, and compiled anew");
        None
    }

    /// Stores code. After a failure the next start compiles the component again.
    pub(super) fn put(&self, name: &str, code: &[u8]) {
        if code.len() > CODE_BYTES_MAX {
            return;
        }
        let mac = self.mac(name, code).finalize().into_bytes();
        if let Err(error) = write(&self.directory, &self.path(name), &[MAGIC, &mac, code]) {
            tracing::debug!(directory = %self.directory.display(), %error, "compiled code is not \
                kept");
        }
        self.prune();
    }

    pub(super) fn used(&self) -> CacheUse {
        CacheUse {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension(EXTENSION)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&(*self.key.0).into());
        mac.update(name.as_bytes());
        mac.update(b"\n");
        mac.update(code);
        mac
    }

    /// Removes the files beyond [`FILES_MAX`] that were written longest ago.
    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
            .filter_map(|path| Some((path.symlink_metadata().ok()?.modified().ok()?, path)))
            .collect();
        files.sort();
        let beyond = files.len().saturating_sub(FILES_MAX);
        for (_, path) in files.into_iter().take(beyond) {
            drop(std::fs::remove_file(path));
        }
    }
}

/// Whether the directory could be reached by its owner alone; it can from here on.
#[cfg(unix)]
fn make_private(directory: &Path) -> Result<bool, String> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let found = || directory.metadata().map_err(|error| error.to_string());
    let before = found()?;
    let user = nix::unistd::Uid::effective().as_raw();
    if before.uid() != user {
        return Err(format!(
            "it belongs to the user {}, and this process runs as {user}",
            before.uid()
        ));
    }
    let mode = before.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(true);
    }
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).map_err(
        |error| {
            format!("others can reach it (mode {mode:04o}), and that cannot be changed ({error})")
        },
    )?;
    if found()?.mode() & 0o077 != 0 {
        return Err(format!(
            "others can reach it (mode {mode:04o}), and the file system keeps that"
        ));
    }
    tracing::warn!(
        directory = %directory.display(),
        "others could reach this directory of compiled code (mode {mode:04o}); it has mode 0700 \
         now, and what was in it is not used"
    );
    Ok(false)
}

/// See the module.
#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<bool, String> {
    Ok(true)
}

/// Reads the key, if only this user can have written it.
fn read_key(path: &Path) -> Option<Key> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits(),
        );
    }
    let file = options.open(path).ok()?;
    if !is_own(&file) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
    let read = (&file).take(u64::try_from(bytes.len()).ok()?).read(bytes.as_mut_slice()).ok()?;
    let key = bytes.get(..read)?.try_into().ok()?;
    Some(Key(Zeroizing::new(key)))
}

#[cfg(unix)]
fn is_own(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|found| {
        found.is_file()
            && found.uid() == nix::unistd::Uid::effective().as_raw()
            && found.mode() & 0o077 == 0
            && found.nlink() == 1
    })
}

#[cfg(not(unix))]
fn is_own(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.is_file())
}

/// If two processes create a key at the same time, one key remains; files with the other key are
/// compiled again once.
#[allow(
    clippy::disallowed_methods,
    reason = "a key that a test could seed would be no key; without randomness there is none"
)]
fn new_key(directory: &Path) -> Result<Key, String> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice())
        .map_err(|error| format!("the system gives no randomness ({error})"))?;
    write(directory, &directory.join(KEY_NAME), &[key.as_slice()])
        .map_err(|error| error.to_string())?;
    Ok(Key(key))
}

/// Writes a file atomically, readable by this user alone.
fn write(directory: &Path, path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let making = directory.join(format!("{name}.making.{}", std::process::id()));
    // Of a process with this number that was killed, or whatever stands there.
    drop(std::fs::remove_file(&making));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&making)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    let named = written.and_then(|()| std::fs::rename(&making, path));
    if named.is_err() {
        drop(std::fs::remove_file(&making));
    }
    named
}

/// None too when it is larger, or no regular file.
fn read_at_most(path: &Path, bytes_max: usize) -> Option<Vec<u8>> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let limit = u64::try_from(bytes_max).ok()?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(limit.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= bytes_max).then_some(bytes)
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
