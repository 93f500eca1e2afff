//! The reads: lists with cursors and sync tokens, single records.
//!
//! A pass begins without a cursor and notes the number of the last change; its last page has a
//! token of that number. So a row that changes during the pass shows again in the next one, and a
//! record that is deleted or merged vanishes from both without a word.

use crate::model::{Model, put, text};
use crate::quirks::Quirks;
use crate::refusal::Refusal;
use atsync_sandbox::{Document, parse_ms};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The largest page.
const LIMIT_MAX: u64 = 100;

/// What a list shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    pub(crate) collection: &'static str,
    /// The members that a request may have beside those of every list.
    pub(crate) members: &'static [&'static str],
    pub(crate) paging: Paging,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// Cursors and sync tokens.
    Tokens,
    /// Cursors alone.
    Cursors,
    /// Everything at once, with `moreDataAvailable: false`.
    Whole,
    /// Everything at once, without any member about paging.
    Bare,
}

/// Finds the list of a path, with the right that it needs.
pub(crate) fn list(path: &str) -> Option<(List, &'static str)> {
    let of = |collection, members, paging| List { collection, members, paging };
    let (candidates, jobs) = ("candidatesRead", "jobsRead");
    let (metadata, organization) = ("hiringProcessMetadataRead", "organizationRead");
    let archived: &[&str] = &["includeArchived"];
    Some(match path {
        "candidate.list" => (of("candidates", &["createdAfter"], Paging::Tokens), candidates),
        "application.list" => {
            let members = &["createdAfter", "status", "jobId", "expand"];
            (of("applications", members, Paging::Tokens), candidates)
        }
        "candidate.listNotes" => (of("notes", &["candidateId"], Paging::Tokens), candidates),
        "job.list" => (of("jobs", &["createdAfter", "status"], Paging::Tokens), jobs),
        "opening.list" => (of("openings", &["createdAfter"], Paging::Tokens), jobs),
        "jobPosting.list" => (of("jobPostings", &["listedOnly"], Paging::Bare), jobs),
        "user.list" => (of("users", &["includeDeactivated"], Paging::Tokens), organization),
        "department.list" => (of("departments", archived, Paging::Tokens), organization),
        "location.list" => {
            let members = &["includeArchived", "includeLocationHierarchy"];
            (of("locations", members, Paging::Tokens), organization)
        }
        "candidateTag.list" => (of("candidateTags", archived, Paging::Tokens), metadata),
        "customField.list" => (of("customFields", &[], Paging::Tokens), metadata),
        "interviewPlan.list" => (of("interviewPlans", archived, Paging::Tokens), "interviewsRead"),
        "interviewStage.list" => {
            (of("interviewStages", &["interviewPlanId"], Paging::Whole), "interviewsRead")
        }
        "source.list" => (of("sources", archived, Paging::Whole), metadata),
        "archiveReason.list" => (of("archiveReasons", archived, Paging::Bare), metadata),
        "closeReason.list" => (of("closeReasons", archived, Paging::Whole), metadata),
        _ => return breadth(path),
    })
}

/// The lists whose rows no other record of the API shows.
fn breadth(path: &str) -> Option<(List, &'static str)> {
    use Paging::{Bare, Cursors, Tokens, Whole};
    const AFTER: &[&str] = &["createdAfter"];
    const ARCHIVED: &[&str] = &["includeArchived"];
    let (candidates, jobs, interviews) = ("candidatesRead", "jobsRead", "interviewsRead");
    let (metadata, organization) = ("hiringProcessMetadataRead", "organizationRead");
    let (collection, members, paging, right): (_, &'static [&'static str], _, _) = match path {
        "applicationHiringTeamRole.list" => ("applicationRoles", &[], Bare, candidates),
        "application.listCriteriaEvaluations" => {
            ("criteriaEvaluations", &["applicationId"], Cursors, candidates)
        }
        "applicationFeedback.list" => {
            ("feedback", &["createdAfter", "applicationId"], Tokens, candidates)
        }
        "feedbackFormDefinition.list" => ("feedbackForms", ARCHIVED, Tokens, metadata),
        "surveyFormDefinition.list" => ("surveyForms", &[], Tokens, metadata),
        "surveyRequest.list" => {
            let members = &["createdAfter", "surveyType", "applicationId", "candidateId"];
            ("surveyRequests", members, Tokens, candidates)
        }
        "surveySubmission.list" => {
            ("surveySubmissions", &["createdAfter", "surveyType"], Tokens, candidates)
        }
        "approval.list" => ("approvals", &["entityType", "entityId"], Tokens, "approvalsRead"),
        "brand.list" => ("brands", &[], Cursors, organization),
        "communicationTemplate.list" => ("communicationTemplates", &[], Bare, metadata),
        "hiringTeamRole.list" => ("hiringTeamRoles", &["namesOnly"], Bare, organization),
        "sourceTrackingLink.list" => ("trackingLinks", &["includeDisabled"], Whole, metadata),
        "user.listInterviewerPauses" => ("interviewerPauses", &["userId"], Bare, organization),
        "candidate.listClientInfo" => ("clientInfo", &["candidateId"], Tokens, candidates),
        "candidate.listFraudChecks" => ("fraudChecks", &["candidateId"], Cursors, candidates),
        "project.list" => ("projects", AFTER, Tokens, candidates),
        "interview.list" => {
            let members = &[
                "includeArchived",
                "includeNonSharedInterviews",
                "excludeArchivedScheduleTemplateInterviews",
            ];
            ("interviews", members, Tokens, interviews)
        }
        "interviewEvent.list" => {
            let members = &["createdAfter", "interviewScheduleId", "expand"];
            ("interviewEvents", members, Tokens, interviews)
        }
        "interviewSchedule.list" => {
            let members = &["createdAfter", "applicationId", "interviewStageId"];
            ("interviewSchedules", members, Tokens, interviews)
        }
        "interviewStageGroup.list" => ("interviewStageGroups", &[], Bare, interviews),
        "interviewerPool.list" => {
            let members = &["includeArchivedPools", "includeArchivedTrainingStages"];
            ("interviewerPools", members, Tokens, metadata)
        }
        "jobBoard.list" => ("jobBoards", &[], Whole, jobs),
        "jobTemplate.list" => ("jobTemplates", &["expand"], Tokens, jobs),
        "offer.list" => {
            let members = &[
                "createdAfter",
                "applicationId",
                "offerStatus",
                "acceptanceStatus",
                "approvalStatus",
            ];
            ("offers", members, Tokens, "offersRead")
        }
        _ => return None,
    };
    Some((List { collection, members, paging }, right))
}

/// The member of a request that names the record above, the member of a row that names it, and
/// whether a request must have it.
fn above(collection: &str) -> &'static [(&'static str, &'static str, bool)] {
    match collection {
        "notes" => &[("candidateId", "_candidate", true)],
        "interviewStages" => &[("interviewPlanId", "interviewPlanId", true)],
        "applications" => &[("jobId", "_job", false)],
        "criteriaEvaluations" => &[("applicationId", "_application", true)],
        "clientInfo" | "fraudChecks" => &[("candidateId", "candidateId", true)],
        "interviewerPauses" => &[("userId", "userId", true)],
        "interviewEvents" => &[("interviewScheduleId", "interviewScheduleId", true)],
        "surveySubmissions" | "questionnaireSubmissions" => &[("surveyType", "surveyType", true)],
        "surveyRequests" => &[
            ("surveyType", "_surveyType", true),
            ("applicationId", "applicationId", false),
            ("candidateId", "candidateId", false),
        ],
        "approvals" => &[("entityType", "entityType", false), ("entityId", "entityId", false)],
        "feedback" | "offers" => &[("applicationId", "applicationId", false)],
        "interviewSchedules" => &[
            ("applicationId", "applicationId", false),
            ("interviewStageId", "interviewStageId", false),
        ],
        _ => &[],
    }
}

impl List {
    /// The list as a request's members choose it: one path has two collections.
    pub(crate) fn chosen(self, body: &Map<String, Value>) -> Self {
        let of = body.get("surveyType").and_then(Value::as_str);
        match (self.collection, of) {
            ("surveySubmissions", Some("Questionnaire")) => {
                Self { collection: "questionnaireSubmissions", ..self }
            }
            _ => self,
        }
    }
}

/// A pass that a token begins or a cursor continues.
#[derive(Debug, Clone)]
struct Pass {
    collection: &'static str,
    /// The filters of its first request.
    filters: Map<String, Value>,
    since: Option<i64>,
    until: i64,
    after: String,
    pages: u64,
    made_ms: i64,
}

/// The tokens and cursors that were given out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    /// By text: the collection, the number of the last change that it covers, when it was made.
    syncs: BTreeMap<String, (&'static str, i64, i64)>,
    cursors: BTreeMap<String, Pass>,
    serial: u64,
}

impl Tokens {
    fn name(&mut self, letter: char) -> String {
        self.serial = self.serial.saturating_add(1);
        format!("{letter}{:08x}", self.serial.wrapping_mul(0x9e37_79b9) & 0xffff_ffff)
    }

    fn since(
        &self,
        list: List,
        body: &Map<String, Value>,
        quirks: &Quirks,
        now_ms: i64,
    ) -> Result<Option<i64>, Refusal> {
        let Some(token) = body.get("syncToken") else { return Ok(None) };
        let invalid = || Refusal::code("sync_token_invalid");
        let token = token.as_str().filter(|_| !quirks.tokens_invalid).ok_or_else(invalid)?;
        let (of, seq, made_ms) = self.syncs.get(token).ok_or_else(invalid)?;
        if *of != list.collection {
            return Err(invalid());
        }
        let age_ms = now_ms.saturating_sub(*made_ms);
        if quirks.token_life_ms > 0 && age_ms > quirks.token_life_ms {
            return Err(Refusal::code("sync_token_expired"));
        }
        Ok(Some(*seq))
    }
}

/// Answers a page of a list.
pub(crate) fn page(
    model: &Model,
    tokens: &mut Tokens,
    list: List,
    body: &Map<String, Value>,
    quirks: &Quirks,
    sees: &dyn Fn(&Document) -> bool,
) -> Result<Value, Refusal> {
    let paged = matches!(list.paging, Paging::Tokens | Paging::Cursors);
    check(list, body, paged)?;
    let limit = match body.get("limit") {
        None => LIMIT_MAX,
        Some(limit) => limit
            .as_u64()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| Refusal::input("limit must be between 1 and 100"))?,
    };
    let now_ms = model.now_ms();
    let mut filters = body.clone();
    filters.retain(|name, _| !matches!(name.as_str(), "limit" | "cursor"));
    let pass = match body.get("cursor") {
        Some(cursor) => {
            let invalid = || Refusal::code("cursor_invalid");
            let pass = cursor.as_str().and_then(|cursor| tokens.cursors.get(cursor));
            let pass = pass.filter(|pass| pass.collection == list.collection);
            let pass = pass.filter(|pass| pass.filters == filters).ok_or_else(invalid)?.clone();
            let age_ms = now_ms.saturating_sub(pass.made_ms);
            if quirks.cursor_life_ms > 0 && age_ms > quirks.cursor_life_ms {
                return Err(Refusal::code("next_cursor_expired"));
            }
            pass
        }
        None => {
            let since = tokens.since(list, body, quirks, now_ms)?;
            let (collection, until) = (list.collection, model.seq);
            let after = String::new();
            Pass { collection, filters, since, until, after, pages: 0, made_ms: now_ms }
        }
    };
    if pass.since.is_some()
        && quirks.incremental_pages_max > 0
        && pass.pages >= quirks.incremental_pages_max
    {
        return Err(Refusal::code("incremental_sync_too_large"));
    }
    let seq = |one: &Document| one.get("_seq").and_then(Value::as_i64).unwrap_or_default();
    let passes = filter(list, body)?;
    let mut rows: Vec<&Document> = model.documents.all_shown(list.collection);
    rows.retain(|one| {
        let id = text(one, "id").unwrap_or_default();
        id > pass.after.as_str()
            && pass.since.is_none_or(|since| seq(one) > since)
            && sees(one)
            && passes(model, one)
    });
    rows.sort_by_key(|one| text(one, "id"));
    let size = if paged { usize::try_from(limit).unwrap_or(1) } else { rows.len() };
    let more = rows.len() > size;
    rows.truncate(size);
    let show = |one: &&Document| model.show(list.collection, one, quirks.nulls);
    let mut results: Vec<Value> = rows.iter().map(show).collect();
    // Names alone are the default.
    if list.collection == "hiringTeamRoles" && body.get("namesOnly") != Some(&Value::Bool(false)) {
        let title = |one: Value| one.get("title").cloned().unwrap_or_default();
        results = results.into_iter().map(title).collect();
    }
    let mut answer = json!({"success": true, "results": results});
    if list.paging != Paging::Bare {
        put(&mut answer, "moreDataAvailable", more.into());
    }
    if more {
        let after = rows.last().and_then(|one| text(one, "id")).unwrap_or_default().to_owned();
        let pages = pass.pages.saturating_add(1);
        let cursor = tokens.name('c');
        tokens.cursors.insert(cursor.clone(), Pass { after, pages, made_ms: now_ms, ..pass });
        put(&mut answer, "nextCursor", cursor.into());
    } else if list.paging == Paging::Tokens {
        let token = tokens.name('s');
        tokens.syncs.insert(token.clone(), (list.collection, pass.until, now_ms));
        put(&mut answer, "syncToken", token.into());
    }
    Ok(answer)
}

fn check(list: List, body: &Map<String, Value>, paged: bool) -> Result<(), Refusal> {
    for name in body.keys() {
        let is_own = list.members.contains(&name.as_str());
        let is_paging = match name.as_str() {
            "limit" | "cursor" => paged,
            "syncToken" => list.paging == Paging::Tokens,
            _ => false,
        };
        if !is_own && !is_paging {
            return Err(Refusal::input(format!("{name} is not allowed")));
        }
    }
    Ok(())
}

type Passes<'a> = Box<dyn Fn(&Model, &Document) -> bool + 'a>;

/// The rows that a request's own members choose.
fn filter<'a>(list: List, body: &'a Map<String, Value>) -> Result<Passes<'a>, Refusal> {
    let collection = list.collection;
    let is = |name: &str| body.get(name) == Some(&Value::Bool(true));
    let after = match body.get("createdAfter") {
        None => None,
        Some(at) => {
            Some(at.as_i64().ok_or_else(|| Refusal::input("createdAfter must be a number"))?)
        }
    };
    let mut below: Vec<(&'static str, &'a str)> = Vec::new();
    for (member, own, is_needed) in above(collection) {
        match body.get(*member).and_then(Value::as_str) {
            Some(given) => below.push((*own, given)),
            None if *is_needed => return Err(Refusal::input(format!("{member} is required"))),
            None => {}
        }
    }
    let mut states: Vec<&str> = match body.get("status") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(all) => all.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if collection == "jobs" && states.is_empty() {
        states = vec!["Open", "Closed", "Archived"];
    }
    let (archived, deactivated) = (is("includeArchived"), is("includeDeactivated"));
    let has_archived = list.members.contains(&"includeArchived");
    let disabled = is("includeDisabled");
    Ok(Box::new(move |model, one| {
        let created = text(one, "createdAt").and_then(parse_ms);
        let shown = match collection {
            "applications" if !states.is_empty() => {
                let stage = text(one, "_stage").unwrap_or_default();
                let kind = model.text("interviewStages", stage, "type").unwrap_or_default();
                states.contains(&crate::model::status(kind))
            }
            "jobs" => text(one, "status").is_some_and(|status| states.contains(&status)),
            "trackingLinks" => disabled || one.get("enabled") == Some(&Value::Bool(true)),
            "users" => deactivated || one.get("isEnabled") == Some(&Value::Bool(true)),
            _ => true,
        };
        shown
            && below.iter().all(|(name, id)| text(one, name) == Some(*id))
            && after.is_none_or(|after| created.is_some_and(|created| created > after))
            && (!has_archived || archived || one.get("isArchived") != Some(&Value::Bool(true)))
    }))
}

/// Finds the record of a path: collection, the member with its id, right, code of a refusal.
pub(crate) fn single(
    path: &str,
) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    Some(match path {
        "candidate.info" => ("candidates", "id", "candidatesRead", "candidate_not_found"),
        "application.info" => {
            ("applications", "applicationId", "candidatesRead", "application_not_found")
        }
        "job.info" => ("jobs", "id", "jobsRead", "job_not_found"),
        "opening.info" => ("openings", "openingId", "jobsRead", "opening_not_found"),
        "jobPosting.info" => ("jobPostings", "jobPostingId", "jobsRead", "job_posting_not_found"),
        "offer.info" => ("offers", "offerId", "offersRead", "offer_not_found"),
        "interview.info" => ("interviews", "id", "interviewsRead", "interview_not_found"),
        "project.info" => ("projects", "projectId", "candidatesRead", "project_not_found"),
        "user.info" => ("users", "userId", "organizationRead", "user_not_found"),
        "customField.info" => {
            ("customFields", "customFieldId", "hiringProcessMetadataRead", "custom_field_not_found")
        }
        _ => return None,
    })
}
