//! A local test server for the Lever Data API v1, with the quirks that affect a client.
//!
//! It is built from the reference alone and shares no types with an adapter, so that the two check
//! each other. What it shares with the sandboxes of other ATSs is `atsync-sandbox`, the imagined
//! company included. Start with [`Sandbox::start`] for real HTTP, or with [`Sandbox::handle`] for a
//! simulation that owns the clock and wants every fault as a value.
//!
//! ```
//! use atsync_lever_sandbox::{ManualClock, Request, Sandbox, SandboxOptions};
//!
//! let clock = ManualClock::at(1_790_000_000_000);
//! let options = SandboxOptions { clock: clock.clock(), ..SandboxOptions::sized(7, 40) };
//! let sandbox = Sandbox::new(options);
//! let path_and_query = "/v1/opportunities";
//! let request = Request { method: "GET", path_and_query, headers: &[], body: b"" };
//! assert_eq!(sandbox.handle(&request).status, 401);
//! assert_eq!(sandbox.count("contacts"), 40);
//! ```
//!
//! Left out: OAuth; the contents of files, uploads and multipart bodies; writes of the set-up.

mod access;
mod body;
mod company;
mod control;
mod ids;
mod model;
mod options;
mod page;
mod query;
mod quirks;
mod reads;
mod recruiter;
mod refusal;
mod render;
mod sandbox;
mod stage;
mod truth;
mod webhooks;
mod writes;

pub use access::{Access, all_scopes};
pub use atsync_sandbox::webhooks::{HookDelivery, HookRequest, HookSource, HookState};
pub use atsync_sandbox::{
    Answer, Clock, CompanySpec, Deed, Delivery, Fault, FaultKind, Logged, ManualClock, Request,
    Write, Writer, parse_fault,
};
pub use options::SandboxOptions;
pub use quirks::{
    ChangeAnswer, ClientTime, DeletedRow, HookCopies, HookOrder, HookQuirks, KnownContact,
    MergedContact, NoteMoves, Quirks, WithoutSwitch,
};
pub use recruiter::Recruiter;
pub use sandbox::{RunningSandbox, Sandbox};
pub use webhooks::{NewWebhook, WEBHOOK_EVENTS};
