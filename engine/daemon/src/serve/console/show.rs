//! Small parts of pages: addresses, times, badges, results without rows.

use crate::words;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What an address shows as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The page of the audit log.
pub(super) const AUDIT: &str = "/console/audit";
/// The page of the endpoints of webhooks out.
pub(super) const ENDPOINTS: &str = "/console/webhooks";

/// A text as one segment of a path, or as a value of a query.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// The path of a connection's page.
pub(super) fn at(connection: &str) -> String {
    format!("/console/connections/{}", segment(connection))
}

/// The path of a desired record's page. `path` may lead into the record.
pub(super) fn at_record(connection: &str, path: &str) -> String {
    let key = path.split('/').next().unwrap_or_default();
    format!("{}/record?key={}", at(connection), segment(key))
}

/// The path of the page of an endpoint of webhooks out.
pub(super) fn at_endpoint(id: &str) -> String {
    format!("{ENDPOINTS}/{}", segment(id))
}

/// The name of the program, and the way to the first page.
pub(super) fn brand() -> Markup {
    html! { a.brand href="/console" { "atsync" } }
}

/// A moment.
pub(super) fn time(time_ms: u64) -> Markup {
    let text = words::time(time_ms);
    let people = text.replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(text) { (people) } }
}

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Bad,
    /// A person has to act.
    Warning,
    Neutral,
}

/// A short word with a colour. The word alone says it.
pub(super) fn badge(mood: Mood, word: &str) -> Markup {
    let class = match mood {
        Mood::Good => "badge good",
        Mood::Bad => "badge bad",
        Mood::Warning => "badge warning",
        Mood::Neutral => "badge",
    };
    html! { span class=(class) { (word) } }
}

/// What a section says that has nothing to show.
pub(super) fn nothing(text: &str) -> Markup {
    html! { p.empty { (text) } }
}

/// A list, or what is said in its place when it has no item.
pub(super) fn list(empty: &str, items: impl Iterator<Item = Markup>) -> Markup {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return nothing(empty);
    }
    html! { ul.plain { @for item in items { li { (item) } } } }
}

/// A name of a program's data as people read it: `in_doubt` is "in doubt".
pub(super) fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::{at, at_record};

    #[test]
    fn a_name_stays_one_segment_of_a_path() {
        assert_eq!(at("a/../b?c"), "/console/connections/a%2F%2E%2E%2Fb%3Fc");
        let of_record = at_record("acme", "ref-1/applications/a");
        assert_eq!(of_record, "/console/connections/acme/record?key=ref-1");
    }
}
