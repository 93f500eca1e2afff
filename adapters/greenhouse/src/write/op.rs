//! The operations: name, input and scope of each.
//!
//! An operation is decoded once, at the edge; write and probe both work on [`Op`]. The scopes are
//! from harvest-v3.md §9 and permissions.md §2 and §3. The manifest has the effect classes, for
//! these reasons: updates and lifecycle calls compare with the present values before they send, so
//! a repeat sends nothing; Greenhouse refuses a second equal tag or user; a probe finds every other
//! creation.
//! other creations.

use crate::answer::invalid;
use crate::request::id_number;
use crate::settings::ForeignReading;
use crate::write::input::{
    ApplicationEdit, ApplicationNew, AppliedTagDeletion, AppliedTagNew, AttachmentNew,
    BackgroundDeletion, CandidateEdit, CandidateNew, ConvertInput, EducationNew, EmploymentNew,
    FieldEdit, FieldNew, HireInput, MoveInput, NoteNew, OptionEdit, OptionNew, RejectInput,
    RejectionEdit, Seen, TagNew, UnrejectInput, UserNew, parse,
};
use atsync_adapter::contract::{Failure, Operation};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};

impl Op {
    /// Returns which values of other users an update sends back.
    pub(crate) fn foreign_reading(&self) -> ForeignReading {
        let reading = match self {
            Self::CandidateUpdate { input, .. } => input.reading,
            Self::ApplicationUpdate { input, .. } => input.reading,
            Self::RejectionUpdate { input, .. } => input.reading,
            _ => None,
        };
        reading.unwrap_or_default()
    }

    /// Lists the paths of other users' values that the plan allows to leave out.
    pub(crate) fn may_leave_out(&self) -> &[String] {
        match self {
            Self::CandidateUpdate { input, .. } => &input.may_leave_out,
            Self::ApplicationUpdate { input, .. } => &input.may_leave_out,
            Self::RejectionUpdate { input, .. } => &input.may_leave_out,
            _ => &[],
        }
    }

    /// Returns the values that the plan saw: of fields with the policy `yield`, and of an entry
    /// that is to be removed.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        match self {
            Self::CandidateUpdate { input, .. } => Some(&input.seen),
            Self::ApplicationUpdate { input, .. } => Some(&input.seen),
            Self::RejectionUpdate { input, .. } => Some(&input.seen),
            Self::Move { input, .. } => Some(&input.seen),
            Self::Reject { input, .. } => Some(&input.seen),
            Self::Unreject { input, .. } => Some(&input.seen),
            Self::Hire { input, .. } => Some(&input.seen),
            Self::EducationDestroy { input, .. } | Self::EmploymentDestroy { input, .. } => {
                Some(&input.seen)
            }
            _ => None,
        }
    }
}

/// Declares the operations. One with a kind has a target of that kind.
macro_rules! operations {
    ($($case:ident($input:ty) = $name:literal $(on $kind:path)?, $scope:literal;)*) => {
        /// An operation with its target and input. Part of continuations.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(crate) enum Op { $(#[doc = $name] $case { target: String, input: $input }),* }

        impl Op {
            /// Decodes an operation.
            pub(crate) fn decode(operation: &Operation) -> Result<Self, Failure> {
                match operation.name.as_str() {
                    $($name => {
                        let kind: &[&str] = &[$($kind)?];
                        Ok(Self::$case { target: target(operation, kind.first().copied())?,
                            input: parse(&operation.input)? })
                    })*
                    other => Err(Failure::Bug(format!("Greenhouse has no operation {other}"))),
                }
            }

            /// Returns its name in the manifest.
            pub(crate) fn name(&self) -> &'static str {
                match self { $(Self::$case { .. } => $name),* }
            }
        }

        /// Returns the scope that the changing request of an operation needs.
        pub(crate) fn scope(operation: &str) -> &'static str {
            match operation { $($name => $scope,)* _ => "" }
        }

        /// Every operation, for tests.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($name, $scope)),*];
    };
}

operations! {
    CandidateCreate(CandidateNew) = "candidates.create", "harvest:candidates:create";
    CandidateUpdate(CandidateEdit) = "candidates.update" on kinds::CANDIDATES,
        "harvest:candidates:update";
    ApplicationCreate(ApplicationNew) = "applications.create", "harvest:applications:create";
    ApplicationUpdate(ApplicationEdit) = "applications.update" on kinds::APPLICATIONS,
        "harvest:applications:update";
    Move(MoveInput) = "applications.move" on kinds::APPLICATIONS, "harvest:applications:move";
    Reject(RejectInput) = "applications.reject" on kinds::APPLICATIONS,
        "harvest:applications:reject";
    Unreject(UnrejectInput) = "applications.unreject" on kinds::APPLICATIONS,
        "harvest:applications:unreject";
    Hire(HireInput) = "applications.hire" on kinds::APPLICATIONS, "harvest:applications:hire";
    Convert(ConvertInput) = "applications.convert" on kinds::APPLICATIONS,
        "harvest:applications:convert_to_candidate";
    RejectionUpdate(RejectionEdit) = "rejections.update" on kinds::REJECTIONS,
        "harvest:rejection_details:update";
    NoteCreate(NoteNew) = "notes.create", "harvest:notes:create";
    TagCreate(TagNew) = "tags.create", "harvest:candidate_tags:create";
    AppliedTagCreate(AppliedTagNew) = "applied_tags.create",
        "harvest:applied_candidate_tags:create";
    AppliedTagDelete(AppliedTagDeletion) = "applied_tags.delete" on kinds::APPLIED_TAGS,
        "harvest:applied_candidate_tags:destroy";
    EducationCreate(EducationNew) = "educations.create", "harvest:candidate_educations:create";
    EducationDestroy(BackgroundDeletion) = "educations.destroy" on kinds::EDUCATIONS,
        "harvest:candidate_educations:destroy";
    EmploymentCreate(EmploymentNew) = "employments.create", "harvest:candidate_employments:create";
    EmploymentDestroy(BackgroundDeletion) = "employments.destroy" on kinds::EMPLOYMENTS,
        "harvest:candidate_employments:destroy";
    AttachmentCreate(AttachmentNew) = "attachments.create", "harvest:attachments:create";
    UserCreate(UserNew) = "users.create", "harvest:users:create";
    FieldCreate(FieldNew) = "custom_fields.create", "harvest:custom_fields:create";
    FieldUpdate(FieldEdit) = "custom_fields.update" on kinds::CUSTOM_FIELDS,
        "harvest:custom_fields:update";
    OptionCreate(OptionNew) = "custom_field_options.create", "harvest:custom_field_options:create";
    OptionUpdate(OptionEdit) = "custom_field_options.update" on kinds::CUSTOM_FIELD_OPTIONS,
        "harvest:custom_field_options:update";
}

/// Returns Greenhouse's collection of an operation's target, and its id.
pub(crate) fn target_of(op: &Op) -> Option<(&'static str, &str)> {
    match op {
        Op::CandidateUpdate { target, .. } => Some(("candidates", target)),
        Op::ApplicationUpdate { target, .. }
        | Op::Move { target, .. }
        | Op::Reject { target, .. }
        | Op::Unreject { target, .. }
        | Op::Hire { target, .. }
        | Op::Convert { target, .. } => Some(("applications", target)),
        Op::RejectionUpdate { target, .. } => Some(("rejection_details", target)),
        Op::AppliedTagDelete { target, .. } => Some(("applied_candidate_tags", target)),
        Op::EducationDestroy { target, .. } => Some(("candidate_educations", target)),
        Op::EmploymentDestroy { target, .. } => Some(("candidate_employments", target)),
        Op::FieldUpdate { target, .. } => Some(("custom_fields", target)),
        Op::OptionUpdate { target, .. } => Some(("custom_field_options", target)),
        _ => None,
    }
}

/// Returns the kind of the record that an operation removes; `None` for every other operation.
pub(crate) fn removed_by(op: &Op) -> Option<&'static str> {
    match op {
        Op::AppliedTagDelete { .. } => Some(kinds::APPLIED_TAGS),
        Op::EducationDestroy { .. } => Some(kinds::EDUCATIONS),
        Op::EmploymentDestroy { .. } => Some(kinds::EMPLOYMENTS),
        _ => None,
    }
}

/// Returns the scope that reading a collection needs.
pub(crate) fn list_scope(collection: &str) -> String {
    format!("harvest:{collection}:list")
}

/// Returns the target's id, checked against the operation's kind; empty for a creation.
fn target(operation: &Operation, kind: Option<&str>) -> Result<String, Failure> {
    match (kind, &operation.target) {
        (None, _) => Ok(String::new()),
        (Some(kind), Some(target)) if target.kind == kind => {
            id_number("target", &target.id)?;
            Ok(target.id.clone())
        }
        (Some(kind), _) => {
            Err(invalid("target", format!("{} needs a target among {kind}", operation.name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_and_this_table_name_the_same_operations_and_scopes() {
        let manifest = crate::manifest::manifest();
        assert_eq!(manifest.operations.len(), ALL.len());
        for (name, scope) in ALL {
            let rule =
                manifest.operation(name).unwrap_or_else(|| panic!("{name} is not in the manifest"));
            assert_eq!(rule.permissions.first().map(String::as_str), Some(*scope), "{name}");
            for permission in &rule.permissions {
                assert!(
                    manifest.permission(permission).is_some(),
                    "{name} needs {permission}, which is not explained"
                );
            }
        }
    }

    #[test]
    fn every_operation_decodes_its_own_members_and_refuses_others() {
        let manifest = crate::manifest::manifest();
        for (name, _) in ALL {
            let rule = manifest.operation(name).unwrap();
            let decode = |input: &str| {
                let target =
                    Some(atsync_adapter::contract::RemoteRef::new(rule.kind.as_str(), "1"));
                Op::decode(&Operation { name: (*name).into(), target, input: input.into() })
            };
            assert_eq!(decode("{}").unwrap().name(), *name);
            assert!(matches!(decode("{\"surely_not\": 1}"), Err(Failure::Invalid(_))), "{name}");
            if *name == "candidates.update" {
                // Its members are grouped by mode: set, add, remove.
                continue;
            }
            for field in &rule.fields {
                // A wrong type causes another error than an unknown member.
                let Err(Failure::Invalid(errors)) =
                    decode(&format!("{{\"{}\": {{\"surely_not\": 1}}}}", field.name))
                else {
                    panic!("{name}.{} accepts every type", field.name)
                };
                assert!(
                    !errors
                        .iter()
                        .any(|error| error.message.contains(&format!("`{}`", field.name))),
                    "{name}.{}",
                    field.name
                );
            }
        }
    }
}
