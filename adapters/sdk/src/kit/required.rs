//! The fields that a unified record cannot be without, as its readers need them.
//!
//! Other fields are left out of a body when they are known to be empty. One of these is an empty
//! text or the word `other` then, and so the record stays one of its kind.

const TEXT: &str = r#""""#;
const WORD: &str = r#"{"value":"other"}"#;

/// What stands for such a field of a kind when it is empty; `None` where it may be left out.
pub(crate) fn empty(kind: &str, field: &str) -> Option<&'static str> {
    Some(match (kind, field) {
        // The name of a candidate has parts, and each may be missing.
        ("candidates", "name") => return None,
        (_, "name")
        | ("jobs" | "postings", "title")
        | ("applications", "kind")
        | ("attachments", "filename")
        | ("custom_fields", "key")
        | ("user_emails", "email") => TEXT,
        ("applications", "outcome")
        | ("jobs" | "openings", "state")
        | ("attachments" | "custom_fields" | "notes", "type")
        | ("custom_fields", "applies_to")
        | ("notes", "visibility")
        | ("hiring_managers" | "job_owners", "role") => WORD,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::empty;
    use crate::model::shape::{self, KINDS};
    use crate::model::unified::*;

    /// Reads the record of a kind that has no other members.
    fn reads<T: Unified>() {
        for (kind, _, fields) in KINDS.iter().filter(|(kind, _, _)| T::KINDS.contains(kind)) {
            let member =
                |(field, _): &(&str, _)| Some(format!("\"{field}\":{}", empty(kind, field)?));
            let members: Vec<String> = fields.iter().filter_map(member).collect();
            let body = format!("{{{}}}", members.join(","));
            let read: Result<T, _> = serde_json::from_str(&body);
            assert!(read.is_ok(), "{kind}: {body}");
            for left_out in 0..members.len() {
                let mut members = members.clone();
                members.remove(left_out);
                let body = format!("{{{}}}", members.join(","));
                assert!(serde_json::from_str::<T>(&body).is_err(), "{kind}: {body} is enough");
            }
        }
    }

    #[test]
    fn a_record_whose_fields_are_all_empty_is_one_of_its_kind_and_needs_no_less() {
        reads::<Candidate<'static>>();
        reads::<Application<'static>>();
        reads::<Job<'static>>();
        reads::<CustomField<'static>>();
        reads::<CustomFieldOption<'static>>();
        reads::<Note<'static>>();
        reads::<AppliedTag<'static>>();
        reads::<Education<'static>>();
        reads::<Employment<'static>>();
        reads::<Posting<'static>>();
        reads::<Opening<'static>>();
        reads::<TeamMember<'static>>();
        reads::<ApplicationStage<'static>>();
        reads::<Rejection<'static>>();
        reads::<UserEmail<'static>>();
        reads::<Attachment<'static>>();
        reads::<PoolPlacement<'static>>();
        reads::<Named<'static>>();
        reads::<User<'static>>();
        reads::<Pool<'static>>();
    }

    #[test]
    fn these_are_the_fields_that_the_model_requires() {
        for (kind, _, fields) in KINDS {
            for (field, _) in *fields {
                let is_required = shape::required(kind).contains(field);
                assert_eq!(empty(kind, field).is_some(), is_required, "{kind}.{field}");
            }
        }
    }
}
