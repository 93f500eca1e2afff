//! The layer between redb and the disk: redb reads the bytes that it wrote, or the read fails.
//!
//! redb checks its pages only when it repairs a file. A flipped bit, a page of zeros or two pages
//! exchanged would reach the engine as other rows, as rows that are missing, or as a panic of the
//! database. So every page has on the disk a checksum over its bytes, its place and the file, which
//! is compared on each read. Since the whole tree consists of such pages, a changed, lost or moved
//! row is found too.
//!
//! # Layout
//! Two slots of a page each hold the first page of the database, which is its header; then follow
//! the other pages, each with its checksum behind it. The slots are written in turn, and never the
//! one that holds the last synced header, so that a header is whole whenever the power is cut.
//! After a sync the other slot gets the same header: damage to one slot then costs nothing. Pages
//! need no such care, as the database never writes over a page that its header reaches.
//!
//! A file that is opened, read and closed keeps its bytes: what redb notes in the header while a
//! file is open is written with the first change, and [`Seal`] ends a use that changed nothing
//! before redb tidies up.
//!
//! # Bounds
//! Eight bytes of checksum a page (0.2 %), and a pass of XXH3 over each page that is read from the
//! disk or written. Left out: an attacker who writes wrong bytes with a valid checksum (it has no
//! key), and a file, or a page with its checksum, that is restored to an earlier state as a whole.

use redb::{BackendError, DatabaseError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use twox_hash::XxHash3_64;

/// The first bytes of a file of this layout.
pub(super) const MAGIC: [u8; 16] = *b"atsync store 2\r\n";
/// The first bytes of a file that any version wrote.
pub(super) const MAGIC_ANY: &[u8] = b"atsync store ";
/// The first bytes of a redb database.
pub(super) const PLAIN: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// redb's page.
const PAGE: u64 = 4096;
/// Where the second slot begins.
pub(super) const SLOT_SECOND: usize = 4096;
const SUM: u64 = 8;
/// Where the pages begin.
const PAGES: u64 = 2 * PAGE;
/// Bytes of the first page that redb uses: 320 in its format 3.
const HEADER: usize = 512;
/// Magic, the file's number, the header's serial number, the length, the header, the checksum.
const SLOT: usize = 16 + 8 + 8 + 8 + HEADER + 8;

/// A backend whose reads are verified. See the module.
#[derive(Debug)]
pub(super) struct Pages<B> {
    inner: B,
    /// None until the first use, which is after redb has locked the file.
    header: Mutex<Option<Header>>,
    seal: Seal,
    length: Length,
}

/// Refuses a first change from now on. A file that was already changed can be changed further.
#[derive(Clone, Debug, Default)]
pub(super) struct Seal(Arc<Sealed>);

#[derive(Debug, Default)]
struct Sealed {
    set: AtomicBool,
    refused: AtomicBool,
}

/// How long the database is, as far as this use of it knows. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Length(Arc<AtomicU64>);

impl Length {
    /// In bytes; 0 before the first use.
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl Seal {
    /// From now on.
    pub(super) fn set(&self) {
        self.0.set.store(true, Ordering::Relaxed);
    }

    /// Whether a first change was refused, so that the file is unchanged.
    pub(super) fn kept(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }

    fn admit(&self) -> io::Result<()> {
        if !self.0.set.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.0.refused.store(true, Ordering::Relaxed);
        Err(io::Error::other("nothing was changed, and the file is closed as it was"))
    }
}

#[derive(Clone, Debug)]
struct Header {
    file: u64,
    bytes: [u8; HEADER],
    serial: u64,
    /// How long the database is at least: redb relies on the length of a file that was not closed.
    length: u64,
    /// The slot that holds the last synced header.
    synced: u64,
    /// The header as the slots have it.
    stored: [u8; HEADER],
    /// The other slot was written since the last sync.
    written: bool,
    /// A page was written or the length changed since the file was opened.
    changed: bool,
}

impl<B: StorageBackend> Pages<B> {
    /// Creates a file, in empty storage.
    pub(super) fn create(inner: B, file: u64) -> Result<Self, DatabaseError> {
        let header = Header {
            file,
            bytes: [0; HEADER],
            serial: 1,
            length: 0,
            synced: 0,
            stored: [0; HEADER],
            written: false,
            changed: true,
        };
        let mut both = header.slot();
        both.resize(usize::try_from(PAGES).unwrap_or(usize::MAX), 0);
        inner.set_len(PAGES)?;
        inner.write(0, &both)?;
        inner.sync_data()?;
        let header = Mutex::new(Some(header));
        Ok(Self { inner, header, seal: Seal::default(), length: Length::default() })
    }

    /// Reads existing storage.
    pub(super) fn open(inner: B) -> Self {
        Self { inner, header: Mutex::new(None), seal: Seal::default(), length: Length::default() }
    }

    /// Ends a use that changed nothing.
    pub(super) fn seal(&self) -> Seal {
        self.seal.clone()
    }

    /// How long the database is, also later.
    pub(super) fn length(&self) -> Length {
        self.length.clone()
    }

    fn header(&self) -> io::Result<Locked<'_>> {
        let mut header = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        if header.is_none() {
            let loaded = load(&self.inner)?;
            self.length.set(loaded.length);
            *header = Some(loaded);
        }
        Ok(Locked(header))
    }

    /// Before the first change: the header says durably that the file is open.
    fn begin(&self) -> io::Result<u64> {
        let mut locked = self.header()?;
        let header = locked.get()?;
        if !header.changed {
            self.seal.admit()?;
            // Writes of a killed process may not be on the disk yet, and the next header replaces
            // the older slot.
            self.inner.sync_data()?;
            header.changed = true;
            if header.bytes != header.stored {
                header.put(&self.inner)?;
                header.settle(&self.inner)?;
            }
        }
        Ok(header.file)
    }
}

/// The header, locked.
struct Locked<'a>(MutexGuard<'a, Option<Header>>);

impl Locked<'_> {
    fn get(&mut self) -> io::Result<&mut Header> {
        self.0.as_mut().ok_or_else(|| wrong("the header is not loaded"))
    }
}

impl Header {
    fn slot(&self) -> Vec<u8> {
        let mut slot = Vec::with_capacity(SLOT);
        slot.extend_from_slice(&MAGIC);
        slot.extend_from_slice(&self.file.to_le_bytes());
        slot.extend_from_slice(&self.serial.to_le_bytes());
        slot.extend_from_slice(&self.length.to_le_bytes());
        slot.extend_from_slice(&self.bytes);
        slot.extend_from_slice(&XxHash3_64::oneshot(&slot).to_le_bytes());
        slot
    }

    fn read(slot: &[u8]) -> Option<Self> {
        let (content, sum) = slot.split_last_chunk::<8>()?;
        if XxHash3_64::oneshot(content) != u64::from_le_bytes(*sum) {
            return None;
        }
        let (file, rest) = content.strip_prefix(&MAGIC)?.split_first_chunk::<8>()?;
        let (serial, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let bytes: [u8; HEADER] = rest.try_into().ok()?;
        Some(Self {
            file: u64::from_le_bytes(*file),
            bytes,
            serial: u64::from_le_bytes(*serial),
            length: u64::from_le_bytes(*length),
            synced: 0,
            stored: bytes,
            written: false,
            changed: false,
        })
    }

    fn other(&self) -> u64 {
        1_u64.saturating_sub(self.synced)
    }

    /// Writes the header into the slot that is not the last synced one.
    fn put(&mut self, inner: &impl StorageBackend) -> io::Result<()> {
        self.serial = self.serial.saturating_add(1);
        inner.write(self.other() * PAGE, &self.slot())?;
        (self.stored, self.written) = (self.bytes, true);
        Ok(())
    }

    /// Syncs, and gives the other slot the same header.
    fn settle(&mut self, inner: &impl StorageBackend) -> io::Result<()> {
        inner.sync_data()?;
        if std::mem::take(&mut self.written) {
            self.synced = self.other();
            inner.write(self.other() * PAGE, &self.slot())?;
        }
        Ok(())
    }
}

fn load(inner: &impl StorageBackend) -> io::Result<Header> {
    let length = inner.len()?;
    let slot = |at: u64| -> io::Result<Option<Header>> {
        let mut slot = vec![0; SLOT];
        if length < at.saturating_add(u64::try_from(SLOT).unwrap_or(u64::MAX)) {
            return Ok(None);
        }
        inner.read(at, &mut slot)?;
        Ok(Header::read(&slot))
    };
    let found = match (slot(0)?, slot(PAGE)?) {
        (Some(first), Some(second)) if second.serial > first.serial => {
            Header { synced: 1, ..second }
        }
        (Some(first), _) => first,
        (None, Some(second)) => Header { synced: 1, ..second },
        (None, None) => return Err(wrong("its header is none that this version of atsync writes")),
    };
    // redb would create an empty database in its place.
    if found.bytes.iter().all(|byte| *byte == 0) {
        return Err(wrong("it was not made to its end"));
    }
    if length < place(found.length / PAGE) {
        return Err(wrong("it is cut short"));
    }
    Ok(found)
}

/// The error for bytes that are not as they were written.
fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn size(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(|_| io::ErrorKind::OutOfMemory.into())
}

/// The place of a page and its checksum.
fn place(page: u64) -> u64 {
    PAGES.saturating_add(page.saturating_sub(1).saturating_mul(PAGE + SUM))
}

fn sum(file: u64, page: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(file ^ page.wrapping_mul(0x9e37_79b9_7f4a_7c15), bytes)
}

/// The first page and the number of pages of a range, which begins behind the header.
fn range(offset: u64, length: usize) -> io::Result<(u64, u64)> {
    let length = u64::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    if offset < PAGE || !offset.is_multiple_of(PAGE) || !length.is_multiple_of(PAGE) {
        return Err(wrong(format!("{length} bytes at {offset} are no pages")));
    }
    Ok((offset / PAGE, length / PAGE))
}

/// The part of the header for an access to the first page.
fn within(offset: u64, length: usize) -> io::Result<Option<std::ops::Range<usize>>> {
    if offset >= PAGE {
        return Ok(None);
    }
    let start = size(offset)?;
    let end = start.saturating_add(length);
    if end > HEADER {
        Err(wrong(format!("{length} bytes at {offset} are not in the header")))
    } else {
        Ok(Some(start..end))
    }
}

impl<B: StorageBackend> StorageBackend for Pages<B> {
    fn len(&self) -> io::Result<u64> {
        let made = self.header()?.get()?.bytes.iter().any(|byte| *byte != 0);
        let pages = self.inner.len()?.saturating_sub(PAGES) / (PAGE + SUM);
        Ok(if made || pages > 0 { (pages + 1).saturating_mul(PAGE) } else { 0 })
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut locked = self.header()?;
        let header = locked.get()?;
        if let Some(range) = within(offset, out.len())? {
            out.copy_from_slice(header.bytes.get(range).unwrap_or_default());
            return Ok(());
        }
        let file = header.file;
        drop(locked);
        let (first, pages) = range(offset, out.len())?;
        let mut bytes = vec![0; size(pages.saturating_mul(PAGE + SUM))?];
        self.inner.read(place(first), &mut bytes)?;
        let (stored, wanted) =
            (bytes.chunks_exact(size(PAGE + SUM)?), out.chunks_exact_mut(size(PAGE)?));
        for ((stored, wanted), page) in stored.zip(wanted).zip(first..) {
            let (content, stored) =
                stored.split_last_chunk::<8>().ok_or_else(|| wrong("a page has no checksum"))?;
            if sum(file, page, content) != u64::from_le_bytes(*stored) {
                return Err(wrong(format!("page {page} is not as it was written")));
            }
            wanted.copy_from_slice(content);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.begin()?;
        let mut locked = self.header()?;
        let header = locked.get()?;
        let shrinks = len < header.length;
        header.length = len;
        self.length.set(len);
        // A header never names more pages than exist: redb syncs a longer file before it writes the
        // next header.
        if shrinks {
            header.put(&self.inner)?;
            header.settle(&self.inner)?;
        }
        self.inner.set_len(place(len / PAGE))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut locked = self.header()?;
        let header = locked.get()?;
        if header.changed { header.settle(&self.inner) } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if let Some(range) = within(offset, data.len())? {
            let mut locked = self.header()?;
            let header = locked.get()?;
            if let Some(part) = header.bytes.get_mut(range) {
                part.copy_from_slice(data);
            }
            // Until the first change, the header is not written: opening and closing would write it
            // and undo that.
            return if header.changed { header.put(&self.inner) } else { Ok(()) };
        }
        let file = self.begin()?;
        let (first, pages) = range(offset, data.len())?;
        let mut bytes = Vec::with_capacity(size(pages.saturating_mul(PAGE + SUM))?);
        for (content, page) in data.chunks_exact(size(PAGE)?).zip(first..) {
            bytes.extend_from_slice(content);
            bytes.extend_from_slice(&sum(file, page, content).to_le_bytes());
        }
        self.inner.write(place(first), &bytes)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
