//! Reads a description from YAML or JSON.
//!
//! JSON is read by the YAML parser, since nearly all JSON is YAML. Bounds:
//! [`DESCRIPTION_BYTES_MAX`], and the parser's own on aliases, depth and events.

use super::lines::{Lines, line_of, lines};
use crate::description::Description;
use std::fmt;

/// Bytes of a description as its author writes it.
pub const DESCRIPTION_BYTES_MAX: usize = 512 * 1024;

/// A description with the lines of its members.
#[derive(Clone, Debug)]
pub struct Read {
    /// The description.
    pub description: Description,
    pub(super) lines: Lines,
}

/// A mistake in a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a JSON pointer into the description (RFC 6901); empty for the whole.
    pub pointer: String,
    /// The line of the file, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to write.
    pub message: String,
}

/// The mistakes of a description, in the order of their lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Parses a description. It can still contradict itself: see [`super::validate`].
///
/// # Errors
/// The first place where the text is no YAML, or no description: an unknown member, a missing one,
/// a value of another type.
pub fn read(text: &str) -> Result<Read, Mistakes> {
    let one = |line: Option<usize>, pointer: String, message: String| {
        Err(Mistakes(vec![Mistake { pointer, line, message }]))
    };
    if text.len() > DESCRIPTION_BYTES_MAX {
        let message = format!(
            "the description has {} bytes; {DESCRIPTION_BYTES_MAX} are allowed",
            text.len()
        );
        return one(None, String::new(), message);
    }
    let lines = lines(text);
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_str_with_options(text, options) {
        Ok(description) => Ok(Read { description, lines }),
        Err(error) => {
            let line = error
                .location()
                .and_then(|place| usize::try_from(place.line()).ok())
                .filter(|line| *line > 0);
            // The deepest member that begins on this line.
            let at = |pointer: &&String| line_of(&lines, pointer) == line;
            let pointer =
                lines.keys().filter(at).max_by_key(|pointer| pointer.matches('/').count());
            one(line, pointer.cloned().unwrap_or_default(), plain(&error.to_string()))
        }
    }
}

/// The error's text without its place, which the mistake has already.
fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    text.split(" at line ").next().unwrap_or(text).trim().to_owned()
}
