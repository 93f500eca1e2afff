//! The ways to use atsync, each as a program to copy. The command line is another: `cargo run --
//! demo`.
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
//! `cargo run -p atsync-examples --example axum_host`: handlers that declare, plan, apply, page and receive webhooks.
//!
//! ```no_run
#![doc = include_str!("../axum_host.rs")]
//! ```
//!
//! # With a custom adapter
//! `cargo run -p atsync-componentize -- --package atsync-adapter-minimal out.wasm`, then
//! `cargo run -p atsync-examples --example load_component out.wasm`
//!
//! ```no_run
#![doc = include_str!("../load_component.rs")]
//! ```
//!
//! `tests/` runs all of them. Left out: a component in another language than Rust. Any compiler of core modules works
//! (see `atsync-componentize`), but no example shows one yet.
