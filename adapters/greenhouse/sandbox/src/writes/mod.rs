//! The writes: which method and path has which effect under which scope. This file only routes;
//! each effect has its own file.
//!
//! There is no idempotency: a request that is sent twice is carried out twice, except where
//! Greenhouse itself has a uniqueness rule (tag names, user e-mails, one application per candidate
//! and job).

mod applications;
mod background;
mod below;
mod bulk;
mod candidates;
mod custom;
mod fields;
mod lifecycle;
mod small;
mod tags;
mod users;

use serde_json::Value;

use crate::model::Model;
use crate::model::Touch;
use crate::quirks::{DeleteAnswer, Quirks};
use crate::refusal::Refusal;
use crate::schema::Kind;
use crate::sight::Sight;

pub(crate) use applications::destroy as destroy_application;
pub(crate) use background::{add_education, add_employment};
pub(crate) use bulk::status as bulk_status;
pub(crate) use candidates::{anonymise, create as create_candidate, destroy, merge};
pub(crate) use custom::name_key;
pub(crate) use fields::edited as edited_fields;
pub(crate) use lifecycle::{Rejection, convert, hire, move_to, reject, transfer, unhire, unreject};
pub(crate) use small::add_note;
pub(crate) use tags::{apply_tag, tag_named};

/// The state that a write changes.
pub(crate) struct WriteContext<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) sight: Sight,
    /// The acting user.
    pub(crate) actor_id: i64,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Done {
    Created(Value),
    Ok(Value),
    Accepted(Value),
    NoContent,
}

/// A write that exists, with its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) resource: &'static str,
    pub(crate) action: &'static str,
    deed: Deed,
    id: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    CreateCandidate,
    UpdateCandidate,
    DestroyCandidate,
    MergeCandidate,
    AnonymiseCandidate,
    CreateApplication,
    UpdateApplication,
    DestroyApplication,
    Move,
    Reject,
    Unreject,
    Hire,
    Convert,
    UpdateRejection,
    CreateTag,
    DestroyTag,
    ApplyTag,
    UnapplyTag,
    CreateNote,
    CreateEducation,
    DestroyEducation,
    CreateEmployment,
    DestroyEmployment,
    CreateAttachment,
    CreateUser,
    CreateUsers,
    CreateField,
    UpdateField,
    CreateOption,
    UpdateOption,
    DestroyOption,
    CreateOptions,
}

/// Finds the write for a method and path segments below `/v3/`.
pub(crate) fn route(method: &str, segments: &[&str]) -> Option<Route> {
    let id = segments.get(1).and_then(|text| text.parse().ok());
    let (resource, action, deed) = match (method, segments, id) {
        ("POST", ["candidates"], _) => ("candidates", "create", Deed::CreateCandidate),
        ("PATCH", ["candidates", _], Some(_)) => ("candidates", "update", Deed::UpdateCandidate),
        ("DELETE", ["candidates", _], Some(_)) => ("candidates", "destroy", Deed::DestroyCandidate),
        ("POST", ["candidates", _, "merge"], Some(_)) => {
            ("candidates", "merge", Deed::MergeCandidate)
        }
        ("PATCH", ["candidates", _, "anonymize"], Some(_)) => {
            ("candidates", "anonymize", Deed::AnonymiseCandidate)
        }
        ("POST", ["applications"], _) => ("applications", "create", Deed::CreateApplication),
        ("PATCH", ["applications", _], Some(_)) => {
            ("applications", "update", Deed::UpdateApplication)
        }
        ("DELETE", ["applications", _], Some(_)) => {
            ("applications", "destroy", Deed::DestroyApplication)
        }
        ("POST", ["applications", _, "move"], Some(_)) => ("applications", "move", Deed::Move),
        ("POST", ["applications", _, "reject"], Some(_)) => {
            ("applications", "reject", Deed::Reject)
        }
        ("POST", ["applications", _, "unreject"], Some(_)) => {
            ("applications", "unreject", Deed::Unreject)
        }
        ("POST", ["applications", _, "hire"], Some(_)) => ("applications", "hire", Deed::Hire),
        ("POST", ["applications", _, "convert_to_candidate"], Some(_)) => {
            ("applications", "convert_to_candidate", Deed::Convert)
        }
        ("PATCH", ["rejection_details", _], Some(_)) => {
            ("rejection_details", "update", Deed::UpdateRejection)
        }
        ("POST", ["candidate_tags"], _) => ("candidate_tags", "create", Deed::CreateTag),
        ("DELETE", ["candidate_tags", _], Some(_)) => {
            ("candidate_tags", "destroy", Deed::DestroyTag)
        }
        ("POST", ["applied_candidate_tags"], _) => {
            ("applied_candidate_tags", "create", Deed::ApplyTag)
        }
        ("DELETE", ["applied_candidate_tags", _], Some(_)) => {
            ("applied_candidate_tags", "destroy", Deed::UnapplyTag)
        }
        ("POST", ["notes"], _) => ("notes", "create", Deed::CreateNote),
        ("POST", ["candidate_educations"], _) => {
            ("candidate_educations", "create", Deed::CreateEducation)
        }
        ("DELETE", ["candidate_educations", _], Some(_)) => {
            ("candidate_educations", "destroy", Deed::DestroyEducation)
        }
        ("POST", ["candidate_employments"], _) => {
            ("candidate_employments", "create", Deed::CreateEmployment)
        }
        ("DELETE", ["candidate_employments", _], Some(_)) => {
            ("candidate_employments", "destroy", Deed::DestroyEmployment)
        }
        ("POST", ["attachments"], _) => ("attachments", "create", Deed::CreateAttachment),
        ("POST", ["users"], _) => ("users", "create", Deed::CreateUser),
        ("POST", ["users", "bulk"], _) => ("users", "create", Deed::CreateUsers),
        ("POST", ["custom_fields"], _) => ("custom_fields", "create", Deed::CreateField),
        ("PATCH", ["custom_fields", _], Some(_)) => ("custom_fields", "update", Deed::UpdateField),
        ("POST", ["custom_field_options"], _) => {
            ("custom_field_options", "create", Deed::CreateOption)
        }
        ("POST", ["custom_field_options", "bulk"], _) => {
            ("custom_field_options", "create", Deed::CreateOptions)
        }
        ("PATCH", ["custom_field_options", _], Some(_)) => {
            ("custom_field_options", "update", Deed::UpdateOption)
        }
        ("DELETE", ["custom_field_options", _], Some(_)) => {
            ("custom_field_options", "destroy", Deed::DestroyOption)
        }
        _ => return None,
    };
    Some(Route { resource, action, deed, id: id.unwrap_or(0) })
}

/// Every write scope, and those of webhooks, for the default grant and for documents.
pub(crate) const WRITE_SCOPES: &[(&str, &[&str])] = &[
    ("candidates", &["create", "update", "destroy", "merge", "anonymize"]),
    (
        "applications",
        &[
            "create",
            "update",
            "destroy",
            "move",
            "reject",
            "unreject",
            "hire",
            "convert_to_candidate",
        ],
    ),
    ("rejection_details", &["update"]),
    ("candidate_tags", &["create", "destroy"]),
    ("applied_candidate_tags", &["create", "destroy"]),
    ("candidate_educations", &["create", "destroy"]),
    ("candidate_employments", &["create", "destroy"]),
    ("notes", &["create"]),
    ("attachments", &["create"]),
    ("users", &["create"]),
    ("custom_fields", &["create", "update"]),
    ("custom_field_options", &["create", "update", "destroy"]),
    ("webhooks", &["list", "create", "update", "destroy"]),
];

/// Carries out a write.
pub(crate) fn perform(
    context: &mut WriteContext<'_>,
    route: Route,
    body: &[u8],
) -> Result<Done, Refusal> {
    let id = route.id;
    match route.deed {
        Deed::CreateCandidate => candidates::create(context, body),
        Deed::UpdateCandidate => candidates::update(context, id, body),
        Deed::DestroyCandidate => candidates::delete(context, id),
        Deed::MergeCandidate => candidates::merge_request(context, id, body),
        Deed::AnonymiseCandidate => candidates::anonymise_request(context, id, body),
        Deed::CreateApplication => applications::create(context, body),
        Deed::UpdateApplication => applications::update(context, id, body),
        Deed::DestroyApplication => applications::delete(context, id),
        Deed::Move => lifecycle::move_request(context, id, body),
        Deed::Reject => lifecycle::reject_request(context, id, body),
        Deed::Unreject => lifecycle::unreject_request(context, id, body),
        Deed::Hire => lifecycle::hire_request(context, id, body),
        Deed::Convert => lifecycle::convert_request(context, id, body),
        Deed::UpdateRejection => small::update_rejection(context, id, body),
        Deed::CreateTag => tags::create(context, body),
        Deed::DestroyTag => tags::delete(context, id),
        Deed::ApplyTag => tags::apply_request(context, body),
        Deed::UnapplyTag => tags::unapply(context, id),
        Deed::CreateNote => small::create_note(context, body),
        Deed::CreateEducation => background::create_education(context, body),
        Deed::DestroyEducation => background::destroy(context, Kind::CandidateEducations, id),
        Deed::CreateEmployment => background::create_employment(context, body),
        Deed::DestroyEmployment => background::destroy(context, Kind::CandidateEmployments, id),
        Deed::CreateAttachment => small::create_attachment(context, body),
        Deed::CreateUser => users::create(context, body),
        Deed::CreateUsers => bulk::create_users(context, body),
        Deed::CreateField => custom::create_field(context, body),
        Deed::UpdateField => custom::update_field(context, id, body),
        Deed::CreateOption => custom::create_option(context, body),
        Deed::UpdateOption => custom::update_option(context, id, body),
        Deed::DestroyOption => custom::archive_option(context, id),
        Deed::CreateOptions => bulk::create_options(context, body),
    }
}

impl WriteContext<'_> {
    /// Refuses with 404 unless the record that the path names exists.
    fn must_find(&self, kind: Kind, id: i64) -> Result<(), Refusal> {
        if self.sight.finds(self.model, kind, id) { Ok(()) } else { Err(Refusal::NotFound) }
    }

    /// Refuses with 422 unless the record that a body names exists.
    fn must_know(&self, kind: Kind, field: &str, id: Option<i64>) -> Result<(), Refusal> {
        match id {
            Some(id) if !self.sight.finds(self.model, kind, id) => {
                Err(Refusal::invalid(field, "does not exist"))
            }
            _ => Ok(()),
        }
    }

    /// Returns a row as an answer shows it.
    fn seen(&self, kind: Kind, id: i64) -> Option<serde_json::Value> {
        self.model.row_seen(kind, id, &crate::model::render::View::of(self.quirks))
    }

    fn created(&self, kind: Kind, id: i64) -> Done {
        Done::Created(self.seen(kind, id).unwrap_or_default())
    }

    fn shown(&self, kind: Kind, id: i64) -> Done {
        Done::Ok(self.seen(kind, id).unwrap_or_default())
    }

    fn deleted(&self, id: i64, what: &str) -> Done {
        match self.quirks.delete_answer {
            DeleteAnswer::Message => {
                Done::Ok(serde_json::json!({"id": id, "message": format!("{what} deleted")}))
            }
            DeleteAnswer::NoContent => Done::NoContent,
        }
    }

    /// Whether a change of a candidate's children changes the candidate's own stamp.
    pub(crate) fn child_touch(&self) -> Touch {
        if self.quirks.children_touch_candidate { Touch::Stamp } else { Touch::Leave }
    }

    /// Sets the candidate's activity, and its stamp if the switch says so.
    pub(crate) fn note_activity(&mut self, candidate_id: i64) {
        let now = crate::model::cell::Cell::Time(self.model.now_ms);
        let touch = self.child_touch();
        self.model.set(Kind::Candidates, candidate_id, touch, &[("last_activity_at", now)]);
    }
}
