//! Deliveries of webhooks: their queue, their signature, and the task that sends them.
//!
//! Which webhooks exist, what fires them and what their bodies say is the ATS's.

pub mod queue;
pub mod quirks;
pub mod sender;
pub mod signing;

pub use queue::{
    Fired, HookAttempt, HookDelivery, HookRequest, HookState, Leaving, PING, Queue, Schedule,
};
pub use quirks::{HookCopies, HookOrder};
pub use sender::{HookSignals, HookSource};
pub use signing::{Part, Place, Signing};
