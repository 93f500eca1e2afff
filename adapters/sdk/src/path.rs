//! Request paths that the engine accepts.

/// Joins segments to a path, percent-encoding each: `["v3", "jobs"]` becomes `/v3/jobs`.
///
/// A segment that would be `.`, `..` or empty has no safe form; it is encoded as a name that no ATS
/// resource has.
pub fn join(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        if segment.is_empty() || *segment == "." || *segment == ".." {
            path.push_str("%00");
            continue;
        }
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.') {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn a_segment_cannot_escape_its_position() {
        assert_eq!(join(&["v3", "jobs"]), "/v3/jobs");
        assert_eq!(join(&["a/b", "..", "ü?"]), "/a%2Fb/%00/%C3%BC%3F");
    }
}
