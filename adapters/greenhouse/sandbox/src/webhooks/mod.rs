//! Webhooks: which exist, what fires them, and their deliveries.
//!
//! A webhook is one event, one endpoint and one secret. [`events`] finds the events of a write from
//! its net effect, so a recruiter's change and a request through the API fire the same events;
//! [`payload`] renders them in the words of v1; atsync-sandbox's queue holds the deliveries with
//! their retries, on the sandbox's clock. Nothing here sends: a caller takes one delivery at a time
//! ([`Sandbox::next_hook`](crate::Sandbox::next_hook)) and reports the answer. The server has one
//! task that does so; a simulation may do it itself, or make no webhook, which is the
//! default. Partners manage their webhooks through the API ([`requests`]); a test makes one as an
//! admin in the Dev Center does ([`control`]).
//!
//! Bounds: those of [`registry`] and of the queue. Left out: rows and events of offers, interviews
//! and scorecards (a test may fire them by hand), mail to the error recipient.

mod control;
mod events;
mod payload;
mod registry;
mod requests;
mod sign;
mod webhook;

pub use atsync_sandbox::webhooks::{HookAttempt, HookDelivery, HookRequest, HookState};
pub(crate) use registry::Webhooks;
pub(crate) use requests::action;
pub use webhook::{NewWebhook, WEBHOOK_EVENTS};
