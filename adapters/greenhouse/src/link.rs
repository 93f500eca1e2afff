//! The `Link` header: where the next page is.
//!
//! Only `rel="next"` matters; others may stand beside it in any order (RFC 8288). The header of a last page is absent, or present and
//! empty: both were recorded or documented (harvest-v3.md §4 \[ok\]). The URL is handed on verbatim; that it leads to the granted origin is
//! the engine's to prove.

use atsync_adapter::contract::{Failure, Response};

/// The engine sends no longer URL. Greenhouse's have some hundred bytes.
const LINK_BYTES_MAX: usize = 8 * 1024;

/// The URL of the next page.
///
/// # Errors
/// [`Failure::Protocol`] for one that no request can have: as a cursor it would stop every later pass too.
pub fn next(response: &Response) -> Result<Option<String>, Failure> {
    let mut links = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("link"));
    match links.find_map(|header| find(&header.value)) {
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

/// Walks through `<url>; a=b; c="d", <url>; …`.
fn find(mut rest: &str) -> Option<String> {
    while let Some(start) = rest.find('<') {
        let after = rest.get(start + 1..)?;
        let end = after.find('>')?;
        let url = after.get(..end)?.trim();
        let parameters = after.get(end + 1..)?;
        let (own, further) = split_at_comma(parameters);
        if names_next(own) && !url.is_empty() {
            return Some(url.to_owned());
        }
        rest = further;
    }
    None
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

/// Whether one of the relation types is `next`.
fn names_next(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_ascii_whitespace().any(|kind| kind.eq_ignore_ascii_case("next"))
    })
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
        assert_eq!(of(&["<broken; rel=\"next\""]), None);
    }
}
