//! Reads query strings and urlencoded forms.

use percent_encoding::percent_decode_str;

/// Splits a query string into decoded names and values; `+` is a blank, as in forms.
#[must_use]
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
