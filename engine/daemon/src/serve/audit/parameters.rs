//! The parameters of a path, by their names in the route. Pure.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// Reads them, decoded.
pub(super) fn of(route: &str, path: &str) -> BTreeMap<String, String> {
    let name = |part: &str| part.strip_prefix('{')?.strip_suffix('}').map(str::to_owned);
    let value = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let both = route.split('/').zip(path.split('/'));
    both.filter_map(|(part, given)| Some((name(part)?, value(given)))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_are_decoded_and_named_as_in_the_route() {
        let route = "/v1/connections/{connection}/desired/{key}";
        let of = super::of(route, "/v1/connections/acme/desired/a%2Fb%20c");
        assert_eq!(of.len(), 2);
        assert_eq!((of["connection"].as_str(), of["key"].as_str()), ("acme", "a/b c"));
        assert!(super::of("/v1/reload", "/v1/reload").is_empty());
    }
}
