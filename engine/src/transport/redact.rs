//! Removes live secrets from replies, in one place.
//!
//! A server may repeat a request's secrets: in an error page, in a header, in a list of its own
//! settings. From there they would reach the adapter, and through its messages a failure, a log and
//! the store. So every reply passes a [`Redactor`] inside the session, before the adapter sees it,
//! and each secret becomes [`REDACTED`]. An adapter's positions in the reply are positions in the
//! redacted one.
//!
//! Each secret is searched for as it is, percent-encoded, escaped for JSON and for HTML, in each of
//! the usual ways ([`spellings`]); and so is the Base64 of HTTP Basic. One pass finds all
//! spellings, in time linear in the reply for every content.
//!
//! Left out: secrets shorter than [`SECRET_BYTES_MIN`] bytes, which would be found in ordinary
//! words; a secret that is divided in two, or that comes in an encoding that is not listed, such as
//! the Base64 of a whole request.

use super::Delivery;
use crate::secret::Secret;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use atsync_model::contract::{Grant, Response};
use std::borrow::Cow;
use std::fmt;
use zeroize::Zeroizing;

/// Replaces a secret.
pub const REDACTED: &str = "[redacted]";
/// Shorter secrets are not searched for.
pub const SECRET_BYTES_MIN: usize = 8;

/// Removes a set of secrets from texts. `Debug` shows none of them.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Option<AhoCorasick>);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(\u{2026})")
    }
}

impl Redactor {
    /// A redactor of these secrets.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let long = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        let mut all: Vec<Zeroizing<String>> = long.flat_map(spellings).collect();
        all.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        all.dedup();
        if all.is_empty() {
            return Self::default();
        }
        // The longest first: a secret may be a part of another one. An automaton that is quick to
        // build and small: each connection has one, and makes it again for each token. A DFA took
        // megabytes and most of the time in which a connection opens.
        let found = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(all.iter().map(|text| text.as_bytes()));
        Self(found.ok())
    }

    /// Removes the secrets from the outcome of a request.
    pub(crate) fn delivery(&self, delivery: &mut Delivery) {
        match delivery {
            Delivery::Answered(response) => self.response(response),
            Delivery::Unclear(text) => self.own(text),
            Delivery::NotSent(_) => {}
        }
    }

    /// Removes the secrets from a reply: body, names and values of headers.
    pub(crate) fn response(&self, response: &mut Response) {
        if let Some(clean) = self.found_in(&response.body) {
            response.body = clean;
        }
        for header in &mut response.headers {
            self.own(&mut header.name);
            self.own(&mut header.value);
        }
    }

    /// A text without the secrets.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.found_in(text.as_bytes()) {
            // Spellings are whole characters, so what is left is text.
            Some(clean) => Cow::Owned(String::from_utf8_lossy(&clean).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Rights without the secrets.
    pub(crate) fn grant(&self, grant: &Grant) -> Grant {
        let clean = |text: &String| self.text(text).into_owned();
        Grant {
            scopes: grant.scopes.as_ref().map(|scopes| scopes.iter().map(clean).collect()),
            actor: grant.actor.as_ref().map(clean),
        }
    }

    fn own(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// The bytes without the secrets; `None` where there is none in them.
    fn found_in(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let searcher = self.0.as_ref()?;
        searcher.find(bytes)?;
        Some(searcher.replace_all_bytes(bytes, &vec![REDACTED.as_bytes(); searcher.patterns_len()]))
    }
}

/// How a secret may be written.
fn spellings(secret: &str) -> Vec<Zeroizing<String>> {
    let each = |write: &dyn Fn(char, &mut String)| {
        let mut made = Zeroizing::new(String::new());
        secret.chars().for_each(|letter| write(letter, &mut made));
        made
    };
    let mut all = vec![Zeroizing::new(secret.to_owned())];
    for upper in [true, false] {
        // The characters that each URL encoder leaves as they are.
        for bare in [
            "",
            "-._~",
            "-_.*",
            "-_.!~*'()",
            "-._~!$&'()*+,;=:@",
            "-._~!$&'()*+,;=:@/?",
            " -._~!$&'()*+,;=:@/?",
        ] {
            for plus in [true, false] {
                all.push(each(&|letter, made| match letter {
                    ' ' if plus => made.push('+'),
                    letter if letter.is_ascii_alphanumeric() || bare.contains(letter) => {
                        made.push(letter)
                    }
                    letter => percent(letter, upper, made),
                }));
            }
        }
        all.push(each(&|letter, made| percent(letter, upper, made)));
        // The characters that each JSON encoder escapes by number, besides the required ones.
        for numbered in ["", "<>&", "<>&'", "<>&='", "<>&'+\"`", "<>&'+=\"`/"] {
            for slash in ["/", "\\/"] {
                for wide in [true, false] {
                    all.push(each(&|letter, made| match letter {
                        '/' if !numbered.contains('/') => made.push_str(slash),
                        letter if numbered.contains(letter) || (wide && !letter.is_ascii()) => {
                            number(letter, upper, made)
                        }
                        letter => json(letter, upper, made),
                    }));
                }
            }
        }
        all.push(each(&|letter, made| match letter {
            letter if letter.is_ascii_alphanumeric() => made.push(letter),
            letter => number(letter, upper, made),
        }));
    }
    for (quote, apostrophe) in [
        ("&quot;", "&#39;"),
        ("&#34;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&quot;", "&#039;"),
        ("\"", "'"),
    ] {
        all.push(each(&|letter, made| match letter {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '"' => made.push_str(quote),
            '\'' => made.push_str(apostrophe),
            letter => made.push(letter),
        }));
    }
    all
}

/// `%2B`, byte by byte.
fn percent(letter: char, upper: bool, made: &mut String) {
    use fmt::Write as _;
    let mut bytes = [0_u8; 4];
    for byte in letter.encode_utf8(&mut bytes).bytes() {
        let _ = if upper { write!(made, "%{byte:02X}") } else { write!(made, "%{byte:02x}") };
    }
}

/// `\u002B`, unit by unit.
fn number(letter: char, upper: bool, made: &mut String) {
    use fmt::Write as _;
    let mut units = [0_u16; 2];
    for unit in letter.encode_utf16(&mut units) {
        let _ = if upper { write!(made, "\\u{unit:04X}") } else { write!(made, "\\u{unit:04x}") };
    }
}

/// The escapes that JSON requires.
fn json(letter: char, upper: bool, made: &mut String) {
    match letter {
        '"' | '\\' => made.extend(['\\', letter]),
        '\n' => made.push_str("\\n"),
        '\r' => made.push_str("\\r"),
        '\t' => made.push_str("\\t"),
        letter if letter.is_control() => number(letter, upper, made),
        letter => made.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::{REDACTED, Redactor};
    use crate::secret::Secret;
    use atsync_model::contract::{Field, Response};
    use base64::Engine as _;

    /// With every character that an encoding may escape.
    const SECRET: &str = "s3cr/t+&<=>\"'\\ \u{e9}-_.~!*()%`zz";

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>())
    }

    #[test]
    fn a_secret_is_taken_out_in_every_usual_spelling() {
        let redactor = redactor(&[SECRET]);
        let json = serde_json::to_string(SECRET).unwrap();
        let form = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>();
        let query = url::Url::parse_with_params("https://x/", [("a", SECRET)])
            .unwrap()
            .query()
            .unwrap()
            .to_owned();
        let component = "s3cr%2Ft%2B%26%3C%3D%3E%22'%5C%20%C3%A9-_.~!*()%25%60zz";
        for text in [
            SECRET.to_owned(),
            json.clone(),
            json.replace('/', "\\/"),
            json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
            json.replace('\u{e9}', "\\u00e9"),
            form.clone(),
            form.to_lowercase(),
            query,
            component.to_owned(),
            SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            SECRET
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;"),
        ] {
            let made = redactor.text(&text);
            assert!(
                made.contains(REDACTED) && !made.contains("s3cr") && !made.contains("zz"),
                "{text}: {made}"
            );
        }
    }

    #[test]
    fn a_reply_is_clean_everywhere_and_stays_json() {
        let basic = base64::engine::general_purpose::STANDARD.encode("id:a-long-secret?>");
        let redactor = redactor(&["a-long-secret?>", &basic]);
        let body =
            format!(r#"{{"a":"x a-long-secret?\u003e y","b":"{}"}}"#, basic.replace('/', "\\/"));
        let mut response = Response {
            status: 400,
            headers: vec![Field::new("x-a-long-secret?>", format!("Basic {basic}"))],
            body: body.into_bytes(),
        };
        redactor.response(&mut response);
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body, serde_json::json!({"a": format!("x {REDACTED} y"), "b": REDACTED}));
        assert_eq!(
            response.headers,
            [Field::new(format!("x-{REDACTED}"), format!("Basic {REDACTED}"))]
        );
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is_and_short_secrets_are_not_looked_for() {
        assert_eq!(redactor(&["longenough"]).text("long enough"), "long enough");
        assert_eq!(redactor(&["short"]).text("a short one"), "a short one");
        assert_eq!(redactor(&[]).text("anything"), "anything");
        assert_eq!(format!("{:?}", redactor(&["longenough"])), "Redactor(\u{2026})");
    }

    /// The peer chooses the token, so it may choose one that repeats itself.
    #[test]
    fn the_work_is_linear_whatever_the_peer_makes_up() {
        let token = "a".repeat(8_000);
        let redactor = redactor(&[&token]);
        let body = format!("{}b", "a".repeat(7_999)).repeat(500).into_bytes();
        let mut response = Response { status: 200, headers: Vec::new(), body };
        // Quadratic work would keep the test for hours.
        redactor.response(&mut response);
        assert!(!response.body.is_empty());
    }
}
