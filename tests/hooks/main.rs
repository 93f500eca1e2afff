//! Webhooks over real HTTP: each change of a recruiter is observed within its delivery, without a
//! pull; what is repeated, late, out of order or forged changes nothing.
//!
//! Method: the sandbox's server sends its signed deliveries to a host, which passes them to
//! `Connection::receive`; the engine reads the sandbox's API over HTTP. After each change
//! [`Host::agrees`] compares every record of the kinds that webhooks cover with the sandbox's row,
//! member by member. Only the stamps of an activity are left out: no event reports them.
//! Time: retries follow the sandbox's clock, which the tests advance; nothing sleeps.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod changes;
mod deliveries;
mod host;
mod partner;
mod registering;
