//! Raw kinds: the lists of Ashby that the unified model has no shape for.
//!
//! Left out: `candidate.listProjects`, whose rows are those of `project.list` without the
//! candidate, so that one id would stand for several records; `assessment.list` and
//! `assessment.customField.list`, which Ashby calls at a partner's server.

use crate::value::{changes, once, pages};
use atsync_adapter::kit::*;

const CANDIDATES: &str = "candidatesRead";
const INTERVIEWS: &str = "interviewsRead";
const JOBS: &str = "jobsRead";
const METADATA: &str = "hiringProcessMetadataRead";
const ORGANIZATION: &str = "organizationRead";
const OFFERS: &str = "offersRead";
const APPROVALS: &str = "approvalsRead";

/// The kinds that are read only where the setting [`SENSITIVE_KINDS`] names them: addresses of the
/// network, suspicions, judgements by machines, and what people answered in surveys.
pub(crate) const SENSITIVE: &[&str] = &[
    "raw_client_info",
    "raw_fraud_checks",
    "raw_criteria_evaluations",
    "raw_survey_submissions",
    "raw_questionnaire_submissions",
];

/// The setting that names the sensitive kinds which a connection reads.
pub(crate) const SENSITIVE_KINDS: &str = "sensitive_kinds";

type Names = &'static [(&'static str, &'static str)];

const fn raw(name: &'static str, list: List, permission: &'static str, names: Names) -> Kind {
    Kind::raw(name, names).times("createdAt", "updatedAt").list(list).permission(permission)
}

const ARCHIVED_TOO: &str = r#"{"includeArchived": true}"#;

pub(crate) const APPLICATION_ROLES: Kind =
    raw("raw_application_roles", once("/applicationHiringTeamRole.list", "{}"), CANDIDATES, &[]);

pub(crate) const CRITERIA_EVALUATIONS: Kind = raw(
    "raw_criteria_evaluations",
    List::by(
        Ask::post("/application.listCriteriaEvaluations").body(r#"{"applicationId": "{parent}"}"#),
    )
    .rows("/results")
    .size("limit", 100)
    .cursor("cursor", "/nextCursor")
    .more("/moreDataAvailable"),
    CANDIDATES,
    &[],
)
.under("applications")
.times("createdAt", "evaluatedAt");

pub(crate) const FEEDBACK: Kind = raw(
    "raw_feedback",
    changes("/applicationFeedback.list", "{}"),
    CANDIDATES,
    &[
        ("applicationId", "applications"),
        ("interviewId", "raw_interviews"),
        ("feedbackFormDefinitionId", "raw_feedback_forms"),
    ],
)
.times("createdAt", "submittedAt");

pub(crate) const FEEDBACK_FORMS: Kind = raw(
    "raw_feedback_forms",
    changes("/feedbackFormDefinition.list", ARCHIVED_TOO),
    METADATA,
    &[("interviewId", "raw_interviews")],
);

pub(crate) const SURVEY_FORMS: Kind =
    raw("raw_survey_forms", changes("/surveyFormDefinition.list", "{}"), METADATA, &[]);

/// The document has this one type of survey that can be requested.
pub(crate) const SURVEY_REQUESTS: Kind = raw(
    "raw_survey_requests",
    changes("/surveyRequest.list", r#"{"surveyType": "CandidateExperience"}"#),
    CANDIDATES,
    &[
        ("candidateId", "candidates"),
        ("applicationId", "applications"),
        ("surveyFormDefinitionId", "raw_survey_forms"),
    ],
);

const SUBMITTED: Names = &[
    ("candidateId", "candidates"),
    ("applicationId", "applications"),
    ("surveyFormDefinitionId", "raw_survey_forms"),
];

pub(crate) const SURVEY_SUBMISSIONS: Kind = raw(
    "raw_survey_submissions",
    changes("/surveySubmission.list", r#"{"surveyType": "CandidateExperience"}"#),
    CANDIDATES,
    SUBMITTED,
)
.times("submittedAt", "updatedAt");

pub(crate) const QUESTIONNAIRE_SUBMISSIONS: Kind = raw(
    "raw_questionnaire_submissions",
    changes("/surveySubmission.list", r#"{"surveyType": "Questionnaire"}"#),
    CANDIDATES,
    SUBMITTED,
)
.times("submittedAt", "updatedAt");

/// What is approved may be an offer, a job or an opening: the row's own type says which.
pub(crate) const APPROVALS_OF: Kind =
    raw("raw_approvals", changes("/approval.list", "{}"), APPROVALS, &[]);

pub(crate) const BRANDS: Kind = raw("raw_brands", pages("/brand.list", "{}"), ORGANIZATION, &[]);

pub(crate) const COMMUNICATION_TEMPLATES: Kind =
    raw("raw_communication_templates", once("/communicationTemplate.list", "{}"), METADATA, &[]);

/// Without this member the rows are names alone.
pub(crate) const HIRING_TEAM_ROLES: Kind = raw(
    "raw_hiring_team_roles",
    once("/hiringTeamRole.list", r#"{"namesOnly": false}"#),
    ORGANIZATION,
    &[],
);

pub(crate) const TRACKING_LINKS: Kind = raw(
    "raw_source_tracking_links",
    once("/sourceTrackingLink.list", r#"{"includeDisabled": true}"#),
    METADATA,
    &[("sourceId", "sources")],
);

pub(crate) const INTERVIEWER_PAUSES: Kind = raw(
    "raw_interviewer_pauses",
    once("/user.listInterviewerPauses", r#"{"userId": "{parent}"}"#),
    ORGANIZATION,
    &[("userId", "users")],
)
.under("users");

pub(crate) const CLIENT_INFO: Kind = raw(
    "raw_client_info",
    pages("/candidate.listClientInfo", r#"{"candidateId": "{parent}"}"#),
    CANDIDATES,
    &[("candidateId", "candidates")],
)
.under("candidates");

pub(crate) const FRAUD_CHECKS: Kind = raw(
    "raw_fraud_checks",
    pages("/candidate.listFraudChecks", r#"{"candidateId": "{parent}"}"#),
    CANDIDATES,
    &[("candidateId", "candidates"), ("applicationId", "applications")],
)
.under("candidates");

pub(crate) const PROJECTS: Kind =
    raw("raw_projects", changes("/project.list", "{}"), CANDIDATES, &[("authorId", "users")])
        .fetch(
            Fetch::by(Ask::post("/project.info").body(r#"{"projectId": "{id}"}"#)).at("/results"),
        );

pub(crate) const INTERVIEWS_OF: Kind = raw(
    "raw_interviews",
    changes("/interview.list", r#"{"includeArchived": true, "includeNonSharedInterviews": true}"#),
    INTERVIEWS,
    &[("jobId", "jobs"), ("feedbackFormDefinitionId", "raw_feedback_forms")],
)
.fetch(Fetch::by(Ask::post("/interview.info").body(r#"{"id": "{id}"}"#)).at("/results"));

pub(crate) const INTERVIEW_SCHEDULES: Kind = raw(
    "raw_interview_schedules",
    changes("/interviewSchedule.list", "{}"),
    INTERVIEWS,
    &[("applicationId", "applications"), ("interviewStageId", "raw_interview_stages")],
);

pub(crate) const INTERVIEW_EVENTS: Kind = raw(
    "raw_interview_events",
    pages("/interviewEvent.list", r#"{"interviewScheduleId": "{parent}"}"#),
    INTERVIEWS,
    &[("interviewId", "raw_interviews"), ("interviewerUserIds", "users")],
)
.under("raw_interview_schedules");

pub(crate) const INTERVIEW_PLANS: Kind =
    raw("raw_interview_plans", changes("/interviewPlan.list", ARCHIVED_TOO), INTERVIEWS, &[]);

/// The stages of every plan; the unified ones are those of a job's default plan.
pub(crate) const INTERVIEW_STAGES: Kind = raw(
    "raw_interview_stages",
    once("/interviewStage.list", r#"{"interviewPlanId": "{parent}"}"#),
    INTERVIEWS,
    &[("interviewStageGroupId", "raw_interview_stage_groups")],
)
.under("raw_interview_plans");

pub(crate) const INTERVIEW_STAGE_GROUPS: Kind =
    raw("raw_interview_stage_groups", once("/interviewStageGroup.list", "{}"), INTERVIEWS, &[]);

pub(crate) const INTERVIEWER_POOLS: Kind = raw(
    "raw_interviewer_pools",
    changes("/interviewerPool.list", r#"{"includeArchivedPools": true}"#),
    METADATA,
    &[],
);

pub(crate) const JOB_BOARDS: Kind = raw("raw_job_boards", once("/jobBoard.list", "{}"), JOBS, &[]);

pub(crate) const JOB_TEMPLATES: Kind = raw(
    "raw_job_templates",
    changes("/jobTemplate.list", "{}"),
    JOBS,
    &[
        ("locationId", "offices"),
        ("departmentId", "departments"),
        ("interviewPlanIds", "raw_interview_plans"),
    ],
);

pub(crate) const OFFERS_OF: Kind =
    raw("raw_offers", changes("/offer.list", "{}"), OFFERS, &[("applicationId", "applications")])
        .fetch(Fetch::by(Ask::post("/offer.info").body(r#"{"offerId": "{id}"}"#)).at("/results"))
        .deletes(&[DeleteSign::GoneOnFetch, DeleteSign::Hook]);
