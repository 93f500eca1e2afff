//! What an operation is tried with, made up from the records that were read.
//!
//! The operations of `wit/operations.md` have one meaning for every ATS, so their inputs can be
//! made from unified records: a stage of the job that an application is for, a tag that a candidate
//! does not have. Members that the manifest does not list are left out, as the engine does. A
//! sandbox whose rules ask for more says so in its script.

use super::{Row, World};
use crate::stage::OperationScript;
use atsync::model::contract::RemoteRef;
use atsync::model::kinds;
use atsync::model::manifest::OperationRule;
use serde_json::{Map, Value, json};

/// A target and an input.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) target: Option<RemoteRef>,
    pub(super) input: Map<String, Value>,
}

/// An example of an operation, or why there is none. `nth` makes inputs differ.
pub(super) fn example(
    world: &World<'_>,
    rule: &OperationRule,
    nth: u64,
) -> Result<Example, String> {
    let script = world.stage.script().operations.get(&rule.name).cloned().unwrap_or_default();
    if let Some(why) = script.untried {
        return Err(why);
    }
    let OperationScript { target, input, .. } = script;
    let of = Of { world, nth };
    let made = of.make(&rule.name);
    let (made_target, made_input) = match made {
        Ok((target, input)) => (target, input),
        Err(why) if input.is_empty() && target.is_none() => return Err(why),
        Err(_) => (None, json!({})),
    };
    let mut merged = match made_input {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    // `set`, `add` and `remove` hold fields of the record.
    let takes = |name: &str| {
        matches!(name, "set" | "add" | "remove")
            || rule.fields.iter().any(|field| field.name == name)
    };
    merged.retain(|name, _| takes(name));
    for name in ["set", "add", "remove"] {
        if let Some(Value::Object(members)) = merged.get_mut(name) {
            members.retain(|field, _| takes(field));
        }
    }
    merged.extend(input);
    let target = target.map(|id| RemoteRef::new(&rule.kind, id)).or(made_target);
    Ok(Example { target, input: merged })
}

type Made = Result<(Option<RemoteRef>, Value), String>;

struct Of<'a> {
    world: &'a World<'a>,
    nth: u64,
}

impl Of<'_> {
    fn rows(&self, kind: &str) -> impl Iterator<Item = &Row> {
        self.world.records.get(kind).into_iter().flat_map(|rows| rows.values())
    }

    fn first(&self, kind: &str) -> Result<&Row, String> {
        self.find(kind, |_| true)
    }

    fn find(&self, kind: &str, fits: impl Fn(&Row) -> bool) -> Result<&Row, String> {
        let nth = usize::try_from(self.nth).unwrap_or(0);
        let fitting: Vec<&Row> = self.rows(kind).filter(|row| fits(row)).take(nth + 1).collect();
        fitting.last().copied().ok_or_else(|| format!("no record of {kind} fits it"))
    }

    fn id(&self, kind: &str) -> Result<String, String> {
        self.first(kind).map(|row| row.item.id.clone())
    }

    /// A text that no other example has.
    fn word(&self, word: &str) -> String {
        format!("{word} {}-{}", self.world.given.now_ms % 10_000_000, self.nth)
    }

    /// An application in process, with its job and stage.
    fn active(&self) -> Result<(&Row, String, Option<String>), String> {
        let row = self.find(kinds::APPLICATIONS, |row| {
            row.body.pointer("/outcome/value").and_then(Value::as_str) == Some("active")
                && row.body.get("kind").and_then(Value::as_str) != Some("prospect")
                && reference(row, "job").is_some()
                && reference(row, "stage").is_some()
        })?;
        let job = reference(row, "job").unwrap_or_default();
        Ok((row, job, reference(row, "stage")))
    }

    fn make(&self, operation: &str) -> Made {
        let none = |input: Value| Ok((None, input));
        let of = |kind: &str, row: &Row, input: Value| {
            Ok((Some(RemoteRef::new(kind, row.item.id.clone())), input))
        };
        match operation {
            "candidates.create" => {
                let (day, n) = (self.world.given.now_ms % 10_000_000, self.nth);
                none(json!({
                    "name": { "first": "Conny", "last": self.word("Formance") },
                    "emails": [
                        { "value": format!("conny.{day}.{n}@example.com"), "type": "personal" },
                    ],
                }))
            }
            "candidates.update" => {
                let row = self.first(kinds::CANDIDATES)?;
                of(kinds::CANDIDATES, row, json!({ "set": { "title": self.word("Tester") } }))
            }
            "applications.create" => {
                let candidate = self.first(kinds::CANDIDATES)?;
                let taken = |job: &Row| {
                    self.rows(kinds::APPLICATIONS).any(|row| {
                        reference(row, "candidate").as_deref() == Some(candidate.item.id.as_str())
                            && reference(row, "job").as_deref() == Some(job.item.id.as_str())
                    })
                };
                let job = self
                    .find(kinds::JOBS, |row| word(row, "state") == Some("open") && !taken(row))?;
                none(json!({
                    "candidate": candidate.item.id, "kind": "application", "job": job.item.id,
                }))
            }
            "applications.update" => {
                let (row, _, _) = self.active()?;
                let now = reference(row, "source");
                let source = self.find(kinds::SOURCES, |row| Some(&row.item.id) != now.as_ref())?;
                of(kinds::APPLICATIONS, row, json!({ "source": source.item.id }))
            }
            "applications.convert" => {
                let row = self.find(kinds::APPLICATIONS, |row| {
                    row.body.get("kind").and_then(Value::as_str) == Some("prospect")
                        && word(row, "outcome") == Some("active")
                })?;
                let considered = row.body.pointer("/prospective_jobs/0/id").and_then(Value::as_str);
                let job = match considered {
                    Some(id) => id.to_owned(),
                    None => {
                        let open = |row: &Row| word(row, "state") == Some("open");
                        self.find(kinds::JOBS, open)?.item.id.clone()
                    }
                };
                of(kinds::APPLICATIONS, row, json!({ "job": job }))
            }
            "applications.move" => {
                let (row, job, stage) = self.active()?;
                let other = self.rows(kinds::STAGES).find(|row| {
                    let of = reference(row, "parent").or_else(|| reference(row, "job"));
                    of.is_none_or(|of| of == job) && Some(&row.item.id) != stage.as_ref()
                });
                let to = other.ok_or("its job has no other stage")?;
                of(kinds::APPLICATIONS, row, json!({ "to_stage": to.item.id }))
            }
            "applications.reject" => {
                let (row, _, _) = self.active()?;
                let reason = self.id(kinds::REJECT_REASONS)?;
                of(kinds::APPLICATIONS, row, json!({ "reason": reason }))
            }
            "applications.unreject" => {
                let rejected = |row: &Row| word(row, "outcome") == Some("rejected");
                of(kinds::APPLICATIONS, self.find(kinds::APPLICATIONS, rejected)?, json!({}))
            }
            "applications.hire" => {
                let (row, job, _) = self.active()?;
                let opening = self.rows(kinds::OPENINGS).find(|row| {
                    word(row, "state") == Some("open")
                        && reference(row, "job").as_ref() == Some(&job)
                });
                let input = match opening {
                    Some(opening) => json!({ "opening": opening.item.id }),
                    None => json!({}),
                };
                of(kinds::APPLICATIONS, row, input)
            }
            "applications.unhire" => {
                let hired = |row: &Row| word(row, "outcome") == Some("hired");
                of(kinds::APPLICATIONS, self.find(kinds::APPLICATIONS, hired)?, json!({}))
            }
            "rejections.update" => {
                let row = self.first(kinds::REJECTIONS)?;
                let now = reference(row, "reject_reason");
                let reason =
                    self.find(kinds::REJECT_REASONS, |row| Some(&row.item.id) != now.as_ref())?;
                of(kinds::REJECTIONS, row, json!({ "reason": reason.item.id }))
            }
            "notes.create" => none(json!({
                "candidate": self.id(kinds::CANDIDATES)?, "body": self.word("A note"),
                "visibility": "public",
            })),
            "tags.create" => none(json!({ "name": self.word("A tag") })),
            "applied_tags.create" => {
                let candidate = self.first(kinds::CANDIDATES)?;
                let has = |tag: &Row| {
                    self.rows(kinds::APPLIED_TAGS).any(|row| {
                        reference(row, "candidate").as_deref() == Some(candidate.item.id.as_str())
                            && reference(row, "tag").as_deref() == Some(tag.item.id.as_str())
                    })
                };
                let tag = self.find(kinds::TAGS, |tag| !has(tag))?;
                none(json!({ "candidate": candidate.item.id, "tag": tag.item.id }))
            }
            "applied_tags.delete" => {
                of(kinds::APPLIED_TAGS, self.first(kinds::APPLIED_TAGS)?, json!({}))
            }
            "educations.create" => {
                let known = self.rows(kinds::EDUCATIONS).find_map(|row| text(row, "school"));
                none(json!({
                    "candidate": self.id(kinds::CANDIDATES)?,
                    "school": known.ok_or("no education names a school")?,
                    "started_on": "2001-09-01", "ended_on": "2004-06-30",
                }))
            }
            "educations.destroy" => {
                of(kinds::EDUCATIONS, self.first(kinds::EDUCATIONS)?, json!({}))
            }
            "employments.create" => none(json!({
                "candidate": self.id(kinds::CANDIDATES)?, "company": self.word("Company"),
                "title": "Tester", "started_on": "2005-02-01",
            })),
            "employments.destroy" => {
                of(kinds::EMPLOYMENTS, self.first(kinds::EMPLOYMENTS)?, json!({}))
            }
            "attachments.create" => {
                let (row, _, _) = self.active()?;
                none(json!({
                    "application": row.item.id, "filename": format!("{}.pdf", self.word("cv")),
                    "type": "resume", "url": "https://example.com/cv.pdf",
                }))
            }
            "custom_fields.create" => none(json!({
                "name": self.word("Conformance"), "applies_to": "candidate", "type": "text",
                "private": false,
            })),
            "custom_fields.update" => {
                let row = self.first(kinds::CUSTOM_FIELDS)?;
                of(kinds::CUSTOM_FIELDS, row, json!({ "name": self.word("Renamed") }))
            }
            "custom_field_options.create" => {
                let field = self.find(kinds::CUSTOM_FIELDS, |row| {
                    matches!(word(row, "type"), Some("single" | "multi"))
                })?;
                none(json!({ "custom_field": field.item.id, "name": self.word("Option") }))
            }
            "custom_field_options.update" => {
                let row = self.first(kinds::CUSTOM_FIELD_OPTIONS)?;
                of(kinds::CUSTOM_FIELD_OPTIONS, row, json!({ "name": self.word("Renamed") }))
            }
            "users.create" => none(json!({
                "first": "Conny", "last": self.word("Formance"), "invite": false,
                "email": format!("conny.user.{}.{}@example.com", self.world.given.now_ms, self.nth),
            })),
            _ => {
                Err("wit/operations.md does not have it; give its input under `operations`".into())
            }
        }
    }
}

/// The id of a reference.
fn reference(row: &Row, field: &str) -> Option<String> {
    row.body.get(field)?.get("id")?.as_str().map(str::to_owned)
}

/// The word of an enumeration.
fn word<'a>(row: &'a Row, field: &str) -> Option<&'a str> {
    row.body.get(field)?.get("value")?.as_str()
}

fn text(row: &Row, field: &str) -> Option<String> {
    let value = row.body.get(field)?;
    value.as_str().or_else(|| value.get("name")?.as_str()).map(str::to_owned)
}
