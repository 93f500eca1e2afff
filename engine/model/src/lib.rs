//! Unified hiring records, desired records and the adapter contract, as plain data.
//!
//! Engine and adapters both depend on this crate, natively and as WebAssembly, so it has no clock,
//! no input or output, and no validation that needs a connection. Start at
//! [`desired::DesiredCandidate`] for what a host declares, at [`unified`] for observed records, at
//! [`manifest::Manifest`] and [`contract`] for adapters.

pub mod contract;
pub mod declarable;
pub mod desired;
pub mod dictionary;
pub mod input;
pub mod kinds;
pub mod manifest;
pub mod normal;
pub mod notice;
pub mod plain;
mod pure;
pub mod raw;
pub mod resource;
pub mod shape;
pub mod unified;

pub use contract::RemoteRef;
pub use manifest::Manifest;
pub use pure::PureAdapter;
