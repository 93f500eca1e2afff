//! What a note or a file says: the members that it is declared with, and made of. Pure.

use atsync_model::desired::{DesiredAttachment, DesiredNote, Visibility};

/// A declared member: its place in the desired record and what it says.
pub(super) type Member<'v> = (&'static str, &'v str);

/// The word of a visibility.
pub(super) fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
        Visibility::AdminOnly => "admin_only",
    }
}

/// What a note is declared with.
pub(super) fn of_note(note: &DesiredNote) -> [Member<'_>; 3] {
    let application = note.application.as_deref().unwrap_or_default();
    [("body", &note.body), ("visibility", word(note.visibility)), ("application", application)]
}

/// What a file is declared with.
pub(super) fn of_file(file: &DesiredAttachment) -> [Member<'_>; 3] {
    [("filename", &file.filename), ("type", &file.kind), ("url", &file.url)]
}
