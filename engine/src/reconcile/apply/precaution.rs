//! The precaution of a create: whether a probe precedes it, and until when a probe that finds
//! nothing is not conclusive. [`super::probe`] says why.
//!
//! Bounds: [`WRITES_MAX`] intents are read, and one wait is as long as the kind's delay at most.

use super::Applier;
use super::work::Made;
use crate::error::Error;
use crate::journal::{Intent, IntentState};
use crate::path;
use crate::reconcile::delays::{CLOCK_GRAIN_MS, SEND_WAIT_MAX_MS, done_by};
use crate::reconcile::order::Order;
use crate::reconcile::rows::{depends_on, named, record};
use crate::store::is_emptied;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::manifest::OperationRule;
use atsync_model::normal;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Intents that are read to learn what was written lately. More than a rate budget lets through
/// within the delays known.
const WRITES_MAX: usize = 1_000;

/// Whether a create is probed for, and until when a negative answer is not conclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Precaution {
    /// A probe is needed.
    pub(super) probe: bool,
    /// By the steady clock: a probe that begins earlier and finds nothing is repeated.
    pub(super) until_ms: u64,
    /// What `until_ms` waits for.
    pub(super) why: Why,
}

/// Why a probe that finds nothing is not conclusive yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Why {
    /// A record that it belongs to is young, and may have come with it.
    #[default]
    Parent,
    /// An earlier write may have created it.
    Written,
    /// An earlier create of it was refused, which does not prove that nothing was created.
    Refused,
    /// A write for an erased candidate may have created it: whose it was is not stored any more.
    Erased,
    /// Its candidate was merged into another one.
    Merged,
}

impl Why {
    /// The reason in words, after "since".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Parent => {
                "what it belongs to was created shortly before, and the ATS may not show all of \
                 that yet"
            }
            Self::Written => {
                "an earlier write may have created it, and the ATS may not show that yet"
            }
            Self::Refused => {
                "an earlier create of it was refused, which is what the ATS answered and no proof \
                 that it created nothing; it may not show yet"
            }
            Self::Erased => {
                "a candidate was erased here shortly after a write for them: whose write that was \
                 is not stored any more, so it may have created this record, which may not show yet"
            }
            Self::Merged => {
                "its candidate was merged into another one, and the ATS may not show all of that \
                 yet"
            }
        }
    }
}

/// The longest of several waits, and what it waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Longest {
    left_ms: u64,
    why: Why,
}

impl Longest {
    fn meet(&mut self, left_ms: u64, why: Why) {
        if left_ms > self.left_ms {
            *self = Self { left_ms, why };
        }
    }
}

impl Applier {
    /// The precaution of a create. `planned`: the plan asks for a probe.
    pub(super) async fn precaution(
        &self,
        order: &Order,
        rule: &OperationRule,
        planned: bool,
        made: Made<'_>,
    ) -> Result<Precaution, Error> {
        if order.operation.target.is_some() {
            return Ok(Precaution { probe: planned, ..Precaution::default() });
        }
        let kind = self.context.manifest().kind(&rule.kind);
        let shown_within_ms = kind.map_or(rule.settle_window_ms, |kind| kind.visible_within_ms);
        let delay_ms = self.context.settle_window_ms.unwrap_or(shown_within_ms);
        let input = match serde_json::from_str(&order.operation.input) {
            Ok(Value::Object(input)) => input,
            _ => Map::new(),
        };
        let parents = ancestors(&order.path);
        let mut named: BTreeSet<RemoteRef> = named(self.context.manifest(), &input);
        let mut probe = planned;
        let wait_ms = delay_ms.saturating_add(CLOCK_GRAIN_MS);
        let mut longest = Longest::default();
        for path in &parents {
            // A record that was found and not made by this run may have anything below it.
            probe |= made.own.made.contains_key(*path) && !made.is_fresh(path);
            let remote = match made.remote(path) {
                Some(remote) => Some(remote.clone()),
                None => self.context.store.link(path).await?.map(|link| link.remote),
            };
            let Some(remote) = remote else { continue };
            if planned || !made.is_fresh(path) {
                let age_ms = self.age_ms(&remote, made.own.made.contains_key(*path)).await?;
                let left_ms = age_ms.map_or(0, |age_ms| wait_ms.saturating_sub(age_ms));
                longest.meet(left_ms, Why::Parent);
            }
            named.insert(remote);
        }
        let around =
            Around { order, kind: &rule.kind, parents: &parents, named: &named, input: &input };
        for intent in self.written_lately(&parents, delay_ms).await? {
            let Some(bearing) = self.bearing(&intent, &around) else { continue };
            let fresh = intent.makes.values().any(|path| made.is_fresh(path));
            if planned || !(fresh && bearing == Bearing::Parent) {
                let left_ms = done_by(&intent).left_ms(wait_ms, &self.context.moments.now());
                longest.meet(left_ms, why(&intent, bearing));
            }
        }
        if self.depends_on_others(order, &named).await? {
            // The merge may have happened just now.
            longest = Longest { left_ms: wait_ms, why: Why::Merged };
        }
        let Longest { left_ms, why } = longest;
        probe |= left_ms > 0;
        let until_ms = self.context.clock.steady_ms().saturating_add(left_ms);
        Ok(Precaution { probe, until_ms, why })
    }

    /// Whether the path's record exists and depends on none of these records: then its candidate
    /// was merged away, and it is created again.
    async fn depends_on_others(
        &self,
        order: &Order,
        named: &BTreeSet<RemoteRef>,
    ) -> Result<bool, Error> {
        let Some(link) = self.context.store.link(&order.path).await? else { return Ok(false) };
        let Some(row) = self.context.store.observed(&link.remote).await? else {
            return Ok(false);
        };
        let of = depends_on(self.context.manifest(), &row);
        Ok(!row.gone && !of.is_empty() && !of.iter().any(|of| named.contains(of)))
    }

    /// The intents that may affect a probe: the young ones, and those of the parents however old,
    /// since one may have been sent again.
    async fn written_lately(&self, parents: &[&str], delay_ms: u64) -> Result<Vec<Intent>, Error> {
        let before_ms = delay_ms.saturating_add(SEND_WAIT_MAX_MS).saturating_add(CLOCK_GRAIN_MS);
        let since_ms = self.context.moments.wall_since_ms(before_ms);
        let mut found: BTreeMap<u64, Intent> = BTreeMap::new();
        let young = self.context.store.intents_since(since_ms, WRITES_MAX).await?;
        found.extend(young.into_iter().map(|intent| (intent.id, intent)));
        if let Some(key) = parents.first() {
            let own = self.context.store.intents_of(key, WRITES_MAX).await?;
            let above = own.into_iter().filter(|intent| parents.contains(&intent.path.as_str()));
            found.extend(above.map(|intent| (intent.id, intent)));
        }
        Ok(found.into_values().collect())
    }

    fn bearing(&self, intent: &Intent, around: &Around<'_>) -> Option<Bearing> {
        if matches!(intent.state, IntentState::NotSent { .. }) {
            return None;
        }
        let is_parent = |path: &String| around.parents.contains(&path.as_str());
        let made = match &intent.state {
            IntentState::Applied { links, .. } => links.as_slice(),
            _ => &[],
        };
        let makes_parent = intent.makes.values().any(is_parent)
            || made
                .iter()
                .any(|link| around.named.contains(link) && intent.target.as_ref() != Some(link));
        let carries = self.context.manifest().operation(&intent.operation).is_some_and(|rule| {
            let takes = rule.fields.iter().any(|field| field.name == around.kind);
            takes && rule.kind != around.kind && has_member(&intent.input, around.kind)
        });
        let same = intent.operation == around.order.operation.name
            && intent.target.is_none()
            && (intent.path == around.order.path || is_same_thing(&intent.input, around.input));
        let same = same || self.may_have_made(intent, around.kind);
        if matches!(intent.state, IntentState::Refused { .. }) {
            // It was answered, so it arrived: a refused create may have happened all the same, and
            // is visible no sooner.
            return same.then_some(Bearing::Itself);
        }
        match (makes_parent, carries || same) {
            (_, true) => Some(Bearing::Itself),
            (true, false) => Some(Bearing::Parent),
            (false, false) => None,
        }
    }

    /// Whether an intent of an erased candidate may have made records of a kind: whose they were is
    /// not known any more.
    fn may_have_made(&self, intent: &Intent, kind: &str) -> bool {
        let rule =
            self.context.manifest().operation(&intent.operation).filter(|_| is_emptied(intent));
        let takes = |rule: &OperationRule| {
            rule.kind == kind || rule.fields.iter().any(|field| field.name == kind)
        };
        intent.target.is_none() && rule.is_some_and(takes)
    }

    /// How long ago a parent was made, by its own time; none when it has none. A parent that was
    /// found in this run and is not stored yet is fetched.
    async fn age_ms(&self, remote: &RemoteRef, found_now: bool) -> Result<Option<u64>, Error> {
        let mut row = self.context.store.observed(remote).await?;
        if row.is_none() && found_now {
            self.ingest
                .fetch(
                    &remote.kind,
                    std::slice::from_ref(&remote.id),
                    &BTreeMap::new(),
                    Priority::Interactive,
                )
                .await?;
            row = self.context.store.observed(remote).await?;
        }
        let Some(row) = row else { return Ok(found_now.then_some(0)) };
        let parsed = record(&row);
        let made = parsed
            .text("created_at")
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        let made_ms = made.and_then(|time| u64::try_from(time.timestamp_millis()).ok());
        Ok(made_ms.map(|made_ms| self.context.moments.stamped_ago_ms(made_ms)))
    }
}

/// What earlier writes are compared with.
struct Around<'a> {
    order: &'a Order,
    /// The kind of what is to be made.
    kind: &'a str,
    parents: &'a [&'a str],
    /// The parents, and what the input names besides.
    named: &'a BTreeSet<RemoteRef>,
    input: &'a Map<String, Value>,
}

/// How an earlier write affects a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearing {
    /// It made something that the record belongs to.
    Parent,
    /// It may have made the record itself.
    Itself,
}

/// What a wait for an earlier write waits for.
fn why(intent: &Intent, bearing: Bearing) -> Why {
    match (bearing, &intent.state) {
        (Bearing::Parent, _) => Why::Parent,
        _ if is_emptied(intent) => Why::Erased,
        (Bearing::Itself, IntentState::Refused { .. }) => Why::Refused,
        (Bearing::Itself, _) => Why::Written,
    }
}

/// The paths above a path, the outermost first.
fn ancestors(path: &str) -> Vec<&str> {
    let mut above: Vec<&str> = path::above(path).collect();
    above.reverse();
    above
}

fn has_member(input: &str, member: &str) -> bool {
    let Ok(input) = serde_json::from_str::<Map<String, Value>>(input) else { return false };
    input.get(member).is_some_and(|value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    })
}

/// Whether two creations of one operation may mean the same thing: an equal input, or an address or
/// a whole name in common.
fn is_same_thing(one: &str, other: &Map<String, Value>) -> bool {
    let Ok(one) = serde_json::from_str::<Map<String, Value>>(one) else { return false };
    one == *other || names(&one).intersection(&names(other)).next().is_some()
}

/// What identifies an input's record within its kind: its name if that is one text, its addresses,
/// and its parents.
fn names(input: &Map<String, Value>) -> BTreeSet<String> {
    let parents: Vec<&str> = ["candidate", "application", "custom_field"]
        .iter()
        .filter_map(|member| input.get(*member)?.as_str())
        .collect();
    let within = parents.join(" ");
    let name = input.get("name").and_then(Value::as_str).map(normal::name);
    let email = input.get("email").and_then(Value::as_str).map(normal::email);
    let emails = input.get("emails").and_then(Value::as_array).into_iter().flatten();
    let emails =
        emails.filter_map(|entry| entry.get("value").unwrap_or(entry).as_str()).map(normal::email);
    name.into_iter().chain(email).chain(emails).map(|text| format!("{within} {text}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{ancestors, has_member, is_same_thing};
    use serde_json::{Value, json};

    #[test]
    fn a_path_lies_below_all_that_it_begins_with() {
        assert_eq!(
            ancestors("ada/applications/a/attachments/cv"),
            ["ada", "ada/applications", "ada/applications/a", "ada/applications/a/attachments"]
        );
        assert!(ancestors("ada").is_empty());
    }

    #[test]
    fn an_input_carries_a_kind_when_it_has_some_of_it() {
        assert!(has_member(r#"{"tags":["a"]}"#, "tags"));
        assert!(!has_member(r#"{"tags":[]}"#, "tags"));
        assert!(!has_member(r#"{"tags":null}"#, "tags"));
        assert!(!has_member("{}", "tags"));
    }

    #[test]
    fn two_creations_mean_the_same_when_they_share_an_address_or_a_name_within_one_parent() {
        let same =
            |one: Value, other: Value| is_same_thing(&one.to_string(), other.as_object().unwrap());
        let ada = json!({"name": {"first": "Ada"}, "emails": [{"value": "Ada@example.com"}]});
        let lady = json!({"name": {"first": "Lady"},
            "emails": [{"value": "ada@example.com"}, {"value": "x@y.z"}]});
        assert!(same(ada.clone(), lady));
        assert!(!same(
            ada,
            json!({"name": {"first": "Ada"}, "emails": [{"value": "ben@example.com"}]})
        ));
        assert!(same(
            json!({"custom_field": "1", "name": "Event"}),
            json!({"custom_field": "1", "name": "Event", "order": 2})
        ));
        assert!(!same(
            json!({"custom_field": "1", "name": "Event"}),
            json!({"custom_field": "2", "name": "Event"})
        ));
    }
}
