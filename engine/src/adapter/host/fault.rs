//! Whose fault an error of wasmtime is, and of which class.
//!
//! By type wherever wasmtime has one: the limits of [`super::limiter`] come back as they were
//! given, a guest's traps as [`Trap`]. The rest is an answer that could not be copied out of the
//! guest.
//!
//! # The one class without a type
//! Wasmtime counts the bytes that an answer makes the host allocate, and ends the copy with an
//! error whose type is private to it (48.0.8: `HostcallFuelExhausted`, the only error that names no
//! fault of the encoding). [`is_too_large`] is the one place that reads its text. The engine does
//! the same after both classes, [`AdapterError::Limit`] and [`AdapterError::Contract`]; a person
//! reads another sentence. `tests/hostile` has answers of both classes, so that a version of
//! wasmtime with another text, or with a type, fails a test.

use super::limiter::{Limiter, OverLimit};
use super::load;
use crate::adapter::{AdapterError, Crash};
use wasmtime::{Trap, WasmBacktrace};

/// Of a function's name, which is the component's own. Arbitrary.
const FUNCTION_CHARS_MAX: usize = 200;

/// The words in which wasmtime says that an answer is larger than it may copy.
const TOO_LARGE: &str = "fuel allocated for hostcalls";

/// Whose fault an error of wasmtime is. The texts are wasmtime's or ours; only the message of a
/// panic is the guest's, within the limits of [`super::notices`], and only a caller who asks for it
/// gets it ([`Crash`]).
pub(super) fn classify(error: &wasmtime::Error, limiter: &Limiter) -> AdapterError {
    if let Some(over) = error.downcast_ref::<OverLimit>() {
        return AdapterError::Limit(over.to_string());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => AdapterError::Limit("it ran longer than a call may".into()),
        Some(Trap::OutOfFuel) => AdapterError::Limit("it used more fuel than a call may".into()),
        Some(Trap::StackOverflow) => {
            AdapterError::Limit("its calls went deeper than the stack allows".into())
        }
        // What the guest handed over cannot be read.
        Some(
            lie @ (Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::UnalignedPointer
            | Trap::InvalidChar),
        ) => AdapterError::Contract(lie.to_string()),
        Some(trap) => AdapterError::Trap(match limiter.notices.panic() {
            Some(said) => Crash::panicked(Some(said.to_owned())),
            None => Crash::trapped(trapped(*trap, error)),
        }),
        None if is_too_large(error) => {
            AdapterError::Limit("its answer is larger than an answer may be".into())
        }
        None => AdapterError::Contract(load::reason(error)),
    }
}

/// Whether the copy of an answer was ended for its size.
fn is_too_large(error: &wasmtime::Error) -> bool {
    error.to_string().contains(TOO_LARGE)
}

/// A trap without a message: its kind and, where the component names its functions, the innermost
/// one.
fn trapped(trap: Trap, error: &wasmtime::Error) -> String {
    let frames =
        error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    match frames.iter().find_map(wasmtime::FrameInfo::func_name) {
        Some(function) => {
            let function: String =
                function.chars().filter(|c| !c.is_control()).take(FUNCTION_CHARS_MAX).collect();
            format!("{trap}, in the function {function}")
        }
        None => trap.to_string(),
    }
}
