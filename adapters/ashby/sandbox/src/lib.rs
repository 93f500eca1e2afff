//! A local test server for the Ashby API, with the quirks that affect a client.
//!
//! It is built from the reference alone and shares no types with an adapter, so that the two check
//! each other. What it shares with the sandboxes of other ATSs is `atsync-sandbox`, the imagined
//! company included. Start with [`Sandbox::start`] for real HTTP, or with [`Sandbox::handle`] for a
//! simulation that owns the clock and wants every fault as a value.
//!
//! ```
//! use atsync_ashby_sandbox::{ManualClock, Request, Sandbox, SandboxOptions};
//!
//! let clock = ManualClock::at(1_790_000_000_000);
//! let options = SandboxOptions { clock: clock.clock(), ..SandboxOptions::sized(7, 40) };
//! let sandbox = Sandbox::new(options);
//! let path_and_query = "/candidate.list";
//! let request = Request { method: "POST", path_and_query, headers: &[], body: b"{}" };
//! assert_eq!(sandbox.handle(&request).status, 401);
//! assert_eq!(sandbox.count("candidates"), 40);
//! ```
//!
//! Left out: referral forms, files and e-mail records; transfers and changes of history; writes of
//! the set-up, of interviews and of offers.

mod access;
mod breadth;
mod company;
mod control;
mod ids;
mod lists;
mod model;
mod options;
mod quirks;
mod recruiter;
mod refusal;
mod sandbox;
mod truth;
mod webhooks;
mod writes;

pub use access::Access;
pub use atsync_sandbox::webhooks::{HookAttempt, HookDelivery, HookSource, HookState};
pub use atsync_sandbox::{
    Answer, Clock, CompanySpec, Deed, Delivery, Fault, FaultKind, Logged, ManualClock, Request,
    Write, Writer, parse_fault,
};
pub use options::SandboxOptions;
pub use quirks::{ClientTime, HookCopies, HookOrder, HookQuirks, Quirks};
pub use recruiter::Recruiter;
pub use sandbox::{RunningSandbox, Sandbox};
pub use webhooks::{NewWebhook, WEBHOOK_EVENTS};
