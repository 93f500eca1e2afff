//! Sends an adapter's log lines, and the message and place of a panic, to the engine.
//!
//! A component imports nothing, so a text leaves it as [`atsync_model::notice`] documents. In a
//! native build a panic is reported as in any program, and [`log`] does nothing: a test prints for
//! itself.

/// Writes a line to the engine's log, at level debug.
///
/// Each byte costs a call to the adapter runtime, so log to find a fault, not for every row. The
/// engine cuts long lines and keeps at most a hundred for each call. Never log candidates' data.
pub fn log(text: &str) {
    send(text, atsync_model::notice::END_OF_LOG);
}

/// Installs a panic hook that reports the message and the place before the trap.
///
/// Each call of a component runs in a fresh instance, so each call installs the hook.
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
        // The host refuses every one of these; the number of pages carries the byte.
        core::arch::wasm32::memory_grow::<0>(pages);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn send(_text: &str, _end: usize) {}
