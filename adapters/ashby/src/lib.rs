//! The atsync adapter for Ashby.
//!
//! Every request is a POST with a JSON body, and a refusal may come with status 200. `REFERENCE.md`
//! lists each fact of Ashby that this rests on, and where.

mod custom;
mod custom_write;
mod hiring;
mod jobs;
mod people;
mod raw;
mod setup;
mod update;
mod value;
mod write;

use atsync_adapter::kit::*;
use atsync_adapter::manifest::FieldRule;

/// The adapter. It has no state.
#[derive(Debug)]
pub struct Ashby;

atsync_adapter::adapter!(Ashby);

const GRANT_AT: &str = "Admin > Integrations > API Keys";

impl Adapter for Ashby {
    const ABOUT: About = About::new("ashby", env!("CARGO_PKG_VERSION"))
        .title("Ashby")
        .origins(&[Origin::fixed("api", "https://api.ashbyhq.com")])
        .auth(&[Auth::BasicUsername])
        // Ashby publishes no figure: a careful beginning, which the engine adapts.
        .rates(&[Rate::new("key", 50, 10_000)])
        .safe(&[
            "/apiKey.info",
            "/candidate.search",
            "/candidate.info",
            "/candidate.listNotes",
            "/application.info",
            "/interviewStage.list",
        ])
        .settings(&[
            Setting::flag("allow_stage_changes", "Applications may be moved"),
            Setting::flag("allow_outcomes", "Applications may be archived and hired"),
        ])
        .operations(write::ALL)
        .account(Account::by(identify))
        .permissions(&[
            Permission::new("candidatesRead", "Candidates, read")
                .grant_at(GRANT_AT)
                .without_it("Candidates, applications and notes are not read")
                .by(|ats| check(ats, "candidatesRead")),
            Permission::new("jobsRead", "Jobs, read")
                .grant_at(GRANT_AT)
                .without_it("Jobs, stages, openings and postings are not read")
                .by(|ats| check(ats, "jobsRead")),
            Permission::new("hiringProcessMetadataRead", "Hiring process metadata, read")
                .grant_at(GRANT_AT)
                .without_it("Sources, tags, archive reasons and custom fields have no names")
                .by(|ats| check(ats, "hiringProcessMetadataRead")),
            Permission::new("organizationRead", "Organization, read")
                .grant_at(GRANT_AT)
                .without_it("Users, departments and locations have no names")
                .optional()
                .by(|ats| check(ats, "organizationRead")),
            Permission::new("interviewsRead", "Interviews, read")
                .grant_at(GRANT_AT)
                .without_it(
                    "Applications are not archived or hired; raw kinds of interviews are empty",
                )
                .optional()
                .by(|ats| check(ats, "interviewsRead")),
            Permission::new("offersRead", "Offers, read")
                .grant_at(GRANT_AT)
                .without_it("The raw kind of offers is not read")
                .optional()
                .by(|ats| check(ats, "offersRead")),
            Permission::new("approvalsRead", "Approvals, read")
                .grant_at(GRANT_AT)
                .without_it("The raw kind of approvals is not read")
                .optional()
                .by(|ats| check(ats, "approvalsRead")),
            Permission::new("candidatesWrite", "Candidates, write")
                .grant_at(GRANT_AT)
                .without_it("Nothing is created, moved or archived")
                .optional()
                .by(|ats| check(ats, "candidatesWrite")),
            Permission::new("hiringProcessMetadataWrite", "Hiring process metadata, write")
                .grant_at(GRANT_AT)
                .without_it("New tags are not made")
                .optional()
                .by(|ats| check(ats, "hiringProcessMetadataWrite")),
            Permission::new("apiKeysRead", "API keys, read")
                .grant_at(GRANT_AT)
                .without_it("The organisation is not identified, and no other right is checked")
                .by(|ats| check(ats, "apiKeysRead")),
        ])
        .kinds(&[
            people::CANDIDATES,
            people::APPLIED_TAGS,
            people::ATTACHMENTS,
            people::NOTES,
            hiring::APPLICATIONS,
            hiring::REJECTIONS,
            hiring::APPLICATION_STAGES,
            jobs::JOBS,
            jobs::HIRING_MANAGERS,
            jobs::JOB_OWNERS,
            jobs::STAGES,
            jobs::OPENINGS,
            jobs::POSTINGS,
            setup::USERS,
            setup::REFERRERS,
            setup::DEPARTMENTS,
            setup::OFFICES,
            setup::SOURCES,
            setup::TAGS,
            setup::REJECT_REASONS,
            setup::CLOSE_REASONS,
            custom::CUSTOM_FIELDS,
            custom::CUSTOM_FIELD_OPTIONS,
            raw::APPLICATION_ROLES,
            raw::CRITERIA_EVALUATIONS,
            raw::FEEDBACK,
            raw::FEEDBACK_FORMS,
            raw::SURVEY_FORMS,
            raw::SURVEY_REQUESTS,
            raw::SURVEY_SUBMISSIONS,
            raw::QUESTIONNAIRE_SUBMISSIONS,
            raw::APPROVALS_OF,
            raw::BRANDS,
            raw::COMMUNICATION_TEMPLATES,
            raw::HIRING_TEAM_ROLES,
            raw::TRACKING_LINKS,
            raw::INTERVIEWER_PAUSES,
            raw::CLIENT_INFO,
            raw::FRAUD_CHECKS,
            raw::PROJECTS,
            raw::INTERVIEWS_OF,
            raw::INTERVIEW_SCHEDULES,
            raw::INTERVIEW_EVENTS,
            raw::INTERVIEW_PLANS,
            raw::INTERVIEW_STAGES,
            raw::INTERVIEW_STAGE_GROUPS,
            raw::INTERVIEWER_POOLS,
            raw::JOB_BOARDS,
            raw::JOB_TEMPLATES,
            raw::OFFERS_OF,
        ])
        .hook(Hook::new(
            Signature::hmac_sha256(Piece::Header("ashby-signature")).prefix("sha256="),
            hints,
        ))
        .lossy(&[
            "Ashby has one name per person, which is never split; a name is changed where the \
             policy enforces it, and by both parts alone",
            "Company, title and time zone of a person are read and cannot be written",
            "E-mail addresses and telephone numbers are added, and the primary one is replaced; no \
             other one is removed, and of several numbers one is kept",
            "Types of addresses and numbers are Ashby's own: what is added has no type of the host",
            "A range of pay that had no interval gets the interval NONE",
            "A person's own source and credited user are not read; those of applications are",
            "Outcome and stage are one axis in Ashby: to reject or to hire moves the stage",
            "Stages are those of a job's default interview plan",
            "A referrer is always a user of Ashby",
            "The type of a custom value is read from its form, since values do not name it",
            "A value of a custom field that was a date cannot be told from a text of that form; a \
             time of day counts as a date, since no field has one",
            "Which candidates are in a project is not read: those rows have the project's id alone",
            "Notes cannot be edited or deleted",
            "Deletions and merges are told by webhooks alone, or by a fetch",
        ]);

    /// The kit has no word for `seen`, for sensitive kinds, nor for a setting that is a list.
    fn manifest(manifest: &mut atsync_adapter::Manifest) {
        for rule in &mut manifest.kinds {
            if raw::SENSITIVE.contains(&rule.name.as_str()) {
                rule.opt_in = Some(raw::SENSITIVE_KINDS.to_owned());
            }
        }
        let settings = manifest.settings_schema.pointer_mut("/properties");
        if let Some(settings) = settings.and_then(serde_json::Value::as_object_mut) {
            let kinds = serde_json::json!({
                "type": "array", "default": [], "uniqueItems": true,
                "items": {"enum": raw::SENSITIVE},
                "description": "Sensitive raw kinds to read: client addresses, fraud checks, \
                 evaluations by criteria, answers to surveys. They are read only where named here.",
            });
            settings.insert(raw::SENSITIVE_KINDS.to_owned(), kinds);
        }
        for rule in &mut manifest.operations {
            if write::GUARDED.contains(&rule.name.as_str()) {
                rule.fields.push(FieldRule::new("seen", FieldMode::Set));
            }
        }
    }

    fn failure(answer: &Answer<'_>) -> Option<Failure> {
        let code = code(answer);
        match (answer.status(), code) {
            // A page in HTML comes from a firewall; a missing right is told by its code.
            (403, Some(code)) if code != MISSING_RIGHT => Some(Failure::Auth(answer.message())),
            (403, None) if answer.at("/success").is_some() => Some(Failure::Auth(answer.message())),
            (200..=299, _) if answer.at("/success").is_some_and(|is| *is == false) => {
                Some(refusal(code.unwrap_or_default(), answer))
            }
            (400..=499, Some(code)) => passing(code),
            _ => None,
        }
    }
}

/// The code of a refusal for want of a right.
const MISSING_RIGHT: &str = "missing_endpoint_permission";

/// The code of a refusal: `errors` is deprecated, and has texts or objects.
fn code<'a>(answer: &'a Answer<'_>) -> Option<&'a str> {
    ["/errorInfo/code", "/errors/0", "/errors/0/code", "/errors/0/message"]
        .into_iter()
        .find_map(|place| answer.text(place))
        .filter(|code| !code.is_empty())
}

/// Refusals of a cursor or a token, which pass by themselves.
fn passing(code: &str) -> Option<Failure> {
    match code {
        "sync_token_expired" | "sync_token_invalid" | "incremental_sync_too_large" => {
            Some(Failure::Restart(Restart::Everything))
        }
        "next_cursor_expired" | "cursor_invalid" | "invalid_next_cursor" => {
            Some(Failure::Restart(Restart::Pass))
        }
        _ => None,
    }
}

/// A refusal with status 200. Its code stays in the text, since codes are not enumerated.
fn refusal(code: &str, answer: &Answer<'_>) -> Failure {
    let said = answer.message();
    let said = if said.contains(code) { said } else { format!("{code}: {said}") };
    match code {
        MISSING_RIGHT => Failure::Denied(Denied { permission: String::new(), message: said }),
        "candidate_not_found"
        | "application_not_found"
        | "job_not_found"
        | "opening_not_found"
        | "user_not_found"
        | "job_posting_not_found"
        | "offer_not_found"
        | "interview_not_found"
        | "custom_field_not_found"
        | "project_not_found" => Failure::NotFound(said),
        code => passing(code).unwrap_or_else(|| {
            Failure::Invalid(vec![FieldError { field: String::new(), message: said }])
        }),
    }
}

const KEY: Ask = Ask::post("/apiKey.info").body("{}");

/// An organisation has no id that a key may read. A key belongs to one organisation for life, so
/// its title and time of creation identify both.
fn identify(ats: &mut Ats<'_>) -> Result<Tenant, Stop> {
    let (title, created_at): (String, String) = ats.read(KEY, |answer| {
        Ok((answer.get("/results/title")?, answer.get("/results/createdAt")?))
    })?;
    Ok(Tenant { fingerprint: format!("ashby:{created_at}:{title}"), catalogue: "{}".into() })
}

/// Looks a right up in the key's own list. Both forms of names occur: `candidatesRead` in texts and
/// `candidates:read` in examples.
fn check(ats: &mut Ats<'_>, right: &'static str) -> Result<Checked, Stop> {
    let scopes: Result<Vec<String>, Stop> = ats.read(KEY, |answer| answer.get("/results/scopes"));
    let scopes = match scopes {
        Err(stop) if right == "apiKeysRead" => {
            return stop
                .denied()
                .map(|message| Checked { verdict: Verdict::Missing, detail: message });
        }
        Err(stop) => {
            return stop.denied().map(|message| Checked {
                verdict: Verdict::Unknown,
                detail: format!("the key may not read its own rights: {message}"),
            });
        }
        Ok(scopes) => scopes,
    };
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
    };
    let has = scopes.iter().any(|scope| plain(scope) == plain(right));
    let (verdict, detail) = if has || right == "apiKeysRead" {
        (Verdict::Granted, "the key has it")
    } else {
        (Verdict::Missing, "the key's list of rights does not have it")
    };
    Ok(Checked { verdict, detail: detail.into() })
}

/// `{"action": "candidateDelete", "data": {"candidate": {"id": "…"}}}`. Hints lead to reads and
/// are never state.
fn hints(event: &mut Event<'_>) {
    match event.text("/action") {
        "candidateDelete" => event.deleted("candidates", "/data/candidate/id"),
        "candidateMerge" => {
            let [deleted, merged] = ["/data/deletedCandidate/id", "/data/mergedCandidate/id"];
            event.merged("candidates", deleted, merged);
            event.changed("candidates", merged);
        }
        "jobCreate" | "jobUpdate" => event.changed("jobs", "/data/job/id"),
        // The applications of the job move to other stages, and each has an event of its own.
        "interviewPlanTransition" => event.changed("jobs", "/data/jobId"),
        "openingCreate" => event.changed("openings", "/data/opening/id"),
        "jobPostingUpdate" | "jobPostingPublish" | "jobPostingUnpublish" => {
            event.changed("postings", "/data/jobPosting/id");
        }
        "applicationSubmit"
        | "applicationUpdate"
        | "candidateStageChange"
        | "candidateHire"
        | "pushToHRIS" => {
            event.changed("applications", "/data/application/id");
            event.changed("candidates", "/data/application/candidate/id");
        }
        "interviewScheduleCreate" | "interviewScheduleUpdate" => {
            event.changed("raw_interview_schedules", "/data/interviewSchedule/id");
            event.changed("applications", "/data/interviewSchedule/applicationId");
        }
        "offerCreate" | "offerUpdate" => {
            event.changed("raw_offers", "/data/offer/id");
            event.changed("applications", "/data/offer/applicationId");
        }
        "offerDelete" => {
            event.deleted("raw_offers", "/data/offer/id");
            event.changed("applications", "/data/offer/applicationId");
        }
        "signatureRequestUpdate" => {
            event.changed("raw_offers", "/data/offerId");
            event.changed("applications", "/data/applicationId");
        }
        "surveySubmit" => {
            let kind = match event.text("/data/surveySubmission/surveyType") {
                "CandidateExperience" => "raw_survey_submissions",
                "Questionnaire" => "raw_questionnaire_submissions",
                // Answers of no list.
                _ => return,
            };
            event.changed(kind, "/data/surveySubmission/id");
        }
        _ => {}
    }
}
