//! A sandbox described by data: one YAML or JSON file, served in this process.
//!
//! It is for the author of an adapter whose ATS has no sandbox here: rows, how lists are paged and
//! filtered, what creates need, which requests a permission allows. [`Described::open`] reads the
//! file and serves it on loopback; [`Stage`] controls it without HTTP. What it cannot say (an ATS's
//! own logic) needs a sandbox in code.
//!
//! Bounds: [`FILE_BYTES_MAX`] of the file; requests of [`BODY_BYTES_MAX`].

mod members;
mod rows;
#[cfg(test)]
mod rows_tests;
mod schema;
mod serve;
mod shape;

pub use schema::sandbox_schema;
pub use shape::{Paging, Resource, SandboxFile, Window};

use crate::stage::{Control, Script, Stage};
use rows::State;
use serve::{Served, serve};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// Bytes of a file: a made-up company has some kilobytes.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A described sandbox that is served. Dropping it ends the server.
#[derive(Debug)]
pub struct Described {
    base: Url,
    script: Script,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Described {
    /// Reads a description and serves it on a free port of loopback.
    ///
    /// # Errors
    /// A sentence: the text cannot be read, with the line; it does not fit itself; or no port.
    pub async fn open(text: &str) -> Result<Self, String> {
        let file = SandboxFile::read(text)?;
        let script = file.script();
        let state = Arc::new(Mutex::new(State::new(file)));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|error| format!("no port can be opened: {error}"))?;
        let address =
            listener.local_addr().map_err(|error| format!("no port can be opened: {error}"))?;
        let base = Url::parse(&format!("http://{address}"))
            .map_err(|error| format!("the sandbox's address makes no URL: {error}"))?;
        state.lock().unwrap_or_else(PoisonError::into_inner).base = base.clone().into();
        let server =
            serve(listener, Served { state: Arc::clone(&state), body_bytes_max: BODY_BYTES_MAX });
        Ok(Self { base, script, state, server })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Described {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn ready<'a, T: Send + 'a>(value: Option<T>) -> Control<'a, T> {
    Box::pin(async move { Ok(value) })
}

impl Stage for Described {
    fn base(&self) -> Url {
        self.base.clone()
    }

    fn script(&self) -> &Script {
        &self.script
    }

    fn ids<'a>(&'a self, kind: &'a str) -> Control<'a, Vec<String>> {
        ready(self.state().ids(kind))
    }

    fn edit<'a>(&'a self, kind: &'a str) -> Control<'a, String> {
        ready(self.state().edit(kind))
    }

    fn permit<'a>(&'a self, permission: &'a str, is_granted: bool) -> Control<'a, ()> {
        ready(self.state().permit(permission, is_granted).then_some(()))
    }

    fn throttle(&self) -> Control<'_, ()> {
        self.state().throttled = true;
        ready(Some(()))
    }

    fn changes(&self) -> Control<'_, u64> {
        ready(Some(self.state().changes))
    }
}
