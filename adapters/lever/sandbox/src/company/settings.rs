//! Makes users, stages and archive reasons.

use atsync_sandbox::Company;
use serde_json::json;

use super::Made;
use crate::model::Model;

/// The stages that every account has, with their pipeline and rank, and the company's between them.
/// Built-in ones have words as ids.
const STAGES: [(&str, Option<&str>, &str, f64); 11] = [
    ("New Lead", Some("lead-new"), "lead", 1.0),
    ("Reached Out", Some("lead-reached-out"), "lead", 2.0),
    ("Responded", Some("lead-responded"), "lead", 3.0),
    ("New Applicant", Some("applicant-new"), "applicant", 101.0),
    ("Application Review", None, "applicant", 102.5),
    ("Phone Screen", None, "screen", 105.5),
    ("Hiring Manager Interview", None, "screen", 106.25),
    ("Take Home Test", None, "screen", 107.0),
    ("Onsite", None, "onsite", 110.0),
    ("Reference Check", None, "offer", 120.0),
    ("Offer", Some("offer"), "offer", 130.0),
];

pub(super) fn make(model: &mut Model, company: &Company, made: &mut Made) {
    for user in &company.users {
        let role = if user.admin { "super admin" } else { "team member" };
        let left_ms = user.deactivated.then_some(company.began_ms.saturating_add(86_400_000));
        let id = model.add(
            "users",
            json!({
                "name": user.name(),
                "username": user.email.split('@').next(),
                "email": user.email,
                "accessRole": role,
                "photo": null,
                "createdAt": company.began_ms,
                "deactivatedAt": left_ms,
                "externalDirectoryId": user.employee_id,
                "linkedContactIds": [],
                "jobTitle": user.title,
                "managerId": null,
            }),
        );
        made.users.push(id);
    }
    for (name, id, pipeline, rank) in STAGES {
        let members = json!({"text": name, "pipeline": pipeline, "rank": rank,
            "hasInterview": matches!(pipeline, "screen" | "onsite"),
            "_createdAt": company.began_ms});
        let id = id.map_or_else(|| model.next_id("stages"), str::to_owned);
        model.add_as("stages", &id, members);
        made.stages.push((name, id));
    }
    let mut reason = |name: &str, status: &str, kind: &str| {
        let members = json!({"text": name, "status": status, "type": kind,
            "_createdAt": company.began_ms});
        model.add("archive_reasons", members)
    };
    // Exactly one reason is that of a hire; some are out of use.
    made.hired = reason("Hired", "active", "hired");
    for wanted in company.reasons.iter().chain(&company.builtin_reasons) {
        let id = reason(wanted.name, "active", "non-hired");
        if !wanted.builtin {
            made.reasons.push(id);
        }
    }
    reason("Position closed (old)", "inactive", "non-hired");
}
