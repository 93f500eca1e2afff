//! The URL builder: a URL that it returns lies within the grant, and it refuses every other.
//!
//! Input: a line with the number of an origin, a line `path` or `link`, then the path or link, then
//! a line `name=value` for each query field. The check parses the finished URL by its own means,
//! not by the builder's: anew from its text, with decoded segments.

use atsync::internals::transport::limits::URL_BYTES_MAX;
use atsync::internals::transport::url::build_url;
use atsync::model::contract::{Field, Path, Target};
use percent_encoding::percent_decode_str;
use url::Url;

const ORIGINS: [&str; 6] = [
    "https://harvest.greenhouse.io",
    "https://harvest.greenhouse.io/v3",
    "https://ats.example:8443/a/b/",
    "http://127.0.0.1:8099",
    "http://[::1]:80/v3",
    "https://xn--bcher-kva.example/%7Eacme",
];

/// See the module.
pub fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let number: usize = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or_default();
    let origin = ORIGINS.iter().cycle().nth(number % ORIGINS.len()).expect("a cycle has no end");
    let origin = Url::parse(origin).expect("the origins are URLs");
    let is_link = lines.next() == Some("link");
    let given = lines.next().unwrap_or_default();
    if is_link {
        if let Ok(url) = build_url(&origin, &Target::Link(given.to_owned())) {
            within(&origin, &url);
            let asked = given.split_once('?').map(|(_, query)| decoded(query));
            assert_eq!(url.query().map(decoded), asked, "the query of a link leaves as it came");
        }
        return;
    }
    let query: Vec<Field> = lines
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(name, value)| Field::new(name, value))
        .collect();
    let target = Target::Path(Path { path: given.to_owned(), query: query.clone() });
    if let Ok(url) = build_url(&origin, &target) {
        within(&origin, &url);
        let base = origin.path().trim_end_matches('/');
        assert_eq!(url.path(), format!("{base}{given}"), "a path leaves as it came");
        let sent: Vec<Field> =
            url.query_pairs().map(|(name, value)| Field::new(name, value)).collect();
        assert_eq!(sent, query, "the fields of a query arrive as they were given");
    }
}

/// The rules for every URL that is sent with a credential.
pub(crate) fn within(origin: &Url, url: &Url) {
    let read = Url::parse(url.as_str()).expect("a sent URL can be parsed");
    assert_eq!(&read, url, "it reads as it was meant");
    assert_eq!(read.scheme(), origin.scheme());
    assert_eq!(read.host_str(), origin.host_str());
    assert_eq!(read.port_or_known_default(), origin.port_or_known_default());
    assert_eq!((read.username(), read.password(), read.fragment()), ("", None, None));
    assert!(url.as_str().len() <= URL_BYTES_MAX);
    let base = origin.path().trim_end_matches('/');
    let below = read.path().strip_prefix(base).expect("it is below the base path");
    assert!(below.is_empty() || below.starts_with('/'), "the base path ends where a segment does");
    for segment in read.path().split('/') {
        let segment = decoded(segment);
        let plain = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        assert!(plain != b"." && plain != b"..", "no segment leads up");
        assert!(!segment.contains(&b'/') && !segment.contains(&b'\\'), "no segment hides another");
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}
