//! What an adapter may use, each a named number with its reason, and the wasmtime limiter that enforces the part that wasmtime counts.
//!
//! Two kinds of limit: those on the *guest* while it runs (memory, tables, stack, time, bytes copied out), which wasmtime enforces,
//! and those on what it *answers*, which [`crate::adapter::check`] enforces, for natively compiled adapters too.
//! Left out: limits on replies from the network; the transport has them. [`REPLY_BYTES_MAX`] is repeated here because a
//! reply that cannot be handed in must not be asked for.

use std::time::Duration;
use wasmtime::ResourceLimiter;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A component file. A large adapter in Rust has 1.7 MiB; the rest is room for languages that bring an interpreter along. Arbitrary beyond that.
pub const COMPONENT_BYTES_MAX: usize = 16 * MIB;

/// The largest reply body that is handed to an adapter: as much as fits twice (as bytes and as what is made of them) into [`MEMORY_BYTES_MAX`].
pub const REPLY_BYTES_MAX: usize = 24 * MIB;

/// Linear memory of one call. A page of 500 candidates has 0.85 MB; the largest reply allowed, and what is made of it, must fit.
pub const MEMORY_BYTES_MAX: usize = 64 * MIB;

/// Elements of one table. A table holds function pointers, one for each function that is called indirectly. Arbitrary.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Core instances, tables and memories in one component. One of each is usual; wrapping adds up to three.
pub const INSTANCES_MAX: usize = 8;

/// The guest's stack on the host's. Guests compiled from Rust keep large values in linear memory, so this bounds the depth of calls. Wasmtime's own default.
pub const STACK_BYTES_MAX: usize = 512 * KIB;

/// Bytes that one answer may make the host allocate while it is copied out; wasmtime counts them at the size of the host's types.
pub const ANSWER_BYTES_MAX: usize = 32 * MIB;

/// The guest's time for one call. A page of 500 candidates takes about 8 ms; the rest is for larger pages and busy machines, since this is wall time.
pub const GUEST_TIME_MAX: Duration = Duration::from_secs(2);

/// Fuel of one call in deterministic runs; about one unit an instruction. Arbitrary, of the order of seconds.
pub const FUEL_MAX: u64 = 10_000_000_000;

/// Records in one page or fetch. Pages have up to some hundred rows, each perhaps with records inside. Arbitrary beyond that.
pub const ITEMS_MAX: usize = 10_000;

/// One unified record. A candidate has about 2 KiB; arbitrary beyond that.
pub const ITEM_BODY_BYTES_MAX: usize = MIB;

/// Masks in one page. Arbitrary: a page has about one mask a kind.
pub const MASKS_MAX: usize = 64;

/// Ids, versions, kinds, roles, names. Arbitrary; composite ids fit, and it is short enough to be a key.
pub const NAME_BYTES_MAX: usize = 512;

/// Cursors and checkpoints, which are stored per connection.
pub const CURSOR_BYTES_MAX: usize = 64 * KIB;

/// Texts for people: messages, details, warnings. What is longer is no sentence.
pub const TEXT_BYTES_MAX: usize = 8 * KIB;

/// Entries of the small lists: headers, links, warnings, hints, field errors, signatures. Arbitrary.
pub const LIST_MAX: usize = 1_000;

/// The body of one request. An attachment of 10 MB in base64 inside JSON fits.
pub const REQUEST_BODY_BYTES_MAX: usize = 16 * MIB;

/// A path, a link, or a query with all its values. Many servers refuse half of that.
pub const URL_BYTES_MAX: usize = 16 * KIB;

/// Steps of one task. A fetch of fifty ids one by one takes fifty. Arbitrary beyond that.
pub const STEPS_MAX: u32 = 200;

/// The tenant catalogue, stored per connection. Arbitrary; thousands of custom field options fit.
pub const CATALOGUE_BYTES_MAX: usize = 4 * MIB;

/// A manifest. Arbitrary.
pub const MANIFEST_BYTES_MAX: usize = MIB;

/// The limits on a running guest. The defaults are the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`COMPONENT_BYTES_MAX`].
    pub component_bytes_max: usize,
    /// See [`MEMORY_BYTES_MAX`].
    pub memory_bytes_max: usize,
    /// See [`TABLE_ELEMENTS_MAX`].
    pub table_elements_max: usize,
    /// See [`STACK_BYTES_MAX`].
    pub stack_bytes_max: usize,
    /// See [`ANSWER_BYTES_MAX`].
    pub answer_bytes_max: usize,
    /// See [`REPLY_BYTES_MAX`].
    pub reply_bytes_max: usize,
    /// See [`GUEST_TIME_MAX`]. Only with [`super::host::Metering::Epochs`].
    pub guest_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes_max: COMPONENT_BYTES_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            table_elements_max: TABLE_ELEMENTS_MAX,
            stack_bytes_max: STACK_BYTES_MAX,
            answer_bytes_max: ANSWER_BYTES_MAX,
            reply_bytes_max: REPLY_BYTES_MAX,
            guest_time_max: GUEST_TIME_MAX,
        }
    }
}

/// A limit that the guest ran into: ends the call, unlike a refused `memory.grow`, which a guest may take for anything.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OverLimit(pub(crate) String);

/// Counts what one store uses. Per memory and per table: a component has one of each as a rule, and [`INSTANCES_MAX`] bounds the product.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    memory_bytes: usize,
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory_bytes: 0 }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory_bytes_max {
            let text = format!("{total} bytes of memory; {} are allowed", self.limits.memory_bytes_max);
            return Err(OverLimit(text).into());
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements_max {
            let text = format!("{desired} table elements; {} are allowed", self.limits.table_elements_max);
            return Err(OverLimit(text).into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        INSTANCES_MAX
    }
}
