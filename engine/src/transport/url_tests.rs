//! The laws of [`super`]: an accepted URL lies within the grant, what else is refused, and opaque
//! text survives.

use super::*;

fn origin(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn path(text: &str) -> Target {
    Target::Path(Path { path: text.to_owned(), query: Vec::new() })
}

fn link(text: &str) -> Target {
    Target::Link(text.to_owned())
}

#[test]
fn a_path_goes_below_the_base_path_of_the_origin() {
    for (base, below, expected) in [
        ("https://api.example.com", "/v3/jobs", "https://api.example.com/v3/jobs"),
        ("https://api.example.com/", "/", "https://api.example.com/"),
        ("https://x.test/api/", "/jobs", "https://x.test/api/jobs"),
        ("https://x.test/api", "/jobs/%20a", "https://x.test/api/jobs/%20a"),
        (
            "http://127.0.0.1:8080/base",
            "/a.b/file%2epdf",
            "http://127.0.0.1:8080/base/a.b/file%2epdf",
        ),
        ("https://x.test:443", "/a;b=c/@me", "https://x.test/a;b=c/@me"),
    ] {
        assert_eq!(build_url(&origin(base), &path(below)).unwrap().as_str(), expected);
    }
}

#[test]
fn a_path_that_could_lead_elsewhere_is_refused() {
    let refused = [
        "",
        "v3/jobs",
        "//evil.test/",
        "/a//b",
        "/..",
        "/a/../b",
        "/a/./b",
        "/.",
        "/%2e%2e/b",
        "/%2E./b",
        "/.%2e",
        "/a/%2e",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a?b",
        "/a#b",
        "/a\0",
        "/a\n",
        "/a%00",
        "/a%0d%0a",
        "/a b",
        "/é",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%+1",
        "/..;/b",
        "/..;x=1/b",
        "/%2e%2e;/b",
        "/\"",
        "/<",
        "/{a}",
        "@evil.test/",
        ":80/",
        "/\u{ff0f}",
    ];
    for base in ["https://x.test", "https://x.test/api"] {
        for text in refused {
            assert!(build_url(&origin(base), &path(text)).is_err(), "{text:?}");
        }
    }
    assert!(
        build_url(&origin("https://x.test"), &path(&format!("/{}", "a".repeat(URL_BYTES_MAX))))
            .is_err()
    );
}

#[test]
fn a_query_is_encoded_so_that_any_text_is_decoded_unchanged() {
    let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
    let query = vec![
        field("updated_at", "gte|2024-01-01T00:00:00Z"),
        field("ids", "1,2"),
        field("q[]", "a b&c=d#e?f+g%h\u{e9}\n"),
    ];
    let url = build_url(
        &origin("https://x.test"),
        &Target::Path(Path { path: "/v3".to_owned(), query: query.clone() }),
    )
    .unwrap();
    assert!(
        url.as_str().starts_with(
            "https://x.test/v3?updated_at=gte%7C2024-01-01T00:00:00Z&ids=1,2&q%5B%5D=a%20b"
        ),
        "{url}"
    );
    let read: Vec<Field> = url.query_pairs().map(|(name, value)| field(&name, &value)).collect();
    assert_eq!(read, query);
    let long = Target::Path(Path {
        path: "/v3".to_owned(),
        query: vec![field("a", &"b".repeat(URL_BYTES_MAX))],
    });
    assert!(build_url(&origin("https://x.test"), &long).is_err());
}

#[test]
fn a_link_within_the_origin_keeps_its_cursor_byte_for_byte() {
    let cursor =
        "https://api.example.com/v3/jobs?cursor=eyJxdWVyeSI6%2BeyJwZXJf_-YWdl%3D%3d&x=a+b|c%2F";
    assert_eq!(
        build_url(&origin("https://api.example.com"), &link(cursor)).unwrap().as_str(),
        cursor
    );
    let relative =
        build_url(&origin("https://x.test/api"), &link("/api/jobs?cursor=a%3D")).unwrap();
    assert_eq!(relative.as_str(), "https://x.test/api/jobs?cursor=a%3D");
    let with_port = build_url(&origin("https://x.test"), &link("HTTPS://X.test:443/a?b")).unwrap();
    assert_eq!(with_port.as_str(), "https://x.test/a?b");
}

#[test]
fn a_link_that_leaves_the_origin_is_refused() {
    for text in [
        "https://evil.test/v3",
        "http://x.test/api/a",
        "https://x.test:8443/api/a",
        "https://x.test.evil.test/api/a",
        "https://x.test@evil.test/api/a",
        "https://user:p@x.test/api/a",
        "https://@x.test/api/a",
        "https://x.test/other",
        "https://x.test/apix",
        "https://x.test/api/../other",
        "https://x.test/api/%2e%2e/other",
        "https://x.test/api/..%2fother",
        "//evil.test/api",
        "//x.test/api",
        "\\\\evil.test\\api",
        "/\\evil.test",
        "/other",
        "jobs?cursor=1",
        "?cursor=1",
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https:/x.test/api/a",
        "https:x.test/api",
        "https://x.test/api/a#b",
        "https://x.test/api/a\n",
        " https://x.test/api/a",
        "https://x\u{2e}evil.test\u{ff0f}.x.test/api",
        "https://x.test\\@evil.test/api",
        "ftp://x.test/api/a",
        "https://x.test/api//a",
        "https://xn--.test/api",
    ] {
        assert!(build_url(&origin("https://x.test/api"), &link(text)).is_err(), "{text:?}");
    }
}

#[test]
fn an_origin_is_scheme_host_port_and_base_path_and_nothing_else() {
    for text in [
        "ftp://x.test",
        "https://u@x.test",
        "https://x.test?a",
        "https://x.test#a",
        "data:text/plain,a",
        "file:///a",
        "https://x.test/a//b",
    ] {
        assert!(check_origin(&origin(text)).is_err(), "{text}");
    }
    for text in ["https://x.test", "http://[::1]:8080/base/", "https://x.test/a/b"] {
        check_origin(&origin(text)).unwrap();
    }
}

/// Method: the test joins pieces that have fooled URL parsers at random, as path and as link; every
/// accepted URL must lie within the grant when a parser reads it anew.
#[test]
fn every_accepted_url_lies_within_the_grant() {
    const PIECES: &[&str] = &[
        "/",
        "//",
        "\\",
        "..",
        ".",
        "%2e",
        "%2f",
        "%5c",
        "%252e",
        "@",
        ":",
        "?",
        "#",
        "a",
        "api",
        "x.test",
        "evil.test",
        "https://",
        "http://",
        "https:",
        "443",
        "%",
        "%00",
        "\t",
        "\n",
        " ",
        ";",
        "&",
        "=",
        "%3D",
        "\u{ff0e}",
        "\u{3002}",
        "[",
        "]",
        "::1",
        "|",
        "'",
        "\"",
        "<",
        "~",
        "^",
        "`",
        "{",
        "+",
        "HTTPS://",
        "X.TEST",
    ];
    let granted = origin("https://x.test/api");
    let mut accepted = 0;
    let seed = 0x5eed_0001_u64;
    println!("seed {seed:#x}");
    let mut state = seed;
    for round in 0..200_000_u32 {
        let mut text = if round % 3 == 0 {
            "https://x.test/api/".to_owned()
        } else if round % 3 == 1 {
            "/api".to_owned()
        } else {
            String::new()
        };
        for _ in 0..(round % 7) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(PIECES[usize::try_from(state % PIECES.len() as u64).unwrap()]);
        }
        for target in [path(&text), link(&text)] {
            if let Ok(url) = build_url(&granted, &target) {
                accepted += 1;
                let again = Url::parse(url.as_str()).unwrap();
                assert_eq!(again.origin(), granted.origin(), "{text:?}");
                assert!(again.path() == "/api" || again.path().starts_with("/api/"), "{text:?}");
                assert!(
                    !again.as_str().contains(['#', '\\', '@'])
                        || again.path().contains('@')
                        || again.query().is_some_and(|q| q.contains('@')),
                    "{text:?}"
                );
                assert!(again.username().is_empty() && again.fragment().is_none(), "{text:?}");
            }
        }
    }
    assert!(accepted > 1000, "the generator found only {accepted} acceptable texts");
}
