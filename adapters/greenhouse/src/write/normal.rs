//! Compares values by normal forms: two values are the same although they are written differently.
//!
//! The forms are the model's ([`atsync_adapter::model::normal`]), which the engine compares by as
//! well. This module selects the form of each list of Greenhouse, and makes fingerprints of long
//! texts. Forms are used only for comparing: the host's values and those of other users are sent
//! unchanged.

use crate::manifest::PHONES;
use crate::write::words::ContactList;
use atsync_adapter::model::normal::{self, Contact};

pub(crate) use normal::{email, is_option, text};

/// Returns the normal form of a contact value in a list of this kind.
pub(crate) fn contact(list: ContactList, value: &str) -> String {
    match list {
        ContactList::Emails => Contact::Email.form(value),
        ContactList::Phones => Contact::Phone.coarse(value, Some(PHONES)),
        ContactList::Addresses => Contact::Postal.form(value),
        ContactList::Websites | ContactList::Social => Contact::Link.form(value),
    }
}

/// Returns the normal form of a candidate's name.
pub(crate) fn name(first: &str, last: &str) -> String {
    normal::name(&format!("{first} {last}"))
}

/// Computes a fingerprint of a long text, so that a continuation stays small.
///
/// It is the length and FNV-1a of the normal form. It distinguishes the notes of one candidate, and
/// does not protect against an attacker.
pub(crate) fn fingerprint(value: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let text = text(value);
    let hash =
        text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{}:{hash:032x}", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_contact_is_recognised_however_it_is_written() {
        for (list, one, other, same) in [
            (ContactList::Emails, " Ada@Example.com ", "ada@example.COM", true),
            (ContactList::Emails, "ada@example.com", "ada@example.org", false),
            (ContactList::Phones, "+1 (904) 315-7393", "1.904.315.7393", true),
            (ContactList::Phones, "904", "905", false),
            (ContactList::Phones, "Ada.Byron", "ada.byron", true),
            (ContactList::Websites, "https://Example.com/a/", "http://example.com/a", true),
            (ContactList::Websites, "example.com/A", "example.com/a", false),
            (ContactList::Social, "HTTPS://www.linkedin.com/in/ada", "linkedin.com/in/ada/", true),
            (ContactList::Addresses, "1  Main St\nParis", "1 main st paris", true),
        ] {
            assert_eq!(contact(list, one) == contact(list, other), same, "{one} / {other}");
        }
    }

    #[test]
    fn a_fingerprint_ignores_line_ends_and_nothing_else() {
        assert_eq!(fingerprint("a\r\nb\n"), fingerprint("a\nb"));
        assert_ne!(fingerprint("a b"), fingerprint("a  b"));
        assert_ne!(fingerprint("A"), fingerprint("a"));
    }
}
