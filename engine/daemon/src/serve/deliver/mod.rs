//! Webhooks out: each change of the feeds is sent to the endpoints that an administrator names.
//!
//! An [`endpoint`] has a URL, a secret and a filter; its secret is sealed in the vault, the
//! rest is a note. A [`courier`] is the task of one endpoint, and a [`lane`] its way through
//! the feed of one connection, from an offset that the store keeps as the offset of a consumer.
//! A lane sends one change at a time. A change that is not accepted is [`held`]: the later
//! changes of its record wait, those of other records go on. [`standing`] decides for the whole
//! endpoint whether it is tried at all, and [`schedule`] when.
//!
//! Guarantees: at least once, since an offset moves only past what was accepted, was erased, or is
//! listed as given up; in order for each record. A change is read from the feed for each attempt
//! and kept nowhere else, so that an erasure leaves nothing to send. Requests go through the
//! engine's transport, with its egress policy.
//!
//! Bounds: [`ENDPOINTS_MAX`](endpoint::ENDPOINTS_MAX) endpoints; a lane holds
//! [`HELD_MAX`](held::HELD_MAX) changes and then reads no further. Left out: two secrets while one
//! replaces the other; transformations of the body.

mod attempt;
mod book;
pub(super) mod courier;
pub(super) mod deliveries;
mod endpoint;
pub(super) mod endpoints;
mod held;
pub(super) mod known;
mod lane;
mod parcel;
mod schedule;
mod signing;
pub(super) mod standing;
