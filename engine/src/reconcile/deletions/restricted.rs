//! Reads from a record whether it is visible only to some users. Pure.
//!
//! A sweep must not tombstone a record that the credential may merely no longer see. The marks are
//! read from the unified record: a candidate's `privacy.private`, a custom field's `private`, a
//! job's `confidential`. Left out: whether this credential sees restricted records, which only the
//! ATS knows (the parent module asks it).

use serde::Deserialize;

/// The marks that a unified record can carry.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Restricted {
    #[serde(default)]
    private: Option<bool>,
    #[serde(default)]
    confidential: Option<bool>,
    #[serde(default)]
    privacy: Option<Privacy>,
}

#[derive(Debug, Deserialize)]
struct Privacy {
    #[serde(default)]
    private: Option<bool>,
}

impl Restricted {
    /// Reads the marks of a unified record. A record that cannot be read has none.
    pub(crate) fn of(body: &str) -> Self {
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Whether the record is marked as private.
    pub(crate) fn is_private(&self) -> bool {
        let of_person = self.privacy.as_ref().and_then(|privacy| privacy.private);
        self.private == Some(true) || of_person == Some(true)
    }

    /// Whether the record is marked as confidential.
    pub(crate) fn is_confidential(&self) -> bool {
        self.confidential == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::Restricted;

    #[test]
    fn a_mark_is_a_member_and_never_a_text_that_looks_like_one() {
        let marks = |body: &str| {
            let marks = Restricted::of(body);
            (marks.is_private(), marks.is_confidential())
        };
        for (body, expected) in [
            (r#"{"privacy":{"private":true}}"#, (true, false)),
            (r#"{"private": true}"#, (true, false)),
            (r#"{"confidential":true,"private":null}"#, (false, true)),
            (r#"{"privacy":{"private":false},"title":"\"private\":true"}"#, (false, false)),
            (r#"{"custom_fields":{"private":true,"confidential":true}}"#, (false, false)),
            (r#"{"privacy":null}"#, (false, false)),
            ("no record", (false, false)),
        ] {
            assert_eq!(marks(body), expected, "{body}");
        }
    }
}
