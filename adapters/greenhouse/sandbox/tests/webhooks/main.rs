//! The laws of webhooks: what fires, how it is signed and repeated, and who may make one.
//!
//! Method: no socket. [`answered`] takes each due delivery as a sender would, checks its signature
//! and answers it. The clock advances only when a test moves it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

#[path = "../common/mod.rs"]
mod common;
mod deliveries;
mod events;
mod requests;
#[path = "../../../openapi/schema.rs"]
mod schema;

use atsync_greenhouse_sandbox::{HookRequest, NewWebhook, Sandbox};
use common::World;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

const URL: &str = "https://host.example/hooks/acme";
const SECRET: &str = "hook secret of acme";

/// A world that has a webhook for each of these events (all, if none is named) and answered their
/// pings.
fn hearing(events: &[&str]) -> World {
    let world = World::new();
    listen(&world.sandbox, events);
    world
}

fn listen(sandbox: &Sandbox, events: &[&str]) {
    let events = events.iter().map(|event| (*event).to_owned()).collect();
    let ids = sandbox
        .add_webhook(&NewWebhook { events, ..NewWebhook::new(URL, SECRET) })
        .expect("webhooks");
    let pings = heard(sandbox);
    assert_eq!(pings.len(), ids.len());
    assert!(pings.iter().all(|heard| heard.action == "ping"), "{pings:?}");
}

/// A delivery that arrived.
#[derive(Debug, Clone, PartialEq)]
struct Heard {
    action: String,
    payload: Value,
    event_id: String,
}

fn header<'a>(request: &'a HookRequest, name: &str) -> &'a str {
    let mut held = request.headers.iter().filter(|(held, _)| held == name);
    let (_, value) = held.next().unwrap_or_else(|| panic!("no header {name}"));
    assert!(held.next().is_none(), "{name} twice");
    value
}

/// Reads a delivery; its signature must be right.
fn understood(request: &HookRequest) -> Heard {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(&request.body);
    let code = mac.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header(request, "Signature"), format!("sha256 {hex}"));
    assert_eq!(header(request, "Content-Type"), "application/json");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    Heard {
        action: body["action"].as_str().expect("an action").to_owned(),
        payload: body["payload"].clone(),
        event_id: header(request, "Greenhouse-Event-ID").to_owned(),
    }
}

/// Takes what is due and answers it with this status.
fn answered(sandbox: &Sandbox, status: Option<u16>) -> Vec<Heard> {
    let mut all = Vec::new();
    while let Some(request) = sandbox.next_hook() {
        sandbox.hook_answered(request.number, status);
        all.push(understood(&request));
    }
    all
}

/// Takes what is due and answers it with 200.
fn heard(sandbox: &Sandbox) -> Vec<Heard> {
    answered(sandbox, Some(200))
}

fn actions(all: &[Heard]) -> Vec<&str> {
    all.iter().map(|heard| heard.action.as_str()).collect()
}
