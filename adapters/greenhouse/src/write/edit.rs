//! A PATCH on its way: what it changes, and what becomes of custom values that cannot be preserved.
//!
//! The set of custom fields must be complete, and stored options are labels where ids are wanted
//! (see [`crate::write::custom`]); [`crate::write::options`] resolves the ids. First everything
//! goes back as it was read. Should Greenhouse refuse that, which changes nothing, the PATCH goes
//! out once more without what it might not have taken: values of archived fields and options,
//! labels that lead to no single option, ranges with one end, what has members that no new value
//! has; and entries of a contact list in the form of new ones. The host's own field does not wait
//! for the values of others. But where a PATCH replaces, what is left out is lost, so nothing
//! is left out that the plan did not name (`may_leave_out`): then the refusal stands, and names
//! what of others went along. Only what has no written form at all (a file), and what is not shown
//! although the plan saw it (`must_show`), holds the values back as a whole, since a PATCH that
//! replaces the set would lose it.

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

/// A PATCH on its way.
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

/// How a PATCH goes on.
pub(crate) enum Begun {
    /// With its changing request, or its end.
    Step(Box<Step>),
    /// With a request for option ids.
    Lookup(Box<Next>),
}

impl CustomEdit {
    /// Whether definitions and options are read: for labels that become ids, and to know what is
    /// archived.
    fn is_looked_up(&self, reading: ForeignReading) -> bool {
        let foreign = reading == ForeignReading::LeftOut && !self.merge.foreign.is_empty();
        self.merge.stuck.is_empty() && (foreign || !self.merge.choices.is_empty())
    }

    /// The complete set with option ids, and the keys of what was left out of it; or
    /// what cannot be preserved. `named`: what the plan said may have to be left out.
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
                // Its label leads to no single option: as it was read, and left out should
                // Greenhouse refuse it.
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
        // Whether a user is still there only Greenhouse and the plan know.
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

/// A set of custom values as it is sent.
struct Complete {
    values: Vec<(String, Value)>,
    /// Keys of others that are not part of it.
    left_out: Vec<String>,
    /// The values of others in it, which might be why it is refused: key and type.
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
    /// Puts the contact lists that the plan named into a form that new entries could have, where
    /// Greenhouse refused them as they were read. Whether that is still to be tried.
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
         value of somebody else could not be preserved \
         ({}); the setting custom_fields_reading = \"merge\" lifts this",
        reasons.join("; ")
    )
}
