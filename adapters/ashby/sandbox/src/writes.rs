//! The writes. Each checks its whole body before it changes anything, so a refusal has no effect.
//!
//! Nothing is deduplicated: a second create makes a second record.

use crate::model::{Model, put, status, text};
use crate::quirks::{ClientTime, Quirks};
use crate::refusal::Refusal;
use atsync_sandbox::{format_ms, parse_ms};
use serde_json::{Map, Value, json};

/// What a write may see and change.
pub(crate) struct Writing<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) quirks: &'a Quirks,
}

type Body = Map<String, Value>;

/// The right that a write needs, and its members: `!` marks one that must be given.
pub(crate) fn form(path: &str) -> Option<(&'static str, &'static str)> {
    let candidates = "candidatesWrite";
    Some(match path {
        "candidate.create" => (
            candidates,
            "name! email phoneNumber linkedInUrl githubUrl website alternateEmailAddresses \
             sourceId creditedToUserId location createdAt",
        ),
        "candidate.update" => (
            candidates,
            "candidateId! name email phoneNumber linkedInUrl githubUrl websiteUrl alternateEmail \
             socialLinks sourceId creditedToUserId location createdAt sendNotifications",
        ),
        "candidate.addTag" | "candidate.removeTag" => (candidates, "candidateId! tagId!"),
        "candidate.createNote" => {
            (candidates, "candidateId! note! sendNotifications isPrivate createdAt")
        }
        "candidate.anonymize" => (candidates, "candidateId!"),
        "candidate.search" => ("candidatesRead", "email name"),
        "candidateTag.create" => ("hiringProcessMetadataWrite", "title!"),
        "application.create" => (
            candidates,
            "candidateId! jobId! interviewPlanId interviewStageId sourceId creditedToUserId \
             createdAt applicationHistory",
        ),
        "application.changeStage" => {
            (candidates, "applicationId! interviewStageId! archiveReasonId archiveEmail")
        }
        "application.changeSource" => (candidates, "applicationId! sourceId"),
        "application.update" => {
            (candidates, "applicationId! sourceId creditedToUserId createdAt sendNotifications")
        }
        "customField.setValue" => (candidates, "objectId! objectType! fieldId! fieldValue"),
        "customField.setValues" => (candidates, "objectId! objectType! values!"),
        "webhook.create" => ("apiKeysWrite", "webhookType! requestUrl! secretToken!"),
        "webhook.update" => ("apiKeysWrite", "webhookId! enabled requestUrl secretToken"),
        "webhook.delete" => ("apiKeysWrite", "webhookId!"),
        "webhook.info" => ("apiKeysRead", "webhookId!"),
        _ => return None,
    })
}

/// Refuses members that a form does not have, and a body without those that it needs.
pub(crate) fn check(form: &str, body: &Body) -> Result<(), Refusal> {
    let named = |name: &str| form.split_whitespace().any(|one| one.trim_end_matches('!') == name);
    if let Some(name) = body.keys().find(|name| !named(name)) {
        return Err(Refusal::input(format!("{name} is not allowed")));
    }
    let needed = form.split_whitespace().filter_map(|one| one.strip_suffix('!'));
    match needed.into_iter().find(|name| body.get(*name).is_none_or(Value::is_null)) {
        Some(name) => Err(Refusal::input(format!("{name} is required"))),
        None => Ok(()),
    }
}

fn word<'a>(body: &'a Body, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::input(format!("{name} must be a string"))),
    }
}

fn needed<'a>(body: &'a Body, name: &str) -> Result<&'a str, Refusal> {
    word(body, name)?.ok_or_else(|| Refusal::input(format!("{name} is required")))
}

impl Writing<'_> {
    /// Carries out a write. Returns what the answer shows: a collection and an id, or values.
    pub(crate) fn perform(&mut self, path: &str, body: &Body) -> Result<Value, Refusal> {
        let (collection, id) = match path {
            "candidate.create" => ("candidates", self.create_candidate(body)?),
            "candidate.update" => ("candidates", self.update_candidate(body)?),
            "candidate.addTag" => ("candidates", self.tag(body, true)?),
            "candidate.removeTag" => ("candidates", self.tag(body, false)?),
            "candidate.createNote" => ("notes", self.note(body)?),
            "candidate.anonymize" => ("candidates", self.anonymise(body)?),
            "candidate.search" => return self.search(body),
            "candidateTag.create" => ("candidateTags", self.make_tag(body)?),
            "application.create" => ("applications", self.apply(body)?),
            "application.changeStage" => ("applications", self.change_stage(body)?),
            "application.changeSource" | "application.update" => {
                ("applications", self.update_application(body)?)
            }
            _ => return self.set_values(body),
        };
        let held = self.model.get(collection, &id).cloned().unwrap_or_default();
        let mut shown = self.model.show(collection, &held, self.quirks.nulls);
        if path == "application.create" {
            put(
                &mut shown,
                "applicationHistory",
                held.get("_history").cloned().unwrap_or_default(),
            );
        }
        Ok(shown)
    }

    fn known(&self, collection: &'static str, id: &str, code: &'static str) -> Result<(), Refusal> {
        if self.model.get(collection, id).is_some() { Ok(()) } else { Err(Refusal::code(code)) }
    }

    /// The client's time of creation, as far as it is stored.
    fn created(&self, body: &Body) -> Result<Option<String>, Refusal> {
        let Some(given) = word(body, "createdAt")? else { return Ok(None) };
        let ms = parse_ms(given).ok_or_else(|| Refusal::input("createdAt must be an ISO date"))?;
        Ok(match self.quirks.client_time {
            ClientTime::Exact => Some(format_ms(ms)),
            ClientTime::WholeSeconds => Some(format_ms(ms.saturating_sub(ms.rem_euclid(1000)))),
            ClientTime::Ignored => None,
        })
    }

    /// Source and credited user, checked.
    fn credits(&self, body: &Body) -> Result<Map<String, Value>, Refusal> {
        let mut made = Map::new();
        for (name, own, collection, code) in [
            ("sourceId", "_source", "sources", "source_not_found"),
            ("creditedToUserId", "_credited", "users", "user_not_found"),
        ] {
            if let Some(id) = word(body, name)? {
                self.known(collection, id, code)?;
                made.insert(own.to_owned(), id.into());
            } else if body.contains_key(name) {
                made.insert(own.to_owned(), Value::Null);
            }
        }
        Ok(made)
    }

    fn create_candidate(&mut self, body: &Body) -> Result<String, Refusal> {
        let name = needed(body, "name")?;
        let credits = self.credits(body)?;
        let created = self.created(body)?.unwrap_or_else(|| self.model.now());
        let mut emails = Vec::new();
        let others = body.get("alternateEmailAddresses").and_then(Value::as_array);
        let others = others.into_iter().flatten().filter_map(Value::as_str);
        for email in word(body, "email")?.into_iter().chain(others) {
            if !email.contains('@') {
                return Err(Refusal::input("email is not an e-mail address"));
            }
            emails
                .push(json!({"value": email, "type": "Personal", "isPrimary": emails.is_empty()}));
        }
        let phones: Vec<Value> = word(body, "phoneNumber")?
            .map(|phone| json!({"value": phone, "type": "Personal", "isPrimary": true}))
            .into_iter()
            .collect();
        let mut links = Vec::new();
        for (member, kind) in
            [("linkedInUrl", "LinkedIn"), ("githubUrl", "GitHub"), ("website", "Website")]
        {
            links.extend(word(body, member)?.map(|url| json!({"type": kind, "url": url})));
        }
        let now = self.model.now();
        let mut members = json!({"name": name, "emailAddresses": emails, "phoneNumbers": phones,
            "socialLinks": links, "fileHandles": [], "customFields": [], "createdAt": created,
            "updatedAt": now, "_tags": [], "_madeAt": self.model.now_ms()});
        if let Some(members) = members.as_object_mut() {
            members.extend(credits);
        }
        Ok(self.model.add("candidates", members))
    }

    fn update_candidate(&mut self, body: &Body) -> Result<String, Refusal> {
        let id = needed(body, "candidateId")?.to_owned();
        self.known("candidates", &id, "candidate_not_found")?;
        let mut members = self.credits(body)?;
        if let Some(created) = self.created(body)? {
            members.insert("createdAt".to_owned(), created.into());
        }
        if let Some(name) = word(body, "name")? {
            members.insert("name".to_owned(), name.into());
        }
        let held = self.model.get("candidates", &id).cloned().unwrap_or_default();
        let list = |name: &str| -> Vec<Value> {
            held.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let mut emails = list("emailAddresses");
        // The primary one is replaced, the alternate one is added, even a second time.
        primary(&mut emails, word(body, "email")?);
        if let Some(email) = word(body, "alternateEmail")? {
            emails.push(json!({"value": email, "type": "Other", "isPrimary": false}));
        }
        members.insert("emailAddresses".to_owned(), emails.into());
        let mut phones = list("phoneNumbers");
        primary(&mut phones, word(body, "phoneNumber")?);
        members.insert("phoneNumbers".to_owned(), phones.into());
        let mut links = list("socialLinks");
        if let Some(all) = body.get("socialLinks") {
            links = all.as_array().cloned().ok_or_else(|| Refusal::input("socialLinks"))?;
        }
        for (member, kind) in
            [("linkedInUrl", "LinkedIn"), ("githubUrl", "GitHub"), ("websiteUrl", "Website")]
        {
            if let Some(url) = word(body, member)? {
                links.retain(|link| link["type"] != kind);
                links.push(json!({"type": kind, "url": url}));
            }
        }
        members.insert("socialLinks".to_owned(), links.into());
        self.model.set("candidates", &id, members.into());
        Ok(id)
    }

    fn tag(&mut self, body: &Body, adds: bool) -> Result<String, Refusal> {
        let id = needed(body, "candidateId")?.to_owned();
        let tag = needed(body, "tagId")?.to_owned();
        self.known("candidates", &id, "candidate_not_found")?;
        self.known("candidateTags", &tag, "candidate_tag_not_found")?;
        let held = self.model.get("candidates", &id).and_then(|one| one.get("_tags")).cloned();
        let mut tags = held.and_then(|tags| tags.as_array().cloned()).unwrap_or_default();
        let before = tags.len();
        tags.retain(|one| *one != tag.as_str());
        let had = tags.len() < before;
        if adds {
            tags.push(tag.into());
        }
        if had != adds {
            self.model.set("candidates", &id, json!({"_tags": tags}));
        }
        Ok(id)
    }

    fn make_tag(&mut self, body: &Body) -> Result<String, Refusal> {
        let title = needed(body, "title")?;
        let known = self.model.find("candidateTags", "title", title);
        Ok(match known.into_iter().next() {
            Some(known) => known,
            None => self.model.add("candidateTags", json!({"title": title, "isArchived": false})),
        })
    }

    fn note(&mut self, body: &Body) -> Result<String, Refusal> {
        let candidate = needed(body, "candidateId")?;
        self.known("candidates", candidate, "candidate_not_found")?;
        let content = match body.get("note") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(note)) => {
                let kind = note.get("type").and_then(Value::as_str);
                let value = note.get("value").and_then(Value::as_str);
                match (kind, value) {
                    (Some("text/plain" | "text/html"), Some(value)) => value.to_owned(),
                    _ => return Err(Refusal::input("note has no type or value")),
                }
            }
            _ => return Err(Refusal::input("note must be a string or an object")),
        };
        let is_private = body.get("isPrivate") == Some(&Value::Bool(true));
        let created = self.created(body)?.unwrap_or_else(|| self.model.now());
        let author = self.model.documents.all("users").find_map(|one| text(one, "id"));
        let members = json!({"content": content, "isPrivate": is_private, "createdAt": created,
            "_author": author, "_candidate": candidate});
        Ok(self.model.add("notes", members))
    }

    /// Blanks a candidate whose every application is over.
    fn anonymise(&mut self, body: &Body) -> Result<String, Refusal> {
        let id = needed(body, "candidateId")?.to_owned();
        self.known("candidates", &id, "candidate_not_found")?;
        for application in self.model.find("applications", "_candidate", &id) {
            let stage = self.model.text("applications", &application, "_stage").unwrap_or_default();
            let kind = self.model.text("interviewStages", stage, "type").unwrap_or_default();
            if !matches!(status(kind), "Hired" | "Archived") {
                return Err(Refusal::code("candidate_has_active_applications"));
            }
        }
        blank(self.model, &id);
        Ok(id)
    }

    /// Finds at most a hundred, by both values together.
    fn search(&self, body: &Body) -> Result<Value, Refusal> {
        let (email, name) = (word(body, "email")?, word(body, "name")?);
        if email.is_none() && name.is_none() {
            return Err(Refusal::input("email or name is required"));
        }
        let by_email = email.map(|email| self.model.with_email(email));
        let lag_ms = self.quirks.search_lag_ms;
        let mut found = self.model.documents.all_shown("candidates");
        found.retain(|one| {
            let id = text(one, "id").unwrap_or_default();
            let made_ms = one.get("_madeAt").and_then(Value::as_i64).unwrap_or(i64::MIN);
            let held = text(one, "name").unwrap_or_default().to_lowercase();
            by_email.as_ref().is_none_or(|ids| ids.iter().any(|held| held == id))
                && name.is_none_or(|name| held.contains(&name.to_lowercase()))
                && made_ms <= self.model.now_ms().saturating_sub(lag_ms)
        });
        let show = |one| self.model.show("candidates", one, self.quirks.nulls);
        Ok(found.into_iter().take(100).map(show).collect())
    }

    fn apply(&mut self, body: &Body) -> Result<String, Refusal> {
        let candidate = needed(body, "candidateId")?;
        let job = needed(body, "jobId")?;
        self.known("candidates", candidate, "candidate_not_found")?;
        self.known("jobs", job, "job_not_found")?;
        let credits = self.credits(body)?;
        let created = self.created(body)?.unwrap_or_else(|| self.model.now());
        if self.quirks.one_application_per_job {
            let theirs = self.model.find("applications", "_candidate", candidate);
            let same = |id: &String| self.model.text("applications", id, "_job") == Some(job);
            if theirs.iter().any(same) {
                return Err(Refusal::code("application_already_exists"));
            }
        }
        let own = self.model.text("jobs", job, "defaultInterviewPlanId").unwrap_or_default();
        let plan = word(body, "interviewPlanId")?.unwrap_or(own);
        let stages = self.model.stages(plan);
        let of_type = |kind: &str| {
            stages
                .iter()
                .find(|one| text(one, "type") == Some(kind))
                .and_then(|one| text(one, "id"))
        };
        let stage = match word(body, "interviewStageId")? {
            None => of_type("Lead"),
            Some("FirstPreInterviewScreen") => of_type("PreInterviewScreen"),
            Some(id) => stages.iter().find_map(|one| text(one, "id").filter(|held| *held == id)),
        };
        let stage = stage.ok_or_else(|| Refusal::code("interview_stage_not_found"))?.to_owned();
        let now = self.model.now();
        let mut members = json!({"createdAt": created, "updatedAt": now, "customFields": [],
            "_candidate": candidate, "_job": job, "_stage": stage, "_history": []});
        if let Some(members) = members.as_object_mut() {
            members.extend(credits);
        }
        let candidate = candidate.to_owned();
        let id = self.model.add("applications", members);
        enter(self.model, &id, &stage, None);
        self.model.set("candidates", &candidate, json!({}));
        Ok(id)
    }

    fn change_stage(&mut self, body: &Body) -> Result<String, Refusal> {
        let id = needed(body, "applicationId")?.to_owned();
        let stage = needed(body, "interviewStageId")?.to_owned();
        self.known("applications", &id, "application_not_found")?;
        let held = self.model.text("applications", &id, "_stage").unwrap_or_default();
        let plan = self.model.text("interviewStages", held, "interviewPlanId").unwrap_or_default();
        if self.model.text("interviewStages", &stage, "interviewPlanId") != Some(plan) {
            return Err(Refusal::code("interview_stage_not_found"));
        }
        let is_archived = self.model.text("interviewStages", &stage, "type") == Some("Archived");
        let reason = word(body, "archiveReasonId")?.map(str::to_owned);
        match &reason {
            None if is_archived => return Err(Refusal::input("archiveReasonId is required")),
            Some(_) if !is_archived => {
                return Err(Refusal::input("archiveReasonId is for archived stages alone"));
            }
            Some(reason) => self.known("archiveReasons", reason, "archive_reason_not_found")?,
            None => {}
        }
        enter(self.model, &id, &stage, reason.as_deref());
        Ok(id)
    }

    fn update_application(&mut self, body: &Body) -> Result<String, Refusal> {
        let id = needed(body, "applicationId")?.to_owned();
        self.known("applications", &id, "application_not_found")?;
        let mut members = self.credits(body)?;
        if let Some(created) = self.created(body)? {
            members.insert("createdAt".to_owned(), created.into());
        }
        self.model.set("applications", &id, members.into());
        Ok(id)
    }

    fn set_values(&mut self, body: &Body) -> Result<Value, Refusal> {
        let id = needed(body, "objectId")?.to_owned();
        let collection = match needed(body, "objectType")? {
            "Candidate" => "candidates",
            "Application" => "applications",
            "Job" => "jobs",
            "Opening" => "openings",
            _ => return Err(Refusal::input("objectType is not valid")),
        };
        self.known(collection, &id, "object_not_found")?;
        let given: Vec<(String, Value)> = match body.get("values").and_then(Value::as_array) {
            None => vec![(
                needed(body, "fieldId")?.to_owned(),
                body.get("fieldValue").cloned().unwrap_or_default(),
            )],
            Some(all) => {
                let pair = |one: &Value| {
                    Some((one["fieldId"].as_str()?.to_owned(), one["fieldValue"].clone()))
                };
                let pairs: Option<Vec<_>> = all.iter().map(pair).collect();
                pairs.ok_or_else(|| Refusal::input("values has an entry without fieldId"))?
            }
        };
        let held = self.model.get(collection, &id).and_then(|one| one.get("customFields")).cloned();
        let mut values = held.and_then(|held| held.as_array().cloned()).unwrap_or_default();
        for (field, value) in given {
            let of = self.model.get("customFields", &field);
            let of = of.ok_or_else(|| Refusal::code("custom_field_not_found"))?;
            values.retain(|one| one["id"] != field.as_str());
            if value.is_null() {
                continue;
            }
            let choices = of.get("selectableValues").and_then(Value::as_array);
            let label = |value: &Value| {
                let known = choices?.iter().find(|choice| choice["value"] == *value)?;
                Some(known["label"].clone())
            };
            let labels = match (&value, choices) {
                (_, None) => None,
                (Value::Array(all), Some(_)) => {
                    let all: Option<Vec<Value>> = all.iter().map(label).collect();
                    Some(all.map(Value::from))
                }
                (one, Some(_)) => Some(label(one)),
            };
            let mut made = json!({"id": field, "title": of.get("title"), "value": value,
                "isPrivate": of.get("isPrivate")});
            if let Some(labels) = labels {
                put(
                    &mut made,
                    "valueLabel",
                    labels.ok_or_else(|| Refusal::input("fieldValue is none of the values"))?,
                );
            }
            values.push(made);
        }
        self.model.set(collection, &id, json!({"customFields": values}));
        Ok(values.into())
    }
}

/// Replaces the primary value of a list, or adds one.
fn primary(all: &mut Vec<Value>, value: Option<&str>) {
    let Some(value) = value else { return };
    match all.iter_mut().find(|one| one["isPrimary"] == true) {
        Some(first) => first["value"] = value.into(),
        None => all.push(json!({"value": value, "type": "Personal", "isPrimary": true})),
    }
}

/// Moves an application into a stage, with its history.
pub(crate) fn enter(model: &mut Model, id: &str, stage: &str, reason: Option<&str>) {
    let now = model.now();
    let held = model.get("applications", id).and_then(|one| one.get("_history")).cloned();
    let mut history = held.and_then(|held| held.as_array().cloned()).unwrap_or_default();
    let is_there = history.last().is_some_and(|last| last["stageId"] == stage);
    if !is_there {
        if let Some(last) = history.last_mut() {
            last["leftStageAt"] = now.as_str().into();
        }
        let title = model.text("interviewStages", stage, "title").unwrap_or_default().to_owned();
        let row = json!({"id": model.next_id("history"), "stageId": stage, "title": title,
            "stageNumber": history.len(), "enteredStageAt": now, "allowedActions": ["none"]});
        history.push(row);
    }
    let archived = reason.map(|_| now.clone());
    let members = json!({"_stage": stage, "_reason": reason, "archivedAt": archived,
        "_history": history});
    model.set("applications", id, members);
}

/// Blanks the data of a person.
pub(crate) fn blank(model: &mut Model, id: &str) {
    let members = json!({"name": "Anonymized", "emailAddresses": [], "phoneNumbers": [],
        "socialLinks": [], "customFields": [], "fileHandles": [], "company": null,
        "position": null, "location": null, "_tags": []});
    model.set("candidates", id, members);
}
