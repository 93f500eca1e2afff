//! The limits of adapters, each a named number with its reason.
//!
//! Two kinds of limit: those on the *guest* while it runs (memory, tables, stack, time, bytes
//! copied out), which the adapter runtime enforces, and those on its *answers*, which
//! [`crate::adapter::check`] enforces, for natively compiled adapters too. Left out: limits on
//! replies from the network; the transport has them. [`REPLY_BYTES_MAX`] is repeated here because a
//! reply that cannot be passed to the adapter must not be requested.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A component file. A large adapter in Rust has 1.7 MiB; the rest is room for languages that
/// include an interpreter. Arbitrary beyond that.
pub const COMPONENT_BYTES_MAX: usize = 16 * MIB;

/// The largest reply body that is passed to an adapter: as much as fits twice (as bytes and as
/// parsed values) into [`MEMORY_BYTES_MAX`].
pub const REPLY_BYTES_MAX: usize = 24 * MIB;

/// Linear memory of one call. A page of 500 candidates has 0.85 MB; the largest reply allowed, and
/// its parsed values, must fit.
pub const MEMORY_BYTES_MAX: usize = 64 * MIB;

/// Elements of one table. A table holds function pointers, one for each function that is called
/// indirectly. Arbitrary.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Core instances, tables and memories in one component. One of each is usual; wrapping adds up to
/// three.
pub const INSTANCES_MAX: usize = 8;

/// The guest's stack on the host's. Guests compiled from Rust keep large values in linear memory,
/// so this bounds the depth of calls. Wasmtime's own default.
pub const STACK_BYTES_MAX: usize = 512 * KIB;

/// Bytes that one answer may make the adapter runtime allocate while it is copied out; wasmtime
/// counts them at the size of the runtime's types.
pub const ANSWER_BYTES_MAX: usize = 32 * MIB;

/// The guest's time for one call. A page of 500 candidates takes about 8 ms; the rest is for larger
/// pages and busy machines, since this is wall time.
pub const GUEST_TIME_MAX: Duration = Duration::from_secs(2);

/// Fuel of one call in deterministic runs; about one unit an instruction. Arbitrary, of the order
/// of seconds.
pub const FUEL_MAX: u64 = 10_000_000_000;

/// Records in one page or fetch. Pages have up to some hundred rows, each perhaps with records
/// inside. Arbitrary beyond that.
pub const ITEMS_MAX: usize = 10_000;

/// One unified record. A candidate has about 2 KiB; arbitrary beyond that.
pub const ITEM_BODY_BYTES_MAX: usize = MIB;

/// The ATS's own JSON of one record. What the store allows for a record
/// ([`crate::store::limits::RECORD_BYTES_MAX`]), less the body.
pub const RAW_BYTES_MAX: usize = crate::store::limits::RECORD_BYTES_MAX - ITEM_BODY_BYTES_MAX;

/// Masks in one page. Arbitrary: a page has about one mask a kind.
pub const MASKS_MAX: usize = 64;

/// Ids, versions, kinds, roles, names. Arbitrary; composite ids fit, and it is short enough to be a
/// key.
pub const NAME_BYTES_MAX: usize = 512;

/// Cursors and checkpoints, which are stored per connection.
pub const CURSOR_BYTES_MAX: usize = 64 * KIB;

/// Texts for people: messages, details, warnings. A sentence is shorter.
pub const TEXT_BYTES_MAX: usize = 8 * KIB;

/// The message about one row or member that cannot be read. A page may have one for each record.
pub const PROBLEM_BYTES_MAX: usize = 512;

/// Entries of the small lists: headers, links, warnings, hints, field errors, signatures.
/// Arbitrary.
pub const LIST_MAX: usize = 1_000;

/// The body of one request. An attachment of 10 MB in base64 inside JSON fits.
pub const REQUEST_BODY_BYTES_MAX: usize = 16 * MIB;

/// A path, a link, or a query with all its values. Many servers refuse half of that.
pub const URL_BYTES_MAX: usize = 16 * KIB;

/// Steps of one task. A fetch of fifty ids one by one takes fifty. Arbitrary beyond that.
pub const STEPS_MAX: u32 = 200;

/// The tenant catalogue, stored per connection. Arbitrary; thousands of custom field options fit.
pub const CATALOGUE_BYTES_MAX: usize = 4 * MIB;

/// One text that a guest sends while it runs: a log line, or the message of a panic. Arbitrary:
/// some lines of a screen.
pub const NOTICE_BYTES_MAX: usize = 2 * KIB;

/// Log lines of one call that are kept. Arbitrary.
pub const NOTICES_MAX: usize = 100;

/// A manifest. Arbitrary.
pub const MANIFEST_BYTES_MAX: usize = MIB;
