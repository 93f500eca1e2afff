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
//! `cargo run -p atsync-examples --example spawn`: schedules, feed and requests in tasks of their
//! own on a multi-threaded runtime.
//!
//! ```no_run
#![doc = include_str!("../spawn.rs")]
//! ```
//!
//! # A referral product
//! `cargo run -p atsync-examples --example referral_host`: a form, the feed, webhooks, and a
//! customer who connects their ATS by consent. `docs/guide/src/embed.md` explains it.
//!
//! ```no_run
#![doc = include_str!("../referral_host.rs")]
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
//! # Without Rust
//! `python/host.py` and `curl.sh`: the HTTP API of `atsync serve`. `engine/daemon/tests/guide` runs
//! them.
//!
//! # The guide
//! The Rust blocks of `docs/guide` are excerpts of these files, which `engine/daemon/tests/guide`
//! compares.
//!
//! `tests/` runs all of the Rust examples.
