//! The component: an adapter whose description lies in its memory.
//!
//! The linker puts [`PLACE`] into the module's data: a magic text and room for an address and a
//! length. `bake` appends the description to the module as data of its own and writes both numbers
//! behind the magic. Nothing is copied at a call: the description is read where it lies.

use crate::expression::Escape;
use crate::interpret;
use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_adapter::{Manifest, PureAdapter};
use std::marker::PhantomData;

/// A description that a Rust crate includes, for what data cannot say.
///
/// ```
/// use atsync_described::{Described, DescribedBy, expression::Escape};
///
/// struct Acme;
///
/// impl DescribedBy for Acme {
///     // As a build script makes it, by `atsync_described::baked`.
///     const BAKED: &'static str = "…";
///     const ESCAPES: &'static [Escape] = &[("checksum", |arguments| {
///         let text = arguments.first().and_then(|value| value.as_str()).unwrap_or_default();
///         Ok(text.bytes().map(u64::from).sum::<u64>().into())
///     })];
/// }
///
/// type Adapter = Described<Acme>;
/// // atsync_adapter::export_adapter!(Adapter);
/// ```
pub trait Description {
    /// The baked description.
    const BAKED: &'static str;
    /// The functions that it lists under `escapes`.
    const ESCAPES: &'static [Escape];
}

/// The adapter that a description is.
#[derive(Debug)]
pub struct Described<D>(PhantomData<D>);

impl<D: Description> PureAdapter for Described<D> {
    fn describe() -> Manifest {
        described(D::BAKED)
    }

    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        interpret::start(D::BAKED, D::ESCAPES, task, given)
    }

    fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
        interpret::resume(D::BAKED, D::ESCAPES, state, given, reply)
    }
}

/// The manifest. A component without a description has one that the engine refuses, with a name
/// that says why.
fn described(baked: &str) -> Manifest {
    interpret::describe(baked).unwrap_or_else(|_| Manifest::new("no-description-was-baked-in", "0"))
}

/// Where `bake` writes the address and the length of the description, each as four bytes in the
/// order of WebAssembly (little-endian), behind [`MAGIC`].
#[cfg(any(feature = "host", target_arch = "wasm32"))]
pub(crate) const MAGIC: [u8; 24] = *b"atsync described place 1";

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the description lies at an address that bake wrote")]

    use super::{Failure, MAGIC, Manifest, PureAdapter, described};
    use crate::interpret;
    use atsync_adapter::contract::{Continuation, Given, Reply, Step, Task};

    const PLACE_BYTES: usize = MAGIC.len() + 8;

    const fn place() -> [u8; PLACE_BYTES] {
        let mut place = [0; PLACE_BYTES];
        let mut at = 0;
        while at < MAGIC.len() {
            place[at] = MAGIC[at];
            at += 1;
        }
        place
    }

    /// Written by `bake`.
    #[used]
    static PLACE: [u8; PLACE_BYTES] = place();

    /// The description; empty before one is baked.
    fn baked() -> &'static str {
        // SAFETY: PLACE is a static; volatile, since its bytes are not those that the compiler saw.
        let place = unsafe { core::ptr::read_volatile(&raw const PLACE) };
        let number = |at: usize| {
            let bytes = place.get(MAGIC.len() + at..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
        };
        let (address, length) = (number(0), number(4));
        if address == 0 || length == 0 {
            return "";
        }
        // SAFETY: bake wrote the address and the length of a data segment of its own, which is
        // loaded before any code runs and which nothing else uses.
        let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, length) };
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The generic adapter.
    #[derive(Debug)]
    struct Generic;

    impl PureAdapter for Generic {
        fn describe() -> Manifest {
            described(baked())
        }

        fn start(task: Task, given: &Given) -> Result<Step, Failure> {
            interpret::start(baked(), &[], task, given)
        }

        fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
            interpret::resume(baked(), &[], state, given, reply)
        }
    }

    atsync_adapter::export_adapter!(Generic);
}
