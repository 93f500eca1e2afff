//! The allocator of a component's guest: small blocks from lists by size, large ones from the
//! standard library's allocator.
//!
//! Reading a page of records allocates and frees some hundred thousand small blocks, and a guest
//! lives for one call. So a freed small block is kept for the next one of its size, and never
//! merged or given back: both allocating and freeing take a few instructions. Each list's blocks
//! have one of [`CLASSES`] sizes, at most a quarter larger than what was asked for. New blocks are
//! cut off [`SLAB_BYTES`] at a time. What is larger than [`SMALL_BYTES_MAX`] goes to the standard
//! library's allocator, which grows in place, merges and reuses: replies of megabytes must not
//! leave holes.
//!
//! Bounds: what the lists hold is at most the sum of each size's own peak. Left out: threads; a
//! guest has one.

#![allow(unsafe_code, reason = "an allocator hands out memory by address")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;

/// The largest small block. A unified record fits.
const SMALL_BYTES_MAX: usize = 4096;
/// Every small block is aligned to this, and its size is a multiple of it.
const STEP: usize = 16;
/// Sizes up to here are the multiples of [`STEP`].
const STEPPED_BYTES_MAX: usize = 256;
/// 16 sizes in steps, then four for each doubling.
const CLASSES: usize = 32;
/// What is taken from the standard library's allocator for small blocks at a time. Arbitrary.
const SLAB_BYTES: usize = 64 * 1024;

/// A free small block: it holds the address of the next one.
struct Free {
    next: *mut Free,
}

/// The lists of free blocks, and the slab that new ones are cut from.
struct Heap {
    free: [*mut Free; CLASSES],
    slab: *mut u8,
    slab_bytes: usize,
}

/// The allocator.
pub(crate) struct Allocator(UnsafeCell<Heap>);

// SAFETY: a component's guest has one thread, and the tests use each allocator in one thread.
unsafe impl Sync for Allocator {}

impl Allocator {
    /// An allocator that holds no memory yet.
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(Heap {
            free: [ptr::null_mut(); CLASSES],
            slab: ptr::null_mut(),
            slab_bytes: 0,
        }))
    }
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// Whether a block of this layout is a small one.
#[inline]
fn is_small(layout: Layout) -> bool {
    layout.size() <= SMALL_BYTES_MAX && layout.align() <= STEP
}

/// The list for blocks of a small size, and the size of its blocks.
#[inline]
fn class(bytes: usize) -> (usize, usize) {
    let last = bytes.saturating_sub(1);
    if bytes <= STEPPED_BYTES_MAX {
        let class = last / STEP;
        return (class, (class + 1) * STEP);
    }
    // `last` is 256 or more: its highest bit names the doubling, the two below it the quarter.
    let doubling = last.ilog2();
    let quarter = (last >> (doubling - 2)) & 3;
    let class = 16 + (doubling as usize - 8) * 4 + quarter;
    (class, (quarter + 5) << (doubling - 2))
}

impl Heap {
    /// Cuts a block off the slab, or off a new one.
    #[cold]
    #[inline(never)]
    fn cut(&mut self, bytes: usize) -> *mut u8 {
        if bytes > self.slab_bytes {
            let Ok(layout) = Layout::from_size_align(SLAB_BYTES, STEP) else {
                return ptr::null_mut();
            };
            // SAFETY: the layout has a size. What is left of the slab before is not used again.
            let slab = unsafe { System.alloc(layout) };
            if slab.is_null() {
                return slab;
            }
            self.slab = slab;
            self.slab_bytes = SLAB_BYTES;
        }
        let block = self.slab;
        // SAFETY: the slab has at least `bytes` bytes from here, so this is within it or its end.
        self.slab = unsafe { self.slab.add(bytes) };
        self.slab_bytes -= bytes;
        block
    }
}

// SAFETY: a block comes from the list of its class, from a slab or from `System`. Those of a class
// are at least as large as asked for, since `class` rounds up; they are aligned, since a slab is
// and every size is a multiple of `STEP`. Two blocks never overlap: `cut` moves past what it hands
// out, and a block is in a list only between its `dealloc` and its next `alloc`. The layout that
// the caller repeats says which of the two allocators a block belongs to. Nothing here panics: the
// arithmetic cannot overflow for small sizes, and a class is below `CLASSES`. References to the
// heap do not outlive a method, and none of them calls another one meanwhile. None is inlined: they
// are called from everywhere, and a component would be a fifth larger.
unsafe impl GlobalAlloc for Allocator {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_small(layout) {
            // SAFETY: the caller's promise is the same.
            return unsafe { System.alloc(layout) };
        }
        // SAFETY: one thread, and no other reference exists.
        let heap = unsafe { &mut *self.0.get() };
        let (class, bytes) = class(layout.size());
        let Some(list) = heap.free.get_mut(class) else { return ptr::null_mut() };
        let block = *list;
        if block.is_null() {
            return heap.cut(bytes);
        }
        // SAFETY: a listed block is free, aligned and holds a `Free`, which `dealloc` wrote.
        *list = unsafe { (*block).next };
        block.cast()
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !is_small(layout) {
            // SAFETY: the caller's promise is the same, and such a block came from `System`.
            return unsafe { System.dealloc(block, layout) };
        }
        // SAFETY: one thread, and no other reference exists.
        let heap = unsafe { &mut *self.0.get() };
        let (class, _) = class(layout.size());
        let Some(list) = heap.free.get_mut(class) else { return };
        let block = block.cast::<Free>();
        // SAFETY: the block is the caller's to give back, at least `STEP` bytes and aligned to it.
        unsafe { block.write(Free { next: *list }) };
        *list = block;
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_small(layout) {
            // SAFETY: the caller's promise is the same.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's promise is the same.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block has as many bytes.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, is a valid one.
        let wanted = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        match (is_small(layout), is_small(wanted)) {
            // SAFETY: the caller's promise is the same, and such a block came from `System`.
            (false, false) => return unsafe { System.realloc(block, layout, bytes) },
            // A smaller class gets a block of its own, so that a text with room to spare does not
            // keep that room until the end of the call.
            (true, true) if class(layout.size()) == class(bytes) => return block,
            _ => {}
        }
        // SAFETY: the caller's promise is the same.
        let moved = unsafe { self.alloc(wanted) };
        if !moved.is_null() {
            // SAFETY: both have that many bytes, do not overlap, and `block` is given back once.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(bytes));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocator, CLASSES, SMALL_BYTES_MAX, STEP, class};
    use std::alloc::{GlobalAlloc as _, Layout};

    #[test]
    fn a_class_holds_what_was_asked_for_and_at_most_a_quarter_more() {
        let mut before = (0, 0);
        for bytes in 1..=SMALL_BYTES_MAX {
            let (class, size) = class(bytes);
            assert!(class < CLASSES && size >= bytes && size % STEP == 0, "{bytes}");
            assert!(size - bytes < STEP || size - bytes <= bytes / 4, "{bytes}: {size}");
            // Each class has one size, and the classes are in the order of their sizes.
            assert_eq!(class == before.0 && bytes > 1, size == before.1, "{bytes}");
            assert!(class >= before.0 && class <= before.0 + 1, "{bytes}");
            before = (class, size);
        }
        assert_eq!(before, (CLASSES - 1, SMALL_BYTES_MAX));
    }

    /// A block in use, filled with one byte.
    struct Held {
        at: *mut u8,
        layout: Layout,
        filled: u8,
    }

    impl Held {
        fn fill(&mut self, filled: u8) {
            self.filled = filled;
            // SAFETY: the block has as many bytes.
            unsafe { self.at.write_bytes(filled, self.layout.size()) };
        }

        fn check(&self, bytes: usize) {
            assert_eq!(self.at as usize % self.layout.align(), 0);
            // SAFETY: the block has as many bytes, all of them written.
            let all = unsafe { std::slice::from_raw_parts(self.at, bytes) };
            assert!(all.iter().all(|byte| *byte == self.filled), "{:?}", self.layout);
        }
    }

    #[test]
    fn blocks_are_aligned_apart_from_each_other_and_keep_their_bytes() {
        let allocator = Allocator::new();
        let mut held: Vec<Held> = Vec::new();
        // A generator of numbers that always gives the same ones.
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        for round in 0..20_000_u32 {
            let filled = u8::try_from(round % 251).unwrap() + 1;
            match draw(4) {
                0 | 1 if held.len() < 400 => {
                    let most = [40, 300, 5000, 70_000][draw(4)];
                    let align = [1, 8, 16, 64][draw(4)];
                    let layout = Layout::from_size_align(1 + draw(most), align).unwrap();
                    let is_zeroed = draw(3) == 0;
                    // SAFETY: the layout has a size.
                    let at = unsafe {
                        if is_zeroed {
                            allocator.alloc_zeroed(layout)
                        } else {
                            allocator.alloc(layout)
                        }
                    };
                    assert!(!at.is_null());
                    let mut block = Held { at, layout, filled: 0 };
                    if is_zeroed {
                        block.check(layout.size());
                    }
                    block.fill(filled);
                    held.push(block);
                }
                2 if !held.is_empty() => {
                    let index = draw(held.len());
                    let block = &mut held[index];
                    let bytes = 1 + draw(2 * block.layout.size());
                    // SAFETY: the block came from this allocator with this layout.
                    block.at = unsafe { allocator.realloc(block.at, block.layout, bytes) };
                    let kept = bytes.min(block.layout.size());
                    block.layout = Layout::from_size_align(bytes, block.layout.align()).unwrap();
                    block.check(kept);
                    block.fill(filled);
                }
                _ if !held.is_empty() => {
                    let block = held.swap_remove(draw(held.len()));
                    block.check(block.layout.size());
                    // SAFETY: the block came from this allocator with this layout.
                    unsafe { allocator.dealloc(block.at, block.layout) };
                }
                _ => {}
            }
        }
        for block in held {
            block.check(block.layout.size());
            // SAFETY: the block came from this allocator with this layout.
            unsafe { allocator.dealloc(block.at, block.layout) };
        }
    }

    #[test]
    fn a_freed_block_is_the_next_one_of_its_size() {
        let allocator = Allocator::new();
        let layout = |bytes| Layout::from_size_align(bytes, 8).unwrap();
        // SAFETY: the layouts have sizes, and each block is given back once, with its own.
        unsafe {
            let one = allocator.alloc(layout(100));
            allocator.dealloc(one, layout(100));
            assert_eq!(allocator.alloc(layout(97)), one);
            // It grows and shrinks within its class where it is.
            assert_eq!(allocator.realloc(one, layout(97), 112), one);
            assert_eq!(allocator.realloc(one, layout(112), 98), one);
            let other = allocator.realloc(one, layout(98), 60);
            assert_ne!(other, one);
            assert_eq!(allocator.alloc(layout(112)), one);
        }
    }
}
