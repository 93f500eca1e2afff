//! Carries a PATCH: its changes, and the handling of custom values that cannot be preserved.
//!
//! The set of custom fields must be complete, and stored options are labels where ids are needed
//! (see [`crate::write::custom`]); [`crate::write::options`] resolves the ids. First everything is
//! sent back as it was read. If Greenhouse refuses that, which changes nothing, the PATCH is sent
//! once more without the values that may be the cause: values of archived fields and options,
//! labels without a single option, ranges with one end, values with members that no new value has;
//! and with entries of a contact list in the form of new ones. So the host's own field does not
//! depend on the values of others. But where a PATCH replaces, a value that is left out is lost, so
//! only values that the plan named (`may_leave_out`) are left out: else the refusal is the result,
//! and names the values of others in the set. Only a value without a written form (a file), and one
//! that is not shown although the plan saw it (`must_show`), block the whole set, since a PATCH
//! that replaces the set would lose them.

use crate::answer::invalid;
use crate::request;
use crate::settings::ForeignReading;
use crate::write::contacts;
use crate::write::custom::{self, CUSTOM, CustomEdit};
use crate::write::op::Op;
use crate::write::options::{Lookup, Next, Stuck};
use crate::write::sent::{Refusal, Sent, Success, applied, subject};
use crate::write::steps::{outcome, send};
use crate::write::words::ContactList;
use atsync_adapter::contract::{Failure, Step, Written};
use serde_json::{Map, Value};

/// A PATCH under way.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// The operation's name.
    pub(crate) operation: &'static str,
    /// Greenhouse's collection.
    pub(crate) collection: &'static str,
    /// The unified kind.
    pub(crate) kind: &'static str,
    /// The target.
    pub(crate) id: String,
    /// The attributes that change, without custom fields.
    pub(crate) body: Map<String, Value>,
    /// The custom fields, if they change.
    pub(crate) custom: Option<CustomEdit>,
}

/// The next step of a PATCH.
pub(crate) enum Begun {
    /// Its changing request, or its end.
    Step(Box<Step>),
    /// A request for option ids.
    Lookup(Box<Next>),
}

impl CustomEdit {
    /// Whether definitions and options are read: for labels that become ids, and to find archived
    /// ones.
    fn is_looked_up(&self, reading: ForeignReading) -> bool {
        let foreign = reading == ForeignReading::LeftOut && !self.merge.foreign.is_empty();
        self.merge.stuck.is_empty() && (foreign || !self.merge.choices.is_empty())
    }

    /// The complete set with option ids, and the keys of the values that were left out of it; or
    /// the values that cannot be preserved. `named`: the values that the plan allows to leave out.
    fn resolved(
        self,
        lookup: Option<&Lookup>,
        reading: ForeignReading,
        named: &[String],
    ) -> Result<Complete, Stuck> {
        let mut stuck = self.merge.stuck;
        if !stuck.is_empty() {
            return Err(stuck);
        }
        let mut values = self.merge.ready;
        let mut odd = self.merge.odd;
        for choice in &self.merge.choices {
            match lookup.map_or_else(
                || Err("its option was not resolved".into()),
                |lookup| lookup.resolve(choice),
            ) {
                Ok((value, is_usual)) => {
                    if !is_usual {
                        odd.push(choice.key.clone());
                    }
                    values.push((choice.key.clone(), value));
                }
                // Without resolved options, which happens only where another value blocks the set
                // anyway.
                Err(why) if lookup.is_none() => stuck.push((choice.key.clone(), why)),
                // Its label has no single option: sent as it was read, and left out if Greenhouse
                // refuses it.
                Err(_) => {
                    odd.push(choice.key.clone());
                    values.push((choice.key.clone(), choice.as_read()));
                }
            }
        }
        if !stuck.is_empty() {
            return Err(stuck);
        }
        let archived = |key: &String| lookup.is_some_and(|lookup| lookup.is_archived(key));
        // Only Greenhouse and the plan know whether a user still exists.
        let doubtful = |(key, kind): &&(String, String)| archived(key) || kind == "user";
        odd.extend(self.merge.foreign.iter().filter(doubtful).map(|(key, _)| key.clone()));
        let is_named =
            |key: &String| named.iter().any(|path| path.strip_prefix(CUSTOM) == Some(key));
        let mut foreign = self.merge.foreign;
        foreign.sort_unstable();
        if reading == ForeignReading::Kept {
            let can_leave_out = foreign.iter().any(|(key, _)| is_named(key));
            return Ok(Complete { values, left_out: Vec::new(), foreign, can_leave_out });
        }
        let (left_out, foreign): (Vec<_>, Vec<_>) =
            foreign.into_iter().partition(|(key, _)| is_named(key) && odd.contains(key));
        let left_out: Vec<String> = left_out.into_iter().map(|(key, _)| key).collect();
        values.retain(|(key, _)| !left_out.contains(key));
        Ok(Complete { values, left_out, foreign, can_leave_out: false })
    }
}

/// A set of custom values that is sent.
struct Complete {
    values: Vec<(String, Value)>,
    /// Keys of others that are not part of it.
    left_out: Vec<String>,
    /// The values of others in it, a possible cause of a refusal: key and type.
    foreign: Vec<(String, String)>,
    /// Some of them may be left out.
    can_leave_out: bool,
}

impl Edit {
    /// Whether nothing is left to change.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_empty() && self.custom.is_none()
    }

    /// Continues after the target's row was read: resolves option ids if some are needed, else
    /// sends.
    pub(crate) fn begin(self, op: Op, pool: Option<String>) -> Result<Begun, Failure> {
        let reading = op.foreign_reading();
        match self.custom {
            // Options need not be resolved if another value blocks the set.
            Some(custom) if custom.is_looked_up(reading) => {
                Ok(Begun::Lookup(Box::new(Lookup::begin(op, pool, custom))))
            }
            _ => self.finish(None, &op).map(|step| Begun::Step(Box::new(step))),
        }
    }

    /// Continues after option ids were resolved and the target was read again.
    pub(crate) fn again(self, lookup: &Lookup) -> Result<Step, Failure> {
        if self.custom.as_ref().is_some_and(|custom| !lookup.covers(&custom.merge.choices)) {
            return Err(Failure::Conflict(format!(
                "{}/{} was changed while it was read",
                self.kind, self.id
            )));
        }
        self.finish(Some(lookup), &lookup.op)
    }

    /// Sends what is left to change, if anything.
    fn finish(mut self, lookup: Option<&Lookup>, op: &Op) -> Result<Step, Failure> {
        let (reading, named) = (op.foreign_reading(), op.may_leave_out());
        let mut warnings = Vec::new();
        let mut can_leave_out = self.renew_contacts(reading, named, &mut warnings);
        let mut foreign = Vec::new();
        if let Some(custom) = self.custom.take() {
            match custom.resolved(lookup, reading, named) {
                Ok(set) => {
                    self.body.insert("custom_fields".into(), custom::attribute(&set.values));
                    can_leave_out |= set.can_leave_out;
                    foreign = set.foreign;
                    if !set.left_out.is_empty() {
                        warnings.push(left_out(&set.left_out));
                    }
                    warnings.extend(lookup.into_iter().flat_map(|lookup| lookup.warnings.clone()));
                }
                Err(stuck) => {
                    let text = held_back(&stuck);
                    if self.body.is_empty() {
                        return Err(invalid("custom_fields", text));
                    }
                    warnings.push(text);
                }
            }
        }
        if self.body.is_empty() {
            return Ok(outcome(Written::Unneeded(applied(
                vec![subject(self.kind, self.id)],
                warnings,
            ))));
        }
        let refusal = match can_leave_out {
            true => Refusal::Reading { other: "left-out".into(), about: String::new() },
            false if !foreign.is_empty() => Refusal::Others { foreign },
            false => Refusal::Plain,
        };
        let request =
            request::patch(self.collection, &self.id, Value::Object(self.body).to_string());
        let success = Success::Patched { kind: self.kind.into(), id: self.id };
        send(request, &Sent { operation: self.operation.into(), success, refusal, warnings })
    }
}

impl Edit {
    /// Converts the contact lists that the plan named into a form that new entries could have,
    /// after Greenhouse refused them as they were read. Returns whether that was not tried yet.
    fn renew_contacts(
        &mut self,
        reading: ForeignReading,
        named: &[String],
        warnings: &mut Vec<String>,
    ) -> bool {
        let mut can_leave_out = false;
        for list in ContactList::ALL {
            let Some(Value::Array(entries)) = self.body.get_mut(list.attribute()) else { continue };
            let renewed = contacts::renewed(list, entries);
            if !named.iter().any(|path| path == list.member()) || renewed == *entries {
                continue;
            }
            if reading == ForeignReading::Kept {
                can_leave_out = true;
                continue;
            }
            *entries = renewed;
            warnings.push(format!(
                "Greenhouse did not take `{}` back as it was read, so entries of others lost what \
                 a new one cannot have of type and \
                 members, and those without a value are gone",
                list.member()
            ));
        }
        can_leave_out
    }
}

fn left_out(keys: &[String]) -> String {
    format!(
        "values of others that Greenhouse does not take back were left out ({}); they stay where a \
         PATCH merges, which the setting \
         custom_fields_reading = \"merge\" says",
        keys.join(", ")
    )
}

fn held_back(stuck: &Stuck) -> String {
    let reasons: Vec<String> = stuck.iter().map(|(key, why)| format!("{key}: {why}")).collect();
    format!(
        "custom fields were not written, because an update may replace the whole set and a stored \
         value of another user could not be preserved \
         ({}); the setting custom_fields_reading = \"merge\" lifts this",
        reasons.join("; ")
    )
}
