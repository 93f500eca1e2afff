//! The engine's rooms, for the tests, benchmarks and fuzz targets of this repository.
//!
//! It is there with the feature `internals` alone. It is no part of the interface: what it shows
//! changes in any release, without a word in the changelog.

/// What the room `adapter` shows the others.
pub mod adapter {
    pub use crate::adapter::*;
}
/// What the room `clock` shows the others.
pub mod clock {
    pub use crate::clock::*;
}
/// What the room `declare` shows the others.
pub mod declare {
    pub use crate::declare::*;
}
/// What the room `entropy` shows the others.
pub mod entropy {
    pub use crate::entropy::*;
}
/// What the room `error` shows the others.
pub mod error {
    pub use crate::error::*;
}
/// What the room `index` shows the others.
pub mod index {
    pub use crate::index::*;
}
/// What the room `journal` shows the others.
pub mod journal {
    pub use crate::journal::*;
}
/// What the room `near` shows the others.
pub mod near {
    pub use crate::near::*;
}
/// What the room `plan` shows the others.
pub mod plan {
    pub use crate::plan::*;
}
/// What the room `reconcile` shows the others.
pub mod reconcile {
    pub use crate::reconcile::*;
}
/// What the room `schedule` shows the others.
pub mod schedule {
    pub use crate::schedule::*;
}
/// What the room `secret` shows the others.
pub mod secret {
    pub use crate::secret::*;
}
/// What the room `store` shows the others.
pub mod store {
    pub use crate::store::*;
}
/// What the room `transport` shows the others.
pub mod transport {
    pub use crate::transport::*;
}
/// What the room `webhook` shows the others.
pub mod webhook {
    pub use crate::webhook::*;
}
