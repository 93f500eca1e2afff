//! The records that belong to another one, and go with it.
//!
//! Left out: what a delete does to the records that only name it; they keep its id.

use super::WriteContext;
use crate::schema::Kind;

/// Each kind with those below it, and the column by which they name it.
const BELOW: &[(Kind, Kind, &str)] = &[
    (Kind::Applications, Kind::ApplicationStages, "application_id"),
    (Kind::Applications, Kind::RejectionDetails, "application_id"),
    (Kind::Applications, Kind::ProspectDetails, "application_id"),
    (Kind::Applications, Kind::Attachments, "application_id"),
    (Kind::Applications, Kind::Interviews, "application_id"),
    (Kind::Applications, Kind::Scorecards, "application_id"),
    (Kind::Applications, Kind::Offers, "application_id"),
    (Kind::Applications, Kind::DemographicAnswers, "application_id"),
    (Kind::Applications, Kind::Eeoc, "application_id"),
    (Kind::Interviews, Kind::Interviewers, "interview_id"),
    (Kind::Scorecards, Kind::ScorecardCandidateAttributes, "scorecard_id"),
    (Kind::Scorecards, Kind::ScorecardQuestionAnswers, "scorecard_id"),
    (
        Kind::ScorecardQuestionAnswers,
        Kind::ScorecardQuestionAnswerOptions,
        "scorecard_question_answer_id",
    ),
    (Kind::Offers, Kind::ApprovalFlows, "offer_id"),
    (Kind::ApprovalFlows, Kind::ApproverGroups, "approval_flow_id"),
    (Kind::ApproverGroups, Kind::Approvers, "approver_group_id"),
];

/// Removes a record and all below it.
pub(super) fn remove(context: &mut WriteContext<'_>, kind: Kind, id: i64) {
    for (_, below, column) in BELOW.iter().filter(|(of, ..)| *of == kind) {
        for row in context.model.find(*below, column, id) {
            remove(context, *below, row);
        }
    }
    context.model.remove(kind, id);
}
