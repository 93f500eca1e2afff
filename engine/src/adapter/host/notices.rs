//! The messages of a guest while it runs: log lines, and the text of its panic.
//!
//! The texts come as refused requests for memory, see [`atsync_model::notice`]. They are a guest's,
//! hence hostile: their number and length are bounded, control characters become spaces, and no
//! code decides by them. Log lines go to the engine's log at level debug, never above, since they
//! may quote what the adapter was reading; so may a panic's text, which the error of its call keeps
//! and does not show ([`crate::adapter::Crash`]).

use crate::adapter::limits::{NOTICE_BYTES_MAX, NOTICES_MAX};
use atsync_model::notice::{BYTE, END_OF_LOG, END_OF_PANIC};

/// The size of a page of memory.
const PAGE_BYTES: usize = 64 * 1024;

/// What the guest of one call has said.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    bytes: Vec<u8>,
    lines: usize,
    panic: Option<String>,
}

impl Notices {
    /// Whether a request to grow by so many bytes is no request, but a part of a text.
    pub(crate) fn take(&mut self, grown_bytes: usize) -> bool {
        if !grown_bytes.is_multiple_of(PAGE_BYTES) {
            return false;
        }
        let pages = grown_bytes / PAGE_BYTES;
        match (pages, pages.checked_sub(BYTE).and_then(|byte| u8::try_from(byte).ok())) {
            (_, Some(byte)) => {
                if self.bytes.len() < NOTICE_BYTES_MAX {
                    self.bytes.push(byte);
                }
            }
            (END_OF_LOG, _) => {
                let line = self.text();
                self.lines = self.lines.saturating_add(1);
                if self.lines <= NOTICES_MAX {
                    tracing::debug!(line, "an adapter says");
                }
            }
            (END_OF_PANIC, _) => self.panic = Some(self.text()),
            _ => return false,
        }
        true
    }

    /// The message of the panic that ended the call.
    pub(crate) fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }

    fn text(&mut self) -> String {
        let bytes = std::mem::take(&mut self.bytes);
        let cut = if bytes.len() < NOTICE_BYTES_MAX { "" } else { " …" };
        let text: String = String::from_utf8_lossy(&bytes)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        format!("{}{cut}", text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTE, END_OF_LOG, END_OF_PANIC, Notices, PAGE_BYTES};
    use crate::adapter::limits::NOTICE_BYTES_MAX;

    fn say(notices: &mut Notices, text: &[u8], end: usize) {
        for pages in text.iter().map(|byte| BYTE + usize::from(*byte)).chain([end]) {
            assert!(notices.take(pages * PAGE_BYTES));
        }
    }

    #[test]
    fn a_panic_is_distinguished_from_a_log_line_and_from_a_request_for_memory() {
        let mut notices = Notices::default();
        assert!(!notices.take(PAGE_BYTES) && !notices.take(BYTE * PAGE_BYTES + 1));
        say(&mut notices, b"a line", END_OF_LOG);
        assert_eq!(notices.panic(), None);
        say(&mut notices, b"index out of bounds (src/lib.rs:3:9)", END_OF_PANIC);
        assert_eq!(notices.panic(), Some("index out of bounds (src/lib.rs:3:9)"));
    }

    #[test]
    fn a_guests_text_is_bounded_and_cannot_steer_a_terminal() {
        let mut notices = Notices::default();
        say(&mut notices, b"\x1b[2Jgone\xff\n", END_OF_PANIC);
        assert_eq!(notices.panic(), Some("[2Jgone\u{fffd}"));
        say(&mut notices, &vec![b'x'; NOTICE_BYTES_MAX * 3], END_OF_PANIC);
        assert!(notices.panic().unwrap().len() < NOTICE_BYTES_MAX + 8);
    }
}
