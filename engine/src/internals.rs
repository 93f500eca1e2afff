//! The engine's rooms, for the tests, benchmarks and fuzz targets of this repository.
//!
//! It exists with the feature `internals` alone. It is not part of the interface: it may change in
//! any release, without an entry in the changelog.

/// The items of the room `adapter`.
pub mod adapter {
    pub use crate::adapter::*;
}
/// The items of the room `clock`.
pub mod clock {
    pub use crate::clock::*;
}
/// The items of the room `declare`.
pub mod declare {
    pub use crate::declare::*;
}
/// The items of the room `entropy`.
pub mod entropy {
    pub use crate::entropy::*;
}
/// The items of the room `error`.
pub mod error {
    pub use crate::error::*;
}
/// The items of the room `index`.
pub mod index {
    pub use crate::index::*;
}
/// The items of the room `journal`.
pub mod journal {
    pub use crate::journal::*;
}
/// The items of the room `near`.
pub mod near {
    pub use crate::near::*;
}
/// The items of the room `plan`.
pub mod plan {
    pub use crate::plan::*;
}
/// The items of the room `reconcile`.
pub mod reconcile {
    pub use crate::reconcile::*;
}
/// The items of the room `schedule`.
pub mod schedule {
    pub use crate::schedule::*;
}
/// The items of the room `secret`.
pub mod secret {
    pub use crate::secret::*;
}
/// The items of the room `store`.
pub mod store {
    pub use crate::store::*;
}
/// The items of the room `transport`.
pub mod transport {
    pub use crate::transport::*;
}
/// The items of the room `webhook`.
pub mod webhook {
    pub use crate::webhook::*;
}
