//! Webhooks: how one is signed, as data, and the records that it names.
//!
//! The hints are read before the signature is checked, since a continuation could not hold the
//! body, and used only after. Payloads may have personal data, so only ids of them are kept. Bound:
//! [`HINTS_MAX`] hints; the next sweep finds what a webhook with more leaves out. Left out: replay
//! protection beyond the time that the sender signed. Hints lead to reads, and a second read is
//! harmless.

use super::adapter::State;
use super::{Id, ms_of};
use crate::contract::{
    Algorithm, Encoding, Failure, Field, Hint, Hook as Task, Hooked, Outcome, RemoteRef, Reply,
    Response, Step, Verify,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most hints of one webhook.
const HINTS_MAX: usize = 500;

/// A function that reads the hints of a webhook.
pub type Hints = fn(&mut Event<'_>);

/// The webhooks that the adapter reads.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    pub(crate) signature: Signature,
    pub(crate) hints: Hints,
}

impl Hook {
    /// Webhooks that are signed like this, and the function that reads their hints.
    pub const fn new(signature: Signature, hints: Hints) -> Self {
        Self { signature, hints }
    }
}

/// A part of a webhook.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// The raw bytes of its body.
    Body,
    /// A header, by its name in lower case.
    Header(&'static str),
    /// A text or number of its JSON body, by a JSON pointer.
    Member(&'static str),
    /// A constant text.
    Text(&'static str),
}

/// How a webhook is signed.
///
/// ```
/// use atsync_adapter::kit::{Piece, Signature};
///
/// // Ashby: `Ashby-Signature: sha256=<hex of HMAC-SHA256 over the body>`
/// const ASHBY: Signature =
///     Signature::hmac_sha256(Piece::Header("ashby-signature")).prefix("sha256=");
/// // Lever: in the body, over two members of it.
/// const LEVER: Signature = Signature::hmac_sha256(Piece::Member("/signature"))
///     .over(&[Piece::Member("/token"), Piece::Member("/triggeredAt")])
///     .signed_at(Piece::Member("/triggeredAt"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    pub(crate) found: Piece,
    algorithm: Algorithm,
    encoding: Encoding,
    prefix: &'static str,
    separator: Option<char>,
    pub(crate) over: &'static [Piece],
    pub(crate) secret: &'static str,
    signed_at: Option<Piece>,
}

impl Signature {
    const fn new(found: Piece, algorithm: Algorithm) -> Self {
        Self {
            found,
            algorithm,
            encoding: Encoding::Hex,
            prefix: "",
            separator: None,
            over: &[Piece::Body],
            secret: "webhook",
            signed_at: None,
        }
    }

    /// HMAC-SHA256 in hexadecimal over the body, found here.
    pub const fn hmac_sha256(found: Piece) -> Self {
        Self::new(found, Algorithm::HmacSha256)
    }

    /// HMAC-SHA1, as [`Signature::hmac_sha256`].
    pub const fn hmac_sha1(found: Piece) -> Self {
        Self::new(found, Algorithm::HmacSha1)
    }

    /// HMAC-SHA512, as [`Signature::hmac_sha256`].
    pub const fn hmac_sha512(found: Piece) -> Self {
        Self::new(found, Algorithm::HmacSha512)
    }

    /// The secret itself stands here.
    pub const fn plain(found: Piece) -> Self {
        Self::new(found, Algorithm::Plain)
    }

    /// The signature is written in base64.
    pub const fn base64(mut self) -> Self {
        self.encoding = Encoding::Base64;
        self
    }

    /// Stands before the signature; a text without it is none.
    pub const fn prefix(mut self, text: &'static str) -> Self {
        self.prefix = text;
        self
    }

    /// Separates several signatures, of which one must match.
    pub const fn separator(mut self, sign: char) -> Self {
        self.separator = Some(sign);
        self
    }

    /// Lists the parts that are signed, in this order.
    pub const fn over(mut self, message: &'static [Piece]) -> Self {
        self.over = message;
        self
    }

    /// Names the secret, as the operator sets it in the engine; `webhook` unless said.
    pub const fn secret(mut self, name: &'static str) -> Self {
        self.secret = name;
        self
    }

    /// Says where the time of signing stands: RFC 3339, or milliseconds or seconds since 1970. It
    /// must be signed.
    pub const fn signed_at(mut self, place: Piece) -> Self {
        self.signed_at = Some(place);
        self
    }
}

/// A webhook whose hints are read.
#[derive(Debug)]
pub struct Event<'a> {
    headers: &'a [Field],
    body: Value,
    hints: Vec<Noted>,
}

impl Event<'_> {
    /// The value at a JSON pointer of the body.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer)
    }

    /// The text at a JSON pointer of the body; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers, name)
    }

    /// Hints that the record whose id stands here was created or changed.
    pub fn changed(&mut self, kind: &'static str, pointer: &str) {
        self.note(kind, pointer, Noted::Changed);
    }

    /// Hints that the record whose id stands here was deleted.
    pub fn deleted(&mut self, kind: &'static str, pointer: &str) {
        self.note(kind, pointer, Noted::Deleted);
    }

    /// Hints that the personal data of the record whose id stands here must be erased.
    pub fn erased(&mut self, kind: &'static str, pointer: &str) {
        self.note(kind, pointer, Noted::Erased);
    }

    /// Hints that the record whose id stands at `from` was merged into that at `into`.
    pub fn merged(&mut self, kind: &'static str, from: &str, into: &str) {
        // A record merged into itself would be a fault.
        if let (Some(from), Some(into)) = (self.of(kind, from), self.of(kind, into))
            && from != into
        {
            self.hints.push(Noted::Merged(from, into));
        }
    }

    /// Hints at a record whose id is put together, such as a composite one.
    pub fn changed_id(&mut self, kind: &'static str, id: Id) {
        self.hints.push(Noted::Changed(RemoteRef::new(kind, id)));
    }

    fn note(&mut self, kind: &'static str, pointer: &str, hint: fn(RemoteRef) -> Noted) {
        if let Some(of) = self.of(kind, pointer) {
            self.hints.push(hint(of));
        }
    }

    fn of(&self, kind: &'static str, pointer: &str) -> Option<RemoteRef> {
        self.at(pointer).and_then(Id::of).map(|id| RemoteRef::new(kind, id))
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum Noted {
    Changed(RemoteRef),
    Deleted(RemoteRef),
    Merged(RemoteRef, RemoteRef),
    Erased(RemoteRef),
}

/// The hints of a webhook, kept while its signature is checked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checking {
    hints: Vec<Noted>,
    signed_at_ms: Option<u64>,
}

/// Returns the signed bytes and the signatures.
pub(crate) fn start(hook: &Hook, task: Task) -> Result<Step, Failure> {
    let signature = hook.signature;
    let body: Value = std::str::from_utf8(&task.body)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let piece = |piece: &Piece| -> Option<Vec<u8>> {
        match piece {
            Piece::Body => Some(task.body.clone()),
            Piece::Header(name) => header(&task.headers, name).map(|text| text.as_bytes().to_vec()),
            Piece::Member(pointer) => match body.pointer(pointer)? {
                Value::String(text) => Some(text.clone().into_bytes()),
                Value::Number(number) => Some(number.to_string().into_bytes()),
                _ => None,
            },
            Piece::Text(text) => Some(text.as_bytes().to_vec()),
        }
    };
    let text = |of: &Piece| piece(of).and_then(|bytes| String::from_utf8(bytes).ok());
    let message: Option<Vec<Vec<u8>>> = signature.over.iter().map(piece).collect();
    let candidates = candidates(&signature, &text(&signature.found).unwrap_or_default());
    let (Some(message), false) = (message, candidates.is_empty()) else {
        return Ok(answered(401, Vec::new(), None));
    };
    let signed_at_ms = signature.signed_at.as_ref().and_then(text).and_then(|at| time(&at));
    let mut event = Event { headers: &task.headers, body: body.clone(), hints: Vec::new() };
    (hook.hints)(&mut event);
    event.hints.truncate(HINTS_MAX);
    let state = Checking { hints: event.hints, signed_at_ms };
    Ok(Step::Verify(Verify {
        secret_name: signature.secret.to_owned(),
        algorithm: signature.algorithm,
        message: message.concat(),
        candidates,
        encoding: signature.encoding,
        state: super::adapter::encode(&State::Hook(state))?,
    }))
}

/// Returns the hints, if the signature is valid.
pub(crate) fn resume(state: Checking, reply: Reply) -> Result<Step, Failure> {
    match reply {
        Reply::Verified(true) => Ok(answered(200, state.hints, state.signed_at_ms)),
        Reply::Verified(false) => Ok(answered(401, Vec::new(), None)),
        Reply::Response(_) | Reply::Transferred(_) => {
            Err(Failure::Bug("a reply to a step that was not taken".into()))
        }
    }
}

fn candidates(signature: &Signature, text: &str) -> Vec<String> {
    let all: Vec<&str> = match signature.separator {
        Some(sign) => text.split(sign).collect(),
        None => vec![text],
    };
    let stripped = all.into_iter().filter_map(|one| one.trim().strip_prefix(signature.prefix));
    let digests = stripped.map(str::trim).filter(|digest| !digest.is_empty());
    let cased = |digest: &str| match signature.encoding {
        Encoding::Hex if signature.algorithm != Algorithm::Plain => digest.to_ascii_lowercase(),
        _ => digest.to_owned(),
    };
    digests.map(cased).take(HINTS_MAX).collect()
}

/// A time in one of the usual forms; a number of ten digits or fewer counts seconds.
fn time(text: &str) -> Option<u64> {
    match text.trim().parse::<u64>() {
        Ok(seconds) if seconds < 100_000_000_000 => seconds.checked_mul(1000),
        Ok(ms) => Some(ms),
        Err(_) => ms_of(text).and_then(|ms| u64::try_from(ms).ok()),
    }
}

fn header<'a>(headers: &'a [Field], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value.as_str())
}

fn answered(status: u16, hints: Vec<Noted>, signed_at_ms: Option<u64>) -> Step {
    let hints = hints.into_iter().map(|hint| match hint {
        Noted::Changed(of) => Hint::Changed(of),
        Noted::Deleted(of) => Hint::Deleted(of),
        Noted::Merged(from, into) => Hint::Merged((from, into)),
        Noted::Erased(of) => Hint::Erased(of),
    });
    let headers = vec![Field::new("content-type", "text/plain")];
    let answer = Response { status, headers, body: Vec::new() };
    Step::Done(Outcome::Hooked(Hooked { answer, hints: hints.collect(), signed_at_ms }))
}
