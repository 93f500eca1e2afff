//! What holds of every plan, whatever is desired, observed, linked and edited: `plan::record` as a pure function, against an ATS of a few maps.
//!
//! Method: generated desired records meet generated observed ones; the steps are carried out literally on the maps, recruiters edit them, another
//! declaration follows. No adapter, no transport, no store. Bounds: one person, two definitions; what crosses people is in the simulation.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops when something does not hold")]

use atsync::model::contract::RemoteRef;
use atsync::model::desired::{Desired, Policy};
use atsync::model::kinds;
use atsync::plan::{Declared, Facts, Input, Need, Record, RecordPlan, Step, record};
use atsync::store::{LinkHow, LinkRow, index};
use atsync_tests::native_greenhouse;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ADA: &str = "ada@example.com";
const CHANNEL: &str = "@custom_fields.candidate.channel";

/// An ATS that does at once what it is told, and the links that the engine keeps.
#[derive(Clone, Debug, Default)]
struct Tiny {
    records: BTreeMap<(String, String), Map<String, Value>>,
    links: BTreeMap<String, LinkRow>,
    ids: u64,
    /// Applications show their stage by its name alone.
    names_only: bool,
}

/// One run of planning: the steps that serve several, then definitions, then people.
#[derive(Debug)]
struct Run {
    shared: Vec<Step>,
    plans: Vec<RecordPlan>,
}

impl Run {
    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.shared.iter().chain(self.plans.iter().flat_map(|plan| &plan.steps))
    }

    fn person(&self) -> &RecordPlan {
        self.plans.iter().find(|plan| plan.key == "ada").unwrap()
    }
}

impl Tiny {
    fn make(&mut self, kind: &str, body: Value) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        self.records.insert((kind.to_owned(), id.clone()), body.as_object().unwrap().clone());
        id
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        let kind = kind.to_owned();
        self.records.iter().filter(move |((of, _), _)| *of == kind).map(|((_, id), body)| (id, body))
    }

    fn shown(&self, kind: &str, id: &str) -> Option<Arc<Record>> {
        let body = self.records.get(&(kind.to_owned(), id.to_owned()))?.clone();
        let known = [
            "name",
            "emails",
            "phones",
            "company",
            "title",
            "custom_fields",
            "description",
            "private",
            "stage",
            "outcome",
            "reject_reason",
        ];
        Some(Arc::new(Record { kind: kind.into(), id: id.into(), body, known: known.map(str::to_owned).to_vec() }))
    }

    fn links_of(&self, key: &str) -> BTreeMap<String, LinkRow> {
        let below = format!("{key}/");
        let own = self.links.iter().filter(|(host, _)| *host == key || host.starts_with(&below));
        own.map(|(host, link)| (host.clone(), link.clone())).collect()
    }

    fn answer(&self, facts: &mut Facts, need: Need, desired: &[Desired]) {
        match need {
            Need::Lookup { kind, index, term } => {
                let fits = |body: &Map<String, Value>| {
                    index::terms(&kind, &Value::Object(body.clone()).to_string()).contains(&(index, term.clone()))
                };
                let ids: Vec<String> =
                    self.of(&kind).filter(|(_, body)| fits(body)).map(|(id, _)| id.clone()).collect();
                let records = ids.iter().filter_map(|id| self.shown(&kind, id)).collect();
                facts.add_lookup(kind, index, term, records);
            }
            Need::Observed(remote) => {
                let shown = self.shown(&remote.kind, &remote.id);
                facts.add_observed(remote, shown);
            }
            Need::Settled(key) => facts.add_settled(key, true),
            Need::Stored(remote) => {
                let shown = self.shown(&remote.kind, &remote.id);
                facts.add_stored(remote, shown);
            }
            Need::Confirmed(remote) => {
                let shown = self.shown(&remote.kind, &remote.id);
                facts.add_confirmed(remote, shown);
            }
            Need::LinkedTo(remote) => {
                let hosts = self.links.values().filter(|link| link.remote == remote).map(|link| link.host.clone());
                let hosts = hosts.collect();
                facts.add_linked(remote, hosts);
            }
            Need::Names(kind) => facts.add_names(kind, Vec::new()),
            Need::Declared(path) => {
                let declared = desired.iter().find(|record| record.key() == path);
                let links = self.links_of(&path);
                let declared = declared.map(|desired| Declared { desired: desired.clone(), managed: true, links });
                facts.add_declared(path, declared);
            }
        }
    }

    fn plan(&self, desired: &[Desired]) -> Run {
        let adapter = native_greenhouse();
        let mut facts = Facts::default();
        let mut run = Run { shared: Vec::new(), plans: Vec::new() };
        for record in desired {
            let links = self.links_of(&record.key());
            let settings = Map::from_iter([("stage_writes".to_owned(), json!(true))]);
            let input = Input {
                manifest: adapter.manifest(),
                settings: &settings,
                desired: record,
                generation: 1,
                links: &links,
            };
            let (plan, shared) = loop {
                match self::record(&input, &facts) {
                    Ok(planned) => break planned,
                    Err(needs) => needs.into_iter().for_each(|need| self.answer(&mut facts, need, desired)),
                }
            };
            for step in shared {
                if !run.shared.iter().any(|known| known.host == step.host) {
                    run.shared.push(step);
                }
            }
            run.plans.push(plan);
        }
        run.plans.sort_by_key(|plan| !plan.is_definition());
        run
    }

    fn link(&mut self, host: &str, remote: RemoteRef, how: LinkHow, applied: Map<String, Value>) {
        let link = LinkRow { host: host.to_owned(), remote, how, applied, since_ms: 1 };
        self.links.insert(host.to_owned(), link);
    }

    fn carry_out(&mut self, run: &Run) {
        for step in &run.shared {
            self.step(step);
        }
        for plan in run.plans.iter().filter(|plan| !plan.is_blocked()) {
            for adoption in &plan.adoptions {
                let how = self.links.get(&adoption.host).map_or(LinkHow::Adopted, |link| link.how);
                self.link(&adoption.host, adoption.remote.clone(), how, adoption.applied.clone());
            }
            for host in &plan.releases {
                self.links.remove(host);
            }
            for step in &plan.steps {
                self.step(step);
            }
        }
    }

    /// The input with every stand-in filled in; stops the test when one has nothing to stand for.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) if object.contains_key("$made") => {
                let remote = &self.links[object["$made"].as_str().unwrap()].remote;
                match object.get("$member").and_then(Value::as_str) {
                    Some(member) => self.shown(&remote.kind, &remote.id).unwrap().body[member].clone(),
                    None => json!(remote.id),
                }
            }
            Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            Value::Array(list) => list.iter().map(|value| self.filled(value)).collect(),
            other => other.clone(),
        }
    }

    fn step(&mut self, step: &Step) {
        let input = self.filled(&Value::Object(step.input.clone()));
        let (kind, verb) = step.operation.split_once('.').unwrap();
        let made = match verb {
            "create" => Some(self.create(kind, &input)),
            "update" => {
                self.update(step.target.as_ref().unwrap(), &input);
                None
            }
            "move" | "reject" | "unreject" | "hire" | "convert" => self.go(verb, step, &input),
            "delete" => {
                let target = step.target.as_ref().unwrap();
                self.records.remove(&(target.kind.clone(), target.id.clone())).unwrap();
                self.links.remove(&step.host);
                None
            }
            other => panic!("no plan here makes a step to {other}"),
        };
        for name in input["tags"].as_array().into_iter().flatten() {
            let known = self.of(kinds::TAGS).find(|(_, body)| body["name"] == *name).map(|(id, _)| id.clone());
            let tag = known.unwrap_or_else(|| self.create(kinds::TAGS, &json!({ "name": name })));
            self.create(kinds::APPLIED_TAGS, &json!({ "candidate": made.as_ref().unwrap(), "tag": tag }));
        }
        for (role, host) in &step.makes {
            let remote = match role.as_str() {
                "subject" => RemoteRef::new(kind, made.as_ref().unwrap()),
                carried => {
                    let mut body = input["application"].clone();
                    body["candidate"] = json!(made.as_ref().unwrap());
                    let id = self.create(carried, &body);
                    RemoteRef::new(carried, &id)
                }
            };
            self.link(host, remote, LinkHow::Created, step.applied.get(host).cloned().unwrap_or_default());
        }
        for (host, applied) in step.applied.iter().filter(|(host, _)| !step.makes.values().any(|made| made == *host)) {
            let (remote, how) = match self.links.get(host) {
                Some(link) => (link.remote.clone(), link.how),
                None => (step.target.clone().unwrap(), LinkHow::Adopted),
            };
            self.link(host, remote, how, applied.clone());
        }
    }

    fn create(&mut self, kind: &str, input: &Value) -> String {
        let reference = |name: &str| json!({"id": input[name]});
        let body = match kind {
            kinds::CANDIDATES => {
                let mut body = json!({"emails": [], "phones": []});
                for member in ["name", "company", "title"] {
                    if !input[member].is_null() {
                        body[member] = input[member].clone();
                    }
                }
                for list in ["emails", "phones"] {
                    body[list] = input[list].as_array().into_iter().flatten().map(unified_entry).collect();
                }
                body["custom_fields"] = customs(json!({}), &input["custom_fields"]);
                body
            }
            kinds::APPLICATIONS => {
                let stage = input["stage"].as_str().map_or_else(|| self.first_stage(&input["job"]), str::to_owned);
                let stage = if input["kind"] == "prospect" { Value::Null } else { self.stage(&stage) };
                json!({"candidate": reference("candidate"), "job": reference("job"), "kind": input["kind"],
                "stage": stage, "outcome": {"value": "active"},
                "source": input.get("source").map(|id| json!({"id": id}))})
            }
            kinds::TAGS => json!({"name": input["name"]}),
            kinds::APPLIED_TAGS => json!({"candidate": reference("candidate"), "tag": reference("tag")}),
            kinds::NOTES => json!({"candidate": reference("candidate"), "body": input["body"]}),
            kinds::CUSTOM_FIELDS => {
                let mut body = field(&input["name"], "channel_", &input["type"]);
                body["description"] = input["description"].clone();
                body
            }
            kinds::CUSTOM_FIELD_OPTIONS => {
                json!({"name": input["name"], "custom_field": reference("custom_field"), "active": true})
            }
            other => panic!("no plan here makes {other}"),
        };
        self.make(kind, body)
    }

    /// The first stage of a job.
    fn first_stage(&self, job: &Value) -> String {
        let of_job = self.of(kinds::STAGES).filter(|(_, body)| body["parent"]["id"] == *job);
        of_job.min_by_key(|(_, body)| body["order"].as_i64()).map(|(id, _)| id.clone()).unwrap_or_default()
    }

    /// How an application shows its stage: by id and name, or as the official schema has it by name alone.
    fn stage(&self, id: &str) -> Value {
        match self.records.get(&(kinds::STAGES.to_owned(), id.to_owned())) {
            Some(stage) if self.names_only => json!({"name": stage["name"]}),
            Some(stage) => json!({"id": id, "name": stage["name"]}),
            None => Value::Null,
        }
    }

    /// A step of an application's lifecycle, refused as Greenhouse refuses it. Answers the id that a conversion makes.
    fn go(&mut self, verb: &str, step: &Step, input: &Value) -> Option<String> {
        let target = match (&step.target, &step.target_path) {
            (Some(target), None) => target.clone(),
            (None, Some(path)) => self.links[path].remote.clone(),
            other => panic!("{verb} of {other:?}"),
        };
        let at = (target.kind.clone(), target.id.clone());
        let mut body = self.records[&at].clone();
        let is_ended = ["rejected", "withdrawn", "closed"].iter().any(|word| body["outcome"]["value"] == *word);
        let is_accepted = if verb == "unreject" { is_ended } else { body["outcome"]["value"] == "active" };
        assert!(is_accepted, "{verb} of {body:?} is refused");
        let outcome = |word: &str| json!({"value": word});
        let mut made = None;
        match verb {
            "move" => {
                let stage = input["to_stage"].as_str().unwrap();
                assert_eq!(self.records[&(kinds::STAGES.to_owned(), stage.to_owned())]["parent"], body["job"]);
                body.insert("stage".to_owned(), self.stage(stage));
            }
            "reject" => {
                body.insert("outcome".to_owned(), outcome("rejected"));
                body.insert("reject_reason".to_owned(), json!({"id": input["reason"]}));
            }
            "unreject" => {
                body.insert("outcome".to_owned(), outcome("active"));
                body.remove("reject_reason");
            }
            "hire" => {
                body.insert("outcome".to_owned(), outcome("hired"));
                body.remove("stage");
            }
            _ => {
                assert_eq!(body["kind"], "prospect");
                let new = json!({"candidate": body["candidate"]["id"], "job": input["job"], "kind": "application",
                    "stage": input["stage"]});
                made = Some(self.create(kinds::APPLICATIONS, &new));
                body.insert("outcome".to_owned(), outcome("converted"));
            }
        }
        self.records.insert(at, body);
        made
    }

    fn update(&mut self, target: &RemoteRef, input: &Value) {
        if target.kind == kinds::REJECTIONS {
            panic!("no plan here knows of a rejection's own record");
        }
        let body = self.records.get_mut(&(target.kind.clone(), target.id.clone())).unwrap();
        for (member, value) in input["set"].as_object().into_iter().flatten() {
            match (body.get_mut(member), value) {
                (Some(Value::Object(held)), Value::Object(new)) => held.extend(new.clone()),
                _ => drop(body.insert(member.clone(), value.clone())),
            }
        }
        for list in ["emails", "phones"] {
            let held = body.entry(list).or_insert_with(|| json!([])).as_array_mut().unwrap();
            let gone: Vec<&Value> = input["remove"][list].as_array().into_iter().flatten().collect();
            held.retain(|entry| !gone.iter().any(|gone| gone["value"] == entry["value"] || **gone == entry["value"]));
            held.extend(input["add"][list].as_array().into_iter().flatten().map(unified_entry));
        }
        for member in ["name", "description", "private"].into_iter().filter(|_| target.kind == kinds::CUSTOM_FIELDS) {
            if let Some(value) = input.get(member) {
                body.insert(member.to_owned(), value.clone());
            }
        }
        if let Some(source) = input.get("source") {
            body.insert("source".to_owned(), json!({"id": source}));
        }
        if target.kind == kinds::CANDIDATES {
            let held = body.remove("custom_fields").unwrap_or_else(|| json!({}));
            body.insert("custom_fields".to_owned(), customs(held, &input["custom_fields"]));
        }
    }
}

/// An application in a state, and the links and bases that a host's former wishes left.
#[derive(Clone, Debug)]
struct Before {
    /// None: the application is to be made.
    state: Option<(bool, &'static str, usize)>,
    names_only: bool,
    /// Linked, with this base.
    base: Option<(Option<&'static str>, Option<usize>)>,
}

fn before() -> impl Strategy<Value = Before> {
    let outcome =
        prop::sample::select(vec!["active", "rejected", "withdrawn", "closed", "hired", "converted", "other"]);
    let state = prop::option::weighted(0.9, (any::<bool>(), outcome, 0..4_usize));
    let base =
        (prop::option::of(prop::sample::select(vec!["active", "rejected", "hired"])), prop::option::of(0..3_usize));
    (state, any::<bool>(), prop::option::of(base)).prop_map(|(state, names_only, base)| Before {
        state,
        names_only,
        base,
    })
}

/// What a host can want of its application, right or wrong.
fn wish() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["application", "application", "prospect"]);
    let stage = prop::option::of(prop::sample::select(vec![
        json!("First"),
        json!("Second"),
        json!("Third"),
        json!("Archived"),
        json!("Nowhere"),
        json!({"id": "elsewhere"}),
    ]));
    let outcome = prop::option::of(prop::sample::select(vec!["active", "rejected", "hired"]));
    let reason = prop::option::of(prop::sample::select(vec!["Other offer", "No reason"]));
    let opening = prop::option::of(prop::sample::select(vec!["1-0", "1-1", "1-9"]));
    let policies = prop::collection::btree_map(prop::sample::select(vec!["stage", "outcome"]), policy(), 0..3);
    (kind, stage, outcome, (reason, opening), policies).prop_map(
        |(kind, stage, outcome, (reason, opening), policies)| {
            let mut application = json!({"key": "a", "kind": kind, "job": "Engineer"});
            let members = [
                ("stage", stage),
                ("outcome", outcome.map(|word| json!(word))),
                ("reject_reason", reason.map(|name| json!(name))),
                ("opening", opening.map(|key| json!(key))),
            ];
            for (member, value) in members {
                if let Some(value) = value {
                    application[member] = value;
                }
            }
            json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA], "policy": policies,
            "applications": [application]})
        },
    )
}

/// Ada and her application as it was before, with jobs, stages, openings and reasons.
fn office(before: &Before) -> Tiny {
    let mut tiny = Tiny { names_only: before.names_only, ..Tiny::default() };
    let job = tiny.make(kinds::JOBS, json!({"title": "Engineer", "state": {"value": "open"}}));
    let mut stages = Vec::new();
    for (order, name) in ["First", "Second", "Third", "Archived"].into_iter().enumerate() {
        let stage = json!({"name": name, "parent": {"id": job}, "order": order, "active": name != "Archived"});
        stages.push(tiny.make(kinds::STAGES, stage));
    }
    tiny.records.insert(
        (kinds::STAGES.to_owned(), "elsewhere".to_owned()),
        json!({"name": "First", "parent": {"id": "99"}, "order": 0, "active": true}).as_object().unwrap().clone(),
    );
    for key in ["1-0", "1-1"] {
        let opening = json!({"job": {"id": job}, "external_id": key, "state": {"value": "open"}});
        tiny.make(kinds::OPENINGS, opening);
    }
    let reason = tiny.make(kinds::REJECT_REASONS, json!({"name": "Other offer", "active": true}));
    let Some((prospect, outcome, place)) = before.state else { return tiny };
    let entries = json!([{"value": ADA}]);
    let person = tiny.make(kinds::CANDIDATES, json!({"name": {"first": "Ada", "last": "Byron"}, "emails": entries}));
    let mut body = json!({"candidate": {"id": person}, "job": {"id": job}, "outcome": {"value": outcome},
        "kind": if prospect { "prospect" } else { "application" }});
    if !prospect && outcome != "hired" {
        body["stage"] = tiny.stage(&stages[place]);
    }
    if outcome == "rejected" {
        body["reject_reason"] = json!({"id": reason});
    }
    let application = tiny.make(kinds::APPLICATIONS, body);
    if let Some((outcome, stage)) = &before.base {
        let mut applied = Map::from_iter([("job".to_owned(), json!(job))]);
        applied.extend(outcome.map(|outcome| ("outcome".to_owned(), json!(outcome))));
        applied.extend(stage.map(|place| ("stage".to_owned(), json!(stages[place]))));
        tiny.link("ada", RemoteRef::new(kinds::CANDIDATES, &person), LinkHow::Created, Map::new());
        let remote = RemoteRef::new(kinds::APPLICATIONS, &application);
        tiny.link("ada/applications/a", remote, LinkHow::Created, applied);
    }
    tiny
}

fn field(name: &Value, key: &str, of: &Value) -> Value {
    json!({"name": name, "key": key, "applies_to": {"value": "candidate"}, "type": {"value": of}, "active": true})
}

fn unified_entry(entry: &Value) -> Value {
    json!({"value": entry["value"], "type": {"value": entry["type"]}})
}

fn customs(mut held: Value, written: &Value) -> Value {
    for entry in written.as_array().into_iter().flatten() {
        // Choices are written by id and read by label.
        let value = match &entry["value"] {
            Value::Object(choice) => choice["label"].clone(),
            plain => plain.clone(),
        };
        held[entry["key"].as_str().unwrap()] = json!({"type": entry["type"], "value": value});
    }
    held
}

fn policy() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["enforce", "yield", "seed", "fill"])
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(all, 0..=all.len())
}

/// A person: which fields are named at all, and what they say.
fn person() -> impl Strategy<Value = Value> {
    let text = || prop::option::of(prop::sample::select(vec!["", "One", "Two"]));
    let lists =
        (some_of(&["ada@example.org", "lovelace@example.com"]), prop::option::of(some_of(&["+1 555", "+2 555"])));
    let customs = (
        prop::option::of(prop::sample::select(vec!["Portal", "Event"])),
        prop::option::of(prop::sample::select(vec![json!("r1"), json!("r2"), Value::Null])),
    );
    let below =
        (prop::option::of(some_of(&["x", "y"])), some_of(&["n1", "n2"]), some_of(&["Engineer", "Chef"]), any::<bool>());
    let policies = prop::collection::btree_map(
        prop::sample::select(vec!["company", "title", "custom_fields", "emails", "tags", "name"]),
        policy(),
        0..4,
    );
    ((text(), text()), lists, customs, below, policies).prop_map(|(scalars, lists, customs, below, policies)| {
        let mut emails = vec![ADA];
        emails.extend(lists.0);
        let mut record =
            json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": emails, "policy": policies});
        for (field, value) in [("company", scalars.0), ("title", scalars.1)] {
            if let Some(value) = value {
                record[field] = json!(value);
            }
        }
        if let Some(phones) = lists.1 {
            record["phones"] = json!(phones);
        }
        let mut values = Map::new();
        values.extend(customs.0.map(|label| ("channel".to_owned(), json!(label))));
        values.extend(customs.1.map(|text| ("ref".to_owned(), text)));
        record["custom_fields"] = Value::Object(values);
        if let Some(tags) = below.0 {
            record["tags"] = json!(tags);
        }
        record["notes"] = below.1.iter().map(|key| json!({"key": key, "body": format!("Note {key}.")})).collect();
        let application = |job: &&str| {
            let mut application = json!({"key": job, "job": job});
            if below.3 {
                application["source"] = json!("Acme Referrals");
            }
            application
        };
        record["applications"] = below.2.iter().map(application).collect();
        record
    })
}

fn definition() -> impl Strategy<Value = Value> {
    (some_of(&["Portal", "Other"]), prop::option::of("[a-z]{0,3}"), policy()).prop_map(|(more, description, policy)| {
        let mut options = vec!["Event"];
        options.extend(more);
        let mut record = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate", "type": "single",
            "name": "Channel?", "options": options, "policy": {"description": policy, "options": policy}});
        if let Some(description) = description {
            record["description"] = json!(description);
        }
        record
    })
}

/// The account before the engine comes: jobs and a source, perhaps the person, perhaps the field with choices.
fn account() -> impl Strategy<Value = Tiny> {
    let texts = prop::option::of(prop::sample::select(vec!["One", "Theirs"]));
    let person = prop::option::of((texts, some_of(&["theirs@example.com"]), some_of(&["+1 555", "+9 999"])));
    (person, prop::option::of(some_of(&["Portal", "Event"]))).prop_map(|(person, choices)| {
        let mut tiny = Tiny::default();
        for title in ["Engineer", "Chef"] {
            tiny.make(kinds::JOBS, json!({"title": title, "state": {"value": "open"}}));
        }
        tiny.make(kinds::SOURCES, json!({"name": "Acme Referrals", "active": true}));
        tiny.make(kinds::CUSTOM_FIELDS, field(&json!("Reference"), "ref", &json!("text")));
        if let Some(choices) = choices {
            let id = tiny.make(kinds::CUSTOM_FIELDS, field(&json!("Channel"), "channel", &json!("single")));
            for label in choices {
                let option = json!({"name": label, "custom_field": {"id": id}, "active": true});
                tiny.make(kinds::CUSTOM_FIELD_OPTIONS, option);
            }
        }
        if let Some((company, emails, phones)) = person {
            let entries = |list: &[&str]| -> Value { list.iter().map(|value| json!({"value": value})).collect() };
            let mut all = vec![ADA];
            all.extend(emails);
            tiny.make(
                kinds::CANDIDATES,
                json!({"name": {"first": "Augusta", "last": "King"}, "company": company, "emails": entries(&all),
                    "phones": entries(&phones), "custom_fields": {"ref": {"type": "text", "value": "theirs"}}}),
            );
        }
        tiny
    })
}

fn read(records: &[&Value]) -> Vec<Desired> {
    let lines: Vec<String> = records.iter().map(|record| record.to_string()).collect();
    atsync::declare::parse("generated", &lines.join("\n")).unwrap()
}

fn ada_in(tiny: &Tiny) -> (String, Map<String, Value>) {
    let mut found = tiny.of(kinds::CANDIDATES).filter(|(_, body)| body["emails"].to_string().contains(ADA));
    let (id, body) = found.next().unwrap();
    assert!(found.next().is_none(), "two people have the address");
    (id.clone(), body.clone())
}

/// The top fields that a desired person names.
fn owned(person: &Value) -> BTreeSet<String> {
    let named = person.as_object().unwrap().keys();
    named
        .filter(|field| !["key", "policy", "notes", "applications", "tags"].contains(&field.as_str()))
        .cloned()
        .collect()
}

proptest! {
    #[test]
    fn what_was_carried_out_needs_nothing_more(tiny in account(), person in person(), definition in definition()) {
        let desired = read(&[&person, &definition]);
        let mut tiny = tiny;
        let first = tiny.plan(&desired);
        tiny.carry_out(&first);
        let again = tiny.plan(&desired);
        let blocked = again.plans.iter().any(RecordPlan::is_blocked);
        prop_assert!(blocked == first.plans.iter().any(RecordPlan::is_blocked), "{again:#?}");
        prop_assert_eq!(again.steps().count(), 0, "{:#?}", again);
    }

    #[test]
    fn a_step_comes_after_what_it_hangs_on(tiny in account(), person in person(), definition in definition()) {
        let run = tiny.plan(&read(&[&person, &definition]));
        let mut done: BTreeSet<&str> = tiny.links.keys().map(String::as_str).collect();
        for step in run.steps() {
            for host in &step.after {
                prop_assert!(done.contains(host.as_str()), "{} before {host}", step.host);
            }
            done.extend(step.makes.values().map(String::as_str));
            done.insert(&step.host);
        }
    }

    #[test]
    fn a_blocked_record_plans_nothing(tiny in account(), person in person()) {
        // Without the definition a choice that the ATS does not have blocks.
        let run = tiny.plan(&read(&[&person]));
        let plan = run.person();
        if plan.is_blocked() {
            prop_assert!(plan.steps.is_empty() && plan.adoptions.is_empty() && plan.releases.is_empty());
            prop_assert!(run.shared.is_empty());
        }
    }

    #[test]
    fn what_is_not_named_is_not_touched(tiny in account(), person in person(), definition in definition()) {
        if tiny.of(kinds::CANDIDATES).next().is_none() {
            return Ok(());
        }
        let mut tiny = tiny;
        let (_, before) = ada_in(&tiny);
        let run = tiny.plan(&read(&[&person, &definition]));
        tiny.carry_out(&run);
        let (_, after) = ada_in(&tiny);
        let owned = owned(&person);
        for (field, value) in before.iter().filter(|(field, _)| !owned.contains(*field)) {
            prop_assert_eq!(Some(value), after.get(field), "{}", field);
        }
        // Of lists and maps that are named, everybody's other entries stay.
        for list in ["emails", "phones"] {
            for entry in before[list].as_array().unwrap() {
                prop_assert!(after[list].as_array().unwrap().contains(entry), "{list} lost {entry}");
            }
        }
        if person["custom_fields"].get("ref").is_none() {
            prop_assert_eq!(&before["custom_fields"]["ref"], &after["custom_fields"]["ref"]);
        }
    }

    #[test]
    fn a_recruiters_edit_is_undone_only_where_the_host_enforces(
        tiny in account(), person in person(), definition in definition(), field in prop::sample::select(vec!["company", "title"])
    ) {
        let mut person = person;
        person[field] = json!("One");
        let desired = read(&[&person, &definition]);
        let mut tiny = tiny;
        let run = tiny.plan(&desired);
        tiny.carry_out(&run);
        if run.person().is_blocked() {
            return Ok(());
        }
        let (id, _) = ada_in(&tiny);
        let body = tiny.records.get_mut(&(kinds::CANDIDATES.to_owned(), id)).unwrap();
        body.insert(field.to_owned(), json!("Edited"));
        let again = tiny.plan(&desired);
        let written = again.person().steps.iter().any(|step| step.fields.iter().any(|change| change.field == field));
        let policy = person["policy"].get(field).and_then(Value::as_str).unwrap_or("yield");
        prop_assert_eq!(written, policy == "enforce", "{}: {:#?}", policy, again);
    }

    #[test]
    fn what_is_declared_no_more_is_left_as_it_is(tiny in account(), one in person(), definition in definition()) {
        let mut tiny = tiny;
        let run = tiny.plan(&read(&[&one, &definition]));
        tiny.carry_out(&run);
        if run.person().is_blocked() {
            return Ok(());
        }
        let (_, before) = ada_in(&tiny);
        let bare = json!({"key": "ada"});
        let mut fewer = definition.clone();
        fewer["options"] = json!([]);
        let released = tiny.plan(&read(&[&bare, &fewer]));
        prop_assert_eq!(released.steps().count(), 0, "{:#?}", released);
        tiny.carry_out(&released);
        prop_assert_eq!(before, ada_in(&tiny).1);
        prop_assert!(tiny.links_of(CHANNEL).len() <= 1, "choices are nobody's");
        prop_assert!(tiny.links["ada"].applied.is_empty(), "{:?}", tiny.links["ada"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Every state meets every wish: what is planned is not refused (the steps themselves hold that), needs one run, and what is not done is said.
    #[test]
    fn a_wish_of_an_applications_lifecycle_is_had_in_one_run_or_said_to_be_out_of_reach(before in before(), wish in wish()) {
        let desired = read(&[&wish]);
        let mut tiny = office(&before);
        let first = tiny.plan(&desired);
        tiny.carry_out(&first);
        let again = tiny.plan(&desired);
        prop_assert_eq!(again.steps().count(), 0, "{:#?}", again);
        prop_assert_eq!(again.person().is_blocked(), first.person().is_blocked());
        if !again.person().findings.is_empty() {
            return Ok(());
        }
        let wanted = &wish["applications"][0];
        let link = tiny.links["ada/applications/a"].remote.clone();
        let row = &tiny.records[&(link.kind, link.id)];
        let policy = |field: &str| wish["policy"][field].as_str().unwrap_or("yield");
        let decides = |field: &str| matches!(policy(field), "yield" | "enforce");
        if let (Some(outcome), true) = (wanted["outcome"].as_str(), decides("outcome")) {
            prop_assert_eq!(&row["outcome"]["value"], outcome);
        }
        let hired = row["outcome"]["value"] == "hired";
        if let (Some(stage), true, false) = (wanted["stage"].as_str(), decides("stage"), hired) {
            prop_assert_eq!(&row["stage"]["name"], stage);
        }
    }

    /// What somebody else decided is not changed, unless the host says enforce.
    #[test]
    fn a_state_that_the_engine_did_not_apply_is_left_unless_the_host_enforces(before in before(), wish in wish()) {
        let Some((false, outcome, place)) = before.state else { return Ok(()) };
        if outcome == "active" && place == 0 {
            return Ok(());
        }
        let mut wish = wish;
        wish["policy"] = json!({});
        let before = Before { base: None, ..before };
        let tiny = office(&before);
        let run = tiny.plan(&read(&[&wish]));
        let changes = |operation: &str| run.steps().any(|step| step.operation == operation);
        if outcome != "active" {
            prop_assert_eq!(run.steps().filter(|step| step.target.is_some()).count(), 0, "{:#?}", run);
        }
        prop_assert!(place == 0 || !changes("applications.move"), "{:#?}", run);
    }
}

/// The page that adapter authors go by: `(operation, members of its input)`.
fn documented() -> BTreeMap<String, String> {
    let page = include_str!("../wit/operations.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|');
        (cells.next().unwrap().trim().trim_end_matches('`').to_owned(), cells.nth(1).unwrap().to_owned())
    })
    .collect()
}

proptest! {
    #[test]
    fn the_page_for_adapter_authors_names_what_is_asked_for(tiny in account(), person in person(), definition in definition()) {
        let documented = documented();
        let mut tiny = tiny;
        for desired in [read(&[&person, &definition]), read(&[&person, &definition])] {
            let run = tiny.plan(&desired);
            for step in run.steps() {
                let row = documented.get(&step.operation);
                prop_assert!(row.is_some(), "{} is not on the page", step.operation);
                for member in step.input.keys() {
                    prop_assert!(row.unwrap().contains(&format!("`{member}")), "{}: {member}", step.operation);
                }
            }
            tiny.carry_out(&run);
        }
    }
}

#[test]
fn every_operation_that_the_planner_can_name_is_on_the_page_for_adapter_authors() {
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let mut named = BTreeSet::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src/plan")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let calls = text.split(".operation(").skip(1).filter_map(|call| call.split('"').nth(1));
        named.extend(calls.filter(|word| word.contains('.') && !word.contains(' ')).map(str::to_owned));
    }
    assert_eq!(documented, named);
}

#[test]
fn every_table_of_default_policies_is_the_one_that_the_code_decides_by() {
    use atsync::plan::defaults::{DEFAULTS, Of, word};
    let row = |row: &atsync::plan::defaults::Row| {
        let fields: Vec<String> = row.fields.iter().map(|field| format!("`{field}`")).collect();
        let of = match row.of {
            Of::Candidate => "a candidate",
            Of::Application => "an application",
            Of::CustomField => "a custom field",
        };
        format!("| {} of {of} | {} |", fields.join(", "), word(row.policy))
    };
    let rows: Vec<String> = DEFAULTS.iter().map(row).collect();
    for (name, page) in [
        ("README.md", include_str!("../README.md")),
        ("engine/src/plan/mod.rs", include_str!("../engine/src/plan/mod.rs")),
    ] {
        let lines = page.lines().map(|line| line.trim_start_matches("//! "));
        let table = lines.skip_while(|line| *line != "| field | policy |").skip(2);
        let table: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
        assert_eq!(table, rows, "{name}");
    }
}

#[test]
fn the_generated_policies_are_those_that_there_are() {
    for word in ["enforce", "yield", "seed", "fill"] {
        assert!(serde_json::from_value::<Policy>(json!(word)).is_ok());
    }
}
