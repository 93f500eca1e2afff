//! What the sandboxes of all ATSs share, and nothing of any ATS.
//!
//! A sandbox is a local server that behaves like an ATS, so that tests send real requests instead
//! of mocking replies. This crate has the parts that do not differ: one imagined company of a seed
//! ([`Company`]), rows with delayed visibility ([`Versions`]), faults on demand ([`Fault`]), rate
//! budgets, a clock, logs that show what really happened, webhook deliveries, an HTTP server and a
//! control surface. An ATS's own crate has its schema, its quirks, its routes and its credentials.
//!
//! The order of the checks on a request is [`answer`]; what an ATS decides is a [`Backend`]. The
//! README beside this crate describes the control surface.

mod answer;
mod clock;
mod company;
pub mod control;
pub mod cursor;
mod documents;
mod faults;
mod front;
mod keys;
mod log;
mod params;
mod query;
mod rate;
mod rng;
mod server;
mod versions;
pub mod webhooks;

pub use answer::{Answer, Delivery, Request};
pub use clock::{Clock, ManualClock, format_ms, parse_ms};
pub use company::{
    Application, AppliedTag, Candidate, Company, CompanySpec, Contact, CustomField, Department,
    Education, Employment, EndedBy, FieldOption, FieldValue, Job, JobStage, JobState, MailTemplate,
    Named, Note, Office, Opening, Outcome, Pool, Post, Prospect, Reason, Referrer, Rejection,
    Source, TeamMember, User, UserAddress, VENDOR_SOURCE, VendorSource, Visit,
};
pub use control::{About, Collection, Controlled};
pub use documents::{Document, Documents, Touched};
pub use faults::{Fault, FaultKind, Faults, parse_fault};
pub use front::{Backend, Charge, Front, Over, answer};
pub use keys::{PermissionChange, Permissions, basic};
pub use log::{Deed, Loggable, Logged, RequestLog, Write, WriteLog, Writer};
pub use params::{Params, Repeated};
pub use query::pairs;
pub use rate::{Bucket, Budget, Spent};
pub use rng::Rng;
pub use server::{BODY_BYTES_MAX, Running, Served, serve};
pub use versions::Versions;
