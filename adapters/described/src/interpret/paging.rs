//! Paging: the parameters of a page, and whether there is another one.

use super::answer::{Answer, optional};
use super::{lacking, mistake};
use crate::description::Paging;
use crate::expression::{Compiled, Engine, Fault, Scope};
use crate::json::Json;
use atsync_adapter::contract::{CONTINUATION_BYTES_MAX, Failure, Response};
use serde::{Deserialize, Serialize};

/// Bytes of a cursor, of which a continuation holds two.
const CURSOR_BYTES_MAX: usize = CONTINUATION_BYTES_MAX / 4;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cursor {
    Url(String),
    Token(String),
    Page(u32),
    Offset(u64),
}

/// A way of paging whose expressions are compiled.
#[derive(Debug)]
pub(crate) enum Pager<'e> {
    None,
    LinkHeader,
    NextUrl { from: Compiled<'e> },
    Cursor { parameter: String, from: Compiled<'e>, more: Option<Compiled<'e>> },
    Page { parameter: String, first: u32, more: Option<Compiled<'e>> },
    Offset { parameter: String, more: Option<Compiled<'e>> },
}

impl<'e> Pager<'e> {
    pub(crate) fn of(paging: Option<&Paging>, engine: &'e Engine) -> Result<Self, Failure> {
        Self::compiled(paging, engine).map_err(mistake)
    }

    fn compiled(paging: Option<&Paging>, engine: &'e Engine) -> Result<Self, Fault> {
        Ok(match paging {
            None | Some(Paging::None {}) => Self::None,
            Some(Paging::LinkHeader {}) => Self::LinkHeader,
            Some(Paging::NextUrl { from }) => Self::NextUrl { from: engine.compile(from.text())? },
            Some(Paging::Cursor { parameter, from, more }) => Self::Cursor {
                parameter: parameter.clone(),
                from: engine.compile(from.text())?,
                more: optional(more.as_ref(), engine)?,
            },
            Some(Paging::Page { parameter, first, more }) => Self::Page {
                parameter: parameter.clone(),
                first: *first,
                more: optional(more.as_ref(), engine)?,
            },
            Some(Paging::Offset { parameter, more }) => Self::Offset {
                parameter: parameter.clone(),
                more: optional(more.as_ref(), engine)?,
            },
        })
    }

    /// The parameter of a page, where it is requested by one.
    pub(crate) fn parameter(
        &self,
        cursor: Option<&Cursor>,
    ) -> Result<Option<(String, Json<'static>)>, Failure> {
        let foreign = || Failure::Bug("a cursor of another way of paging".into());
        Ok(match (self, cursor) {
            (Self::None, None)
            | (Self::Cursor { .. } | Self::LinkHeader | Self::NextUrl { .. }, None) => None,
            (Self::LinkHeader | Self::NextUrl { .. }, Some(Cursor::Url(_))) => None,
            (Self::Cursor { parameter, .. }, Some(Cursor::Token(token))) => {
                Some((parameter.clone(), Json::text(token.clone())))
            }
            (Self::Page { parameter, first, .. }, None) => {
                Some((parameter.clone(), Json::number(u64::from(*first))))
            }
            (Self::Page { parameter, .. }, Some(Cursor::Page(number))) => {
                Some((parameter.clone(), Json::number(u64::from(*number))))
            }
            (Self::Offset { parameter, .. }, None) => Some((parameter.clone(), Json::Int(0))),
            (Self::Offset { parameter, .. }, Some(Cursor::Offset(before))) => {
                Some((parameter.clone(), Json::number(*before)))
            }
            _ => return Err(foreign()),
        })
    }

    /// Whether the number of rows shows the end, so that each request must name how many to send.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Page { .. } | Self::Offset { .. })
    }

    /// Where the next page begins; none after the last one. `size`: the rows that were requested.
    pub(crate) fn next(
        &self,
        cursor: Option<&Cursor>,
        rows: usize,
        size: Option<u32>,
        answer: &Answer<'_>,
        response: &Response,
        shared: &[(&str, &Json<'_>)],
    ) -> Result<Option<Cursor>, Failure> {
        let count = Json::number(u64::try_from(rows).unwrap_or(u64::MAX));
        let size_value = size.map(|size| Json::number(u64::from(size))).unwrap_or_default();
        let (page, before) = match (self, cursor) {
            (_, Some(Cursor::Page(page))) => (*page, 0),
            (Self::Page { first, .. }, None) => (*first, 0),
            (_, Some(Cursor::Offset(before))) => (0, *before),
            _ => (0, 0),
        };
        let (page_value, before_value) = (Json::number(u64::from(page)), Json::number(before));
        let [reply, status, headers] = answer.names();
        let own = [
            reply,
            status,
            headers,
            ("count", &count),
            ("size", &size_value),
            ("page", &page_value),
            ("offset", &before_value),
        ];
        let scope = Scope { shared, own: &own };
        // Where the request did not name how many to send, an empty page alone is the last one.
        let least = size.map_or(1, u64::from);
        let is_full = u64::try_from(rows).unwrap_or(u64::MAX) >= least;
        let has_more = |more: &Option<Compiled<'_>>| match more {
            Some(more) => more.is_true(scope).map_err(lacking),
            None => Ok(is_full),
        };
        let next = match self {
            Self::None => None,
            Self::LinkHeader => response
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case("link"))
                .find_map(|header| next_link(&header.value))
                .map(Cursor::Url),
            Self::NextUrl { from } => text(from, scope)?.map(Cursor::Url),
            Self::Cursor { from, more, .. } => match more {
                Some(more) if !more.is_true(scope).map_err(lacking)? => None,
                more => match text(from, scope)? {
                    None if more.is_some() => {
                        return Err(Failure::Protocol(
                            "the answer says that there is another page, and has no cursor for it"
                                .into(),
                        ));
                    }
                    token => token.map(Cursor::Token),
                },
            },
            Self::Page { more, .. } if has_more(more)? => {
                Some(Cursor::Page(page.saturating_add(1)))
            }
            Self::Offset { more, .. } if has_more(more)? => {
                let rows = u64::try_from(rows).unwrap_or(u64::MAX);
                Some(Cursor::Offset(before.saturating_add(rows)))
            }
            Self::Page { .. } | Self::Offset { .. } => None,
        };
        if next.is_some() && next.as_ref() == cursor {
            return Err(Failure::Protocol(
                "the cursor of the next page is that of this one".into(),
            ));
        }
        Ok(next)
    }
}

fn text(expression: &Compiled<'_>, scope: Scope<'_, '_>) -> Result<Option<String>, Failure> {
    let value = expression.eval(scope).map_err(lacking)?;
    if value.is_empty() {
        return Ok(None);
    }
    let text = value.scalar().ok_or_else(|| {
        Failure::Protocol(format!("`{}` is {} and no cursor", expression.text(), value.shape()))
    })?;
    if text.len() > CURSOR_BYTES_MAX {
        return Err(Failure::Protocol(format!(
            "a cursor of {} bytes; {CURSOR_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    Ok(Some(text.into_owned()))
}

/// The URL of `rel="next"` in a header `Link` (RFC 8288).
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (url, behind) = after.split_once('>')?;
        let end = behind.find('<').unwrap_or(behind.len());
        let (parameters, following) = behind.split_at_checked(end)?;
        let is_next = parameters.split(';').any(|parameter| {
            parameter.trim().trim_end_matches(',').split_once('=').is_some_and(|(name, value)| {
                let value = value.trim().trim_matches(['"', ',']);
                name.trim().eq_ignore_ascii_case("rel")
                    && value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(url.to_owned());
        }
        rest = following;
    }
}

#[cfg(test)]
mod tests {
    use super::next_link;

    #[test]
    fn the_next_page_is_found_in_a_link_header() {
        let header = r#"<https://x/1>; rel="prev", <https://x/3,a>; rel="next"; title="a, b""#;
        assert_eq!(next_link(header).as_deref(), Some("https://x/3,a"));
        assert_eq!(next_link("<https://x/3>; rel=next").as_deref(), Some("https://x/3"));
        assert_eq!(next_link(r#"<https://x/1>; rel="last""#), None);
        assert_eq!(next_link("garbage"), None);
    }
}
