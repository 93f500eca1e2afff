//! Receives the webhooks of a sandbox that sends them, on a free port of loopback.
//!
//! Bounds: [`BODY_BYTES_MAX`] of a body, [`HEARD_MAX`] webhooks; what comes beyond is answered and
//! not kept.

use super::World;
use crate::stage::Delivery;
use atsync::model::contract::Field;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What webhooks are signed with that the suite asks for.
pub(super) const SECRET: &str = "the-secret-of-the-conformance-suite";
/// Bytes of a body, as the engine takes them.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Webhooks that are kept. The suite edits and writes some hundred records.
const HEARD_MAX: usize = 2_000;

type Heard = Arc<Mutex<Vec<Delivery>>>;

/// A receiver. Dropping it ends the server.
#[derive(Debug)]
pub(super) struct Listener {
    heard: Heard,
    /// What the sandbox sends to it, or why it sends nothing.
    webhooks: Result<Vec<String>, String>,
    server: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens, where the sandbox sends webhooks and the adapter reads them.
    pub(super) async fn start(world: &World<'_>, reads_webhooks: bool) -> Result<Self, String> {
        let heard = Heard::default();
        if !reads_webhooks {
            let webhooks = Err("the adapter reads none".to_owned());
            return Ok(Self { heard, webhooks, server: None });
        }
        let failed = |error: std::io::Error| format!("no port can be opened: {error}");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("http://{}/hooks", listener.local_addr().map_err(failed)?);
        let routes = Router::new().fallback(keep).with_state(Arc::clone(&heard));
        let server = tokio::spawn(async move {
            // It ends with its task; without it no webhook arrives, which shows.
            let _ = axum::serve(listener, routes).await;
        });
        let sends = world.stage.send_to(&url, SECRET).await;
        let webhooks = sends.and_then(|sends| sends.ok_or("it cannot send webhooks".to_owned()));
        Ok(Self { heard, webhooks, server: Some(server) })
    }

    /// The webhooks that came, when the sandbox has sent them all, or why it sends none.
    pub(super) async fn heard(self, world: &World<'_>) -> Result<Vec<Delivery>, String> {
        let webhooks = self.webhooks.clone()?;
        let _ = world.stage.stop_sending(&webhooks).await?;
        Ok(std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn keep(State(heard): State<Heard>, request: Request) {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else { return };
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some(Field::new(name.as_str(), value.to_str().ok()?)));
    let delivery = Delivery { headers: headers.collect(), body: body.to_vec() };
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    if heard.len() < HEARD_MAX {
        heard.push(delivery);
    }
}
