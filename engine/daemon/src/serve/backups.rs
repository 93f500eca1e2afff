//! A backup of the store as an answer.
//!
//! It is written into a directory beside the store first, since its manifest, which comes first,
//! has its digest; the file has no name any more while it is sent, so a killed process leaves
//! nothing of one that was ready. What a process left that was killed while it wrote one is removed
//! before the next.
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
use tokio::sync::OwnedSemaphorePermit;

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 * 1024;
/// What the names of the directories begin with.
const PREFIX: &str = ".atsync-backup-";

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
    let alone = Arc::clone(&served.backups)
        .try_acquire_owned()
        .map_err(|_| Problem::new(ProblemType::Busy, "a backup is under way; try it again"))?;
    let path = opened.config.store.clone();
    drop((opened, served));
    let made = tasks::spawn_blocking(move || made(&store, &path));
    let made = made.await.map_err(|error| failed(&error.to_string()))?;
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

fn failed(why: &str) -> Problem {
    Problem::new(ProblemType::StoreFailed, format!("the backup was broken off: {why}"))
}

/// Writes a backup into a file that has no name when this returns.
fn made(store: &RedbStore, path: &Path) -> Result<Ready, StoreError> {
    let io = |error: std::io::Error| {
        StoreError::Io(format!("no backup can be written beside {}: {error}", path.display()))
    };
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = beside.unwrap_or_else(|| Path::new("."));
    for left in fs::read_dir(beside).map_err(io)?.flatten() {
        if left.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(left.path()).map_err(io)?;
        }
    }
    let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside).map_err(io)?;
    let to = directory.path().join("backup");
    store.back_up(&to, &SystemClock, &SystemEntropy)?;
    let file = File::open(&to).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    directory.close().map_err(io)?;
    Ok(Ready { file, bytes })
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
