//! Conformance: one suite of checks for every adapter.
//!
//! [`test()`] takes an adapter, as a component or linked in, and a [`Stage`]: a sandbox of its ATS.
//! It runs the adapter's tasks by itself, each call in a fresh instance, sends the requests over
//! real HTTP, and puts other answers in place of the real ones. The [`Report`] names each promise
//! that the adapter broke and shows the exchange.
//!
//! A request that changes something leaves only for this machine, or for a host that the caller
//! names ([`wire::Destination::writable`]).
//!
//! The crate is for authors of adapters: `atsync adapter test` runs it, each adapter's own tests
//! do, and a host's can. Left out: whether the sandbox is like the ATS, which only recordings show.

mod described;
mod drive;
pub mod recording;
pub mod redact;
mod report;
mod show;
mod stage;
mod suite;
pub mod wire;

pub use described::{
    Described, FILE_BYTES_MAX, Paging, Resource, SandboxFile, Window, sandbox_schema,
};
pub use drive::{Answer, Breach, Driver, End, Run, STEPS_MAX, Turn};
pub use report::{Finding, Promise, Report, Verdict};
pub use show::{
    bytes as shown_bytes, end as shown_end, outcome as shown_outcome, run as shown_run,
    task as shown_task, turn as shown_turn,
};
pub use stage::{
    AlgorithmScript, Control, Delivery, EncodingScript, HookScript, HttpStage, KindScript,
    OperationScript, PieceScript, PlaceScript, Script, SignatureScript, Stage, TimeScript,
};
pub use suite::{Options, fields_of, test};
