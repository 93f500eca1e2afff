//! Picks records from the pulled company, and builds the demo's referrals from them.

use crate::failure::Failure;
use atsync::Connection;
use atsync::model::desired::Desired;
use atsync::model::kinds;
use atsync_greenhouse_sandbox::VENDOR_SOURCE;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The records that referrals reference, by name.
pub(super) struct Company {
    /// Titles of open jobs.
    jobs: Vec<String>,
    /// Addresses of employees who are referrers.
    employees: Vec<String>,
    /// An existing candidate, and a job that they have not applied to.
    known: Known,
    /// A pool for prospects.
    pool: String,
    /// An existing tag.
    tag: String,
}

struct Known {
    email: String,
    job: String,
}

/// The records of a kind: id and body.
async fn records(connection: &Connection, kind: &str) -> Result<Vec<(String, Value)>, Failure> {
    let rows: Vec<_> = connection.observed(kind).try_collect().await?;
    rows.into_iter()
        .map(|row| {
            let body = serde_json::from_str(&row.body).map_err(|error| {
                Failure::new(format!("{kind} {}: the store holds no JSON: {error}", row.id))
            })?;
            Ok((row.id, body))
        })
        .collect()
}

fn text<'a>(body: &'a Value, path: &str) -> Option<&'a str> {
    body.pointer(path).and_then(Value::as_str)
}

fn flag(body: &Value, name: &str) -> Option<bool> {
    body.get(name).and_then(Value::as_bool)
}

/// Returns the entries that only one record has.
fn unique<K: Ord, V>(entries: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut counted: BTreeMap<K, (usize, V)> = BTreeMap::new();
    for (key, value) in entries {
        counted.entry(key).and_modify(|entry| entry.0 += 1).or_insert((1, value));
    }
    counted
        .into_iter()
        .filter(|(_, (times, _))| *times == 1)
        .map(|(key, (_, value))| (key, value))
        .collect()
}

fn nothing(what: &str) -> Failure {
    Failure::new(format!("the demo's company has no {what}"))
}

impl Company {
    /// Reads it from the store.
    pub(super) async fn read(connection: &Connection) -> Result<Self, Failure> {
        let jobs = records(connection, kinds::JOBS).await?;
        let titles = unique(jobs.iter().filter_map(|(id, body)| {
            let is_fit = text(body, "/state/value") == Some("open")
                && flag(body, "template") != Some(true)
                && flag(body, "confidential") != Some(true);
            is_fit.then(|| text(body, "/title").map(|title| (title.to_owned(), id.clone())))?
        }));
        let users: BTreeMap<String, Value> =
            records(connection, kinds::USERS).await?.into_iter().collect();
        let referrers = records(connection, kinds::REFERRERS).await?;
        let employees = referrers.iter().filter_map(|(_, body)| {
            let user = users
                .get(text(body, "/user/id")?)
                .filter(|user| flag(user, "active") != Some(false))?;
            text(user, "/email").map(str::to_owned)
        });
        let named = |list: Vec<(String, Value)>| {
            let active = list.into_iter().filter(|(_, body)| flag(body, "active") != Some(false));
            active.filter_map(|(_, body)| text(&body, "/name").map(str::to_owned)).next()
        };
        Ok(Self {
            known: known(connection, &titles).await?,
            jobs: titles.into_keys().collect(),
            employees: employees.collect(),
            pool: named(records(connection, kinds::POOLS).await?).ok_or_else(|| nothing("pool"))?,
            tag: named(records(connection, kinds::TAGS).await?).ok_or_else(|| nothing("tag"))?,
        })
    }

    /// Ten different referrals, and a custom field that the company does not have yet.
    pub(super) fn referrals(&self) -> Result<Vec<Desired>, Failure> {
        let job = |at: usize| {
            self.jobs.get(at % self.jobs.len().max(1)).ok_or_else(|| nothing("open job"))
        };
        let by = |at: usize| {
            self.employees.get(at % self.employees.len().max(1)).ok_or_else(|| nothing("referrer"))
        };
        let application = |at: usize| -> Result<Value, Failure> {
            Ok(json!({ "key": "a", "job": job(at)?, "source": VENDOR_SOURCE, "referrer": by(at)? }))
        };
        let candidate = |key: &str, first: &str, last: &str| {
            let email =
                format!("{}.{}@referred.example.com", first.to_lowercase(), last.to_lowercase());
            json!({ "key": key, "name": { "first": first, "last": last }, "emails": [email] })
        };
        let referrals = [
            json!({
                "kind": kinds::CUSTOM_FIELDS, "key": "referral_channel", "applies_to": "candidate",
                    "type": "single",
                "name": "Referral channel", "options": ["Employee portal", "Meetup"],
            }),
            with(
                candidate("ref-01", "Ngozi", "Adeyemi"),
                json!({ "applications": [application(0)?],
                    "custom_fields": { "referral_channel": "Employee portal" },
                    "notes": [{ "key": "n", "body": "We worked together for three years." }] }),
            ),
            with(
                candidate("ref-02", "Mateo", "Quispe"),
                json!({ "applications": [application(1)?], "tags": ["Met at PyCon 2026"] }),
            ),
            with(
                candidate("ref-03", "Hanna", "Lindqvist"),
                json!({ "applications": [application(2)?],
                    "tags": ["Met at PyCon 2026", self.tag] }),
            ),
            with(
                candidate("ref-04", "Kenji", "Watanabe"),
                json!({ "applications": [application(0)?],
                    "custom_fields": { "external_ref": "ref-04" } }),
            ),
            with(
                candidate("ref-05", "Leila", "Haddad"),
                json!({ "applications": [with(application(1)?,
                    json!({ "custom_fields": { "referral_strength": "Strong" } }))] }),
            ),
            with(
                candidate("ref-06", "Tomasz", "Zielony"),
                json!({ "applications": [application(2)?], "company": "Globex",
                    "title": "Staff Engineer", "phones": ["+49 30 5550 1234"] }),
            ),
            json!({
                "key": "ref-07",
                "emails": [self.known.email],
                "applications": [with(application(0)?,
                    json!({ "job": self.known.job,
                    "custom_fields": { "referral_strength": "Strong" } }))],
                "notes": [{ "key": "n", "body": "Referred by a colleague." }],
            }),
            with(
                candidate("ref-08", "Aroha", "Ngata"),
                json!({ "applications": [{ "key": "a", "kind": "prospect", "pool": self.pool,
                    "source": VENDOR_SOURCE, "referrer": by(0)? }] }),
            ),
            with(
                candidate("ref-09", "Ines", "Carvalho"),
                json!({ "applications": [application(1)?],
                    "links": ["https://portfolio.example.com/ines"] }),
            ),
            with(
                candidate("ref-10", "Olu", "Bello"),
                json!({ "applications": [application(2)?,
                    with(application(3)?, json!({ "key": "b" }))] }),
            ),
        ];
        referrals
            .into_iter()
            .map(|value| {
                Desired::from_json(&value.to_string()).map_err(|error| {
                    Failure::new(format!("a referral of the demo is wrong: {error}"))
                })
            })
            .collect()
    }
}

/// One object with the members of another.
fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

/// A candidate with one address that no other has, and an open job that they never applied to.
async fn known(
    connection: &Connection,
    titles: &BTreeMap<String, String>,
) -> Result<Known, Failure> {
    let mut on: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, body) in records(connection, kinds::APPLICATIONS).await? {
        if let (Some(candidate), Some(job)) = (text(&body, "/candidate/id"), text(&body, "/job/id"))
        {
            on.entry(candidate.to_owned()).or_default().push(job.to_owned());
        }
    }
    let people = records(connection, kinds::CANDIDATES).await?;
    let addresses = unique(people.iter().flat_map(|(id, body)| {
        let emails = body.get("emails").and_then(Value::as_array).into_iter().flatten();
        emails.filter_map(move |email| Some((text(email, "/value")?.to_lowercase(), (id, body))))
    }));
    let fitting = addresses.into_iter().filter(|(email, (_, body))| {
        let is_open =
            text(body, "/privacy") != Some("private") && flag(body, "private") != Some(true);
        email.ends_with("example.com") && is_open && text(body, "/name/first").is_some()
    });
    for (email, (id, _)) in fitting {
        let Some(jobs) = on.get(id) else { continue };
        if let Some((title, _)) = titles.iter().find(|(_, job)| !jobs.contains(job)) {
            return Ok(Known { email, job: title.clone() });
        }
    }
    Err(nothing("candidate with an address of their own"))
}

/// The stage after the present one of an application: id and name.
pub(super) async fn next_stage(
    connection: &Connection,
    application: &str,
) -> Result<(String, String), Failure> {
    let row = connection.observed_one(kinds::APPLICATIONS, application).await?;
    let body: Value = row.and_then(|row| serde_json::from_str(&row.body).ok()).unwrap_or_default();
    let (job, now) = (text(&body, "/job/id"), text(&body, "/stage/id"));
    let stages = records(connection, kinds::STAGES).await?;
    let mut here: Vec<&(String, Value)> = stages
        .iter()
        .filter(|(_, stage)| text(stage, "/parent/id") == job || text(stage, "/job/id") == job)
        .collect();
    here.sort_by_key(|(_, stage)| stage.get("order").and_then(Value::as_i64));
    let after = here.iter().position(|(id, _)| Some(id.as_str()) == now).map_or(1, |at| at + 1);
    let (id, stage) = here.get(after).ok_or_else(|| nothing("stage to move to"))?;
    Ok((id.clone(), text(stage, "/name").unwrap_or_default().to_owned()))
}
