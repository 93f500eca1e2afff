//! The tokio runtime: a check for it, and the message where there is none.
//!
//! The engine starts no runtime, and spawns only in `Engine::run`. The network needs a runtime, and
//! so do reads of a store in a file. Each checks for it here first, so that a host without a
//! runtime gets an error instead of a panic inside tokio.
//!
//! Left out: a runtime without its drivers. It has to be built with `enable_all`; tokio offers no
//! way to ask whether it was.

/// The message where there is no runtime.
pub(crate) const MISSING: &str = "this needs a tokio runtime, and there is none here: call it from \
    a \
    `#[tokio::main]` function, from a task, or inside `Runtime::block_on`";

/// Whether a runtime is there.
pub(crate) fn is_there() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// Refuses where there is no runtime.
///
/// # Errors
/// [`MISSING`].
pub(crate) fn required() -> Result<(), String> {
    if is_there() { Ok(()) } else { Err(MISSING.to_owned()) }
}
