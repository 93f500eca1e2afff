//! Records of the lists that the imagined company says nothing about: interviews, offers, feedback,
//! surveys, projects and what an organisation is set up with.
//!
//! They hang on the company's first candidates, jobs and users. Two lists have more rows than three
//! of the largest pages: interviews and projects.

use crate::model::{Model, record, text};
use serde_json::{Value, json};

/// More rows than three pages of the largest size have.
const MANY: usize = 320;
/// The applications with interviews, feedback and offers.
const SOME: usize = 12;

/// Adds the records.
pub(crate) fn make(model: &mut Model) {
    let now = model.now();
    let ids = |model: &Model, collection: &str| -> Vec<String> {
        model
            .documents
            .all(collection)
            .filter_map(|one| text(one, "id").map(str::to_owned))
            .collect()
    };
    let (users, jobs) = (ids(model, "users"), ids(model, "jobs"));
    let (Some(user), Some(job)) = (users.first(), jobs.first()) else { return };
    let form = json!({"sections": [{"title": "Overall", "fields": []}]});
    let organization = model.next_id("organizations");
    for role in ["Recruiter", "Coordinator", "Sourcer"] {
        model.add("applicationRoles", json!({ "title": role }));
        model.add("hiringTeamRoles", json!({ "title": role }));
    }
    let feedback_form = model.add(
        "feedbackForms",
        json!({"organizationId": organization, "title": "Scorecard", "isArchived": false,
            "isDefaultForm": true, "formDefinition": form}),
    );
    let survey_form = model.add(
        "surveyForms",
        json!({"organizationId": organization, "title": "Your experience", "isArchived": false,
            "isDefaultForm": true, "formDefinition": form, "surveyType": "CandidateExperience"}),
    );
    model.add("brands", json!({"name": "Main brand", "hostedJobsPageSlug": "main"}));
    model.add("jobBoards", json!({"title": "Careers", "isInternal": false}));
    model.add(
        "communicationTemplates",
        json!({"createdAt": now, "updatedAt": now, "title": "Thank you",
            "intendedTypes": ["email"]}),
    );
    if let Some(source) = ids(model, "sources").first() {
        for enabled in [true, false] {
            model.add(
                "trackingLinks",
                json!({"code": if enabled { "fair" } else { "old" }, "enabled": enabled,
                    "sourceId": source, "link": "https://jobs.example.com/?utm_source=fair"}),
            );
        }
    }
    model.add(
        "interviewerPauses",
        json!({"userId": user, "startsAt": now, "endsAt": null, "comment": "On leave",
            "createdAt": now}),
    );
    model.add(
        "interviewerPools",
        json!({"title": "Panel", "isArchived": false, "trainingPath": {
            "id": organization, "enabled": false, "trainingStages": []}}),
    );
    for (order, kind) in
        ["Lead", "PreInterviewScreen", "Active", "Offer", "Hired", "Archived"].iter().enumerate()
    {
        let members = json!({"title": format!("{kind} stages"), "order": order, "stageType": kind});
        model.add("interviewStageGroups", members);
    }
    let plan = model.text("jobs", job, "defaultInterviewPlanId").map(str::to_owned);
    model.add(
        "jobTemplates",
        json!({"title": "Any role", "status": "Active", "defaultInterviewPlanId": plan,
            "interviewPlanIds": plan.iter().collect::<Vec<_>>(), "createdAt": now,
            "updatedAt": now}),
    );
    let mut interview = String::new();
    for at in 0..MANY {
        interview = model.add(
            "interviews",
            json!({"title": format!("Interview {at}"), "isArchived": false, "isDebrief": false,
                "isFeedbackRequired": true, "isFeedbackRequested": true, "jobId": job,
                "feedbackFormDefinitionId": feedback_form}),
        );
        model.add(
            "projects",
            json!({"title": format!("Project {at}"), "isArchived": false, "confidential": false,
                "authorId": user, "createdAt": now, "customFieldEntries": []}),
        );
    }
    for application in ids(model, "applications").into_iter().take(SOME) {
        let of = [application.as_str(), &interview, &feedback_form, &survey_form, user];
        below(model, of, &now, &form);
    }
}

/// Adds what belongs to one application.
fn below(model: &mut Model, of: [&str; 5], now: &str, form: &Value) {
    let [application, interview, feedback_form, survey_form, user] = of;
    let candidate = model.text("applications", application, "_candidate").map(str::to_owned);
    let candidate = candidate.unwrap_or_default();
    let stage = model.text("applications", application, "_stage").map(str::to_owned);
    let file = model.next_id("files");
    let file = json!({"id": file, "name": "cv.pdf", "handle": format!("handle-{file}")});
    let other = model.next_id("files");
    let other = json!({"id": other, "name": "letter.pdf", "handle": format!("handle-{other}")});
    let files = json!({"resumeFileHandle": file, "fileHandles": [file, other]});
    model.documents.update("candidates", &candidate, |held| held.extend(record(files)));
    let held = model.get("users", user).cloned().unwrap_or_default();
    let shown = model.show("users", &held, false);
    let mut interviewer = shown.clone();
    if let Some(members) = interviewer.as_object_mut() {
        members.insert("isFeedbackRequired".to_owned(), true.into());
        members.insert("trainingRole".to_owned(), "Shadow".into());
        members.insert("interviewerPool".to_owned(), Value::Null);
    }
    let schedule = model.add(
        "interviewSchedules",
        json!({"status": "Scheduled", "applicationId": application, "interviewStageId": stage,
            "scheduledBy": shown, "createdAt": now, "updatedAt": now}),
    );
    let event = model.add(
        "interviewEvents",
        json!({"interviewId": interview, "interviewScheduleId": schedule,
            "interviewerUserIds": [user], "interviewers": [interviewer], "createdAt": now,
            "updatedAt": now, "startTime": now, "endTime": now,
            "feedbackLink": "https://app.example.com/feedback", "location": null,
            "meetingLink": null, "hasSubmittedFeedback": true}),
    );
    model.add(
        "feedback",
        json!({"formDefinition": form, "submittedValues": {"overall": "4"},
            "submittedByUser": shown, "interviewId": interview, "interviewEventId": event,
            "feedbackFormDefinitionId": feedback_form, "applicationId": application,
            "submittedAt": now}),
    );
    model.add(
        "criteriaEvaluations",
        json!({"_application": application, "status": "Completed", "outcome": "Meets",
            "evaluatedAt": now, "criterion": {"id": feedback_form, "title": "Experience",
            "type": "ResumePrompt", "prompt": "Has five years"}}),
    );
    model.add(
        "surveyRequests",
        json!({"candidateId": candidate, "applicationId": application,
            "surveyFormDefinitionId": survey_form, "surveyUrl": "https://survey.example.com/1",
            "_surveyType": "CandidateExperience"}),
    );
    for (collection, kind) in [
        ("surveySubmissions", "CandidateExperience"),
        ("questionnaireSubmissions", "Questionnaire"),
    ] {
        model.add(
            collection,
            json!({"surveyFormDefinitionId": survey_form, "submittedAt": now,
                "candidateId": candidate, "applicationId": application, "surveyType": kind,
                "formDefinition": form, "submittedValues": {"rating": 5}}),
        );
    }
    let version = json!({"id": model.next_id("offerVersions"), "createdAt": now,
        "customFields": [], "fileHandles": [], "approvalStatus": "Approved", "author": shown});
    let offer = model.add(
        "offers",
        json!({"applicationId": application, "acceptanceStatus": "Pending",
            "offerStatus": "WaitingOnCandidateResponse", "latestVersion": version}),
    );
    let definition = model.next_id("approvalDefinitions");
    let step = json!({"id": model.next_id("approvalSteps"), "approvalsRequired": 1,
        "approvers": []});
    model.add(
        "approvals",
        json!({"approvalDefinitionId": definition, "entityId": offer, "entityType": "offer",
            "createdAt": now, "steps": [step]}),
    );
    model.add(
        "clientInfo",
        json!({"ipAddress": "192.0.2.7", "userAgent": "Example/1.0",
            "relatedEntityType": "application", "relatedEntityId": application,
            "candidateId": candidate, "createdAt": now}),
    );
    model.add(
        "fraudChecks",
        json!({"candidateId": candidate, "applicationId": application, "createdAt": now,
            "fraudSignals": [{"id": definition, "category": "network", "name": "VPN",
            "description": "The address is one of a VPN"}]}),
    );
}
