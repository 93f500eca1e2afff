//! The audit log: one entry for each act that changes something, whoever asks for it.
//!
//! Every request passes one place, the gate of [`super`], which asks [`act`] what the request's
//! method and route are. A route that is not in that table leaves an entry all the same, and a test
//! compares the table with the OpenAPI document. The entry of a request is its [`deed`]; a handler
//! may add what it alone knows. Relayed commands ([`command`]) and reloads by signal are acts too.
//!
//! Guarantees: an act begins after its entry is durable, and is refused where the entry cannot be
//! written. A declaration does not wait: its entry is written beside it, and its answer waits for
//! the entry. When the answer arrives, the result is durable as well, but for a declaration's,
//! which follows within a moment, in a commit of another entry where there is one: after a kill
//! between, and where a kill ends an act, the entry says that its result is not known. Entries that
//! are written at the same time share a commit ([`log`]).
//!
//! An entry has no data of a candidate, since an erasure does not look into notes: it has the names
//! that operators give (tokens, connections, endpoints), numbers, and for a record's key a keyed
//! digest. The digest tells a user who knows the key which acts were about it; a key that is
//! guessed can be compared with it by the holder of the store's file, as with the hashes by which
//! an erasure blocks a re-import. A name that a caller made up is kept only where it named
//! something.
//!
//! A request that is refused before it reaches its route (unknown token, scope, forged form) did
//! nothing and would let strangers fill the store: such are counted, and each sort is one entry a
//! minute ([`refusals`]).
//!
//! Bounds: the age of `serve.audit_retention` and [`log::ENTRIES_MAX`] entries, beyond which the
//! oldest go; [`entry::TEXT_BYTES_MAX`] of a text. Left out: acts of the schedules, which no user
//! asks for, and commands on a store that no process holds.

pub(crate) mod act;
mod command;
pub(super) mod deed;
pub(crate) mod entry;
pub(super) mod log;
mod parameters;
pub(crate) mod read;
pub(super) mod refusals;
pub(crate) mod request;
pub(super) mod routes;
pub(super) mod upkeep;

pub(super) use command::of as of_command;
