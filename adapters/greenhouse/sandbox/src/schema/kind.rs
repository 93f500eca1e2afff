//! The collections, each with its rows; new ones stand at the end, since ids follow from the place.

use super::{Endpoint, list_endpoint};

macro_rules! kinds {
    ($($kind:ident $name:literal,)*) => {
        /// A collection that has rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind { $($kind,)* }

        impl Kind {
            /// Every collection that has rows.
            pub(crate) const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// Returns the name in the path.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    Candidates "candidates",
    Applications "applications",
    ApplicationStages "application_stages",
    RejectionDetails "rejection_details",
    CandidateTags "candidate_tags",
    AppliedCandidateTags "applied_candidate_tags",
    Departments "departments",
    Offices "offices",
    Jobs "jobs",
    JobPosts "job_posts",
    JobInterviewStages "job_interview_stages",
    RejectionReasons "rejection_reasons",
    CloseReasons "close_reasons",
    Sources "sources",
    Referrers "referrers",
    Users "users",
    UserEmails "user_emails",
    CustomFields "custom_fields",
    CustomFieldOptions "custom_field_options",
    ProspectPools "prospect_pools",
    ProspectPoolStages "prospect_pool_stages",
    ProspectDetails "prospect_details",
    Openings "openings",
    Notes "notes",
    Attachments "attachments",
    JobOwners "job_owners",
    JobHiringManagers "job_hiring_managers",
    EmailTemplates "email_templates",
    JobBoards "job_boards",
    BulkRequests "bulk_requests",
    CandidateEducations "candidate_educations",
    CandidateEmployments "candidate_employments",
    ApprovalFlows "approval_flows",
    ApproverGroups "approver_groups",
    Approvers "approvers",
    BlockedSpamSources "blocked_spam_sources",
    CandidateAttributeTypes "candidate_attribute_types",
    CustomFieldDepartments "custom_field_departments",
    CustomFieldOffices "custom_field_offices",
    DefaultInterviewers "default_interviewers",
    DemographicAnswerOptions "demographic_answer_options",
    DemographicAnswers "demographic_answers",
    DemographicQuestionSets "demographic_question_sets",
    DemographicQuestions "demographic_questions",
    Eeoc "eeoc",
    FocusCandidateAttributes "focus_candidate_attributes",
    FutureJobPermissions "future_job_permissions",
    InterviewKits "interview_kits",
    InterviewerTags "interviewer_tags",
    Interviewers "interviewers",
    Interviews "interviews",
    JobBoardCustomLocations "job_board_custom_locations",
    JobCandidateAttributes "job_candidate_attributes",
    JobInterviews "job_interviews",
    JobNotes "job_notes",
    JobPostLocations "job_post_locations",
    JobPostSearchableLocations "job_post_searchable_locations",
    Offers "offers",
    PayInputRanges "pay_input_ranges",
    PayInputs "pay_inputs",
    ScorecardCandidateAttributes "scorecard_candidate_attributes",
    ScorecardQuestionAnswerOptions "scorecard_question_answer_options",
    ScorecardQuestionAnswers "scorecard_question_answers",
    ScorecardQuestionCandidateAttributes "scorecard_question_candidate_attributes",
    ScorecardQuestionOptions "scorecard_question_options",
    ScorecardQuestions "scorecard_questions",
    Scorecards "scorecards",
    TrackingLinks "tracking_links",
    UserJobPermissions "user_job_permissions",
    UserRoles "user_roles",
}

impl Kind {
    /// Returns the collection of that name.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Returns the endpoint with the columns of its rows.
    pub(crate) fn endpoint(self) -> Option<&'static Endpoint> {
        list_endpoint(self.name())
    }

    /// Returns the position of a column.
    pub(crate) fn column(self, name: &str) -> Option<usize> {
        self.endpoint()?.fields.iter().position(|field| field.name == name)
    }
}
