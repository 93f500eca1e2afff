//! Opportunities: applications and prospects, and what comes in the same rows: the candidate, the
//! rejection, and the stages that it went through.

use crate::account;
use crate::common::{
    CONFIDENTIALITY, Expanded, OVERLAP_MS, changing, contacts, filled, one, reference, version,
};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::{Contact as Address, Name, Privacy, Ref, Word};
use serde::Deserialize;
use serde_json::Value;

/// What an opportunity is read with.
pub(crate) const EXPAND: &[(&str, &str)] = &[("expand", "applications"), ("expand", "contact")];
const EXPAND_LIST: &[(&str, &str)] =
    &[("expand", "applications"), ("expand", "contact"), CONFIDENTIALITY];

pub(crate) const APPLICATIONS: Kind = Kind::of::<Opportunity>("applications")
    .fields(&[
        "candidate",
        "job",
        "kind",
        "outcome",
        "stage",
        "source",
        "recruiter",
        "posting",
        "reject_reason",
        "rejected_at",
        "answers",
        "last_activity_at",
        "created_at",
        "updated_at",
    ])
    .expected(&["candidate", "stage", "outcome", "created_at"])
    .list(changing("/opportunities").query(EXPAND_LIST))
    .overlap_ms(OVERLAP_MS)
    .fetch(Fetch::by(Ask::get("/opportunities/{id}").query(EXPAND)).at("/data"))
    .deletes(&[DeleteSign::GoneOnFetch, DeleteSign::Hook])
    .confidential()
    .permission("opportunities:read");

pub(crate) const CANDIDATES: Kind = Kind::of::<Contact>("candidates")
    .fields(&["name", "headline", "emails", "phones", "links", "privacy"])
    .expected(&["name", "emails"])
    .inside("applications")
    .fetch(one("/contacts/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("contacts:read");

pub(crate) const REJECTIONS: Kind = Kind::of::<Opportunity>("rejections")
    .fields(&["application", "reject_reason", "rejected_at"])
    .inside("applications")
    .permission("opportunities:read");

pub(crate) const APPLICATION_STAGES: Kind = Kind::of::<Opportunity>("application_stages")
    .fields(&["application", "stage", "entered_at"])
    .inside("applications")
    .permission("opportunities:read");

/// An opportunity. Its contact's data are read from the contact: answers to writes show them empty
/// here. Only `links` stand here alone. `opportunityLocation` is the posting's place and says
/// nothing of the person.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Opportunity {
    id: Id,
    contact: Got<Expanded<Contact>>,
    applications: Got<Vec<Expanded<Application>>>,
    stage: Got<Expanded<Named>>,
    archived: Got<Archived>,
    sources: Got<Vec<String>>,
    links: Got<Vec<Option<String>>>,
    owner: Got<Expanded<Named>>,
    stage_changes: Got<Vec<StageChange>>,
    created_at: Got<Millis>,
    updated_at: Got<Millis>,
    last_interaction_at: Got<Millis>,
}

/// A record that the adapter does not ask to be expanded, but reads if it is.
#[derive(Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: Id,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    posting: Got<Id>,
    custom_questions: Got<Vec<Value>>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Archived {
    reason: Got<Id>,
    archived_at: Got<Millis>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StageChange {
    to_stage_id: Got<Id>,
    updated_at: Got<Millis>,
}

/// A person.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contact {
    id: Id,
    name: Got<String>,
    headline: Got<String>,
    emails: Got<Vec<Option<String>>>,
    phones: Got<Vec<Phone>>,
    is_anonymized: Got<bool>,
}

#[derive(Clone, Deserialize)]
struct Phone {
    #[serde(rename = "type")]
    kind: Option<String>,
    // It may be null; an entry without it is none of a number.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<String>,
}

/// Lever's types of numbers are the unified ones.
const PHONES: Words = Words(&[
    ("mobile", "mobile"),
    ("home", "home"),
    ("work", "work"),
    ("skype", "skype"),
    ("other", "other"),
]);

impl Row for Contact {
    fn record(self, _: &Source<'_>) -> Record {
        self.fill(Record::new)
    }
}

impl Contact {
    fn fill(self, new: impl FnOnce(Id) -> Record) -> Record {
        let name =
            filled(self.name).map(|full| Name { full: Some(full.into()), ..Name::default() });
        let phones = self.phones.map(|phones| phones.into_iter().filter_map(phone).collect());
        let privacy = self
            .is_anonymized
            .map(|anonymized| Privacy { anonymized: Some(anonymized), ..Privacy::default() });
        new(self.id)
            .field("name", name)
            .field("headline", self.headline)
            .field("emails", self.emails.map(contacts))
            .field::<Vec<Address<'static>>>("phones", phones)
            .field("privacy", privacy)
    }
}

fn phone(phone: Phone) -> Option<Address<'static>> {
    let value = phone.value.filter(|value| !value.trim().is_empty())?;
    let kind = phone.kind.filter(|kind| !kind.is_empty()).map(|kind| PHONES.read(kind));
    Some(contact(value, kind))
}

fn id_of(named: Expanded<Named>) -> Ref<'static> {
    match named {
        Expanded::Id(id) | Expanded::Whole(Named { id }) => id.reference(),
    }
}

/// How an opportunity ended, if it did.
struct Outcome {
    word: Got<Word<'static>>,
    reason: Got<Id>,
    at: Got<Millis>,
    is_rejected: bool,
}

/// Reads `archived`. Without the account's reason for hires, a hire cannot be told from a
/// rejection, and neither is claimed.
fn outcome(archived: &Got<Archived>, hired: Option<&str>) -> Outcome {
    let none = |word| Outcome { word, reason: Got::Empty, at: Got::Empty, is_rejected: false };
    let unknown = |word| Outcome { reason: Got::Absent, at: Got::Absent, ..none(word) };
    let (archived, hired) = match (archived, hired) {
        (Got::Absent, _) => return unknown(Got::Absent),
        (Got::Bad(bad), _) => return unknown(Got::Bad(*bad)),
        (Got::Empty, _) => return none(Got::Here(word("active"))),
        (Got::Here(_), None) => return unknown(Got::Absent),
        (Got::Here(archived), Some(hired)) => (archived.clone(), hired),
    };
    let ended = |value: &'static str, reason: Option<&Id>| {
        let source = reason.map(|reason| reason.as_str().to_owned().into());
        Got::Here(Word { value: value.into(), source })
    };
    match &archived.reason {
        Got::Absent => unknown(Got::Absent),
        Got::Bad(bad) => unknown(Got::Bad(*bad)),
        Got::Here(reason) if reason.as_str() == hired => none(ended("hired", Some(reason))),
        reason => Outcome {
            word: ended("rejected", reason.as_ref()),
            reason: archived.reason.clone(),
            at: archived.archived_at,
            is_rejected: true,
        },
    }
}

/// The application of an opportunity, which has one or none; unknown where it was not expanded.
fn application(all: Got<Vec<Expanded<Application>>>) -> Got<Application> {
    all.and_then(|all| match all.into_iter().next() {
        None => Got::Empty,
        Some(Expanded::Id(_)) => Got::Absent,
        Some(Expanded::Whole(application)) => Got::Here(application),
    })
}

impl Row for Opportunity {
    fn record(self, source: &Source<'_>) -> Record {
        let hired = account::hired(source.given);
        let outcome = outcome(&self.archived, hired.as_deref());
        // A lead may have an application, so the stage does not say what it is.
        let kind = match &self.applications {
            Got::Absent => Got::Absent,
            Got::Bad(bad) => Got::Bad(*bad),
            Got::Here(all) if !all.is_empty() => Got::Here("application"),
            Got::Here(_) | Got::Empty => Got::Here("prospect"),
        };
        let applied = application(self.applications);
        let posting = applied.clone().and_then(|applied| applied.posting);
        let candidate = self.contact.clone().map(|contact| match contact {
            Expanded::Id(id) => id.reference(),
            Expanded::Whole(Contact { id, name, .. }) => {
                let name = filled(name).value().map(Into::into);
                Ref { name, ..id.reference() }
            }
        });
        let source = self.sources.and_then(|sources| {
            // A source has no id but its text.
            let first = sources.into_iter().find(|text| !text.is_empty());
            Got::from(
                first.map(|text| Ref { id: Some(text.clone().into()), name: Some(text.into()) }),
            )
        });
        let mut record = Record::new(self.id.clone())
            .version(&version(&self.updated_at))
            .field("candidate", candidate)
            .field("job", reference(posting.clone()))
            .field("kind", kind)
            .field("outcome", outcome.word)
            .field("stage", self.stage.map(id_of))
            .field("source", source)
            .field("recruiter", self.owner.map(id_of))
            .field("posting", reference(posting))
            .field("reject_reason", reference(outcome.reason.clone()))
            .field("rejected_at", outcome.at)
            .field("answers", applied.and_then(|applied| applied.custom_questions))
            .field("last_activity_at", self.last_interaction_at)
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at);
        if let Got::Here(Expanded::Whole(contact)) = self.contact {
            let person = contact.fill(|id| Record::of("candidates", id));
            record = record.and(person.field("links", self.links.map(contacts)));
        }
        if outcome.is_rejected {
            let rejection = Record::of("rejections", self.id.clone())
                .value("application", self.id.clone().reference())
                .field("reject_reason", reference(outcome.reason))
                .field("rejected_at", outcome.at);
            record = record.and(rejection);
        }
        record = record.without("application_stages", &self.stage_changes);
        for change in self.stage_changes.value().unwrap_or_default() {
            if let (Some(stage), Some(at)) = (change.to_stage_id.value(), change.updated_at.value())
            {
                record = record.and(stage_change(&self.id, stage, at));
            }
        }
        record
    }
}

/// A stage that an application entered. Lever gives it no id, and no two have the same time.
fn stage_change(application: &Id, stage: Id, at: Millis) -> Record {
    let id = Id::join([application.as_str(), &at.0.to_string(), stage.as_str()]);
    Record::of("application_stages", id)
        .value("application", application.clone().reference())
        .value("stage", stage.reference())
        .value("entered_at", at)
}
