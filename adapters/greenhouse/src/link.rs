//! The `Link` header: where the next page is.
//!
//! Only `rel="next"` matters; others may stand beside it in any order (RFC 8288). The header of a last page is absent, or present and
//! empty: both were recorded or documented (harvest-v3.md §4 \[ok\]). The URL is handed on verbatim; that it leads to the granted origin is
//! the engine's to prove.

use atsync_adapter::contract::Response;

/// The URL of the next page.
pub fn next(response: &Response) -> Option<String> {
    response
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("link"))
        .find_map(|header| find(&header.value))
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
        next(&Response { status: 200, headers, body: Vec::new() })
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
