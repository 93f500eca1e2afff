//! An ATS of a few maps: plans are made from it, and it carries out their steps.

use atsync::internals::index;
use atsync::internals::plan::{Declared, Facts, Input, Need, Record, RecordPlan, Step, record};
use atsync::internals::store::{LinkHow, LinkRow};
use atsync::model::contract::RemoteRef;
use atsync::model::desired::Desired;
use atsync::model::kinds;
use atsync_tests::native_greenhouse;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const CHANNEL: &str = "@custom_fields.candidate.channel";

/// An ATS that executes every step at once, and the links that the engine keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tiny {
    pub(crate) records: BTreeMap<(String, String), Map<String, Value>>,
    pub(crate) links: BTreeMap<String, LinkRow>,
    pub(crate) ids: u64,
    /// Applications show their stage by its name alone.
    pub(crate) names_only: bool,
}

/// One run of planning: shared steps, then definitions, then candidates.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) shared: Vec<Step>,
    pub(crate) plans: Vec<RecordPlan>,
}

impl Run {
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.shared.iter().chain(self.plans.iter().flat_map(|plan| &plan.steps))
    }

    pub(crate) fn candidate(&self) -> &RecordPlan {
        self.plans.iter().find(|plan| plan.key == "ada").unwrap()
    }
}

impl Tiny {
    pub(crate) fn make(&mut self, kind: &str, body: Value) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        self.records.insert((kind.to_owned(), id.clone()), body.as_object().unwrap().clone());
        id
    }

    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        let kind = kind.to_owned();
        self.records
            .iter()
            .filter(move |((of, _), _)| *of == kind)
            .map(|((_, id), body)| (id, body))
    }

    pub(crate) fn shown(&self, kind: &str, id: &str) -> Option<Arc<Record>> {
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
        Some(Arc::new(Record {
            kind: kind.into(),
            id: id.into(),
            body,
            known: known.map(str::to_owned).to_vec(),
            moved_in: false,
        }))
    }

    pub(crate) fn links_of(&self, key: &str) -> BTreeMap<String, LinkRow> {
        let below = format!("{key}/");
        let own = self.links.iter().filter(|(path, _)| *path == key || path.starts_with(&below));
        own.map(|(path, link)| (path.clone(), link.clone())).collect()
    }

    pub(crate) fn answer(&self, facts: &mut Facts, need: Need, desired: &[Desired]) {
        match need {
            Need::Lookup { kind, index, term } => {
                let fits = |body: &Map<String, Value>| {
                    index::terms(&kind, &Value::Object(body.clone()).to_string())
                        .contains(&(index, term.clone()))
                };
                let ids: Vec<String> = self
                    .of(&kind)
                    .filter(|(_, body)| fits(body))
                    .map(|(id, _)| id.clone())
                    .collect();
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
                let paths = self
                    .links
                    .values()
                    .filter(|link| link.remote == remote)
                    .map(|link| link.path.clone());
                let paths = paths.collect();
                facts.add_linked(remote, paths);
            }
            Need::Names(kind) => facts.add_names(kind, Vec::new()),
            Need::Declared(path) => {
                let declared = desired.iter().find(|record| record.key() == path);
                let links = self.links_of(&path);
                let declared = declared.map(|desired| Declared {
                    desired: desired.clone(),
                    managed: true,
                    links,
                });
                facts.add_declared(path, declared);
            }
        }
    }

    pub(crate) fn plan(&self, desired: &[Desired]) -> Run {
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
                    Err(needs) => {
                        needs.into_iter().for_each(|need| self.answer(&mut facts, need, desired))
                    }
                }
            };
            for step in shared {
                if !run.shared.iter().any(|known| known.path == step.path) {
                    run.shared.push(step);
                }
            }
            run.plans.push(plan);
        }
        run.plans.sort_by_key(|plan| !plan.is_definition());
        run
    }

    pub(crate) fn link(
        &mut self,
        path: &str,
        remote: RemoteRef,
        how: LinkHow,
        applied: Map<String, Value>,
    ) {
        let link = LinkRow { path: path.to_owned(), remote, how, applied, since_ms: 1 };
        self.links.insert(path.to_owned(), link);
    }

    pub(crate) fn carry_out(&mut self, run: &Run) {
        for step in &run.shared {
            self.step(step);
        }
        for plan in run.plans.iter().filter(|plan| !plan.is_blocked()) {
            for adoption in &plan.adoptions {
                let how = self.links.get(&adoption.path).map_or(LinkHow::Adopted, |link| link.how);
                self.link(&adoption.path, adoption.remote.clone(), how, adoption.applied.clone());
            }
            for path in &plan.releases {
                self.links.remove(path);
            }
            for step in &plan.steps {
                self.step(step);
            }
        }
    }

    /// Fills in every placeholder of an input; stops the test where the record is missing.
    pub(crate) fn filled(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) if object.contains_key("$made") => {
                let remote = &self.links[object["$made"].as_str().unwrap()].remote;
                match object.get("$member").and_then(Value::as_str) {
                    Some(member) => {
                        self.shown(&remote.kind, &remote.id).unwrap().body[member].clone()
                    }
                    None => json!(remote.id),
                }
            }
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect()
            }
            Value::Array(list) => list.iter().map(|value| self.filled(value)).collect(),
            other => other.clone(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
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
                self.links.remove(&step.path);
                None
            }
            other => panic!("no plan here makes a step to {other}"),
        };
        for name in input["tags"].as_array().into_iter().flatten() {
            let known = self
                .of(kinds::TAGS)
                .find(|(_, body)| body["name"] == *name)
                .map(|(id, _)| id.clone());
            let tag = known.unwrap_or_else(|| self.create(kinds::TAGS, &json!({ "name": name })));
            self.create(
                kinds::APPLIED_TAGS,
                &json!({ "candidate": made.as_ref().unwrap(), "tag": tag }),
            );
        }
        for (role, path) in &step.makes {
            let remote = match role.as_str() {
                "subject" => RemoteRef::new(kind, made.as_ref().unwrap()),
                carried => {
                    let mut body = input["application"].clone();
                    body["candidate"] = json!(made.as_ref().unwrap());
                    let id = self.create(carried, &body);
                    RemoteRef::new(carried, &id)
                }
            };
            self.link(
                path,
                remote,
                LinkHow::Created,
                step.applied.get(path).cloned().unwrap_or_default(),
            );
        }
        for (path, applied) in
            step.applied.iter().filter(|(path, _)| !step.makes.values().any(|made| made == *path))
        {
            let (remote, how) = match self.links.get(path) {
                Some(link) => (link.remote.clone(), link.how),
                None => (step.target.clone().unwrap(), LinkHow::Adopted),
            };
            self.link(path, remote, how, applied.clone());
        }
    }

    pub(crate) fn create(&mut self, kind: &str, input: &Value) -> String {
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
                    body[list] =
                        input[list].as_array().into_iter().flatten().map(unified_entry).collect();
                }
                body["custom_fields"] = customs(json!({}), &input["custom_fields"]);
                body
            }
            kinds::APPLICATIONS => {
                let stage = input["stage"]
                    .as_str()
                    .map_or_else(|| self.first_stage(&input["job"]), str::to_owned);
                let stage =
                    if input["kind"] == "prospect" { Value::Null } else { self.stage(&stage) };
                json!({"candidate": reference("candidate"), "job": reference("job"),
                    "kind": input["kind"],
                "stage": stage, "outcome": {"value": "active"},
                "source": input.get("source").map(|id| json!({"id": id}))})
            }
            kinds::TAGS => json!({"name": input["name"]}),
            kinds::APPLIED_TAGS => {
                json!({"candidate": reference("candidate"), "tag": reference("tag")})
            }
            kinds::NOTES => json!({"candidate": reference("candidate"), "body": input["body"]}),
            kinds::CUSTOM_FIELDS => {
                let mut body = field(&input["name"], "channel_", &input["type"]);
                body["description"] = input["description"].clone();
                body
            }
            kinds::CUSTOM_FIELD_OPTIONS => {
                json!({"name": input["name"], "custom_field": reference("custom_field"),
                    "active": true})
            }
            other => panic!("no plan here makes {other}"),
        };
        self.make(kind, body)
    }

    /// Returns the first stage of a job.
    pub(crate) fn first_stage(&self, job: &Value) -> String {
        let of_job = self.of(kinds::STAGES).filter(|(_, body)| body["parent"]["id"] == *job);
        of_job
            .min_by_key(|(_, body)| body["order"].as_i64())
            .map(|(id, _)| id.clone())
            .unwrap_or_default()
    }

    /// Returns the stage as an application shows it: by id and name, or by name alone, as the
    /// official schema has it.
    pub(crate) fn stage(&self, id: &str) -> Value {
        match self.records.get(&(kinds::STAGES.to_owned(), id.to_owned())) {
            Some(stage) if self.names_only => json!({"name": stage["name"]}),
            Some(stage) => json!({"id": id, "name": stage["name"]}),
            None => Value::Null,
        }
    }

    /// Carries out a step of an application's lifecycle, or refuses it as Greenhouse does. Returns
    /// the id of the record that a conversion creates.
    pub(crate) fn go(&mut self, verb: &str, step: &Step, input: &Value) -> Option<String> {
        let target = match (&step.target, &step.target_path) {
            (Some(target), None) => target.clone(),
            (None, Some(path)) => self.links[path].remote.clone(),
            other => panic!("{verb} of {other:?}"),
        };
        let at = (target.kind.clone(), target.id.clone());
        let mut body = self.records[&at].clone();
        let is_ended = ["rejected", "withdrawn", "closed"]
            .iter()
            .any(|word| body["outcome"]["value"] == *word);
        let is_accepted =
            if verb == "unreject" { is_ended } else { body["outcome"]["value"] == "active" };
        assert!(is_accepted, "{verb} of {body:?} is refused");
        let outcome = |word: &str| json!({"value": word});
        let mut made = None;
        match verb {
            "move" => {
                let stage = input["to_stage"].as_str().unwrap();
                assert_eq!(
                    self.records[&(kinds::STAGES.to_owned(), stage.to_owned())]["parent"],
                    body["job"]
                );
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
                let new = json!({"candidate": body["candidate"]["id"], "job": input["job"],
                    "kind": "application",
                    "stage": input["stage"]});
                made = Some(self.create(kinds::APPLICATIONS, &new));
                body.insert("outcome".to_owned(), outcome("converted"));
            }
        }
        self.records.insert(at, body);
        made
    }

    pub(crate) fn update(&mut self, target: &RemoteRef, input: &Value) {
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
            let removed: Vec<&Value> =
                input["remove"][list].as_array().into_iter().flatten().collect();
            held.retain(|entry| {
                !removed.iter().any(|removed| {
                    removed["value"] == entry["value"] || **removed == entry["value"]
                })
            });
            held.extend(input["add"][list].as_array().into_iter().flatten().map(unified_entry));
        }
        for member in ["name", "description", "private"]
            .into_iter()
            .filter(|_| target.kind == kinds::CUSTOM_FIELDS)
        {
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
pub(crate) fn field(name: &Value, key: &str, of: &Value) -> Value {
    json!({"name": name, "key": key, "applies_to": {"value": "candidate"}, "type": {"value": of},
        "active": true})
}

pub(crate) fn unified_entry(entry: &Value) -> Value {
    json!({"value": entry["value"], "type": {"value": entry["type"]}})
}

pub(crate) fn customs(mut held: Value, written: &Value) -> Value {
    for entry in written.as_array().into_iter().flatten() {
        // Options are written by id and read by label.
        let value = match &entry["value"] {
            Value::Object(choice) => choice["label"].clone(),
            plain => plain.clone(),
        };
        held[entry["key"].as_str().unwrap()] = json!({"type": entry["type"], "value": value});
    }
    held
}
