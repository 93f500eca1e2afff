//! Text from outside, made plain.
//!
//! Text from an ATS, a peer or an adapter may contain characters that control a terminal, reverse
//! the direction of writing, are invisible, or begin a new line. It is made plain where it leaves
//! the engine: [`line()`] for people, [`json`] for JSON Lines. Both return one line for every
//! input. Values are stored, compared and sent as they are.
//!
//! Left out: letters that look like other letters. They are plain text; only host names have a safe
//! form for them, which is punycode.

use std::borrow::Cow;

/// Stands for a character that is not shown.
pub const NOT_SHOWN: char = '\u{fffd}';

/// Whether a character is invisible or reverses the direction of writing, so that two texts which
/// differ only by it look alike.
pub fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is shown as it is.
pub fn is_plain(letter: char) -> bool {
    !letter.is_control() && !is_invisible(letter)
}

/// A text as one line of plain text: line breaks and tabs become blanks, every other character that
/// is not plain becomes [`NOT_SHOWN`].
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let shown = |letter| match letter {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        letter if is_plain(letter) => letter,
        _ => NOT_SHOWN,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// JSON as one line of plain text that means the same: without white space between its tokens, and
/// inside its strings with an escape for each character that is not plain. Numbers stay as they are
/// written. A text that is not JSON becomes one plain line too.
pub fn json(text: &str) -> String {
    use std::fmt::Write as _;
    let mut made = String::with_capacity(text.len());
    let (mut is_string, mut is_escape) = (false, false);
    for letter in text.chars() {
        match letter {
            _ if !is_plain(letter) => {
                if is_string {
                    let mut units = [0_u16; 2];
                    for unit in letter.encode_utf16(&mut units) {
                        let _ = write!(made, "\\u{unit:04x}");
                    }
                }
                is_escape = false;
                continue;
            }
            ' ' if !is_string => continue,
            '"' if !is_escape => is_string = !is_string,
            _ => {}
        }
        is_escape = is_string && !is_escape && letter == '\\';
        made.push(letter);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{NOT_SHOWN, is_plain, json, line};
    use serde_json::Value;

    /// Every character that is not plain.
    fn odd() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|letter| !is_plain(*letter))
    }

    #[test]
    fn a_line_is_one_plain_line_whatever_it_is_made_from() {
        let text: String = odd().collect();
        let made = line(&text);
        assert!(made.chars().all(is_plain));
        assert_eq!(made.chars().count(), text.chars().count());
        assert_eq!(line("a\u{1b}[2Jb\nc\u{202e}"), format!("a{NOT_SHOWN}[2Jb c{NOT_SHOWN}"));
        for plain in ["", "Zo\u{eb} \u{5d0}\u{5d1} \u{4e2d}\u{6587} \u{1f642} \"a\" \\n", "  a  "] {
            assert_eq!(line(plain), plain);
        }
    }

    #[test]
    fn json_made_one_line_means_the_same() {
        let strings: Vec<String> =
            odd().map(|letter| format!("a{letter}\"\\{letter}\\\\")).collect();
        let value =
            serde_json::json!({"strings": strings, "n": 1.5, "o": {" a ": [true, null, "  "]}});
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let made = json(&text);
            assert!(made.chars().all(is_plain));
            assert_eq!(serde_json::from_str::<Value>(&made).unwrap(), value);
        }
        let exact = "{\r\n\t\"n\" : 1.50e+2 ,\n \"s\": \"a \\u0020 b\"\n}";
        assert_eq!(json(exact), r#"{"n":1.50e+2,"s":"a \u0020 b"}"#);
    }

    #[test]
    fn what_is_no_json_is_one_plain_line_too() {
        for text in ["\u{1b}]0;x\u{7}\n{\"a\n\u{1b}", "\"\\\n\\", "nul\r\n"] {
            assert!(json(text).chars().all(is_plain), "{text:?}");
        }
    }
}
