//! A backup of the store as an answer.
//!
//! It is written into a directory beside the store first, since its manifest, which comes first,
//! has its digest; the file has no name any more while it is sent, so a killed process leaves
//! nothing of one that was ready. What a process left that was killed while it wrote one is removed
//! before the next: the directory's name has that of the store, which one process has at a time, so
//! that the backups of other stores in the same directory stay.
//!
//! Bounds: one at a time, sent in pieces of [`PIECE_BYTES`]. A reader who stalls is cut as every
//! other is.

#![expect(clippy::disallowed_methods, reason = "writes and reads a file on blocking threads")]

use super::problem::{Problem, ProblemType};
use super::served::Served;
use super::tasks;
use atsync::{RedbStore, StoreError, SystemClock, SystemEntropy};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 * 1024;
/// Random characters at the end of a directory's name.
const RANDOM_CHARS: usize = 12;

/// A backup that is ready to be sent.
struct Ready {
    file: File,
    bytes: u64,
}

/// Writes a backup of the store, of one moment, while everything goes on. The answer is the file
/// that `atsync restore` takes; it holds candidates' data in clear.
#[utoipa::path(post, path = "/v1/backups", operation_id = "backup", tag = "operations", responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
))]
pub(super) async fn back_up(State(served): State<Arc<Served>>) -> Result<Response, Problem> {
    let opened = served.running()?;
    let none = || Problem::new(ProblemType::NotSupported, "the store is not in a file");
    let store = opened.store.clone().ok_or_else(none)?;
    let path = opened.config.store.clone();
    let alone = Arc::clone(&served.backups);
    drop((opened, served));
    let (made, alone) = one_at_a_time(alone, move || made(&store, &path)).await?;
    let Ready { file, bytes } = made.map_err(atsync::Error::from)?;
    let mut response = Body::from_stream(pieces(file, alone)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    let media = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, media);
    let name = HeaderValue::from_static("attachment; filename=\"atsync.backup\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Does blocking work that has the only permit, and returns both. The work owns the permit, so that
/// none begins beside it when its caller has left.
async fn one_at_a_time<T: Send + 'static>(
    alone: Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, OwnedSemaphorePermit), Problem> {
    let busy = |_| Problem::new(ProblemType::Busy, "a backup is under way; try it again");
    let permit = alone.try_acquire_owned().map_err(busy)?;
    tasks::spawn_blocking(move || (work(), permit)).await.map_err(|error| {
        Problem::new(ProblemType::StoreFailed, format!("the backup was broken off: {error}"))
    })
}

/// Writes a backup into a file that has no name when this returns.
fn made(store: &RedbStore, path: &Path) -> Result<Ready, StoreError> {
    let io = |error: std::io::Error| {
        StoreError::Io(format!("no backup can be written beside {}: {error}", path.display()))
    };
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = beside.unwrap_or_else(|| Path::new("."));
    let prefix = prefix(path);
    for left in fs::read_dir(beside).map_err(io)?.flatten() {
        let is_directory = left.file_type().is_ok_and(|of| of.is_dir());
        if is_directory && is_left(&left.file_name().to_string_lossy(), &prefix) {
            fs::remove_dir_all(left.path()).map_err(io)?;
        }
    }
    let mut directory = tempfile::Builder::new();
    let directory = directory.prefix(&prefix).rand_bytes(RANDOM_CHARS);
    let directory = directory.tempdir_in(beside).map_err(io)?;
    let to = directory.path().join("backup");
    store.back_up(&to, &SystemClock, &SystemEntropy)?;
    let file = File::open(&to).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    directory.close().map_err(io)?;
    Ok(Ready { file, bytes })
}

/// What the names of the directories of a store begin with.
fn prefix(store: &Path) -> String {
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.backup-")
}

/// Whether a directory is one that a backup of the store was written into.
fn is_left(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|random| {
        random.len() == RANDOM_CHARS && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The bytes of a file. The permit is held to their end.
fn pieces(
    file: File,
    alone: OwnedSemaphorePermit,
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    stream::try_unfold((file, alone), async |(mut file, alone)| {
        let read = tasks::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let limit = u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX);
            file.by_ref().take(limit).read_to_end(&mut piece).map(|_| (piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), (file, alone))))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_left, made, one_at_a_time, prefix};
    use crate::serve::problem::ProblemType;
    use atsync::{RedbOptions, RedbStore, SystemEntropy};
    use futures_util::FutureExt;
    use std::fs;
    use std::sync::{Arc, mpsc};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_caller_who_leaves_allows_no_second_backup_beside_the_first() {
        let alone = Arc::new(Semaphore::new(1));
        let (end, ended) = mpsc::channel::<()>();
        let left = one_at_a_time(Arc::clone(&alone), move || ended.recv().is_ok());
        assert!(left.now_or_never().is_none(), "it is under way");
        let refused = one_at_a_time(Arc::clone(&alone), || ()).await.unwrap_err();
        assert_eq!(refused.what(), ProblemType::Busy);
        drop(end);
        drop(alone.acquire().await.unwrap());
        drop(one_at_a_time(alone, || ()).await.unwrap());
    }

    #[test]
    fn a_backup_removes_what_one_of_its_store_left_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let store = at("a.redb");
        let others = [
            ".b.redb.backup-0123456789ab",
            ".a.redb.backup-0123456789ab.backup-0123456789ab",
            ".a.redb.backup-of-monday",
        ];
        for directory in others.iter().chain(&[".a.redb.backup-0123456789ab"]) {
            fs::create_dir(at(directory)).unwrap();
            fs::write(at(directory).join("backup"), "x").unwrap();
        }
        fs::write(at(".a.redb.backup-a0123456789b"), "a file").unwrap();
        let open = RedbStore::open(&store, RedbOptions::default(), &SystemEntropy).unwrap();
        made(&open, &store).unwrap();
        let entries = fs::read_dir(place.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.contains(".backup-")).collect();
        names.sort();
        let mut kept = others.map(str::to_owned).to_vec();
        kept.push(".a.redb.backup-a0123456789b".to_owned());
        kept.sort();
        assert_eq!(names, kept);
        assert!(!is_left("backup", &prefix(&store)));
    }
}
