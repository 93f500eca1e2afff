//! What the console keeps between two requests: sessions and jobs.

use super::jobs::Jobs;
use crate::serve::access::SignedIn;
use crate::serve::html::session::{Cookie, Sessions};
use crate::serve::served::Served;
use std::sync::Arc;

/// The cookie of the console.
const COOKIE: &str = "atsync_console";

/// Sessions and jobs.
#[derive(Debug)]
pub(in crate::serve) struct Console {
    /// Users that are signed in.
    pub(in crate::serve) sessions: Sessions<SignedIn>,
    /// Checks, pulls, sweeps, plans, applies.
    pub(super) jobs: Jobs,
}

impl Console {
    /// Without sessions. `is_secure`: browsers reach this server through TLS alone.
    pub(in crate::serve) fn new(is_secure: bool) -> Self {
        let cookie = Cookie { name: COOKIE, path: "/console", is_secure };
        Self { sessions: Sessions::new(cookie), jobs: Jobs::default() }
    }
}

/// What a page needs.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Pages {
    pub(in crate::serve) served: Arc<Served>,
    pub(in crate::serve) console: Arc<Console>,
    pub(in crate::serve) access: crate::serve::access::Current,
}
