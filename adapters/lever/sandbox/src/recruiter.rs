//! A user of Lever's own screens: changes without a request, which a sync must detect.
//!
//! They bypass scopes, the API's checks and the rate budget, and change times as the same change
//! through the API would.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{COLLECTIONS, text};
use crate::refusal::Refusal;
use crate::writes::{self, New, Writing};

/// One action. In JSON: `{"do": "move", "opportunity_id": …, "stage": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Recruiter {
    /// Moves an opportunity to a stage, by its id or its text.
    Move {
        /// The opportunity.
        opportunity_id: String,
        /// The stage.
        stage: String,
    },
    /// Archives an opportunity, for the first reason that rejects if none is named.
    Archive {
        /// The opportunity.
        opportunity_id: String,
        /// The reason.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Archives an opportunity as hired.
    Hire {
        /// The opportunity.
        opportunity_id: String,
    },
    /// Takes an opportunity out of the archive.
    Unarchive {
        /// The opportunity.
        opportunity_id: String,
    },
    /// Adds a person with an opportunity; returns the opportunity's id.
    AddCandidate {
        /// The name.
        name: String,
        /// An e-mail address.
        #[serde(default)]
        email: Option<String>,
        /// The posting; none for a general opportunity.
        #[serde(default)]
        posting_id: Option<String>,
    },
    /// Adds a note; returns its id.
    AddNote {
        /// The opportunity.
        opportunity_id: String,
        /// The text.
        value: String,
    },
    /// Sets members of a contact.
    EditContact {
        /// The contact.
        contact_id: String,
        /// Members and values.
        values: Map<String, Value>,
    },
    /// Merges one contact into another.
    Merge {
        /// The contact that stays.
        contact_id: String,
        /// The contact whose id ends.
        secondary_contact_id: String,
    },
    /// Anonymises a contact and its opportunities.
    Anonymise {
        /// The contact.
        contact_id: String,
    },
    /// Deletes an opportunity.
    DeleteOpportunity {
        /// The opportunity.
        opportunity_id: String,
    },
    /// Sets members of any record, as a user with more rights would, and its change time unless
    /// that is among them.
    Set {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
        /// Members and values, as the API shows them.
        values: Map<String, Value>,
    },
    /// Adds a record of the set-up; returns its id.
    Add {
        /// The collection.
        collection: String,
        /// Members and values, as the API shows them.
        values: Map<String, Value>,
    },
}

/// Carries out one action. Returns the id of the created or changed record.
pub(crate) fn act(context: &mut Writing<'_>, deed: &Recruiter) -> Result<String, Refusal> {
    let known = |context: &Writing<'_>, collection: &str, id: &str| {
        if context.model.has(collection, id) { Ok(()) } else { Err(Refusal::NotFound("Record")) }
    };
    match deed {
        Recruiter::Move { opportunity_id: id, .. }
        | Recruiter::Archive { opportunity_id: id, .. }
        | Recruiter::Hire { opportunity_id: id }
        | Recruiter::Unarchive { opportunity_id: id }
        | Recruiter::AddNote { opportunity_id: id, .. }
        | Recruiter::DeleteOpportunity { opportunity_id: id } => {
            known(context, "opportunities", id)?;
            on_opportunity(context, id, deed)
        }
        Recruiter::AddCandidate { name, email, posting_id } => {
            let new = New {
                name: Some(name.clone()),
                emails: email.iter().cloned().collect(),
                posting: posting_id.clone(),
                kind: "user",
                ..New::default()
            };
            Ok(writes::create(context, new)?.0)
        }
        Recruiter::EditContact { contact_id, values } => {
            known(context, "contacts", contact_id)?;
            writes::edit_contact(context, contact_id, values.clone());
            Ok(contact_id.clone())
        }
        Recruiter::Merge { contact_id, secondary_contact_id } => {
            known(context, "contacts", contact_id)?;
            known(context, "contacts", secondary_contact_id)?;
            if contact_id == secondary_contact_id {
                return Err(Refusal::bad("a contact cannot be merged into itself"));
            }
            writes::merge(context, contact_id, secondary_contact_id);
            Ok(contact_id.clone())
        }
        Recruiter::Anonymise { contact_id } => {
            known(context, "contacts", contact_id)?;
            let members = json!({"name": "", "headline": "", "location": {"name": ""},
                "emails": [], "phones": [], "_links": [], "isAnonymized": true});
            context.model.set("contacts", contact_id, members);
            for one in context.model.find("opportunities", "contact", contact_id) {
                context.model.touch(&one, json!({"isAnonymized": true}));
            }
            Ok(contact_id.clone())
        }
        Recruiter::Set { collection, id, values } => {
            let collection = collection_named(collection)?;
            known(context, collection, id)?;
            set(context, collection, id, values);
            Ok(id.clone())
        }
        Recruiter::Add { collection, values } => {
            let collection = collection_named(collection)?;
            let now_ms = context.model.now_ms();
            let mut members = values.clone();
            for name in ["createdAt", "updatedAt"] {
                members.entry(name).or_insert_with(|| now_ms.into());
            }
            Ok(context.model.add(collection, members.into()))
        }
    }
}

pub(crate) fn collection_named(name: &str) -> Result<&'static str, Refusal> {
    let found = COLLECTIONS.into_iter().find(|one| *one == name);
    found.ok_or(Refusal::NotFound("Collection"))
}

fn set(context: &mut Writing<'_>, collection: &'static str, id: &str, values: &Map<String, Value>) {
    let mut values = values.clone();
    let now_ms = context.model.now_ms();
    if matches!(collection, "opportunities" | "postings" | "requisitions") {
        values.entry("updatedAt").or_insert_with(|| now_ms.into());
    }
    context.model.set(collection, id, values.into());
}

fn on_opportunity(
    context: &mut Writing<'_>,
    id: &str,
    deed: &Recruiter,
) -> Result<String, Refusal> {
    let first = |context: &Writing<'_>, kind: &str| {
        let reasons = context.model.find("archive_reasons", "type", kind);
        let active =
            |id: &&String| context.model.text("archive_reasons", id, "status") == Some("active");
        reasons.iter().find(active).cloned()
    };
    match deed {
        Recruiter::Move { stage, .. } => {
            let by_text = |held: &&atsync_sandbox::Document| text(held, "text") == Some(stage);
            let named = context.model.pipeline().into_iter().find(by_text);
            let named = named.and_then(|held| text(held, "id")).unwrap_or(stage).to_owned();
            writes::move_to(context, id, &named)?;
        }
        Recruiter::Archive { reason, .. } => {
            let reason = reason.clone().or_else(|| first(context, "non-hired"));
            writes::archive(context, id, reason.as_deref(), None)?;
        }
        Recruiter::Hire { .. } => {
            let reason = first(context, "hired");
            writes::archive(context, id, reason.as_deref(), None)?;
        }
        Recruiter::Unarchive { .. } => writes::archive(context, id, None, None)?,
        Recruiter::AddNote { value, .. } => {
            let now_ms = context.model.now_ms();
            return Ok(writes::add_note(context, id, value, now_ms, false));
        }
        _ => {
            context.model.delete_opportunity(id);
        }
    }
    Ok(id.to_owned())
}
