//! Lists as data: where the rows lie, how the next page is asked for, which changes can be.
//!
//! Parameters go into the query of a GET and into the JSON body of a POST. A page after the first
//! repeats them all and adds the one that names the page; a URL that a reply names is requested as
//! it is. Left out: lists that read a queue, and lists whose pages need a request for each row; an
//! adapter writes those by hand.

use super::{Answer, Ask, Call, ms_of};
use crate::contract::{Failure, Given, Response, Since};
use crate::link;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most rows of a page; what the engine takes.
pub(crate) const ROWS_MAX: u32 = 10_000;

/// The form of the times that a list takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// RFC 3339 in UTC.
    Rfc3339,
    /// Milliseconds since 1970.
    Millis,
    /// Seconds since 1970. The end of a window is rounded up.
    Seconds,
}

/// How the next page is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paging {
    /// There is one page.
    Once,
    /// By its number, from 1.
    Page(&'static str),
    /// By the number of rows before it.
    Offset(&'static str),
    /// By a value that the page before has at a JSON pointer.
    Cursor(&'static str, &'static str),
    /// By the header `Link`.
    Link,
    /// By a URL that the page before has at a JSON pointer.
    Url(&'static str),
}

/// How a page says whether it is the last one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// It names no next page; a page by number or offset is shorter than asked for.
    Unsaid,
    /// A flag says that there are more.
    More(&'static str),
    /// A flag says that it is the last.
    Last(&'static str),
}

/// A list of rows.
///
/// ```
/// use atsync_adapter::kit::{Clock, List};
///
/// // Lever: `{"data": […], "hasNext": true, "next": "…"}`
/// const OPPORTUNITIES: List = List::get("/v1/opportunities")
///     .rows("/data")
///     .size("limit", 100)
///     .cursor("offset", "/next")
///     .more("/hasNext")
///     .window(Clock::Millis, &[("updated_at_start", "{from}"), ("updated_at_end", "{to}")]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub(crate) ask: Ask,
    pub(crate) rows: &'static str,
    pub(crate) size: &'static str,
    /// The most rows of a page.
    pub(crate) most: u32,
    pub(crate) paging: Paging,
    pub(crate) end: End,
    is_encoded: bool,
    clock: Clock,
    pub(crate) window: &'static [(&'static str, &'static str)],
    /// The parameter, and where the last page has the next token.
    pub(crate) token: Option<(&'static str, &'static str)>,
}

impl List {
    /// A list by this request. Its body is an array of rows, on one page.
    pub const fn by(ask: Ask) -> Self {
        Self {
            ask,
            rows: "",
            size: "",
            most: ROWS_MAX,
            paging: Paging::Once,
            end: End::Unsaid,
            is_encoded: false,
            clock: Clock::Rfc3339,
            window: &[],
            token: None,
        }
    }

    /// A list by a GET of this path: see [`List::by`].
    pub const fn get(path: &'static str) -> Self {
        Self::by(Ask::get(path))
    }

    /// A list by a POST to this path, with the parameters in its JSON body: see [`List::by`]. The
    /// manifest lists the request as safe.
    pub const fn post(path: &'static str) -> Self {
        Self::by(Ask::post(path))
    }

    /// Sets parameters that every page has.
    pub const fn query(mut self, all: &'static [(&'static str, &'static str)]) -> Self {
        self.ask = self.ask.query(all);
        self
    }

    /// Says where the rows lie: a JSON pointer, such as `/data`.
    pub const fn rows(mut self, pointer: &'static str) -> Self {
        self.rows = pointer;
        self
    }

    /// Names the parameter for the size of a page, and the largest size that the ATS takes.
    pub const fn size(mut self, parameter: &'static str, most: u32) -> Self {
        self.size = parameter;
        self.most = most;
        self
    }

    /// Says how many rows a page has at most, where a request cannot say it.
    pub const fn most(mut self, rows: u32) -> Self {
        self.most = rows;
        self
    }

    /// Pages have numbers, from 1, in this parameter.
    pub const fn pages(mut self, parameter: &'static str) -> Self {
        self.paging = Paging::Page(parameter);
        self
    }

    /// This parameter has the number of rows before the page.
    pub const fn offset(mut self, parameter: &'static str) -> Self {
        self.paging = Paging::Offset(parameter);
        self
    }

    /// A page has at this JSON pointer the value of this parameter for the next one. The last page
    /// has none, or `null`, or an empty text.
    pub const fn cursor(mut self, parameter: &'static str, pointer: &'static str) -> Self {
        self.paging = Paging::Cursor(parameter, pointer);
        self
    }

    /// The cursor comes percent-encoded.
    pub const fn encoded(mut self) -> Self {
        self.is_encoded = true;
        self
    }

    /// The header `Link` has the URL of the next page (RFC 8288, `rel="next"`).
    pub const fn link_header(mut self) -> Self {
        self.paging = Paging::Link;
        self
    }

    /// A page has at this JSON pointer the URL of the next one.
    pub const fn next_url(mut self, pointer: &'static str) -> Self {
        self.paging = Paging::Url(pointer);
        self
    }

    /// A page has at this JSON pointer whether there are more. A page without it is refused.
    pub const fn more(mut self, pointer: &'static str) -> Self {
        self.end = End::More(pointer);
        self
    }

    /// A page has at this JSON pointer whether it is the last one. A page without it is refused.
    pub const fn last(mut self, pointer: &'static str) -> Self {
        self.end = End::Last(pointer);
        self
    }

    /// The list takes a span of the time of change, in these parameters: `{from}` and `{to}` stand
    /// for the ends. A list that takes only a begin has one parameter.
    pub const fn window(
        mut self,
        clock: Clock,
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.clock = clock;
        self.window = parameters;
        self
    }

    /// The list takes in this parameter a token for what changed since a pass; the last page of a
    /// pass has it at this JSON pointer.
    pub const fn token(mut self, parameter: &'static str, pointer: &'static str) -> Self {
        self.token = Some((parameter, pointer));
        self
    }
}

/// Where a pass stands: the cursor of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The index of the kind's list.
    #[serde(default)]
    pub(crate) list: usize,
    /// The page: a number, a value or a URL; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Value>,
    /// The fingerprint of an earlier page, and how many pages ago it was, of how many.
    #[serde(default)]
    mark: (u64, u32, u32),
}

impl Place {
    pub(crate) fn list(index: usize) -> Self {
        Self { list: index, ..Self::default() }
    }

    /// The next place, unless the pages go in a circle: Brent's algorithm, which keeps one page.
    fn next(&self, at: Value) -> Result<Self, Failure> {
        let print = fingerprint(&at.to_string());
        let (kept, steps, most) = self.mark;
        if self.at.as_ref() == Some(&at) || (most > 0 && kept == print) {
            return Err(Failure::Protocol("the pages of the list go in a circle".into()));
        }
        let mark = if steps >= most {
            (print, 0, most.saturating_mul(2).max(1))
        } else {
            (kept, steps.saturating_add(1), most)
        };
        Ok(Self { list: self.list, at: Some(at), mark })
    }

    fn number(&self, first: u64) -> u64 {
        self.at.as_ref().and_then(Value::as_u64).unwrap_or(first)
    }
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A page to ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) since: &'a Since,
    pub(crate) size: u32,
    pub(crate) place: &'a Place,
    pub(crate) values: &'a [(&'static str, &'a str)],
    pub(crate) given: &'a Given,
}

impl List {
    /// The request for a page.
    pub(crate) fn call(&self, wanted: Wanted<'_>) -> Result<Call, Failure> {
        if let (Paging::Link | Paging::Url(_), Some(at)) = (self.paging, &wanted.place.at) {
            let link = at.as_str().filter(|link| link::can_be_followed(link));
            let link = link.ok_or_else(|| Failure::Bug("a cursor has no URL".into()))?;
            return Ok(Call::follow(self.ask, link.to_owned()));
        }
        let mut all: Vec<(&str, Value)> = Vec::new();
        if !self.size.is_empty() {
            all.push((self.size, wanted.size.into()));
        }
        match wanted.since {
            Since::Everything => {}
            Since::Window(window) => {
                for (name, template) in self.window {
                    all.push((name, self.bound(template, &window.from, &window.to)?));
                }
            }
            Since::Token(token) => {
                let (name, _) = self.token.ok_or_else(|| no_changes("tokens"))?;
                let token = String::from_utf8_lossy(token).into_owned();
                all.push((name, token.into()));
            }
        }
        match self.paging {
            Paging::Once | Paging::Link | Paging::Url(_) => {}
            Paging::Page(name) => all.push((name, wanted.place.number(1).into())),
            Paging::Offset(name) => all.push((name, wanted.place.number(0).into())),
            Paging::Cursor(name, _) => {
                if let Some(at) = &wanted.place.at {
                    all.push((name, at.clone()));
                }
            }
        }
        let mut call = Call::from(self.ask);
        call.add(all, wanted.values, wanted.given)?;
        Ok(call)
    }

    /// The request for a page of a search, whose values are parameters unless they have a
    /// placeholder.
    pub(crate) fn searching(&self, wanted: Wanted<'_>) -> Result<Call, Failure> {
        let mut call = self.call(wanted)?;
        let is_named = |name: &str| self.ask.mentions(name);
        if !call.is_link() {
            let others = wanted.values.iter().filter(|(name, _)| !is_named(name));
            let others = others.map(|(name, value)| (*name, Value::from(*value)));
            call.add(others.collect(), wanted.values, wanted.given)?;
        }
        let named = wanted.values.iter().copied().filter(|(name, _)| is_named(name));
        Ok(named.fold(call, |call, (name, value)| call.with(name, value)))
    }

    /// The value of a parameter of a window.
    fn bound(&self, template: &str, from: &str, to: &str) -> Result<Value, Failure> {
        let ms = |text: &str| {
            ms_of(text).ok_or_else(|| Failure::Bug("a window has an end that is no time".into()))
        };
        let (from, to) = match self.clock {
            Clock::Rfc3339 => (from.to_owned(), to.to_owned()),
            Clock::Millis => (ms(from)?.to_string(), ms(to)?.to_string()),
            Clock::Seconds => {
                let up = ms(to)?.saturating_add(999).div_euclid(1000);
                (ms(from)?.div_euclid(1000).to_string(), up.to_string())
            }
        };
        let text = template.replace("{from}", &from).replace("{to}", &to);
        // A number alone is one in JSON too.
        match text.parse::<i64>() {
            Ok(number) if self.clock != Clock::Rfc3339 => Ok(number.into()),
            _ => Ok(text.into()),
        }
    }

    /// Whether the list takes this `since`.
    pub(crate) fn takes(&self, since: &Since) -> Result<(), Failure> {
        match since {
            Since::Window(_) if self.window.is_empty() => Err(no_changes("windows")),
            Since::Token(_) if self.token.is_none() => Err(no_changes("tokens")),
            _ => Ok(()),
        }
    }

    /// The place of the next page; `None` after the last.
    pub(crate) fn next(
        &self,
        place: &Place,
        page: &Body<'_>,
        rows: usize,
        size: u32,
        response: &Response,
    ) -> Result<Option<Place>, Failure> {
        let has_more = match self.end {
            End::Unsaid => None,
            End::More(pointer) => Some(page.flag(pointer)?),
            End::Last(pointer) => Some(!page.flag(pointer)?),
        };
        let rows_count = u64::try_from(rows).unwrap_or(u64::MAX);
        let is_full = || has_more.unwrap_or(rows > 0 && rows_count >= u64::from(size));
        let at = match self.paging {
            Paging::Once => None,
            Paging::Page(_) => is_full().then(|| place.number(1).saturating_add(1).into()),
            Paging::Offset(_) => {
                is_full().then(|| place.number(0).saturating_add(rows_count).into())
            }
            Paging::Cursor(_, pointer) => page.cursor(pointer)?.map(|at| self.decoded(at)),
            Paging::Link => link::next(response)?.map(Value::from),
            Paging::Url(pointer) => match page.cursor(pointer)? {
                Some(Value::String(url)) if link::can_be_followed(&url) => Some(url.into()),
                None => None,
                Some(_) => {
                    return Err(Failure::Protocol(format!(
                        "`{pointer}` of the page is no URL that can be followed"
                    )));
                }
            },
        };
        match (has_more, at) {
            (Some(false), _) | (None, None) => Ok(None),
            (Some(true), None) => {
                Err(Failure::Protocol("the page says that there are more, and names none".into()))
            }
            (_, Some(at)) => place.next(at).map(Some),
        }
    }

    fn decoded(&self, at: Value) -> Value {
        match at {
            Value::String(text) if self.is_encoded => path_decoded(&text).into(),
            other => other,
        }
    }
}

/// Percent-decodes a text; one that is not UTF-8 then stays as it is.
fn path_decoded(text: &str) -> String {
    let mut made = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                made.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                made.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(made).unwrap_or_else(|_| text.to_owned())
}

fn no_changes(what: &str) -> Failure {
    Failure::Bug(format!("the list takes no {what}"))
}

/// The body of a page: its members by name, each as its text.
pub(crate) enum Body<'a> {
    List(Vec<&'a RawValue>),
    Object(BTreeMap<Cow<'a, str>, &'a RawValue>),
}

impl<'a> Body<'a> {
    /// Splits a body.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when it is no JSON array or object.
    pub(crate) fn of(response: &'a Response) -> Result<Self, Failure> {
        let bad = |error| super::answer::unreadable(response, &error);
        if response.body.trim_ascii_start().starts_with(b"[") {
            return serde_json::from_slice(&response.body).map(Self::List).map_err(bad);
        }
        serde_json::from_slice(&response.body).map(Self::Object).map_err(bad)
    }

    /// The value at a JSON pointer of at least one member.
    pub(crate) fn at(&self, pointer: &str) -> Option<&'a RawValue> {
        let Self::Object(members) = self else { return None };
        let mut names = pointer.split('/').skip(1);
        let mut value: &'a RawValue = members.get(names.next()?)?;
        for name in names {
            let inner: BTreeMap<Cow<'a, str>, &'a RawValue> =
                serde_json::from_str(value.get()).ok()?;
            value = inner.get(name)?;
        }
        Some(value)
    }

    /// The rows.
    pub(crate) fn rows(&self, pointer: &str) -> Result<Cow<'_, [&'a RawValue]>, Failure> {
        let none = || {
            let place = if pointer.is_empty() { "the body" } else { pointer };
            Failure::Protocol(format!("the page has no list of rows at `{place}`"))
        };
        match (pointer, self) {
            ("", Self::List(rows)) => Ok(Cow::Borrowed(rows)),
            ("", Self::Object(_)) => Err(none()),
            _ => {
                let rows = self.at(pointer).ok_or_else(none)?;
                serde_json::from_str(rows.get()).map(Cow::Owned).map_err(|_| none())
            }
        }
    }

    fn flag(&self, pointer: &str) -> Result<bool, Failure> {
        let flag = self.at(pointer).and_then(|value| serde_json::from_str(value.get()).ok());
        flag.ok_or_else(|| Failure::Protocol(format!("the page has no flag at `{pointer}`")))
    }

    /// A text or number; `None` where there is none, `null` or an empty text.
    fn cursor(&self, pointer: &str) -> Result<Option<Value>, Failure> {
        let Some(value) = self.at(pointer) else { return Ok(None) };
        match serde_json::from_str(value.get()) {
            Ok(Value::Null) => Ok(None),
            Ok(Value::String(text)) if text.is_empty() => Ok(None),
            Ok(value @ (Value::String(_) | Value::Number(_))) => Ok(Some(value)),
            _ => Err(Failure::Protocol(format!("`{pointer}` of the page is no cursor"))),
        }
    }

    /// The token for the next pass.
    pub(crate) fn token(&self, pointer: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.cursor(pointer)?.map(|value| match value {
            Value::String(text) => text.into_bytes(),
            other => other.to_string().into_bytes(),
        }))
    }
}

/// Whether an answer refuses a page's cursor or token rather than the list.
pub(crate) fn is_stale(answer: &Answer<'_>) -> bool {
    matches!(answer.status(), 400 | 404 | 410 | 422)
}
