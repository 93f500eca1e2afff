//! The engine's rooms, for the tests, benchmarks and fuzz targets of this repository.
//!
//! It is there with the feature `internals` alone. It is no part of the interface: what it shows
//! changes in any release, without a word in the changelog.

macro_rules! rooms {
    ($($room:ident)*) => {
        $(
            #[doc = concat!("What the room `", stringify!($room), "` shows the others.")]
            pub mod $room {
                pub use crate::$room::*;
            }
        )*
    };
}

rooms! {
    adapter clock declare entropy error journal near plan reconcile schedule secret store transport
    webhook
}
