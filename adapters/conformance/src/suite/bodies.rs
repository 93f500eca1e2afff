//! Answers that stand in for an ATS's own: what proxies, outages, faults and attackers send.

use atsync::model::contract::{Field, Response};
use serde_json::Value;

/// What an adapter may make of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A classified failure and nothing else.
    Failure,
    /// Anything that is honest: a failure, or a page that names what it could not read.
    Honest,
}

/// An answer in place of another.
#[derive(Clone, Debug)]
pub(super) struct Instead {
    pub(super) name: String,
    pub(super) response: Response,
    pub(super) expect: Expect,
}

/// Statuses that are no success. 204 is left out: it can mean an empty list.
const STATUSES: &[u16] = &[
    100, 103, 301, 302, 304, 307, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 423,
    429, 451, 500, 501, 502, 503, 504, 520, 599,
];
/// Levels of a body that is all brackets.
const DEPTH: usize = 100_000;
const PAGE: &[u8] =
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>503</body></html>";

/// All answers that stand in for a real one.
pub(super) fn instead_of(real: &Response) -> Vec<Instead> {
    let mut all = bodies(real);
    all.extend(statuses(real));
    all
}

/// Other bodies under the real status.
fn bodies(real: &Response) -> Vec<Instead> {
    use Expect::{Failure, Honest};
    let body = &real.body;
    let is_list = matches!(serde_json::from_slice(body), Ok(Value::Array(_)));
    let half = body.get(..body.len() / 2).unwrap_or_default().to_vec();
    let short = body.get(..body.len().saturating_sub(1)).unwrap_or_default().to_vec();
    let mut broken = body.clone();
    let middle = broken.iter().position(u8::is_ascii_alphabetic).unwrap_or(broken.len() / 2);
    if let Some(byte) = broken.get_mut(middle) {
        *byte = 0xFF;
    }
    let mut marked = vec![0xEF, 0xBB, 0xBF];
    marked.extend(body);
    let mut doubled = body.clone();
    doubled.extend(body);
    let other_root = if is_list { "{}" } else { "[]" };
    let depth = |open: &str| open.repeat(DEPTH).into_bytes();
    let mut all: Vec<(&str, Vec<u8>, Expect)> = vec![
        ("an empty body", Vec::new(), Failure),
        ("blanks", b"   \r\n".to_vec(), Failure),
        ("a page in HTML", PAGE.to_vec(), Failure),
        ("a text that is no JSON", b"upstream connect error".to_vec(), Failure),
        ("the root null", b"null".to_vec(), Failure),
        ("the root true", b"true".to_vec(), Failure),
        ("a number as root", b"7".to_vec(), Failure),
        ("a huge number as root", b"1e999999".to_vec(), Failure),
        ("a text as root", b"\"ok\"".to_vec(), Failure),
        ("a root of the other kind", other_root.into(), Failure),
        ("brackets without end", depth("["), Failure),
        ("braces without end", depth("{\"a\":"), Failure),
        ("NUL bytes", vec![0; 64], Failure),
        ("a byte that is not UTF-8", broken, Honest),
        ("a byte order mark", marked, Honest),
        ("the body twice", doubled, Honest),
        ("a list of odd entries", b"[null,[],{},7,\"x\",1e400]".to_vec(), Honest),
    ];
    if body.len() > 8 {
        all.push(("the first half of the body", half, Failure));
        all.push(("the body without its last byte", short, Failure));
    }
    all.into_iter()
        .map(|(name, body, expect)| Instead {
            name: format!("{name} with status {}", real.status),
            response: Response { body, ..real.clone() },
            expect,
        })
        .collect()
}

/// Other statuses, with the real body and with none.
fn statuses(real: &Response) -> Vec<Instead> {
    let with = |status: u16, what: &str, body: Vec<u8>, headers: Vec<Field>| Instead {
        name: format!("status {status} with {what}"),
        response: Response { status, headers, body },
        expect: Expect::Failure,
    };
    let mut all = Vec::new();
    for &status in STATUSES {
        all.push(with(status, "no body", Vec::new(), Vec::new()));
        all.push(with(status, "the real body", real.body.clone(), real.headers.clone()));
    }
    all.push(with(502, "a page in HTML", PAGE.to_vec(), Vec::new()));
    all.push(with(429, "retry-after: 7", b"{}".to_vec(), vec![Field::new("retry-after", "7")]));
    all
}

/// The header that an answer with status 429 has in one of the cases above.
pub(super) const WAIT_MS: u64 = 7_000;
