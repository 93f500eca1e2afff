//! Maps the members of a request back to the members of the input.
//!
//! Greenhouse's errors name members of the request; the host knows those of its desired record.
//! Unknown names stay unchanged: an unmapped name is better than none. Left out: members of list
//! entries, which Greenhouse is not known to name.

/// Returns the member of the input that a member of the request was made from; an unknown name is
/// returned unchanged.
pub(crate) fn input_member(operation: &str, written: &str) -> String {
    if let Some(rest) = written.strip_prefix("application.") {
        return format!("application.{}", input_member("applications.create", rest));
    }
    let known = match (operation, written) {
        ("users.create", "first_name") => "first",
        ("users.create", "last_name") => "last",
        ("users.create", "primary_email") => "email",
        ("employments.create", "company_name") => "company",
        (
            "educations.create" | "employments.create",
            "start_date" | "start_date_year" | "start_date_month" | "start_at",
        ) => "started_on",
        (
            "educations.create" | "employments.create",
            "end_date" | "end_date_year" | "end_date_month" | "end_at",
        ) => "ended_on",
        (_, "school_name_custom_field_option_id") => "school",
        (_, "degree_custom_field_option_id") => "degree",
        (_, "discipline_custom_field_option_id") => "discipline",
        (_, "first_name") => "name.first",
        (_, "last_name") => "name.last",
        (_, "preferred_name") => "name.preferred",
        (_, "email_addresses") => "emails",
        (_, "phone_numbers") => "phones",
        (_, "website_addresses" | "social_media_addresses") => "links",
        (_, "is_private") => "private",
        (_, "candidate_id") => "candidate",
        (_, "application_id") => "application",
        (_, "job_id") => "job",
        (_, "job_ids") => "jobs",
        (_, "initial_stage_id" | "to_job_interview_stage_id") => "stage",
        (_, "to_stage_id") => "to_stage",
        (_, "to_job_id") => "to_job",
        (_, "source_id") => "source",
        (_, "referrer_id") => "referrer",
        (_, "recruiter_id") => "recruiter",
        (_, "coordinator_id") => "coordinator",
        (_, "prospect_pool_id") => "pool",
        (_, "prospect_pool_stage_id") => "pool_stage",
        (_, "prospect_owner_id") => "owner",
        (_, "rejection_reason_id") => "reason",
        (_, "notes") => "note",
        (_, "opening_id") => "opening",
        (_, "start_date") => "start_on",
        (_, "close_reason_id") => "close_reason",
        (_, "candidate_tag_id") => "tag",
        (_, "custom_field_id") => "custom_field",
        (_, "sort_order") => "order",
        (_, "user_id") => "author",
        (_, other) => other,
    };
    known.to_owned()
}
