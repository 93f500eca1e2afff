//! The tokens of an authorization code (RFC 6749 §4.1): each refresh gives a new pair of access and
//! refresh token and ends the old one.
//!
//! - *Durable first*: the keeper has stored a new pair before its access token is used ([`core`]).
//!   A pair that could not be stored stays in memory, and storing it is tried again before anything
//!   else.
//! - *One refresh at a time*: all sessions with the same keeper use one source ([`registry`]), and
//!   its callers share one flight ([`source`]), which ends although they are dropped.
//! - *Few refreshes*: the keeper has the access token, too, so a restart costs none.
//! - *A lost answer*: the refresh may have been carried out, and then the new pair is lost. The old
//!   refresh token is sent once more at once. If the endpoint refuses it, the consent is lost
//!   ([`AuthReason::ConsentRevoked`]). If it gives no answer again, the state is unclear
//!   ([`AuthReason::ConsentUnclear`]), and it is asked again after a pause, once each time. Asking
//!   again can end only a pair that no process has.
//! - *A refused refresh token*: another process may have refreshed meanwhile, so the keeper is read
//!   again first.
//! - *Another consent* has another number, and the session asks the ATS whose it is before a record
//!   is read or written with it.
//!
//! Bounds: two requests for a refresh, three if another process refreshed or the endpoint names no
//! code; the pauses of [`super::hold`]. Left out: where the text is sealed (the host's keeper), and
//! how a person consents ([`crate::consent`]).
//!
//! [`AuthReason::ConsentRevoked`]: crate::AuthReason::ConsentRevoked
//! [`AuthReason::ConsentUnclear`]: crate::AuthReason::ConsentUnclear

mod core;
mod pair;
mod registry;
mod source;

pub use core::Code;
pub use registry::Consents;
pub use source::RotatingSource;
