//! Reads the `Link` header: the URL of the next page.
//!
//! Only `rel="next"` matters; other links may stand beside it in any order (RFC 8288). The header
//! of a last page is absent, or present and empty. A header that cannot be read proves neither, so
//! it is a failure and not the last page. The URL is returned unchanged; the engine checks that it
//! is within the granted origin.

use crate::contract::{Failure, Response};

/// The longest URL that is followed.
const LINK_BYTES_MAX: usize = 8 * 1024;

/// Returns the URL of the next page.
///
/// # Errors
/// [`Failure::Protocol`] for a header that cannot be read to its end, that names two next pages, or
/// whose URL no request can have: if it counted as a last page, a part of the list would count as
/// the whole.
pub fn next(response: &Response) -> Result<Option<String>, Failure> {
    let unreadable = |why: &str| Failure::Protocol(format!("the `Link` header of a page {why}"));
    let mut found: Option<&str> = None;
    for header in response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("link"))
    {
        for link in links(&header.value)
            .ok_or_else(|| unreadable("is not a list of links, as in `<url>; rel=\"next\"`"))?
        {
            match found {
                _ if !link.is_next() => {}
                Some(url) if url != link.url => return Err(unreadable("names two next pages")),
                _ => found = Some(link.url),
            }
        }
    }
    match found {
        Some("") => Err(unreadable("names a next page without a URL")),
        Some(url) if !can_be_followed(url) => {
            Err(unreadable(&format!("names a next page by a URL of {} bytes", url.len())))
        }
        found => Ok(found.map(str::to_owned)),
    }
}

/// Whether a request can have this URL, as far as that is known without the origin.
pub fn can_be_followed(link: &str) -> bool {
    !link.is_empty() && link.len() <= LINK_BYTES_MAX
}

/// One link of a header.
struct Link<'a> {
    url: &'a str,
    /// Its relation types, in one text.
    relations: &'a str,
}

impl Link<'_> {
    fn is_next(&self) -> bool {
        self.relations.split_ascii_whitespace().any(|kind| kind.eq_ignore_ascii_case("next"))
    }
}

/// Parses `<url>; a=b; c="d", <url>; …` to its end; `None` when the text is not such a list. An
/// empty list is one.
fn links(mut rest: &str) -> Option<Vec<Link<'_>>> {
    let mut links = Vec::new();
    loop {
        rest = rest.trim_start_matches(|at: char| at == ',' || at.is_ascii_whitespace());
        if rest.is_empty() {
            return Some(links);
        }
        let (url, after) = rest.strip_prefix('<')?.split_once('>')?;
        let (parameters, further) = split_at_comma(after)?;
        links.push(Link { url: url.trim(), relations: relations(parameters)? });
        rest = further;
    }
}

/// Splits the parameters of one link from what follows the comma that ends it.
///
/// A comma inside quotes does not end a link; `None` when a quotation does not end.
fn split_at_comma(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return Some((text.get(..index)?, text.get(index + 1..)?)),
            _ => {}
        }
    }
    (!quoted).then_some((text, ""))
}

/// Returns the relation types of a link; a link without any is ignored.
fn relations(parameters: &str) -> Option<&str> {
    let mut all = parameters
        .trim_start()
        .strip_prefix(';')?
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let (_, value) = all.find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))?;
    Some(value.trim().trim_matches('"')).filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

    fn read(values: &[&str]) -> Result<Option<String>, Failure> {
        let headers = values.iter().map(|value| Field::new("link", *value)).collect();
        next(&Response { status: 200, headers, body: Vec::new() })
    }

    fn of(values: &[&str]) -> Option<String> {
        read(values).unwrap()
    }

    #[test]
    fn a_header_that_cannot_be_read_to_its_end_is_a_failure_and_not_the_last_page() {
        for odd in [
            "garbage",
            "https://x/p; rel=\"next\"",
            "<broken; rel=\"next\"",
            "<https://x/p> rel=\"next\"",
            "<https://x/p>; rel=\"next",
            "<https://x/l>; rel=\"last\", garbage",
            "<https://x/l>; title=\"a\\\"; rel=next",
            "<>; rel=\"next\"",
            "<https://x/1>",
            "<https://x/1>; rel",
            "<https://x/1>; rel=\"\"",
            "{\"next\":\"https://x\"}",
            "null",
            "<https://x/1>; rel=next, <https://x/2>; rel=next",
        ] {
            assert!(matches!(read(&[odd]), Err(Failure::Protocol(_))), "{odd}");
            assert!(matches!(read(&["", odd]), Err(Failure::Protocol(_))), "{odd}");
        }
        assert_eq!(
            of(&["<https://x/1>; rel=next", "<https://x/1>; rel=next"]).as_deref(),
            Some("https://x/1")
        );
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
            of(&[&format!(
                "<https://x/p>; rel=\"prev\", <{url}>; title=\"a, b\"; REL=\"last next\""
            )])
            .as_deref(),
            Some(url)
        );
        assert_eq!(
            of(&["<https://x/p>; rel=\"prev\"", &format!("<{url}>; rel=\"next\"")]).as_deref(),
            Some(url)
        );
        assert_eq!(of(&["<https://x/p>; rel=\"prev\", <https://x/l>; rel=\"last\""]), None);
    }
}
