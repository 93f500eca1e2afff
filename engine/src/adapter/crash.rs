//! A crash of an adapter, in two parts: the engine's description, and the adapter's own message.
//!
//! A panic's message is the adapter's text and may quote the row that it was reading, so it is
//! candidate data. An error is shown, logged and stored with an intent; so its text says that the
//! adapter panicked and where, and the message goes to the log at level debug alone, and to callers
//! of [`Crash::said`], such as a command for authors of adapters.

use std::fmt;

/// Characters of a place that are shown.
const PLACE_CHARS_MAX: usize = 120;

/// A crash of an adapter.
#[derive(Clone, PartialEq, Eq)]
pub struct Crash {
    what: String,
    said: Option<String>,
}

impl Crash {
    /// A trap, with the runtime's text.
    #[cfg(feature = "components")]
    pub(crate) fn trapped(what: String) -> Self {
        Self { what, said: None }
    }

    /// A panic, with the adapter's text: its message and, at the end in brackets, its place.
    pub(crate) fn panicked(said: Option<String>) -> Self {
        let what = match said.as_deref().and_then(place) {
            Some(place) => format!("it panicked at {place}"),
            None => "it panicked".to_owned(),
        };
        Self { what, said }
    }

    /// The adapter's panic message. It may quote candidate data: show it to the author of an
    /// adapter, and never log it above debug.
    pub fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Debug for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crash({:?})", self.what)
    }
}

/// The place at the end of a panic's text: `(src/lib.rs:12:5)`. None when it does not look like
/// one.
fn place(said: &str) -> Option<&str> {
    let (_, place) = said.strip_suffix(')')?.rsplit_once('(')?;
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number =
        |text: &str| !text.is_empty() && text.len() < 8 && text.chars().all(|c| c.is_ascii_digit());
    let is_file = file.ends_with(".rs")
        && file.chars().all(|c| c.is_ascii_alphanumeric() || "/\\._-:".contains(c));
    (is_number(column) && is_number(line) && is_file && place.len() <= PLACE_CHARS_MAX)
        .then_some(place)
}

#[cfg(test)]
mod tests {
    use super::Crash;

    #[test]
    fn a_crash_shows_where_it_was_and_never_what_was_said() {
        for (said, shown) in [
            ("no stage \"Ada Lovelace\" (src/lib.rs:12:5)", "it panicked at src/lib.rs:12:5"),
            ("Ada (Lovelace) (C:\\a\\lib.rs:1:2)", "it panicked at C:\\a\\lib.rs:1:2"),
            ("Ada Lovelace", "it panicked"),
            ("Ada (Lovelace)", "it panicked"),
            ("Ada (Love lace.rs:1:2)", "it panicked"),
            ("Ada (Lovelace:1:2)", "it panicked"),
            ("", "it panicked"),
        ] {
            let crash = Crash::panicked(Some(said.to_owned()));
            assert_eq!(crash.to_string(), shown);
            assert!(!format!("{crash:?}{crash:#?}").contains("Ada"), "{crash:?}");
            assert_eq!(crash.said(), Some(said));
        }
        assert_eq!(Crash::panicked(None).to_string(), "it panicked");
    }
}
