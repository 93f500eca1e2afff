//! Sends a PATCH, and handles custom values that cannot be preserved.
//!
//! The set of custom fields must be complete, and stored options are labels where ids are needed
//! (see [`crate::write::custom`]); [`crate::write::options`] resolves the ids. At first everything
//! is sent back as it was read. If Greenhouse refuses that, which changes nothing, the PATCH is
//! sent once more without the values that may be the cause: values of archived fields and options,
//! labels without a single option, ranges with one end, values with members that no new value has;
//! and with contact entries in the form of new ones. So the host's own field does not depend on the
//! values of other users. But where a PATCH replaces, a value that is left out is lost, so only
//! values that the plan named (`may_leave_out`) are left out; otherwise the refusal is the result,
//! and names the other users' values in the set. An unsendable value, which is a file or a value
//! that the plan saw and the row hides (`must_show`), blocks the whole set, since a PATCH that
//! replaces the set would lose it.

use crate::answer::invalid;
use crate::request;
use crate::settings::ForeignReading;
use crate::write::contacts;
use crate::write::custom::{self, CUSTOM, CustomEdit};
use crate::write::op::Op;
use crate::write::options::{Lookup, Next, Unsendable};
use crate::write::sent::{Refusal, Sent, Success, applied, subject};
use crate::write::steps::{outcome, send};
use crate::write::words::ContactList;
use atsync_adapter::contract::{Failure, Step, Written};
use serde_json::{Map, Value};

/// A PATCH, and the changes that it is to make.
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
    /// The changing request, or the outcome.
    Step(Box<Step>),
    /// A request for option ids.
    Lookup(Box<Next>),
}

impl CustomEdit {
    /// Whether definitions and options are read: to turn labels into ids, and to find archived
    /// ones.
    fn is_looked_up(&self, reading: ForeignReading) -> bool {
        let foreign = reading == ForeignReading::LeftOut && !self.merge.foreign.is_empty();
        self.merge.unsendable.is_empty() && (foreign || !self.merge.stored_options.is_empty())
    }

    /// Completes the set with option ids and leaves out the odd values that the plan allows
    /// (`named`), where the reading asks for that.
    ///
    /// # Errors
    /// The values that cannot be preserved.
    fn resolved(
        self,
        lookup: Option<&Lookup>,
        reading: ForeignReading,
        named: &[String],
    ) -> Result<Complete, Unsendable> {
        let mut unsendable = self.merge.unsendable;
        if !unsendable.is_empty() {
            return Err(unsendable);
        }
        let mut values = self.merge.ready;
        let mut odd = self.merge.odd;
        for option in &self.merge.stored_options {
            match lookup.map_or_else(
                || Err("its option was not resolved".into()),
                |lookup| lookup.resolve(option),
            ) {
                Ok((value, is_usual)) => {
                    if !is_usual {
                        odd.push(option.key.clone());
                    }
                    values.push((option.key.clone(), value));
                }
                // This happens only where another value blocks the set anyway.
                Err(why) if lookup.is_none() => unsendable.push((option.key.clone(), why)),
                // The label has no single option: the value is sent as it was read, and is left out
                // if Greenhouse refuses it.
                Err(_) => {
                    odd.push(option.key.clone());
                    values.push((option.key.clone(), option.as_read()));
                }
            }
        }
        if !unsendable.is_empty() {
            return Err(unsendable);
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

/// A complete set of custom values, ready to send.
struct Complete {
    values: Vec<(String, Value)>,
    /// Keys of other users' values that the set lacks.
    left_out: Vec<String>,
    /// Other users' values in the set, a possible cause of a refusal: key and type.
    foreign: Vec<(String, String)>,
    /// Whether some of them may be left out.
    can_leave_out: bool,
}

impl Edit {
    /// Whether nothing is left to change.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_empty() && self.custom.is_none()
    }

    /// Continues after the target's row was read: resolves option ids if some are needed, otherwise
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
        if self.custom.as_ref().is_some_and(|custom| !lookup.covers(&custom.merge.stored_options)) {
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
                Err(unsendable) => {
                    let text = unsendable_text(&unsendable);
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
    /// Rewrites the contact lists that the plan named in a form that new entries could have, after
    /// Greenhouse refused them as they were read.
    ///
    /// Returns whether this form is still untried.
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
                "Greenhouse did not accept `{}` as it was read, so entries of other users lost \
                 their type and members where a new entry cannot have them, and entries without a \
                 value were removed",
                list.member()
            ));
        }
        can_leave_out
    }
}

fn left_out(keys: &[String]) -> String {
    format!(
        "values of other users that Greenhouse does not accept back were left out ({}); they stay \
         if a PATCH merges; if you know that it does, set custom_fields_reading = \"merge\"",
        keys.join(", ")
    )
}

fn unsendable_text(unsendable: &Unsendable) -> String {
    let reasons: Vec<String> =
        unsendable.iter().map(|(key, why)| format!("{key}: {why}")).collect();
    format!(
        "custom fields were not written, because an update may replace the whole set and a stored \
         value of another user could not be preserved \
         ({}); the setting custom_fields_reading = \"merge\" lifts this",
        reasons.join("; ")
    )
}
