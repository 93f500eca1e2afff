//! The host: it declares candidates, changes its declarations, releases fields, and remembers what
//! was acknowledged.

use crate::background;
use crate::chance::Chance;
use crate::sim::Options;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const COMPANIES: &[&str] = &["Analytical", "Babbage & Sons", "", "Difference"];
/// Options of a custom field that the host declares once it uses them.
const CHANNELS: &[&str] = &["Portal", "Event", "Meetup"];
/// The field's name; the sandbox makes [`CHANNEL_KEY`] of it.
pub(crate) const CHANNEL_NAME: &str = "Which channel?";
/// The key of the values in the ATS, which is not the host's.
pub(crate) const CHANNEL_KEY: &str = "which_channel_";
const TAGS: &[&str] = &["referral", "warm", "Warm", "met at the fair"];

/// The host's knowledge of the company that it declares candidates to.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) jobs: Vec<String>,
    pub(crate) pools: Vec<String>,
    pub(crate) reasons: Vec<String>,
    /// E-mail addresses of candidates who are in the ATS already, each on one of them.
    pub(crate) known: Vec<String>,
}

/// The host and all its declarations.
#[derive(Debug)]
pub(crate) struct Host {
    chance: Chance,
    /// Drawn separately, so that everything else of the history stays as it is.
    background: Option<Chance>,
    lifecycle: bool,
    serial: u64,
    pub(crate) wanted: BTreeMap<String, Value>,
    /// The last declarations that the engine acknowledged.
    pub(crate) acknowledged: BTreeMap<String, Value>,
    /// Options that the host has declared.
    pub(crate) channels: BTreeSet<&'static str>,
    /// Candidates for whom the host has ever named the field.
    pub(crate) owned: BTreeSet<(String, &'static str)>,
}

impl Host {
    pub(crate) fn new(options: Options) -> Self {
        let seed = options.seed;
        Self {
            chance: Chance::of(seed, "host"),
            background: options.backgrounds.then(|| Chance::of(seed, "background")),
            lifecycle: options.lifecycle,
            serial: 0,
            wanted: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            channels: BTreeSet::new(),
            owned: BTreeSet::new(),
        }
    }

    /// All its declarations: candidates first, although they depend on the field.
    pub(crate) fn declares(&self) -> Vec<Value> {
        let field = (!self.channels.is_empty()).then(|| {
            json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
                "type": "single",
                   "name": CHANNEL_NAME, "options": self.channels})
        });
        self.wanted.values().cloned().chain(field).collect()
    }

    /// Does something; returns a description.
    pub(crate) fn act(&mut self, catalogue: &mut Catalogue) -> String {
        let keys: Vec<String> = self.wanted.keys().cloned().collect();
        if keys.len() < 2 || (keys.len() < 9 && self.chance.one_in(3)) {
            return self.invent(catalogue);
        }
        let key = self.chance.pick(&keys).clone();
        let mut record = self.wanted[&key].clone();
        let mut deed = self.change(&mut record, catalogue);
        if let Some(chance) = &mut self.background {
            deed.push_str(&background::change(&mut record, chance).unwrap_or_default());
        }
        for field in ["company", "title"] {
            if record.get(field).is_some() {
                self.owned.insert((key.clone(), field));
            }
        }
        self.wanted.insert(key.clone(), record);
        format!("host: {key} {deed}")
    }

    fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn invent(&mut self, catalogue: &mut Catalogue) -> String {
        let number = self.number();
        let key = format!("p{number}");
        let adopts = self.chance.one_in(4) && !catalogue.known.is_empty();
        let email = if adopts { catalogue.known.remove(0) } else { format!("{key}@example.com") };
        let mut record =
            json!({"key": key, "emails": [email], "custom_fields": {"external_ref": key}});
        if !adopts {
            record["name"] =
                json!({"first": format!("First{number}"), "last": format!("Last{number}")});
        }
        for _ in 0..self.chance.below(4) {
            self.change(&mut record, catalogue);
        }
        for field in ["company", "title"] {
            if record.get(field).is_some() {
                self.owned.insert((key.clone(), field));
            }
        }
        self.wanted.insert(key.clone(), record);
        format!("host: {key} is new{}", if adopts { " and known in the ATS" } else { "" })
    }

    fn change(&mut self, record: &mut Value, catalogue: &Catalogue) -> String {
        let number = self.number();
        let members = record.as_object_mut().unwrap();
        match self.chance.below(12) {
            0 => {
                members.insert("company".into(), json!(self.chance.pick(COMPANIES)));
                "company".into()
            }
            1 => {
                members.insert("title".into(), json!(format!("Title {number}")));
                "title".into()
            }
            2 => {
                members.insert(
                    "custom_fields".into(),
                    json!({"external_ref": format!("ref-{number}")}),
                );
                "external_ref".into()
            }
            3 => {
                let tag = *self.chance.pick(TAGS);
                let tags = list(members, "tags");
                if let Some(at) = tags.iter().position(|known| known == tag) {
                    tags.remove(at);
                    return format!("tag {tag} off");
                }
                tags.push(json!(tag));
                format!("tag {tag}")
            }
            4 | 5 => {
                let note =
                    json!({"key": format!("n{number}"), "body": format!("Note number {number}.")});
                list(members, "notes").push(note);
                format!("note n{number}")
            }
            6 => {
                list(members, "phones").push(json!(format!("+44 20 7946 {number:04}")));
                "phone".into()
            }
            7 => {
                list(members, "emails").push(json!(format!("more{number}@example.org")));
                "e-mail".into()
            }
            8 => {
                let released = *self.chance.pick(&["company", "title", "phones"]);
                members.remove(released);
                format!("releases {released}")
            }
            9 => {
                let channel = *self.chance.pick(CHANNELS);
                self.channels.insert(channel);
                members.entry("custom_fields").or_insert_with(|| json!({}))["channel"] =
                    json!(channel);
                format!("channel {channel}")
            }
            10 if self.lifecycle && self.reject(members, catalogue) => "rejects".into(),
            _ => self.apply(members, catalogue, number),
        }
    }

    fn apply(
        &mut self,
        members: &mut Map<String, Value>,
        catalogue: &Catalogue,
        number: u64,
    ) -> String {
        let applications = list(members, "applications");
        if self.chance.one_in(4) && !catalogue.pools.is_empty() {
            let pool = self.chance.pick(&catalogue.pools).clone();
            if applications.iter().any(|known| known["kind"] == "prospect") {
                return "nothing".into();
            }
            applications.push(
                json!({"key": format!("a{number}"), "kind": "prospect", "pool": {"id": pool}}),
            );
            return format!("prospect a{number}");
        }
        let job = self.chance.pick(&catalogue.jobs).clone();
        if let Some(application) =
            applications.iter_mut().find(|known| known["job"]["id"] == json!(job))
        {
            let file = json!({"key": format!("f{number}"), "filename": format!("cv-{number}.pdf"),
                "type": "resume",
                              "url": format!("https://example.com/cv-{number}.pdf")});
            list(application.as_object_mut().unwrap(), "attachments").push(file);
            return format!("file f{number}");
        }
        applications.push(
            json!({"key": format!("a{number}"), "job": {"id": job}, "source": "Acme Referrals",
                                 "custom_fields": {"external_ref": format!("app-{number}")}}),
        );
        format!("application a{number}")
    }

    fn reject(&mut self, members: &mut Map<String, Value>, catalogue: &Catalogue) -> bool {
        let applications = list(members, "applications");
        let Some(application) = applications.iter_mut().find(|known| known["kind"] != "prospect")
        else {
            return false;
        };
        application["outcome"] = json!("rejected");
        application["reject_reason"] = json!({"id": self.chance.pick(&catalogue.reasons)});
        true
    }
}

/// The list of that name, created if it is missing.
fn list<'a>(members: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    members.entry(name.to_owned()).or_insert_with(|| json!([])).as_array_mut().unwrap()
}
