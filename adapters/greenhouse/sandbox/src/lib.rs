//! A local test server for Greenhouse Harvest v3, with the quirks that affect a client.
//!
//! It is built from the reference alone and shares no types with the adapter, so that the two check
//! each other. What it shares with the sandboxes of other ATSs is `atsync-sandbox`. Start with
//! [`Sandbox::start`] for real HTTP, or with [`Sandbox::handle`] for a simulation that owns the
//! clock and wants every fault as a value. The README beside this crate lists the switches and the
//! control surface.
//!
//! ```
//! use atsync_greenhouse_sandbox::{ManualClock, Request, Sandbox, SandboxOptions};
//!
//! let clock = ManualClock::at(1_790_000_000_000);
//! let options = SandboxOptions { clock: clock.clock(), ..SandboxOptions::sized(7, 40) };
//! let sandbox = Sandbox::new(options);
//! let path_and_query = "/v3/candidates";
//! let request = Request { method: "GET", path_and_query, headers: &[], body: b"" };
//! assert_eq!(sandbox.handle(&request).status, 401);
//! assert_eq!(sandbox.count("candidates"), 40);
//! ```
//!
//! Custom credentials use the client credentials grant, [`PartnerClient`]s the authorization code
//! grant. Webhooks are sent once a test makes one. Left out: rows of collections that the engine
//! does not read; for those it checks the parameters and answers an empty list.

mod access;
mod body;
mod company;
mod control;
mod grant_quirks;
mod hook_quirks;
mod list;
mod model;
mod options;
mod partner;
mod query;
mod quirks;
mod recruiter;
mod refusal;
mod sandbox;
mod schema;
mod setup;
mod sight;
mod token_error;
mod tokens;
mod truth;
mod webhooks;
mod writes;

pub use access::{Access, all_scopes};
pub use atsync_sandbox::{
    Answer, Clock, Deed, Delivery, Fault, FaultKind, Logged, ManualClock, Request, Write, Writer,
    parse_fault,
};
pub use company::{CompanySpec, VENDOR_SOURCE, VendorSource};
pub use grant_quirks::{
    GrantErrorBody, GrantErrorStatus, GrantParameters, Pkce, RefreshLifetime, RefusedScope,
    ReusedRefresh,
};
pub use hook_quirks::{
    HookCopies, HookDeletedIds, HookEventId, HookOrder, HookQuirks, HookSourceName,
};
pub use options::SandboxOptions;
pub use partner::{ActsAs, Consent, PairState, PartnerClient, TokenPair};
pub use quirks::{
    CreateAnswer, CustomFieldsPatch, DeleteAnswer, ErrorShape, FromStage, LastLink, OddValues,
    Quirks, RepeatedOption, RepeatedTag, RetryAfter, Rows, TokenExpiry, Transfer, UserCreation,
};
pub use recruiter::Recruiter;
pub use sandbox::{RunningSandbox, Sandbox};
pub use schema::{EndpointShape, endpoint_shapes};
pub use tokens::Client;
pub use truth::FaultControl;
pub use webhooks::{HookAttempt, HookDelivery, HookRequest, HookState, NewWebhook, WEBHOOK_EVENTS};
