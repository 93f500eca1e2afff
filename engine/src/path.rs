//! Paths: the addresses of declared items in plans, links and intents. Pure.
//!
//! | path | what it names |
//! |---|---|
//! | `ada` | the candidate that is declared under the key `ada` |
//! | `ada/applications/a1` | an application of that candidate |
//! | `ada/applications/a1/attachments/cv` | a file of that application |
//! | `ada/notes/n1` | a note on the candidate |
//! | `ada/tags/<label>` | a tag on the candidate; a label may hold `/` |
//! | `~tags/<label>` | the tag itself, shared by all records |
//! | `@custom_fields.<applies to>.<key>` | a custom field |
//! | `@custom_fields.<applies to>.<key>/options/<label>` | an option of it; a label may hold `/` |
//! | `@users.<address>` | a user |
//!
//! One parser ([`Path::of`]) and one printer ([`below`], [`shared`]). A key holds no `/` and begins
//! with neither [`SHARED`] nor [`DEFINITION`]; the declaration refuses others. Left out: what a
//! path is linked to ([`crate::link`]).

use atsync_model::declarable::{self, DECLARABLE, Declarable, KnownBy};
use atsync_model::desired::definition::DEFINITION_PREFIX;

/// Begins the paths of records that several desired records share.
pub(crate) const SHARED: char = '~';
/// Begins the paths of declared custom fields and users.
pub(crate) const DEFINITION: char = DEFINITION_PREFIX;

/// The list of a custom field's options.
pub(crate) const OPTIONS: &str = "options";
/// Begins the paths of intents whose candidate was erased.
const ERASED: &str = "erased";

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path<'a> {
    /// A desired record, or an item below one that has a name of its own there.
    Declared {
        kind: &'static str,
        /// The path above; empty for a desired record.
        above: &'a str,
        name: &'a str,
    },
    /// A tag on a candidate.
    Tag {
        key: &'a str,
        label: &'a str,
    },
    SharedTag {
        label: &'a str,
    },
    Erased,
    /// A path that this version does not write.
    Strange,
}

impl<'a> Path<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        if let Some(rest) = path.strip_prefix(SHARED) {
            return match rest.split_once('/') {
                Some((ERASED, _)) => Self::Erased,
                Some((kind, label)) if is_vocabulary(kind) => Self::SharedTag { label },
                _ => Self::Strange,
            };
        }
        let key = key(path);
        let Some(kind) = kind_of(key) else { return Self::Strange };
        match path.get(key.len()..).and_then(|rest| rest.strip_prefix('/')) {
            None => Self::Declared { kind, above: "", name: path },
            Some(rest) => match rest.split_once('/') {
                Some((list, label)) if is_labels(kind, list) => Self::Tag { key, label },
                _ => Self::below(path, kind, key.len()),
            },
        }
    }

    /// Parses a path below the kind that its first bytes name.
    fn below(path: &'a str, kind: &'static str, above: usize) -> Self {
        let (Some(above), Some(rest)) = (path.get(..above), path.get(above.saturating_add(1)..))
        else {
            return Self::Strange;
        };
        let Some((list, name)) = rest.split_once('/') else { return Self::Strange };
        let Some((of, _)) = declarable::below(kind).find(|(_, below)| below.list == list) else {
            return Self::Strange;
        };
        match name.find('/').filter(|_| of.known_by.is_key()) {
            None => Self::Declared { kind: of.kind, above, name },
            Some(end) => {
                let end = path.len().saturating_sub(name.len()).saturating_add(end);
                Self::below(path, of.kind, end)
            }
        }
    }

    /// Returns the kind of the record that a path is linked to; none where no link can be made by
    /// hand.
    pub(crate) fn kind(self) -> Option<&'static str> {
        match self {
            Self::Declared { kind, .. } => {
                let of = declarable::of(kind)?;
                (of.known_by != KnownBy::Content).then_some(kind)
            }
            Self::Tag { .. } | Self::SharedTag { .. } | Self::Erased | Self::Strange => None,
        }
    }
}

/// Whether records of a kind are labels that several records share.
fn is_vocabulary(kind: &str) -> bool {
    let labels = DECLARABLE.iter().filter_map(Declarable::labels);
    labels.into_iter().any(|(_, labels)| labels.vocabulary == kind)
}

/// Whether a kind declares its labels in this list.
fn is_labels(kind: &str, list: &str) -> bool {
    declarable::of(kind).and_then(Declarable::labels).is_some_and(|(place, _)| place == list)
}

/// Returns the kind of the record that a key names.
fn kind_of(key: &str) -> Option<&'static str> {
    let Some(name) = key.strip_prefix(DEFINITION) else {
        return declarable::root().map(|of| of.kind);
    };
    let is_of = |of: &&Declarable| {
        let rest = name.strip_prefix(of.kind);
        of.known_by == KnownBy::Definition && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    DECLARABLE.iter().find(is_of).map(|of| of.kind)
}

/// Returns the key of the desired record that a path belongs to. For a shared path it is the key of
/// no record.
pub(crate) fn key(path: &str) -> &str {
    path.split_once('/').map_or(path, |(key, _)| key)
}

/// Whether several desired records share what a path names.
pub(crate) fn is_shared(path: &str) -> bool {
    path.starts_with(SHARED)
}

/// Whether a desired record's key names a custom field or a user.
pub(crate) fn is_definition(key: &str) -> bool {
    key.starts_with(DEFINITION)
}

/// Whether a path names a desired record itself, no item below it and nothing shared.
pub(crate) fn is_record(path: &str) -> bool {
    !is_shared(path) && !path.contains('/')
}

/// Whether a text may be the key of a desired record or of an item below one.
pub(crate) fn may_be_key(text: &str) -> bool {
    !text.contains('/') && !text.starts_with([SHARED, DEFINITION])
}

/// Whether a path is another one or below it.
pub(crate) fn is_within(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Iterates over the paths above a path, the nearest first.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(above, _)| above.rsplit_once('/'))
        .map(|(above, _)| above)
}

/// Returns the beginning of the paths of one collection below a path.
pub(crate) fn all_below(path: &str, collection: &str) -> String {
    format!("{path}/{collection}/")
}

/// Returns the path of one item below another.
pub(crate) fn below(path: &str, collection: &str, name: &str) -> String {
    format!("{path}/{collection}/{name}")
}

/// Returns the path of a record that several desired records share.
pub(crate) fn shared(collection: &str, name: &str) -> String {
    format!("{SHARED}{collection}/{name}")
}

/// Returns the path of intents whose candidate was erased.
pub(crate) fn erased(erasure: u64) -> String {
    shared(ERASED, &erasure.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Path, above, below, is_within, key, shared};

    fn declared<'a>(kind: &'static str, above: &'a str, name: &'a str) -> Path<'a> {
        Path::Declared { kind, above, name }
    }

    #[test]
    fn one_parser_reads_each_path_of_the_table() {
        let paths = [
            ("ada", declared("candidates", "", "ada"), Some("candidates"), "ada"),
            (
                "ada/applications/a1",
                declared("applications", "ada", "a1"),
                Some("applications"),
                "ada",
            ),
            (
                "ada/applications/a1/attachments/cv",
                declared("attachments", "ada/applications/a1", "cv"),
                Some("attachments"),
                "ada",
            ),
            ("ada/notes/n1", declared("notes", "ada", "n1"), Some("notes"), "ada"),
            ("ada/tags/c/c++", Path::Tag { key: "ada", label: "c/c++" }, None, "ada"),
            ("~tags/c/c++", Path::SharedTag { label: "c/c++" }, None, "~tags"),
            ("~erased/7", Path::Erased, None, "~erased"),
            (
                "@custom_fields.candidate.channel",
                declared("custom_fields", "", "@custom_fields.candidate.channel"),
                Some("custom_fields"),
                "@custom_fields.candidate.channel",
            ),
            (
                "@custom_fields.candidate.channel/options/a/b",
                declared("custom_field_options", "@custom_fields.candidate.channel", "a/b"),
                Some("custom_field_options"),
                "@custom_fields.candidate.channel",
            ),
            (
                "@users.eva@example.com",
                declared("users", "", "@users.eva@example.com"),
                Some("users"),
                "@users.eva@example.com",
            ),
            ("ada/notes/n1/x", Path::Strange, None, "ada"),
            ("ada/applications/a1/files/x", Path::Strange, None, "ada"),
            ("ada/x", Path::Strange, None, "ada"),
            ("~x", Path::Strange, None, "~x"),
            ("@jobs.1", Path::Strange, None, "@jobs.1"),
            ("@users.x/options/a", Path::Strange, None, "@users.x"),
        ];
        for (text, path, kind, key_of_it) in paths {
            assert_eq!((Path::of(text), Path::of(text).kind(), key(text)), (path, kind, key_of_it));
        }
    }

    #[test]
    fn a_printed_path_is_read_back() {
        let application = below("ada", "applications", "a1");
        let file = below(&application, "attachments", "cv");
        assert_eq!(Path::of(&file), declared("attachments", &application, "cv"));
        assert_eq!(Path::of(&shared("tags", "x")), Path::SharedTag { label: "x" });
        assert_eq!(Path::of(&super::erased(3)), Path::Erased);
        assert_eq!(
            above(&file).collect::<Vec<_>>(),
            ["ada/applications/a1/attachments", "ada/applications/a1", "ada/applications", "ada"]
        );
        assert!(is_within(&file, "ada") && !is_within("adam", "ada") && is_within("ada", "ada"));
    }
}
