//! The upper layer of the SDK: an adapter as data and mapping code.
//!
//! An adapter says what it is in one constant, [`About`], and has a function where data cannot say
//! it: from a row to a record ([`Row`]), from an input to a request ([`Operation`]), from a webhook
//! to hints ([`Hook`]). The layer owns the rest: paging, continuations, masks, spans, rows that
//! cannot be read, JSON errors, refusals, fetch by id, limits of pages. It stands on the three
//! functions of [`PureAdapter`](crate::PureAdapter) and reaches nothing else, so an adapter can do
//! a task by hand ([`Adapter::start_by_hand`]), or everything.
//!
//! Mistakes in the data are compile errors. `examples/adapter-minimal` is a whole adapter.

mod about;
mod adapter;
mod answer;
mod ask;
mod ats;
mod check;
mod check_all;
mod fetch;
mod got;
mod hook;
mod kind;
mod list;
mod operation;
mod permission;
mod raw;
mod record;
mod required;
mod rows;
mod scan;
mod text;
mod values;

pub use about::{About, Auth, Origin, Rate, Setting};
pub use adapter::{Adapter, describe, resume, start};
pub use answer::Answer;
pub use ask::{Ask, Call};
pub use ats::{Ats, Stop};
pub use fetch::Fetch;
pub use got::{Bad, Got};
pub use hook::{Event, Hints, Hook, Piece, Signature};
pub use kind::Kind;
pub use list::{Clock, List};
pub use operation::{Op, Operation, Probe, Write};
pub use permission::{Account, Check, Identify, Permission};
pub use record::{Record, Row, Source, settings};
pub use values::{Id, Millis, Time, Words, contact, ms_of, text_of, word};

/// What functions of an adapter return or are given, from [`crate::contract`]. Its other types have
/// names that this module uses for data.
pub use crate::contract::{
    Applied, Checked, Continuation, Denied, Failure, FieldError, Given, Probed, Reply, Restart,
    Step, Task, Tenant, Verdict,
};
pub use crate::model::manifest::{DeleteSign, EffectClass, FieldMode, SideEffectKind};

use adapter::Refusals;
