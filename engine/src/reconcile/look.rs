//! The look before a create: has somebody made the record, and may the answer be believed?
//!
//! An ATS may show a new record late, each kind within the time that the manifest states for it. So
//! a look that finds nothing is believed only when it began later than that after the last write
//! that may have brought along what is looked for: the creation of its parent (a field may have
//! come with its options, a candidate with an application), a write that carried records of the
//! kind, an earlier creation of the same thing, be it one that was refused. Until then the look is
//! repeated, less and less often; then the record is created.
//!
//! When the parent was made is read from the journal, so it holds over a restart; for a parent that
//! somebody else made, from its own `created_at`. A parent that this run made and nobody can have
//! added to yet needs no look at all, and an old one no wait, so an ordinary create costs what it
//! did. What is made once more because it hangs on somebody who was merged away is looked for until
//! the merge must show. Of what was written for somebody who was forgotten the journal keeps the
//! operation and the times alone, so whatever may have made a record of the kind counts: they may
//! be declared again.
//!
//! # Bounds
//! One wait is as long as the kind's delay at most, however the clocks jump; [`WRITES_MAX`] intents
//! are read for it. Left out: what hides for longer than the manifest says; an update of the parent
//! that carries no records of the kind, which brings none along.

use super::apply::Work;
use super::effect::SEND_WAIT_MAX_MS;
use super::gather::record;
use super::order::{Order, Touched};
use super::report::StepEnd;
use super::{EFFECTS_HELD, Progress, Reconciler};
use crate::error::{Error, ErrorKind};
use crate::journal::{Intent, IntentState, Moment};
use crate::path;
use crate::plan::{FOUND_ON, is_made_once};
use crate::store::{LinkHow, is_emptied};
use crate::transport::Priority;
use atsync_model::contract::{Outcome, Probe, Probed, RemoteRef, Task};
use atsync_model::manifest::OperationRule;
use atsync_model::normal;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Intents that are read to learn what was written lately. More than a rate budget lets through
/// within the delays known.
const WRITES_MAX: usize = 1_000;
/// The first pause between two looks; doubled each time.
pub(super) const PAUSE_FIRST_MS: u64 = 500;
/// The ATS's clock is known from dates that count whole seconds.
pub(super) const CLOCK_GRAIN_MS: u64 = 1_000;

/// What one look saw.
enum Seen {
    /// The step ends with it.
    Ended(StepEnd),
    /// Nothing, and a look can tell.
    Absent,
    /// No look can tell.
    Blind,
}

/// What was made in this run and cannot have been added to by anybody else: no look below it is
/// needed.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) shared: &'a Work,
    pub(super) own: &'a Work,
}

impl Made<'_> {
    fn remote(&self, host: &str) -> Option<&RemoteRef> {
        self.own.made.get(host).or_else(|| self.shared.made.get(host))
    }

    fn is_fresh(&self, host: &str) -> bool {
        self.own.fresh.contains(host) || self.shared.fresh.contains(host)
    }
}

/// Says which records an ambiguous probe named. It may name one, which may as well be another's, or
/// none.
pub(super) fn several(refs: &[RemoteRef]) -> String {
    match refs {
        [] => "several records in the ATS may be it, and the adapter does not say which".to_owned(),
        [one] => format!("{one} in the ATS may be it, and may as well be another one"),
        several => {
            let names: Vec<String> = several.iter().map(RemoteRef::to_string).collect();
            format!(
                "several records in the ATS may be it ({}), and nothing tells which",
                names.join(", ")
            )
        }
    }
}

/// Whether, and until when, a look that finds nothing is not believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wary {
    /// A look is needed.
    pub(super) look: bool,
    /// By the steady clock: a look that begins earlier and finds nothing is repeated.
    pub(super) until_ms: u64,
}

impl Reconciler {
    /// Looks before a create, until the answer can be believed. None: nothing is there; create it.
    pub(super) async fn look_first(
        &self,
        order: &Order,
        wary: Wary,
        work: &mut Work,
    ) -> Result<Option<StepEnd>, Error> {
        let mut pause_ms = PAUSE_FIRST_MS;
        loop {
            let began_ms = self.clock.steady_ms();
            match self.look(order, work).await? {
                Seen::Ended(end) => return Ok(Some(end)),
                Seen::Blind => return Ok(None),
                Seen::Absent => {}
            }
            if began_ms >= wary.until_ms {
                return Ok(None);
            }
            let left_ms = wary.until_ms.saturating_sub(self.clock.steady_ms());
            let wait_ms = pause_ms.min(left_ms);
            tracing::debug!(connection = %self.name, operation = %order.operation.name, left_ms,
                "nothing shows yet; looking again");
            self.report(&Progress::Looking { operation: order.operation.name.clone(), wait_ms });
            self.wait(wait_ms).await;
            if self.holds_effects() {
                return Ok(Some(StepEnd::NotSent { reason: EFFECTS_HELD.to_owned() }));
            }
            pause_ms = pause_ms.saturating_mul(2);
        }
    }

    /// A look after a refusal, which may mean that the record is there already.
    pub(super) async fn look_once(
        &self,
        order: &Order,
        work: &mut Work,
    ) -> Result<Option<StepEnd>, Error> {
        Ok(match self.look(order, work).await? {
            Seen::Ended(end) => Some(end),
            Seen::Absent | Seen::Blind => None,
        })
    }

    async fn look(&self, order: &Order, work: &mut Work) -> Result<Seen, Error> {
        let task = Task::Probe(Probe { operation: order.operation.clone(), first_sent_ms: None });
        let finished = match self.drive(task, None, Priority::Interactive).await {
            Ok(finished) => finished,
            Err(error) => {
                let what = format!("{}: looking before {}", order.host, order.operation.name);
                let failure = self.own_failure(error, &what).await?;
                work.came_to_nothing = true;
                return Ok(Seen::Ended(StepEnd::NotSent { reason: self.explain_own(&failure) }));
            }
        };
        match finished.outcome {
            Outcome::Probed(Probed::Found(found)) => {
                let refs: Vec<RemoteRef> = found
                    .links
                    .iter()
                    .map(|link| RemoteRef::new(link.kind.as_str(), link.id.as_str()))
                    .collect();
                if self.are_others(order, &refs).await? {
                    let ids: Vec<String> = refs.iter().map(RemoteRef::to_string).collect();
                    let reason = format!(
                        "{} would be it, and another path is linked to that",
                        ids.join(", ")
                    );
                    return Ok(Seen::Ended(StepEnd::NotSent { reason }));
                }
                if let Err(broken) = self.kept(order, &found.links) {
                    return Ok(Seen::Ended(StepEnd::NotSent { reason: broken.to_string() }));
                }
                let mut links = self.links(order, &found.links, LinkHow::Adopted).await?;
                for link in &mut links {
                    // Nothing of it was written by the engine; the next plan compares. What cannot
                    // be changed is what it was looked for by: a later plan may mean something else
                    // by its path.
                    if !is_made_once(&link.remote.kind) {
                        link.applied = Map::new();
                    }
                    let before = self.store.link(&link.host).await?;
                    if let Some(before) = before.filter(|before| before.remote == link.remote) {
                        link.applied.extend(before.applied);
                        link.applied.extend(whom(order).map(|id| (FOUND_ON.to_owned(), id)));
                    }
                    work.made.insert(link.host.clone(), link.remote.clone());
                    work.touched.push(Touched {
                        remote: link.remote.clone(),
                        intent: None,
                        ended: false,
                    });
                }
                self.store.put_links(links).await?;
                Ok(Seen::Ended(StepEnd::Adopted))
            }
            Outcome::Probed(Probed::Ambiguous(refs)) => {
                let reason = format!("{}; nothing is made", several(&refs));
                Ok(Seen::Ended(StepEnd::NotSent { reason }))
            }
            Outcome::Probed(Probed::Absent(_)) => Ok(Seen::Absent),
            Outcome::Probed(Probed::Blind(why)) => {
                // As the contract says: nothing tells, so nothing keeps the creation back.
                tracing::debug!(connection = %self.name, operation = %order.operation.name, why,
                    "made without a look");
                Ok(Seen::Blind)
            }
            _ => {
                Err(self
                    .error(ErrorKind::Adapter, "the adapter answered a probe with something else"))
            }
        }
    }

    /// How wary a create is to be. `planned`: the plan asks for a look.
    pub(super) async fn wary(
        &self,
        order: &Order,
        rule: &OperationRule,
        planned: bool,
        made: Made<'_>,
    ) -> Result<Wary, Error> {
        if order.operation.target.is_some() {
            return Ok(Wary { look: planned, ..Wary::default() });
        }
        let kind = self.adapter.manifest().kind(&rule.kind);
        let shown_within_ms = kind.map_or(rule.settle_window_ms, |kind| kind.visible_within_ms);
        let delay_ms = self.settle_window_ms.unwrap_or(shown_within_ms);
        let input = match serde_json::from_str(&order.operation.input) {
            Ok(Value::Object(input)) => input,
            _ => Map::new(),
        };
        let parents = ancestors(&order.host);
        let mut named: BTreeSet<RemoteRef> = self.named(&input);
        let mut look = planned;
        let wait_ms = delay_ms.saturating_add(CLOCK_GRAIN_MS);
        let mut left_ms = 0;
        for host in &parents {
            // Whoever was found and not made by this run may have anything below them.
            look |= made.own.made.contains_key(*host) && !made.is_fresh(host);
            let remote = match made.remote(host) {
                Some(remote) => Some(remote.clone()),
                None => self.store.link(host).await?.map(|link| link.remote),
            };
            let Some(remote) = remote else { continue };
            if planned || !made.is_fresh(host) {
                let age_ms = self.age_ms(&remote, made.own.made.contains_key(*host)).await?;
                left_ms = left_ms.max(age_ms.map_or(0, |age_ms| wait_ms.saturating_sub(age_ms)));
            }
            named.insert(remote);
        }
        let around =
            Around { order, kind: &rule.kind, parents: &parents, named: &named, input: &input };
        for intent in self.written_lately(&parents, delay_ms).await? {
            let Some(bearing) = self.bearing(&intent, &around) else { continue };
            let fresh = intent.makes.values().any(|host| made.is_fresh(host));
            if planned || !(fresh && bearing == Bearing::Parent) {
                left_ms = left_ms.max(done_by(&intent).left_ms(wait_ms, &self.now()));
            }
        }
        if self.hangs_elsewhere(order, &named).await? {
            // What brings it along may have happened just now.
            left_ms = wait_ms;
        }
        look |= left_ms > 0;
        Ok(Wary { look, until_ms: self.clock.steady_ms().saturating_add(left_ms) })
    }

    /// Whether the path's record is there and hangs on none of these: on somebody who is no more,
    /// where it is to be made once more.
    async fn hangs_elsewhere(
        &self,
        order: &Order,
        named: &BTreeSet<RemoteRef>,
    ) -> Result<bool, Error> {
        let Some(link) = self.store.link(&order.host).await? else { return Ok(false) };
        let Some(row) = self.store.observed(&link.remote).await? else {
            return Ok(false);
        };
        let of = self.hangs_on(&row);
        Ok(!row.gone && !of.is_empty() && !of.iter().any(|of| named.contains(of)))
    }

    /// The intents that may bear on a look: the young ones, and those of the parents however old,
    /// since one may have been sent again.
    async fn written_lately(&self, parents: &[&str], delay_ms: u64) -> Result<Vec<Intent>, Error> {
        let before_ms = delay_ms.saturating_add(SEND_WAIT_MAX_MS).saturating_add(CLOCK_GRAIN_MS);
        let since_ms = self.wall_since_ms(before_ms);
        let mut found: BTreeMap<u64, Intent> = BTreeMap::new();
        let young = self.store.intents_since(since_ms, WRITES_MAX).await?;
        found.extend(young.into_iter().map(|intent| (intent.id, intent)));
        if let Some(key) = parents.first() {
            let own = self.store.intents_of(key, WRITES_MAX).await?;
            let above = own.into_iter().filter(|intent| parents.contains(&intent.host.as_str()));
            found.extend(above.map(|intent| (intent.id, intent)));
        }
        Ok(found.into_values().collect())
    }

    fn bearing(&self, intent: &Intent, around: &Around<'_>) -> Option<Bearing> {
        if matches!(intent.state, IntentState::NotSent { .. }) {
            return None;
        }
        let is_parent = |host: &String| around.parents.contains(&host.as_str());
        let made = match &intent.state {
            IntentState::Applied { links, .. } => links.as_slice(),
            _ => &[],
        };
        let makes_parent = intent.makes.values().any(is_parent)
            || made
                .iter()
                .any(|link| around.named.contains(link) && intent.target.as_ref() != Some(link));
        let carries = self.adapter.manifest().operation(&intent.operation).is_some_and(|rule| {
            let takes = rule.fields.iter().any(|field| field.name == around.kind);
            takes && rule.kind != around.kind && has_member(&intent.input, around.kind)
        });
        let same = intent.operation == around.order.operation.name
            && intent.target.is_none()
            && (intent.host == around.order.host || is_same_thing(&intent.input, around.input));
        let same = same || self.may_have_made(intent, around.kind);
        if matches!(intent.state, IntentState::Refused { .. }) {
            // Answered, so it arrived: what was refused may have been made all the same, and shows
            // no sooner for that.
            return same.then_some(Bearing::Itself);
        }
        match (makes_parent, carries || same) {
            (_, true) => Some(Bearing::Itself),
            (true, false) => Some(Bearing::Parent),
            (false, false) => None,
        }
    }

    /// Whether an intent that was emptied may have made records of a kind: whose they were is known
    /// no more.
    fn may_have_made(&self, intent: &Intent, kind: &str) -> bool {
        let rule =
            self.adapter.manifest().operation(&intent.operation).filter(|_| is_emptied(intent));
        let takes = |rule: &OperationRule| {
            rule.kind == kind || rule.fields.iter().any(|field| field.name == kind)
        };
        intent.target.is_none() && rule.is_some_and(takes)
    }

    /// Whether what was written for a desired record must show by now, each kind after its delay.
    pub(super) async fn must_show(&self, key: &str) -> Result<bool, Error> {
        let manifest = self.adapter.manifest();
        let now = self.now();
        let may_hide = |intent: &Intent| {
            let rule = manifest.operation(&intent.operation);
            let kind = rule.and_then(|rule| manifest.kind(&rule.kind));
            let delay_ms = self
                .settle_window_ms
                .unwrap_or_else(|| kind.map_or(0, |kind| kind.visible_within_ms));
            let is_none =
                matches!(intent.state, IntentState::Refused { .. } | IntentState::NotSent { .. });
            !is_none && done_by(intent).left_ms(delay_ms.saturating_add(CLOCK_GRAIN_MS), &now) > 0
        };
        Ok(!self.store.intents_of(key, WRITES_MAX).await?.iter().any(may_hide))
    }

    /// How long ago a parent says that it was made; none when it does not. One that was found in
    /// this run and is not stored yet is read.
    async fn age_ms(&self, remote: &RemoteRef, found_now: bool) -> Result<Option<u64>, Error> {
        let mut row = self.store.observed(remote).await?;
        if row.is_none() && found_now {
            self.fetch(
                &remote.kind,
                std::slice::from_ref(&remote.id),
                &BTreeMap::new(),
                Priority::Interactive,
            )
            .await?;
            row = self.store.observed(remote).await?;
        }
        let Some(row) = row else { return Ok(found_now.then_some(0)) };
        let parsed = record(&row);
        let made = parsed
            .text("created_at")
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        let made_ms = made.and_then(|time| u64::try_from(time.timestamp_millis()).ok());
        Ok(made_ms.map(|made_ms| self.stamped_ago_ms(made_ms)))
    }

    /// The records that an input names by its members: `candidate` is one of `candidates`.
    pub(super) fn named(&self, input: &Map<String, Value>) -> BTreeSet<RemoteRef> {
        let remote = |(member, value): (&String, &Value)| {
            let kind = format!("{member}s");
            self.adapter.manifest().kind(&kind)?;
            Some(RemoteRef::new(kind, value.as_str()?))
        };
        input.iter().filter_map(remote).collect()
    }
}

/// What a look is compared with.
struct Around<'a> {
    order: &'a Order,
    /// The kind of what is to be made.
    kind: &'a str,
    parents: &'a [&'a str],
    /// The parents, and what the input names besides.
    named: &'a BTreeSet<RemoteRef>,
    input: &'a Map<String, Value>,
}

/// What an earlier write has to do with a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearing {
    /// It made something that the record belongs to.
    Parent,
    /// It may have made the record itself.
    Itself,
}

/// When the effect of an intent had happened at the latest.
pub(super) fn done_by(intent: &Intent) -> Moment {
    match intent.state {
        IntentState::Applied { by_probe: false, .. } | IntentState::Refused { .. } => {
            intent.changed
        }
        _ => intent.last_sent,
    }
}

/// The paths above a path, the outermost first.
fn ancestors(host: &str) -> Vec<&str> {
    let mut above: Vec<&str> = path::above(host).collect();
    above.reverse();
    above
}

/// The candidate that an order names.
fn whom(order: &Order) -> Option<Value> {
    let input = serde_json::from_str::<Value>(&order.operation.input).ok()?;
    input.get("candidate").cloned()
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

/// What tells an input's record apart within its kind: its name where that is one text, its
/// addresses, and whom it belongs to.
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
