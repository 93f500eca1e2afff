//! Makes what lies below an opportunity and comes from the way through the stages: interviews with
//! their panel, an offer, a referral, a profile form, and files.
//!
//! Members are those of the reference; where it names none, they are as small as a list needs them.

use atsync_sandbox::{Application, Outcome};
use serde_json::{Value, json};

use crate::model::Model;

/// An opportunity.
pub(super) struct Below<'a> {
    pub(super) opportunity: &'a str,
    pub(super) user: Option<String>,
    pub(super) of: &'a Application,
    pub(super) posting: Option<&'a String>,
}

/// Milliseconds of an interview.
const INTERVIEW_MS: i64 = 3_600_000;

impl Below<'_> {
    pub(super) fn make(&self, model: &mut Model, created_ms: i64) {
        let serial = self.of.serial;
        // Every application comes with a résumé but one in four.
        if serial % 4 != 1 {
            let file = file(&format!("cv-{serial}.pdf"));
            self.add(model, "resumes", created_ms, json!({"file": file, "parsedData": null}));
        }
        if serial % 5 == 2 {
            let file = file(&format!("portfolio-{serial}.pdf"));
            self.add(model, "files", created_ms, json!({"file": file, "uploadedAt": created_ms}));
        }
        if self.of.referrer.is_some() {
            self.referral(model, created_ms);
        }
        if serial % 6 == 1 {
            let fields = json!([{"type": "text", "text": "Notice period", "value": "a month"}]);
            let form = json!({"type": "profile", "text": "Profile", "fields": fields,
                "baseTemplateId": null, "user": self.user, "completedAt": created_ms});
            self.add(model, "forms", created_ms, form);
        }
        if let Some(at_ms) = self.of.visits.iter().filter_map(|visit| visit.entered_ms).nth(1) {
            self.interviews(model, at_ms);
        }
        if matches!(self.of.outcome, Outcome::Hired { .. }) {
            let offer = json!({"status": "signed", "creator": self.user, "posting": self.posting,
                "fields": [{"text": "Salary", "identifier": "salary_amount", "value": 50_000}]});
            self.add(model, "offers", created_ms, offer);
        }
    }

    fn stage(&self, model: &Model) -> Option<String> {
        model.text("opportunities", self.opportunity, "stage").map(str::to_owned)
    }

    fn referral(&self, model: &mut Model, created_ms: i64) {
        let referral = json!({"type": "referral", "text": "Referral", "instructions": "",
            "fields": [], "baseTemplateId": null, "user": self.user, "referrer": self.user,
            "stage": self.stage(model), "completedAt": created_ms});
        self.add(model, "referrals", created_ms, referral);
    }

    fn interviews(&self, model: &mut Model, at_ms: i64) {
        let stage = self.stage(model);
        let end_ms = at_ms.saturating_add(INTERVIEW_MS);
        let panel = json!({"stage": stage, "user": self.user, "note": "", "timezone": "UTC",
            "start": at_ms, "end": end_ms});
        let panel = self.add(model, "panels", at_ms, panel);
        let interview = json!({"panel": panel, "stage": stage, "subject": "Phone screen",
            "location": null, "date": at_ms, "duration": 60, "canceledAt": null,
            "interviewers": self.user.iter().map(|id| json!({"id": id})).collect::<Vec<Value>>()});
        self.add(model, "interviews", at_ms, interview);
    }

    fn add(
        &self,
        model: &mut Model,
        collection: &'static str,
        at_ms: i64,
        mut members: Value,
    ) -> String {
        for (name, value) in [
            ("createdAt", Value::from(at_ms)),
            ("updatedAt", at_ms.into()),
            ("_opportunity", self.opportunity.into()),
        ] {
            if let Some(members) = members.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        }
        model.add(collection, members)
    }
}

fn file(name: &str) -> Value {
    json!({"name": name, "ext": "pdf", "size": 12_345, "status": "processed",
        "downloadUrl": format!("https://api.lever.co/v1/files/{name}/download")})
}
