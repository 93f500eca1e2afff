//! One page: its markup as a whole document, and the headers that confine it.
//!
//! Two rules hold here for every page. The document is plain text: a character that is invisible or
//! controls the direction of writing is replaced, wherever it came from. And the browser runs
//! nothing but the script of this server, sends forms only to it, and shows the page in no frame.

use super::assets;
use atsync::model::plain;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// What a page may load and do. `require-trusted-types-for` makes the browser refuse a script that
/// turns text into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
    require-trusted-types-for 'script'";

/// A page.
pub(in crate::serve) struct Document<'a> {
    /// What the tab of the browser shows.
    pub(in crate::serve) title: &'a str,
    /// Above the content: names and ways to other pages.
    pub(in crate::serve) header: Markup,
    /// The content. It begins with the only `h1`.
    pub(in crate::serve) main: Markup,
}

/// Whose page it is, where it is not the program's own.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Look<'a> {
    /// The name behind the title.
    pub(in crate::serve) name: &'a str,
    /// A stylesheet beside the usual one.
    pub(in crate::serve) style: Option<&'a str>,
}

impl Document<'_> {
    /// The answer to a request for the page.
    pub(in crate::serve) fn respond(self, status: StatusCode) -> Response {
        self.respond_as(Look { name: "atsync", style: None }, status)
    }

    /// The same with another look.
    pub(in crate::serve) fn respond_as(self, look: Look<'_>, status: StatusCode) -> Response {
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " – " (look.name) }
                    link rel="icon" href=(assets::ICON) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::STYLE);
                    @if let Some(style) = look.style { link rel="stylesheet" href=(style); }
                    script src=(assets::SCRIPT) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header)
                    main #main tabindex="-1" { (self.main) }
                }
            }
        };
        let mut response = (status, made_plain(&document.into_string())).into_response();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        drop(response.headers_mut().insert(header::CONTENT_TYPE, html));
        response
    }
}

/// Replaces every character that is not plain, line breaks aside.
fn made_plain(document: &str) -> String {
    let shown =
        |letter| if letter == '\n' || plain::is_plain(letter) { letter } else { plain::NOT_SHOWN };
    document.chars().map(shown).collect()
}

/// Adds the headers that confine a page. An answer that may be kept says so itself.
pub(in crate::serve) fn confine(headers: &mut HeaderMap) {
    let all: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` a browser would send `Origin: null` with a form.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in all {
        drop(headers.insert(name, HeaderValue::from_static(value)));
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}

#[cfg(test)]
mod tests {
    use super::made_plain;

    #[test]
    fn a_document_has_no_character_that_is_not_plain() {
        let text = "<p>a\u{202e}b\u{0}c\u{200b}</p>\n<p>\u{e9}</p>";
        assert_eq!(made_plain(text), "<p>a\u{fffd}b\u{fffd}c\u{fffd}</p>\n<p>\u{e9}</p>");
    }
}
