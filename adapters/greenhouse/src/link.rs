//! The `Link` header: where the next page is.
//!
//! Only `rel="next"` matters; others may stand beside it in any order (RFC 8288). The header of a last page is absent, or present and
//! empty: both were recorded or documented (harvest-v3.md §4 \[ok\]). A header that cannot be read proves neither, so it is a fault and not the
//! last page: the pass would count as complete without the pages that it names. The URL is handed on verbatim; that it leads to the
//! granted origin is the engine's to prove.

use atsync_adapter::contract::{Failure, Response};

/// The engine sends no longer URL. Greenhouse's have some hundred bytes.
const LINK_BYTES_MAX: usize = 8 * 1024;

/// The URL of the next page.
///
/// # Errors
/// [`Failure::Protocol`] for a header that cannot be read, and for a URL that no request can have: as a cursor it would stop every later
/// pass too.
pub fn next(response: &Response) -> Result<Option<String>, Failure> {
    let mut next = None;
    for header in response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("link")) {
        let found = find(&header.value).map_err(|Unreadable| {
            Failure::Protocol(
                "the `Link` header cannot be read, so whether there is a next page is not known".to_owned(),
            )
        })?;
        next = next.or(found);
    }
    match next {
        Some(link) if !can_be_followed(&link) => {
            Err(Failure::Protocol(format!("the link to the next page has {} bytes", link.len())))
        }
        found => Ok(found),
    }
}

/// Whether a request can have this for its URL, as far as that can be told without knowing the origin.
pub fn can_be_followed(link: &str) -> bool {
    !link.is_empty() && link.len() <= LINK_BYTES_MAX
}

/// A header is not a list of links.
#[derive(Debug)]
struct Unreadable;

/// Walks through `<url>; a=b; c="d", <url>; …` to its end.
fn find(mut rest: &str) -> Result<Option<String>, Unreadable> {
    let mut found = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.is_empty() {
            return Ok(found);
        }
        let (url, parameters) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or(Unreadable)?;
        let (own, further) = split_at_comma(parameters);
        let relations = relations(own).ok_or(Unreadable)?;
        if relations.split_ascii_whitespace().any(|kind| kind.eq_ignore_ascii_case("next")) {
            let url = Some(url.trim()).filter(|url| !url.is_empty()).ok_or(Unreadable)?;
            found = found.or_else(|| Some(url.to_owned()));
        }
        rest = further;
    }
}

/// The parameters of one link, and what follows the comma that ends it. A comma inside quotes ends nothing.
fn split_at_comma(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => return (text.get(..index).unwrap_or(text), text.get(index + 1..).unwrap_or_default()),
            _ => {}
        }
    }
    (text, "")
}

/// The relation types of a link; a link without any says nothing.
fn relations(parameters: &str) -> Option<&str> {
    let mut all =
        parameters.trim_start().strip_prefix(';')?.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = all.find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))?;
    Some(value.trim().trim_matches('"')).filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atsync_adapter::contract::Field;

    fn of(values: &[&str]) -> Option<String> {
        let headers = values.iter().map(|value| Field::new("link", *value)).collect();
        next(&Response { status: 200, headers, body: Vec::new() }).unwrap()
    }

    #[test]
    fn a_link_that_no_request_can_have_is_refused_with_its_page() {
        let of = |bytes: usize| {
            let link = Field::new("link", format!("<{}>; rel=next", "x".repeat(bytes)));
            next(&Response { status: 200, headers: vec![link], body: Vec::new() })
        };
        assert!(matches!(of(LINK_BYTES_MAX), Ok(Some(_))));
        assert!(matches!(of(LINK_BYTES_MAX + 1), Err(Failure::Protocol(_))));
    }

    #[test]
    fn the_last_page_has_no_header_or_an_empty_one() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[""]), None);
        assert_eq!(of(&["  "]), None);
        assert_eq!(of(&[" , "]), None);
    }

    #[test]
    fn next_is_found_among_others_in_any_order() {
        let url = "https://harvest.greenhouse.io/v3/jobs?cursor=a%3D";
        assert_eq!(of(&[&format!("<{url}>; rel=\"next\"")]).as_deref(), Some(url));
        assert_eq!(of(&[&format!("<{url}>;\n  rel=next")]).as_deref(), Some(url));
        assert_eq!(
            of(&[&format!("<https://x/p>; rel=\"prev\", <{url}>; title=\"a, b\"; REL=\"last next\"")]).as_deref(),
            Some(url)
        );
        assert_eq!(of(&["<https://x/p>; rel=\"prev\"", &format!("<{url}>; rel=\"next\"")]).as_deref(), Some(url));
        assert_eq!(of(&["<https://x/p>; rel=\"prev\", <https://x/l>; rel=\"last\""]), None);
    }

    #[test]
    fn a_header_that_cannot_be_read_is_not_the_last_page() {
        for odd in [
            "garbage",
            "<broken; rel=\"next\"",
            "https://x/p; rel=next",
            "<>; rel=next",
            "<https://x/p>",
            "<https://x/p> rel=next",
            "<https://x/p>; rel",
            "<https://x/p>; rel=\"\"",
            "<https://x/p>; rel=prev, garbage",
            "{\"next\":\"https://x\"}",
            "null",
        ] {
            let headers = vec![Field::new("link", odd)];
            let read = next(&Response { status: 200, headers, body: Vec::new() });
            assert!(matches!(read, Err(Failure::Protocol(_))), "{odd}: {read:?}");
        }
    }
}
