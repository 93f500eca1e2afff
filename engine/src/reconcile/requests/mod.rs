//! Requests: everything that drives a task of the adapter.
//!
//! A task is driven to its outcome: call the adapter, send its request, hand it the reply
//! ([`drive`]). The calls run off the async threads ([`calls`]). Records are read and written only
//! with a credential whose customer is the store's ([`tenant`], [`proven`]). A failure is
//! classified here: it belongs to one request, or to the connection ([`own`]). The webhooks of the
//! ATS are managed by tasks of their own ([`register`]).
//!
//! Uses the context alone. Left out: the request of a write, which the executor sends between two
//! entries of the journal; what an outcome means for the store.

mod calls;
mod catalogue;
mod drive;
mod hook;
mod own;
mod permission;
mod proven;
mod register;
mod signature;
mod tenant;

pub(crate) use hook::Hooking;

pub(crate) use drive::{STEPS_MAX, TaskError};
pub(crate) use own::{OwnFailure, concerns_kind, is_closed};
pub(crate) use register::Unregistered;

use crate::reconcile::context::Context;
use calls::Calls;
use catalogue::Catalogue;
use proven::Proven;
use std::sync::Arc;

/// Everything that drives a task of the adapter.
pub(crate) struct Requests {
    context: Arc<Context>,
    calls: Calls,
    proven: Proven,
    catalogue: Catalogue,
    /// Held while the ATS is asked which customer a credential belongs to.
    verifying: tokio::sync::Mutex<()>,
}

impl Requests {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let calls = Calls::new(Arc::clone(&context));
        let proven = Proven::new(context.manifest().describes_tenant);
        let (catalogue, verifying) = (Catalogue::default(), tokio::sync::Mutex::new(()));
        Self { context, calls, proven, catalogue, verifying }
    }
}
