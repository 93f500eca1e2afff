//! Stage and outcome of an application: every state meets every declaration.

use crate::tiny::{ADA, Tiny};
use crate::{policy, read};
use atsync::internals::store::LinkHow;
use atsync::model::contract::RemoteRef;
use atsync::model::kinds;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// An application in a state, with the links and bases of earlier declarations.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    /// None: the application is to be created.
    pub(crate) state: Option<(bool, &'static str, usize)>,
    pub(crate) names_only: bool,
    /// Linked, with this base.
    pub(crate) base: Option<(Option<&'static str>, Option<usize>)>,
}

pub(crate) fn before() -> impl Strategy<Value = Before> {
    let outcome = prop::sample::select(vec![
        "active",
        "rejected",
        "withdrawn",
        "closed",
        "hired",
        "converted",
        "other",
    ]);
    let state = prop::option::weighted(0.9, (any::<bool>(), outcome, 0..4_usize));
    let base = (
        prop::option::of(prop::sample::select(vec!["active", "rejected", "hired"])),
        prop::option::of(0..3_usize),
    );
    (state, any::<bool>(), prop::option::of(base)).prop_map(|(state, names_only, base)| Before {
        state,
        names_only,
        base,
    })
}

/// Generates declarations of an application, valid or not.
pub(crate) fn declared() -> impl Strategy<Value = Value> {
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
    let policies =
        prop::collection::btree_map(prop::sample::select(vec!["stage", "outcome"]), policy(), 0..3);
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
            json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
                "policy": policies,
            "applications": [application]})
        },
    )
}

/// Builds an ATS with Ada and her application as it was before, with jobs, stages, openings and
/// reasons.
pub(crate) fn office(before: &Before) -> Tiny {
    let mut tiny = Tiny { names_only: before.names_only, ..Tiny::default() };
    let job = tiny.make(kinds::JOBS, json!({"title": "Engineer", "state": {"value": "open"}}));
    let mut stages = Vec::new();
    for (order, name) in ["First", "Second", "Third", "Archived"].into_iter().enumerate() {
        let stage = json!({"name": name, "parent": {"id": job}, "order": order,
            "active": name != "Archived"});
        stages.push(tiny.make(kinds::STAGES, stage));
    }
    tiny.records.insert(
        (kinds::STAGES.to_owned(), "elsewhere".to_owned()),
        json!({"name": "First", "parent": {"id": "99"}, "order": 0, "active": true})
            .as_object()
            .unwrap()
            .clone(),
    );
    for key in ["1-0", "1-1"] {
        let opening = json!({"job": {"id": job}, "external_id": key, "state": {"value": "open"}});
        tiny.make(kinds::OPENINGS, opening);
    }
    let reason = tiny.make(kinds::REJECT_REASONS, json!({"name": "Other offer", "active": true}));
    let Some((prospect, outcome, place)) = before.state else { return tiny };
    let entries = json!([{"value": ADA}]);
    let candidate = tiny.make(
        kinds::CANDIDATES,
        json!({"name": {"first": "Ada", "last": "Byron"}, "emails": entries}),
    );
    let mut body = json!({"candidate": {"id": candidate}, "job": {"id": job},
        "outcome": {"value": outcome},
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
        tiny.link(
            "ada",
            RemoteRef::new(kinds::CANDIDATES, &candidate),
            LinkHow::Created,
            Map::new(),
        );
        let remote = RemoteRef::new(kinds::APPLICATIONS, &application);
        tiny.link("ada/applications/a", remote, LinkHow::Created, applied);
    }
    tiny
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Every state meets every declaration: no planned step is refused (the maps assert that), one
    /// run is enough, and what is not done is reported.
    #[test]
    fn a_declared_lifecycle_is_reached_in_one_run_or_reported_as_out_of_reach(before in before(),
        declared in declared()) {
        let desired = read(&[&declared]);
        let mut tiny = office(&before);
        let first = tiny.plan(&desired);
        tiny.carry_out(&first);
        let again = tiny.plan(&desired);
        prop_assert_eq!(again.steps().count(), 0, "{:#?}", again);
        prop_assert_eq!(again.candidate().is_blocked(), first.candidate().is_blocked());
        if !again.candidate().findings.is_empty() {
            return Ok(());
        }
        let wanted = &declared["applications"][0];
        let link = tiny.links["ada/applications/a"].remote.clone();
        let row = &tiny.records[&(link.kind, link.id)];
        let policy = |field: &str| declared["policy"][field].as_str().unwrap_or("yield");
        let decides = |field: &str| matches!(policy(field), "yield" | "enforce");
        if let (Some(outcome), true) = (wanted["outcome"].as_str(), decides("outcome")) {
            prop_assert_eq!(&row["outcome"]["value"], outcome);
        }
        let hired = row["outcome"]["value"] == "hired";
        if let (Some(stage), true, false) = (wanted["stage"].as_str(), decides("stage"), hired) {
            prop_assert_eq!(&row["stage"]["name"], stage);
        }
    }

    /// A decision of a recruiter is kept, unless the policy is `enforce`.
    #[test]
    fn a_state_that_the_engine_did_not_apply_is_kept_unless_the_policy_is_enforce(
            before in before(), declared in declared()) {
        let Some((false, outcome, place)) = before.state else { return Ok(()) };
        if outcome == "active" && place == 0 {
            return Ok(());
        }
        let mut declared = declared;
        declared["policy"] = json!({});
        let before = Before { base: None, ..before };
        let tiny = office(&before);
        let run = tiny.plan(&read(&[&declared]));
        let changes = |operation: &str| run.steps().any(|step| step.operation == operation);
        if outcome != "active" {
            prop_assert_eq!(run.steps().filter(|step| step.target.is_some()).count(), 0, "{:#?}",
                run);
        }
        prop_assert!(place == 0 || !changes("applications.move"), "{:#?}", run);
    }
}
