//! Unified hiring records, desired records and the adapter contract, as plain data.
//!
//! Engine and adapters both depend on this crate, natively and as WebAssembly, so it does nothing:
//! no clock, no input or output, no validation that needs a connection. Start at
//! [`desired::DesiredCandidate`] for what a host declares, at [`unified`] for what the ATS is
//! reported to hold, at [`manifest::Manifest`] and [`contract`] for what an adapter is.

pub mod contract;
pub mod declarable;
pub mod desired;
pub mod kinds;
pub mod manifest;
pub mod normal;
pub mod notice;
pub mod plain;
mod pure;
pub mod resource;
pub mod unified;

pub use contract::RemoteRef;
pub use manifest::Manifest;
pub use pure::PureAdapter;
