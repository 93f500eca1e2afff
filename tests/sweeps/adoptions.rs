//! A stored record that the ATS deleted is never linked: the declared record is created, or waits.
//!
//! Method: as in the module above, but nothing is swept before the host declares: the engine has
//! only its earlier reads.

use super::{act, candidates, id, later, pulled, told};
use atsync::Connection;
use atsync::internals::store::{ChangeWhat, Condition};
use atsync::{ConditionType, Reason};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{World, desired};
use serde_json::{Value, json};

/// Declares and syncs; returns the links of the paths.
fn sync(world: &World, acme: &Connection, records: &[Value]) -> Vec<(String, String)> {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    world.run(acme.sync()).unwrap();
    links(world, acme, records)
}

fn links(world: &World, acme: &Connection, records: &[Value]) -> Vec<(String, String)> {
    let keys = records.iter().map(|record| match record["kind"].as_str() {
        Some(kind) => format!("@{kind}.candidate.{}", record["key"].as_str().unwrap()),
        None => record["key"].as_str().unwrap().to_owned(),
    });
    let links = keys.flat_map(|key| world.run(acme.links(&key)).unwrap());
    links.map(|link| (link.path, link.remote.id)).collect()
}

fn named(world: &World, collection: &str, name: &str) -> Vec<i64> {
    world.sandbox.rows(collection).iter().filter(|row| row["name"] == name).map(id).collect()
}

fn remove(world: &World, collection: &str, id: i64) {
    act(world, &Recruiter::Remove { collection: collection.into(), id });
}

/// The ids that these paths are linked to, which must be in the sandbox.
fn leads_to(world: &World, links: &[(String, String)], path: &str, collection: &str) -> i64 {
    let (_, id) = links
        .iter()
        .find(|(host, _)| host == path)
        .unwrap_or_else(|| panic!("{path} of {links:?}"));
    let id = id.parse().unwrap();
    assert!(
        world.sandbox.row(collection, id).is_some(),
        "{path} is linked to {id}, which was deleted"
    );
    id
}

/// Seed 106 of the late simulation. An application was deleted, and then an application to that job
/// was declared: the stored one was linked, found to be deleted, and reported as deleted since.
#[test]
fn a_record_deleted_before_it_was_declared_is_created_and_not_linked() {
    for differs in [false, true] {
        println!("the desired record differs from the stored one: {differs}");
        let (world, acme) = pulled(1, 60);
        let everyone = candidates(&world);
        let (deleted, address) = everyone[0].clone();
        let (applicant, applicants_address) = everyone[1].clone();
        let application = world
            .sandbox
            .applications_of(applicant)
            .into_iter()
            .find(|row| row["prospect"] == false);
        let application = application.unwrap();
        act(&world, &Recruiter::DeleteCandidate { candidate_id: deleted });
        act(&world, &Recruiter::DeleteApplication { application_id: id(&application) });
        let mut wanted = json!({"key": "a1", "job": {"id": application["job_id"].to_string()}});
        let mut candidate =
            json!({"key": "one", "name": {"first": "Ada", "last": "Byron"}, "emails": [address]});
        if differs {
            wanted["custom_fields"] = json!({"external_ref": "app-1"});
            candidate["custom_fields"] = json!({"external_ref": "one"});
        }
        let applied =
            json!({"key": "two", "emails": [applicants_address], "applications": [wanted]});
        let records = [candidate, applied];
        let links = sync(&world, &acme, &records);
        assert_ne!(leads_to(&world, &links, "one", "candidates"), deleted);
        assert_eq!(leads_to(&world, &links, "two", "candidates"), applicant);
        assert_ne!(
            leads_to(&world, &links, "two/applications/a1", "applications"),
            id(&application)
        );
        assert_eq!(
            world.sandbox.candidates_by_email(records[0]["emails"][0].as_str().unwrap()).len(),
            1
        );
        assert_eq!(
            told(&world, &acme, ChangeWhat::Deleted).len(),
            2,
            "each found deletion is reported"
        );
    }
}

#[test]
fn a_definition_deleted_before_it_was_declared_is_created_and_not_linked() {
    let (world, acme) = pulled(1, 60);
    let field = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
        "type": "single",
        "name": "Channel", "options": ["Portal", "Event"]});
    let before = sync(&world, &acme, std::slice::from_ref(&field));
    let former = leads_to(&world, &before, "@custom_fields.candidate.channel", "custom_fields");
    world.run(acme.abandon("@custom_fields.candidate.channel")).unwrap();
    later(&world);
    for option in named(&world, "custom_field_options", "Event") {
        remove(&world, "custom_field_options", option);
    }
    let after = sync(&world, &acme, std::slice::from_ref(&field));
    assert_eq!(
        leads_to(&world, &after, "@custom_fields.candidate.channel", "custom_fields"),
        former
    );
    leads_to(
        &world,
        &after,
        "@custom_fields.candidate.channel/options/Event",
        "custom_field_options",
    );
    assert_eq!(named(&world, "custom_field_options", "Event").len(), 1);
    assert_eq!(named(&world, "custom_field_options", "Portal").len(), 1);
}

#[test]
fn a_candidate_merged_before_they_were_declared_is_linked_to_the_winner() {
    let (world, acme) = pulled(1, 60);
    let everyone = candidates(&world);
    let ((winner, _), (loser, address)) = (everyone[0].clone(), everyone[1].clone());
    // The store only knows of the loser that they have the address.
    act(&world, &Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser });
    let links = sync(&world, &acme, &[json!({"key": "one", "emails": [address]})]);
    assert_eq!(leads_to(&world, &links, "one", "candidates"), winner);
    assert_eq!(world.sandbox.creates("candidates"), 0);
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted), []);
}

#[test]
fn a_record_that_may_be_hidden_blocks_both_create_and_link() {
    let (world, acme) = pulled(1, 60);
    let rows = world.sandbox.rows("candidates");
    let private = rows
        .iter()
        .find(|row| row["private"] == true && row["email_addresses"][0]["value"].is_string());
    let address = private.unwrap()["email_addresses"][0]["value"].clone();
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    let record =
        json!({"key": "one", "name": {"first": "Ada", "last": "Byron"}, "emails": [address]});
    assert_eq!(sync(&world, &acme, std::slice::from_ref(&record)), []);
    assert_eq!(world.sandbox.creates("candidates"), 0);
    let row = world.run(acme.desired("one")).unwrap().unwrap();
    let is_said = |condition: &Condition| {
        condition.kind == ConditionType::Blocked && condition.reason == Reason::NotVisible
    };
    assert!(row.status.conditions.iter().any(is_said), "{row:?}");
    // Once they show again, they are linked.
    world.sandbox.set_access(|access| access.sees_private_candidates = true);
    later(&world);
    world.run(acme.sync()).unwrap();
    let links = links(&world, &acme, std::slice::from_ref(&record));
    assert_eq!(leads_to(&world, &links, "one", "candidates"), id(private.unwrap()));
}

#[test]
fn one_request_confirms_the_records_that_many_records_would_link_to() {
    let (world, acme) = pulled(1, 60);
    let everyone = candidates(&world);
    let record = |(at, (_, email)): (usize, &(i64, String))| json!({"key": format!("p{at}"), "emails": [email]});
    let alone = |(_, email): &&(i64, String)| world.sandbox.candidates_by_email(email).len() == 1;
    let records: Vec<Value> =
        everyone.iter().filter(alone).take(20).enumerate().map(record).collect();
    let by_id = |world: &World| {
        let requests = world.sandbox.requests();
        requests
            .iter()
            .filter(|request| request.path == "/v3/candidates" && request.query.contains("ids="))
            .count()
    };
    world.sandbox.clear_logs();
    let links = sync(&world, &acme, &records);
    assert_eq!(links.len(), records.len());
    assert_eq!(by_id(&world), 1, "{:?}", world.reads());
    // A linked record is not confirmed again.
    world.sandbox.clear_logs();
    world.run(acme.plan(atsync::PlanOf::All)).unwrap();
    assert_eq!(by_id(&world), 0, "{:?}", world.reads());
}
