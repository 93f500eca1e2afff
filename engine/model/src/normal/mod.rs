//! Decides when two values are the same although they are written differently.
//!
//! The engine decides what to write, and an adapter decides how much of that it still has to send.
//! If the two disagreed, a plan would name a change that is never sent. So both call these
//! functions and have no form of their own: one form for each kind of contact ([`email`],
//! [`phone`], [`link`], [`postal`]), for texts ([`text`], [`label`], [`name`]), for numbers and
//! times ([`number`], [`date`], [`date_time`], [`part_date`]), and for custom values of every type
//! ([`custom`]).
//!
//! A form is only for comparing: the adapter sends the host's value, and sends values of others
//! back unchanged. Each form is idempotent, so a form can stand in for a value. An adapter whose
//! ATS distinguishes fewer values names a coarser form in its manifest ([`Coarser`]).
//!
//! E-mail addresses identify people, so they are folded in ASCII only: a letter that merely looks
//! like another one, or that Unicode folds to it, is another letter. Left out: what needs knowledge
//! of one ATS, and what needs a network, such as where a link leads.

mod custom;
mod moment;
mod number;
mod web;

pub use custom::{Custom, custom, is_option, same};
pub use moment::{date, date_time, day_number, is_same_date, part_date};
pub use number::number;
pub use web::{link_fault, url_fault};

use crate::manifest::Coarser;
use unicode_normalization::UnicodeNormalization;

/// Passes of a form at most. A value that needs more is compared as the last pass leaves it.
const SETTLE_PASSES_MAX: usize = 16;

/// A kind of contact entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// E-mail addresses.
    Email,
    /// Phone numbers, and the names that some file among them.
    Phone,
    /// Web sites and social profiles.
    Link,
    /// Postal addresses.
    Postal,
}

impl Contact {
    /// The kind of the entries of a field of a unified or desired record.
    pub fn of(field: &str) -> Option<Self> {
        Some(match field {
            "emails" => Self::Email,
            "phones" => Self::Phone,
            "links" => Self::Link,
            "addresses" => Self::Postal,
            _ => return None,
        })
    }

    /// The form of a value.
    pub fn form(self, value: &str) -> String {
        match self {
            Self::Email => email(value),
            Self::Phone => phone(value),
            Self::Link => link(value),
            Self::Postal => postal(value),
        }
    }

    /// The form of a value where the ATS distinguishes fewer values. An e-mail address has one
    /// form: it identifies a person, so no manifest makes two of them equal.
    pub fn coarse(self, value: &str, coarser: Option<Coarser>) -> String {
        if self == Self::Email { self.form(value) } else { coarsened(self.form(value), coarser) }
    }
}

/// A form made coarser. A form that the coarser one would leave empty stays as it is.
pub fn coarsened(form: String, coarser: Option<Coarser>) -> String {
    let made: String = match coarser {
        None => return form,
        Some(Coarser::Digits) => form.chars().filter(char::is_ascii_digit).collect(),
        Some(Coarser::Caseless) => form.to_lowercase(),
        Some(Coarser::Squeezed) => form.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    if made.is_empty() { form } else { made }
}

/// An e-mail address: without the ASCII blanks around it, ASCII letters in lower case. All other
/// letters stay as they are. Every comparison of two addresses uses this function.
pub fn email(value: &str) -> String {
    value.trim_ascii().to_ascii_lowercase()
}

/// Why a text is not one plain e-mail address. None when it is.
///
/// A plain address has one `@` between two parts, and neither blanks nor control, invisible or
/// separating characters: nothing that a reader could take for two addresses or for none.
pub fn address_fault(value: &str) -> Option<&'static str> {
    if value.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    if value.chars().any(char::is_whitespace) {
        return Some("it has a blank");
    }
    if value.chars().any(crate::plain::is_invisible) {
        return Some("it has an invisible character");
    }
    if value.contains(['<', '>', '"', '(', ')', '[', ']', '\\']) {
        return Some("it has a display name, quotes or a comment; give the address alone");
    }
    if value.contains([',', ';']) {
        return Some("it is a list; give each address as an entry of its own");
    }
    match value.split_once('@') {
        Some((local, domain)) if local.is_empty() || domain.is_empty() => {
            Some("one side of its @ is empty")
        }
        Some((_, domain)) if domain.contains('@') => Some("it has more than one @"),
        Some((_, domain))
            if domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") =>
        {
            Some("its domain has an empty part")
        }
        Some(_) => None,
        None => Some("it has no @; write one, as in name@example.com"),
    }
}

/// A phone number: its digits, after a `+` where it is international (`00` in front means the same,
/// a trunk zero in brackets does not count), and an extension after an `x`. A value with other
/// letters is a name that was stored as a number: without blanks, in lower case.
pub fn phone(value: &str) -> String {
    settled(value, phone_once)
}

/// Applies a form until nothing changes: what one pass removes may uncover more of the same.
fn settled(value: &str, once: fn(&str) -> String) -> String {
    let mut form = once(value);
    for _ in 0..SETTLE_PASSES_MAX {
        let next = once(&form);
        if next == form {
            break;
        }
        form = next;
    }
    form
}

fn phone_once(value: &str) -> String {
    let value: String = value.trim().chars().map(narrow).collect();
    let lower = value.to_lowercase();
    let bare = lower.strip_prefix("tel:").unwrap_or(&lower);
    let (number, extension) = extension(bare);
    if number.chars().any(char::is_alphabetic)
        || !number.contains(|letter: char| letter.is_ascii_digit())
    {
        return bare.split_whitespace().collect();
    }
    let international = number.trim_start().starts_with('+');
    let number = if international { number.replacen("(0)", "", 1) } else { number.to_owned() };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let (plus, digits) = match digits.strip_prefix("00") {
        Some(rest) if !international && !rest.is_empty() => ("+", rest),
        _ if international => ("+", digits.as_str()),
        _ => ("", digits.as_str()),
    };
    if extension.is_empty() {
        format!("{plus}{digits}")
    } else {
        format!("{plus}{digits}x{extension}")
    }
}

/// A full-width digit or sign as the plain one.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(letter).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// A number and the digits of its extension; `value` is in lower case.
fn extension(value: &str) -> (&str, String) {
    for marker in [";ext=", "extension", "ext.", "ext", "x", "#"] {
        let Some((number, rest)) = value.rsplit_once(marker) else { continue };
        let rest = rest.trim_matches([' ', '.', ':', ')']);
        let is_extension = !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_digit());
        if is_extension && number.contains(|letter: char| letter.is_ascii_digit()) {
            return (number.trim_end_matches([' ', '(', ',', ';']), rest.to_owned());
        }
    }
    (value, String::new())
}

/// A link: host in lower case without `www.`, a default port and a dot at its end; path, query and
/// fragment with one way of escaping, without a slash at the end of the path. Whether it is `http`
/// or `https`, written or not, does not count; any other scheme does.
pub fn link(value: &str) -> String {
    settled(value, link_once)
}

fn link_once(value: &str) -> String {
    let value = value.trim();
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), value.strip_prefix("//").unwrap_or(value)),
    };
    let is_web = matches!(scheme.as_str(), "" | "http" | "https");
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).unwrap_or(&host);
    let host = host.trim_end_matches('.');
    let host = host.trim_start_matches("www.");
    let tail = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, tail) = rest.split_at(tail);
    let path = path.trim_end_matches('/');
    let tail = tail.trim_end_matches(['?', '#']);
    let form = format!("{host}{}{}", escaped(path), escaped(tail));
    if is_web { form } else { format!("{scheme}://{form}") }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
}

/// One way of escaping (RFC 3986 §6.2.2): letters, digits and `-._~` bare, what is not ASCII
/// escaped, the digits of an escape in upper case.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let text: String = text.nfc().collect();
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = hex(bytes.get(at + 1)).zip(hex(bytes.get(at + 2)));
        let byte = match pair {
            Some((high, low)) if *byte == b'%' => {
                at += 3;
                let value = u8::try_from(high * 16 + low).unwrap_or_default();
                let bare =
                    value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~');
                if !bare {
                    let _ = write!(made, "%{value:02X}");
                    continue;
                }
                value
            }
            _ => {
                at += 1;
                *byte
            }
        };
        if byte.is_ascii() && byte != b' ' {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
    }
    made
}

/// A postal address: words with single blanks, in lower case.
pub fn postal(value: &str) -> String {
    name(value)
}

/// A text, short or long: composed letters, `\n` between lines, no blanks at the end of a line or
/// around the whole.
pub fn text(value: &str) -> String {
    let composed: String = value.nfc().collect();
    let lines = composed.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = lines.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// A label whose case counts: composed letters, words with single blanks.
pub fn label(value: &str) -> String {
    let composed: String = value.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name that is looked up: composed letters, words with single blanks, in lower case.
pub fn name(value: &str) -> String {
    // Lower case may leave letters that compose.
    label(&label(value).to_lowercase())
}

#[cfg(test)]
mod tests;
