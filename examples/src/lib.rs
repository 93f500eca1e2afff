//! The ways to use atsync, each as a program to copy. The daemon's command line is a third one: `cargo run -- demo`.
//!
//! # Embedded in a host
//! `cargo run -p atsync-examples --example embed`
//!
//! ```
#![doc = include_str!("../embed.rs")]
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
//! Both are run by `tests/examples.rs`, so what stands here works. Left out: a component in another language than Rust; any that makes core modules can
//! (see `atsync-componentize`), none is shown yet.
