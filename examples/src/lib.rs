//! The ways to use atsync, each as a program to copy. The daemon's command line is a third one:
//! `cargo run -- demo`.
//!
//! # Embedded in a host
//! `cargo run -p atsync-examples --example embed`
//!
//! ```
#![doc = include_str!("../embed.rs")]
//! ```
//!
//! # Embedded, with everything spawned
//! `cargo run -p atsync-examples --example spawn`: schedules, feed and requests in tasks of their own on a multi-threaded runtime.
//!
//! ```no_run
#![doc = include_str!("../spawn.rs")]
//! ```
//!
//! # Behind HTTP
//! `cargo run -p atsync-examples --example axum_host`: handlers that declare, plan, apply, page and take webhooks.
//!
//! ```no_run
#![doc = include_str!("../axum_host.rs")]
//! ```
//!
//! # With an adapter of one's own
//! `cargo run -p atsync-componentize -- --package atsync-adapter-minimal out.wasm`, then
//! `cargo run -p atsync-examples --example load_component out.wasm`
//!
//! ```no_run
#![doc = include_str!("../load_component.rs")]
//! ```
//!
//! All are run by `tests/`, so what stands here works. Left out: a component in another language than Rust; any that makes core modules can
//! (see `atsync-componentize`), none is shown yet.
