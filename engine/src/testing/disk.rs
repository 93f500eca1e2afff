//! A disk below redb that loses writes without a sync when the power is cut.
//!
//! The power is cut at a chosen operation, or at a chosen sync, which then fails and loses its
//! writes. From there on every operation fails, and a callback reports it. The disk then holds what
//! was synced and an arbitrary part of the writes since, chosen by `chance`. A killed process is
//! not a power cut: the system keeps its writes.
//!
//! Everything is in memory, so a disk is as large as its file. Left out: changed bytes, and partial
//! writes of one call.

use redb::StorageBackend;
use std::io;
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug)]
enum Write {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Write {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Bytes(at, bytes) => {
                // The file may have grown in a write that was lost; a file system then keeps zeros
                // up to here.
                image.resize(image.len().max(at + bytes.len()), 0);
                image[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Write>,
    operations: u64,
    syncs: u64,
    cut_at_operation: Option<u64>,
    cut_at_sync: Option<u64>,
    cut: Option<&'static str>,
}

/// See the module. A clone is the same disk.
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    on_cut: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// A disk that holds a file with these bytes, synced.
    pub fn holding(image: Vec<u8>) -> Self {
        let state = State { synced: image.clone(), live: image, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), on_cut: Arc::new(|| {}) }
    }

    /// Sets a callback for every operation that fails after the power is cut.
    #[must_use]
    pub fn on_cut(mut self, on_cut: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_cut = Arc::new(on_cut);
        self
    }

    /// Cuts the power after so many changes.
    pub fn cut_after(&self, operations: u64) {
        let mut state = self.state.lock().unwrap();
        state.cut_at_operation = Some(state.operations + operations);
    }

    /// Fails the sync after so many more, and cuts the power there.
    pub fn fail_sync_after(&self, syncs: u64) {
        let mut state = self.state.lock().unwrap();
        state.cut_at_sync = Some(state.syncs + syncs);
    }

    /// Cancels faults that have not happened. A power cut stays.
    pub fn spare(&self) {
        let mut state = self.state.lock().unwrap();
        (state.cut_at_operation, state.cut_at_sync) = (None, None);
    }

    /// The fault that cut the power, if it was cut: `power cut` or `fsync lost`.
    pub fn cut(&self) -> Option<&'static str> {
        self.state.lock().unwrap().cut
    }

    /// Changes so far, those that failed included.
    pub fn operations(&self) -> u64 {
        self.state.lock().unwrap().operations
    }

    /// The disk's content: all, or after a cut what was synced and each write since by the bits of
    /// `chance`.
    pub fn remains(&self, mut chance: u64) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        if state.cut.is_none() {
            return state.live.clone();
        }
        let mut image = state.synced.clone();
        for write in &state.unsynced {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if chance >> 63 == 0 {
                write.apply(&mut image);
            }
        }
        image
    }

    fn change(&self, is_sync: bool, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.operations += 1;
        state.syncs += u64::from(is_sync);
        if state.cut_at_operation.is_some_and(|at| state.operations > at) {
            state.cut = state.cut.or(Some("power cut"));
        }
        if is_sync && state.cut_at_sync.is_some_and(|at| state.syncs > at) {
            state.cut = state.cut.or(Some("fsync lost"));
        }
        if state.cut.is_some() {
            drop(state);
            (self.on_cut)();
            return Err(io::Error::other("the power is cut"));
        }
        change(&mut state);
        Ok(())
    }

    fn write(&self, write: Write) -> io::Result<()> {
        self.change(false, |state| {
            write.apply(&mut state.live);
            state.unsynced.push(write);
        })
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let state = self.state.lock().unwrap();
        out.copy_from_slice(
            state.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::write(self, Write::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(true, |state| {
            let unsynced = std::mem::take(&mut state.unsynced);
            unsynced.iter().for_each(|write| write.apply(&mut state.synced));
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::write(self, Write::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
