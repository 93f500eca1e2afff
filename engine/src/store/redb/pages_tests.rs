//! What reaches the disk of a page that is written, written again, or written while the disk
//! fails.

use super::{PAGE, Pages, SUM};
use redb::StorageBackend;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A backend that counts the bytes that are written, and fails on request.
#[derive(Clone, Debug)]
struct Counted {
    disk: Arc<redb::backends::InMemoryBackend>,
    bytes: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
}

impl Counted {
    fn checked(&self) -> io::Result<()> {
        if self.fails.load(Ordering::Relaxed) { Err(io::Error::other("no")) } else { Ok(()) }
    }

    /// The bytes that were written since the last call.
    fn written(&self) -> u64 {
        self.bytes.swap(0, Ordering::Relaxed)
    }
}

impl StorageBackend for Counted {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.checked()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.checked()?;
        self.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.disk.write(offset, data)
    }
}

/// [`PAGE`], as a length.
const BYTES: usize = 4096;
/// Pages of a row that is long, and the place of the first one.
const LONG: usize = 64;
const AT: u64 = 8 * PAGE;

fn opened() -> (Counted, Pages<Counted>) {
    let counted = Counted {
        disk: Arc::new(redb::backends::InMemoryBackend::new()),
        bytes: Arc::default(),
        fails: Arc::default(),
    };
    assert_eq!(BYTES as u64, PAGE);
    let pages = Pages::create(counted.clone(), 7).unwrap();
    pages.set_len(1_000 * PAGE).unwrap();
    (counted, pages)
}

fn long(byte: u8) -> Vec<u8> {
    vec![byte; LONG * BYTES]
}

fn stored(pages: &Pages<Counted>) -> Vec<u8> {
    let mut out = long(0);
    pages.read(AT, &mut out).unwrap();
    out
}

#[test]
fn of_a_long_write_only_the_pages_that_differ_from_the_file_reach_it() {
    let (counted, pages) = opened();
    let mut row = long(1);
    pages.write(AT, &row).unwrap();
    counted.written();
    pages.write(AT, &row).unwrap();
    assert_eq!(counted.written(), 0);
    for page in [0, 30, 31, LONG - 1] {
        row[page * BYTES + 9] = 2;
    }
    pages.write(AT, &row).unwrap();
    assert_eq!(counted.written(), 4 * (PAGE + SUM));
    assert_eq!(stored(&pages), row);
}

#[test]
fn pages_that_were_written_otherwise_since_are_written_again() {
    let (counted, pages) = opened();
    pages.write(AT, &long(1)).unwrap();
    pages.write(AT + 5 * PAGE, &[3; BYTES]).unwrap();
    counted.written();
    pages.write(AT, &long(1)).unwrap();
    assert_eq!(counted.written(), LONG as u64 * (PAGE + SUM));
    assert_eq!(stored(&pages), long(1));
    // A file that was cut and grew again has zeros there.
    pages.set_len(AT).unwrap();
    pages.set_len(1_000 * PAGE).unwrap();
    pages.write(AT, &long(1)).unwrap();
    assert_eq!(stored(&pages), long(1));
}

#[test]
fn after_a_write_or_a_sync_that_failed_all_pages_are_written_again() {
    let (counted, pages) = opened();
    pages.write(AT, &long(1)).unwrap();
    for call in ["write", "sync"] {
        counted.fails.store(true, Ordering::Relaxed);
        let failed = match call {
            "write" => pages.write(AT, &long(2)),
            _ => pages.sync_data(),
        };
        assert!(failed.is_err());
        counted.fails.store(false, Ordering::Relaxed);
        counted.written();
        pages.write(AT, &long(1)).unwrap();
        assert_eq!(counted.written(), LONG as u64 * (PAGE + SUM), "{call}");
    }
}
