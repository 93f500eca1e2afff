//! Vocabularies that differ between writing, reading and the unified model.
//!
//! Greenhouse takes `is_private`, `note_type`, `visibility: public` and returns `private`, `type`,
//! `publicly_visible` (pitfalls.md 11). A comparison that misses one of these would always report
//! drift, so every pair is here once, in a table that both directions use. Contact types are closed
//! lists (pitfalls.md 53): Greenhouse refuses a word outside its list with 422, so it becomes
//! `other`.

/// A word in both vocabularies: unified or written, and read.
type Pair = (&'static str, &'static str);

/// The attribute for privacy: written, read (harvest-v3.md §7).
pub(crate) const PRIVATE: Pair = ("is_private", "private");
/// The attribute for a note's type: written, read.
pub(crate) const NOTE_TYPE: Pair = ("note_type", "type");
/// The attribute for a prospect's pool: written on the application, read in prospect_details.
pub(crate) const POOL: Pair = ("prospect_pool_id", "pool_id");
/// The attribute for a prospect's place in the pool.
pub(crate) const POOL_STAGE: Pair = ("prospect_pool_stage_id", "pool_stage_id");
/// The attribute for a prospect's owner.
pub(crate) const POOL_OWNER: Pair = ("prospect_owner_id", "prospect_owner_id");
/// The word for an application under way: as a filter, as a value (harvest-v3.md §9.2).
pub(crate) const UNDER_WAY: Pair = ("active", "in_process");

/// The visibility of a note: written (the unified word is the same), read.
const VISIBILITY: [Pair; 3] = [
    ("public", "publicly_visible"),
    ("private", "privately_visible"),
    ("admin_only", "admin_only_visible"),
];

/// The kind that a custom field applies to: unified, `field_type`.
const APPLIES_TO: [Pair; 5] = [
    ("candidate", "candidate"),
    ("application", "application"),
    ("job", "job"),
    ("opening", "opening"),
    ("offer", "offer"),
];

/// The type of a custom field: unified, `value_type`. A new field gets the first pair of a unified
/// word.
const VALUE_TYPE: [Pair; 12] = [
    ("text", "short_text"),
    ("long_text", "long_text"),
    ("number", "number"),
    ("boolean", "yes_no"),
    ("date", "date"),
    ("single", "single_select"),
    ("multi", "multi_select"),
    ("money", "currency"),
    ("money_range", "currency_range"),
    ("range", "number_range"),
    ("user", "user"),
    ("url", "url"),
];

/// Returns the second word of the pair whose first one is given.
fn forward(table: &[Pair], word: &str) -> Option<&'static str> {
    table.iter().find(|pair| pair.0 == word).map(|pair| pair.1)
}

/// Returns the word to write for a visibility; `None` when Greenhouse has none.
pub(crate) fn visibility_written(unified: &str) -> Option<&'static str> {
    VISIBILITY.iter().find(|pair| pair.0 == unified).map(|pair| pair.0)
}

/// Whether a visibility in a row is the unified one. Both vocabularies are accepted.
pub(crate) fn visibility_is(read: &str, unified: &str) -> bool {
    read == unified || forward(&VISIBILITY, unified) == Some(read)
}

/// Returns the `field_type` for the kind that a custom field applies to.
pub(crate) fn field_type(unified: &str) -> Option<&'static str> {
    forward(&APPLIES_TO, unified)
}

/// Returns the `value_type` for the type of a custom field.
pub(crate) fn value_type(unified: &str) -> Option<&'static str> {
    forward(&VALUE_TYPE, unified)
}

/// Whether a status in a row means under way. Both vocabularies are accepted.
pub(crate) fn is_under_way(status: &str) -> bool {
    status == UNDER_WAY.0 || status == UNDER_WAY.1
}

/// The lists of contact entries of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContactList {
    /// `email_addresses`.
    Emails,
    /// `phone_numbers`.
    Phones,
    /// `addresses`.
    Addresses,
    /// `website_addresses`.
    Websites,
    /// `social_media_addresses`: entries without a type.
    Social,
}

impl ContactList {
    /// Every list.
    pub(crate) const ALL: [Self; 5] =
        [Self::Emails, Self::Phones, Self::Addresses, Self::Websites, Self::Social];

    /// Returns the unified member that has the list.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Emails => "emails",
            Self::Phones => "phones",
            Self::Addresses => "addresses",
            Self::Websites | Self::Social => "links",
        }
    }

    /// Returns Greenhouse's name of the list.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Emails => "email_addresses",
            Self::Phones => "phone_numbers",
            Self::Addresses => "addresses",
            Self::Websites => "website_addresses",
            Self::Social => "social_media_addresses",
        }
    }

    /// Returns the type to write for a unified one (harvest-v3.md §9.1); `None` where entries have
    /// no type.
    pub(crate) fn entry_type(self, unified: Option<&str>) -> Option<&'static str> {
        let (known, default) = self.types()?;
        let Some(word) = unified else { return Some(default) };
        Some(known.iter().copied().find(|known| *known == word).unwrap_or("other"))
    }

    /// Returns the closed list of types, and the usual one; `None` where entries have no type.
    fn types(self) -> Option<(&'static [&'static str], &'static str)> {
        Some(match self {
            Self::Emails => (&["personal", "work", "other"], "personal"),
            Self::Phones => (&["home", "work", "mobile", "skype", "other"], "mobile"),
            Self::Addresses => (&["home", "work", "other"], "other"),
            Self::Websites => (&["personal", "company", "portfolio", "blog", "other"], "other"),
            Self::Social => return None,
        })
    }

    /// Explains why a new entry cannot have the form of a stored one; `None` if it can.
    ///
    /// `more` says that the entry has further members.
    pub(crate) fn oddity(
        self,
        value: &str,
        kind: Option<&str>,
        more: bool,
    ) -> Option<&'static str> {
        let is_known = match self.types() {
            Some((known, _)) => kind.is_some_and(|kind| known.contains(&kind)),
            None => kind.is_none(),
        };
        match () {
            () if value.trim().is_empty() => Some("an entry without a value"),
            () if !is_known => Some("an entry of a type that a new one cannot have"),
            () if more => Some("an entry with members that a new one cannot have"),
            () => None,
        }
    }
}

/// Returns the type to write for a file (harvest-v3.md §9.14).
pub(crate) fn attachment_type(unified: &str) -> &'static str {
    const KNOWN: [&str; 10] = [
        "resume",
        "cover_letter",
        "take_home_test",
        "offer_packet",
        "offer_letter",
        "signed_offer_letter",
        "other",
        "form_attachment",
        "midfunnel_agreement",
        "automated_agreement",
    ];
    KNOWN.iter().copied().find(|known| *known == unified).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_is_recognised_in_both_vocabularies() {
        for (unified, read) in VISIBILITY {
            assert_eq!(visibility_written(unified), Some(unified));
            assert!(visibility_is(read, unified), "{read} is {unified}");
            assert!(visibility_is(unified, unified));
            for (other, _) in VISIBILITY {
                assert_eq!(visibility_is(read, other), other == unified);
            }
        }
        assert_eq!(visibility_written("publicly_visible"), None);
    }

    #[test]
    fn a_field_kind_leads_to_one_word_and_back() {
        for table in [&APPLIES_TO[..], &VALUE_TYPE[..]] {
            for (unified, read) in table {
                assert_eq!(table.iter().filter(|pair| pair.0 == *unified).count(), 1);
                assert_eq!(
                    table.iter().find(|pair| pair.1 == *read).map(|pair| pair.0),
                    Some(*unified)
                );
            }
        }
        assert_eq!(value_type("boolean"), Some("yes_no"));
        assert_eq!(field_type("other"), None);
    }

    #[test]
    fn a_type_outside_the_closed_list_becomes_other() {
        for (list, unified, written) in [
            (ContactList::Emails, Some("home"), Some("other")),
            (ContactList::Emails, None, Some("personal")),
            (ContactList::Phones, Some("skype"), Some("skype")),
            (ContactList::Phones, Some("personal"), Some("other")),
            (ContactList::Addresses, Some("home"), Some("home")),
            (ContactList::Websites, Some("blog"), Some("blog")),
            (ContactList::Websites, Some("work"), Some("other")),
            (ContactList::Social, Some("social"), None),
        ] {
            assert_eq!(list.entry_type(unified), written, "{list:?} {unified:?}");
        }
        assert_eq!(attachment_type("resume"), "resume");
        assert_eq!(attachment_type("photo"), "other");
    }
}
