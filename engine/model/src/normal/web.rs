//! What a web address must be, as far as its text shows. Pure.
//!
//! Two standards. A file's URL is fetched by the ATS, so it is whole: `http` or `https`, a host,
//! nothing that a URL cannot hold ([`url_fault`]). A link is stored as a person would write it,
//! with or without a scheme, so it is refused only for characters that no web address has, and for
//! a scheme that runs or opens something on the reader's machine ([`link_fault`]).
//!
//! Left out: whether a server answers there.

use super::is_scheme;
use crate::plain::is_invisible;

/// Schemes that run a script, or open what lies on the reader's machine.
const UNSAFE_SCHEMES: [&str; 6] = ["javascript", "vbscript", "data", "file", "blob", "about"];

/// Why a text is no URL that an ATS could fetch a file from; none where it is one.
pub fn url_fault(value: &str) -> Option<&'static str> {
    if let Some(fault) = text_fault(value) {
        return Some(fault);
    }
    let Some((scheme, rest)) = value.split_once("://") else {
        return Some("it must begin with https:// or http://");
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Some("it must begin with https:// or http://");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    // The user before an `@` is not part of the host.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((name, rest)) => {
            (name, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some("")))
        }
        None => host.split_once(':').map_or((host, Some("")), |(name, port)| (name, Some(port))),
    };
    if name.is_empty()
        || name.contains(['<', '>', '"', '\\', '^', '`', '{', '|', '}', '[', ']', '%'])
    {
        return Some("it names no host");
    }
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    if !port.is_some_and(is_port) {
        return Some("its port is no number up to 65535");
    }
    None
}

/// Why a text is no link for a candidate; none where it may be one.
pub fn link_fault(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if let Some(fault) = text_fault(value) {
        return Some(fault);
    }
    match value.split_once(':') {
        Some((scheme, _))
            if is_scheme(scheme)
                && UNSAFE_SCHEMES.iter().any(|name| scheme.eq_ignore_ascii_case(name)) =>
        {
            Some("its scheme is not one of the web; it begins with https:// or http://")
        }
        _ => None,
    }
}

fn text_fault(value: &str) -> Option<&'static str> {
    if value.is_empty() {
        Some("it is empty")
    } else if value.chars().any(char::is_control) {
        Some("it has a control character")
    } else if value.chars().any(char::is_whitespace) {
        Some("it has a blank; write %20")
    } else if value.chars().any(is_invisible) {
        Some("it has an invisible character")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{link_fault, url_fault};

    #[test]
    fn a_file_is_fetched_from_a_whole_web_address_and_from_nothing_else() {
        for url in [
            "https://files.example.com/cv.pdf",
            "http://localhost:8080/cv?sig=1#p",
            "HTTPS://files/secret?sig=a%2Fb",
            "https://user:word@files.example.com/x",
            "https://[::1]:8443/x",
            "https://b\u{fc}cher.example/cv.pdf",
        ] {
            assert_eq!(url_fault(url), None, "{url}");
        }
        for odd in [
            "",
            "x",
            " ",
            "file:///etc/passwd",
            "ftp://files/x",
            "javascript:alert(1)",
            "//files/x",
            "https:/files/x",
            "https://",
            "https:///x",
            "https://?x",
            "https://:80/",
            "https://files:port/",
            "https://files:99999/",
            "https://[::1/x",
            "https://fi les/x",
            " https://files/x",
            "https://files/x\n",
            "https://files/\tx",
            "https://files/\u{0}",
            "https://files/\u{200b}x",
            "https://fi<les/x",
            "data:text/plain,x",
        ] {
            assert!(url_fault(odd).is_some(), "{odd:?}");
        }
    }

    #[test]
    fn a_link_is_refused_for_what_no_web_address_has_and_for_a_scheme_that_runs_something() {
        for link in [
            "ada.dev",
            "https://ada.dev/a?b=1",
            "linkedin.com/in/ada",
            "www.x.com:443/",
            "@ada",
            "skype:ada",
            "ada.dev:8080/x",
            "//ada.dev",
            " ada.dev ",
        ] {
            assert_eq!(link_fault(link), None, "{link}");
        }
        for odd in [
            "javascript:alert(1)",
            "JavaScript:x",
            "data:text/html,x",
            "file:///x",
            "not a url",
            "a\u{0}b",
            "ada\ndev",
            "",
            "  ",
            "x\u{202e}y",
        ] {
            assert!(link_fault(odd).is_some(), "{odd:?}");
        }
    }
}
