//! What an adapter says to its author: log lines, and the message and place of a panic.
//!
//! [`atsync_model::notice`] tells how a text leaves a component that imports nothing. Compiled
//! natively, a panic is reported as everywhere else, and [`log`] does nothing: a test prints for
//! itself.

/// Writes a line to the engine's log, at level debug.
///
/// Each byte costs a call to the host, so this is for finding a fault and not for every row. The
/// engine cuts long lines and keeps a hundred for each call. Candidate data does not belong into
/// it.
pub fn log(text: &str) {
    send(text, atsync_model::notice::END_OF_LOG);
}

/// Lets a panic say its message and its place before it traps. Each call of a component begins in a
/// fresh instance, so each installs it.
pub(crate) fn report_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a value that is no text");
        let text = match panic.location() {
            Some(place) => {
                format!("{message} ({}:{}:{})", place.file(), place.line(), place.column())
            }
            None => message.to_owned(),
        };
        send(&text, atsync_model::notice::END_OF_PANIC);
    }));
}

#[cfg(target_arch = "wasm32")]
fn send(text: &str, end: usize) {
    let pages = text.bytes().map(|byte| atsync_model::notice::BYTE + usize::from(byte));
    for pages in pages.chain([end]) {
        // Always refused; the number is the message.
        core::arch::wasm32::memory_grow::<0>(pages);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn send(_text: &str, _end: usize) {}
