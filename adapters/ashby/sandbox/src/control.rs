//! The control surface of this sandbox: what [`atsync_sandbox::control`] needs.

use atsync_sandbox::{About, Collection, Controlled, Fault, Logged, Request};
use serde_json::{Map, Value, json};

use crate::model::COLLECTIONS;
use crate::recruiter::Recruiter;
use crate::sandbox::Sandbox;

/// The script of the conformance suite, at `GET /_sandbox/stage`.
const STAGE: &str = include_str!("stage.json");

/// The member that [`Controlled::edit`] changes when the caller names none.
fn edited_member(collection: &str) -> Option<&'static str> {
    match collection {
        "candidates" => Some("company"),
        "jobs" | "jobPostings" | "candidateTags" | "sources" | "customFields" => Some("title"),
        "departments" | "locations" | "brands" => Some("name"),
        "interviews" | "projects" | "jobTemplates" | "feedbackForms" | "surveyForms"
        | "interviewPlans" | "interviewerPools" => Some("title"),
        "offers" => Some("decidedAt"),
        "notes" => Some("content"),
        "users" => Some("lastName"),
        "archiveReasons" => Some("text"),
        _ => None,
    }
}

/// The right to list a collection.
fn right(collection: &str) -> &'static str {
    match collection {
        "applications"
        | "candidates"
        | "notes"
        | "applicationRoles"
        | "clientInfo"
        | "criteriaEvaluations"
        | "feedback"
        | "fraudChecks"
        | "projects"
        | "surveyRequests"
        | "surveySubmissions"
        | "questionnaireSubmissions" => "candidatesRead",
        "jobs" | "jobPostings" | "openings" | "jobBoards" | "jobTemplates" => "jobsRead",
        "interviewPlans"
        | "interviewStages"
        | "interviewStageGroups"
        | "interviews"
        | "interviewEvents"
        | "interviewSchedules" => "interviewsRead",
        "offers" => "offersRead",
        "approvals" => "approvalsRead",
        "users" | "departments" | "locations" | "brands" | "hiringTeamRoles"
        | "interviewerPauses" => "organizationRead",
        _ => "hiringProcessMetadataRead",
    }
}

impl Controlled for Sandbox {
    fn about(&self) -> About {
        let collection = |name: &&str| Collection {
            name: (*name).to_owned(),
            permission: Some(right(name).to_owned()),
            editable: edited_member(name).is_some(),
        };
        About {
            ats: "ashby",
            origins: vec![("api", "")],
            credential: json!({"api_key": self.api_key()}),
            collections: COLLECTIONS.iter().map(collection).collect(),
        }
    }

    fn now_ms(&self) -> i64 {
        Sandbox::now_ms(self)
    }

    fn advance_ms(&self, by_ms: i64) {
        Sandbox::advance_ms(self, by_ms);
    }

    fn reset(&self, seed: Option<u64>, candidates: Option<usize>) {
        Sandbox::reset(self, seed, candidates);
    }

    fn requests(&self) -> Vec<Logged> {
        Sandbox::requests(self)
    }

    fn writes(&self) -> Value {
        json!(Sandbox::writes(self))
    }

    fn clear_logs(&self) {
        Sandbox::clear_logs(self);
    }

    fn fault_rules(&self) -> Vec<Fault> {
        self.faults()
    }

    fn add_fault(&self, fault: Fault) {
        Sandbox::add_fault(self, fault);
    }

    fn clear_faults(&self) {
        Sandbox::clear_faults(self);
    }

    fn access(&self) -> Value {
        json!(Sandbox::access(self))
    }

    fn change_access(&self, change: &Value) -> Result<(), String> {
        self.lock().access.change(change)
    }

    fn quirks(&self) -> Value {
        json!(Sandbox::quirks(self))
    }

    fn replace_quirks(&self, quirks: Value) -> Result<(), String> {
        let quirks = serde_json::from_value(quirks).map_err(|error| error.to_string())?;
        self.set_quirks(|held| *held = quirks);
        Ok(())
    }

    fn set_rate_limit(&self, limit: u32) {
        Sandbox::set_rate_limit(self, limit);
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        Sandbox::counts(self)
    }

    fn rows(&self, collection: &str, column: Option<(&str, &str)>) -> Result<Vec<Value>, String> {
        Ok(match column {
            None => Sandbox::rows(self, collection),
            Some((member, value)) => self.rows_where(collection, member, value),
        })
    }

    fn row(&self, collection: &str, id: &str) -> Option<Value> {
        Sandbox::row(self, collection, id)
    }

    fn with_email(&self, email: &str) -> Vec<Value> {
        self.candidates_by_email(email)
    }

    fn edit(
        &self,
        collection: &str,
        id: &str,
        values: Option<&Map<String, Value>>,
    ) -> Result<Value, String> {
        let values = match values {
            Some(values) if !values.is_empty() || edited_member(collection).is_none() => {
                values.clone()
            }
            _ => self.edited(collection, id)?,
        };
        let (collection, id) = (collection.to_owned(), id.to_owned());
        Sandbox::recruiter(self, &Recruiter::Set { collection, id: id.clone(), values })?;
        Ok(json!(id))
    }

    fn recruiter(&self, deed: &[u8]) -> Result<Value, String> {
        let deed = serde_json::from_slice(deed).map_err(|error| error.to_string())?;
        Sandbox::recruiter(self, &deed)
    }

    fn webhooks(&self) -> Value {
        json!(self.lock().hooks.list())
    }

    fn add_webhooks(&self, new: &[u8]) -> Result<Value, String> {
        let new = serde_json::from_slice(new).map_err(|error| error.to_string())?;
        self.add_webhook(&new).map(|ids| json!(ids))
    }

    fn enable_webhook(&self, id: &str) -> bool {
        Sandbox::enable_webhook(self, id)
    }

    fn remove_webhook(&self, id: &str) -> bool {
        self.lock().hooks.remove(id)
    }

    fn deliveries(&self) -> Value {
        json!(self.hook_deliveries())
    }

    fn fire(&self, event: &str, payload: Value) -> Result<(), String> {
        self.fire_webhook(event, payload)
    }

    fn own(&self, request: &Request<'_>, segments: &[&str]) -> Option<Result<Value, String>> {
        let is_stage = request.method == "GET" && segments == ["stage"];
        is_stage.then(|| serde_json::from_str(STAGE).map_err(|error| error.to_string()))
    }
}

impl Sandbox {
    /// Chooses a change of a record.
    fn edited(&self, collection: &str, id: &str) -> Result<Map<String, Value>, String> {
        let row = self.row(collection, id).ok_or("there is no such row")?;
        let member = edited_member(collection).ok_or("the collection has no member to edit")?;
        let text = row.get(member).and_then(Value::as_str).unwrap_or_default();
        let value = json!(format!("{text} (edited)"));
        Ok([(member.to_owned(), value)].into_iter().collect())
    }
}
