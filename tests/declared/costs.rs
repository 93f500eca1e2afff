//! The stated cost of a plan, compared with the requests that are sent.

use super::*;

/// The first declaration, the second one, and the cost of that, as the plan states it and as it is
/// counted.
#[test]
fn a_plan_says_how_many_calls_it_costs_and_how_many_it_took() {
    type Case = (&'static str, fn(&World, Value) -> Value);
    let cases: [Case; 8] = [
        ("a candidate", |_, ada| ada),
        ("with tags", |_, mut ada| {
            ada["tags"] = json!(["one", "two", "three"]);
            ada
        }),
        ("with two addresses", |_, mut ada| {
            ada["emails"] = json!([ADA, "ada@example.org"]);
            ada
        }),
        ("with a note", |_, mut ada| {
            ada["notes"] = json!([{"key": "n1", "body": "Introduced by Sam."}]);
            ada
        }),
        ("with an application that goes along", |world, mut ada| {
            ada["applications"] = json!([{"key": "a1", "job": by_id(&world.open_jobs()[0]),
                "source": "Acme Referrals"}]);
            ada
        }),
        ("with two applications", |world, mut ada| {
            let jobs = world.open_jobs();
            ada["applications"] = json!([{"key": "a1", "job": by_id(&jobs[0])},
                {"key": "a2", "job": by_id(&jobs[1])}]);
            ada
        }),
        ("with a file", |world, mut ada| {
            let file = json!({"key": "f", "filename": "cv.pdf", "type": "resume",
                "url": "https://files.example.com/cv.pdf"});
            ada["applications"] =
                json!([{"key": "a1", "job": by_id(&world.open_jobs()[0]), "attachments": [file]}]);
            ada
        }),
        ("with a custom value", |_, mut ada| {
            ada["custom_fields"] = json!({"external_ref": "ref-1"});
            ada
        }),
    ];
    let gets = |world: &World| {
        world.sandbox.requests().iter().filter(|request| request.path != "/token").count()
    };
    for (name, case) in cases {
        for is_new in [true, false] {
            let world = World::new(1, 60);
            let acme = world.connect();
            let bare =
                json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
            if !is_new {
                bring_about(&world, &acme, std::slice::from_ref(&bare));
                later(&world);
            }
            let mut record = case(&world, bare);
            if !is_new {
                record["title"] = json!("Engineer");
            }
            world.run(acme.declare(&desired(&record.to_string()))).unwrap();
            world.sandbox.clear_logs();
            let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
            let planning = gets(&world);
            world.sandbox.clear_logs();
            world.run(acme.apply(&plan)).unwrap();
            let applying = gets(&world);
            let said = (plan.calls_made as usize, plan.calls as usize);
            assert_eq!(said, (planning, applying), "{name}, new: {is_new}\n{}", words::plan(&plan));
        }
    }
}

/// The further declaration, in a world that has it already or not; the cost of its plan, as stated
/// and as counted.
fn costs(before: &[Value], after: &[Value]) -> (usize, usize, Vec<String>, String) {
    let mut world = World::new(1, 60);
    world.settings = opted_in();
    let acme = world.connect();
    if !before.is_empty() {
        bring_about(&world, &acme, before);
        later(&world);
    }
    let lines: Vec<String> = after.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    world.sandbox.clear_logs();
    let report = world.run(acme.apply(&plan)).unwrap();
    assert!(report.is_complete(), "{}\n{report:#?}", words::plan(&plan));
    let requests = world.sandbox.requests();
    let sent: Vec<String> = requests
        .iter()
        .filter(|request| request.path != "/token")
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    (plan.calls as usize, sent.len(), sent, words::plan(&plan))
}

#[test]
fn the_costs_of_a_hire_and_of_a_field_with_its_options_are_what_the_plan_says() {
    let ada = |more: Value| {
        let mut ada =
            json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
        ada.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ada
    };
    let world = World::new(1, 60);
    let jobs = world.open_jobs();
    let openings = world.sandbox.rows("openings");
    let opening =
        openings.iter().find(|one| is_of_job(one, &jobs[2]) && one["open"] == true).unwrap();
    // The first job has one opening, so none need be named.
    let hires = [
        json!({"key": "a", "job": by_id(&jobs[0]), "outcome": "hired"}),
        json!({"key": "a", "job": by_id(&jobs[2]), "outcome": "hired",
            "opening": by_id(&id_of(opening))}),
    ];
    for hire in hires {
        let mut active = hire.clone();
        active
            .as_object_mut()
            .unwrap()
            .retain(|member, _| member != "outcome" && member != "opening");
        let before = ada(json!({"applications": [active]}));
        let after = ada(json!({"applications": [hire]}));
        let (said, sent, requests, words) =
            costs(std::slice::from_ref(&before), std::slice::from_ref(&after));
        assert_eq!(said, sent, "{words}\n{requests:#?}");
    }
    for count in [0, 1, 3] {
        let labels: Vec<String> = (0..count).map(|number| format!("Choice {number}")).collect();
        let field = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
            "type": "single",
            "name": "Channel", "options": labels});
        let value =
            if count == 0 { json!({}) } else { json!({"custom_fields": {"channel": "Choice 0"}}) };
        let (said, sent, requests, words) = costs(&[], &[field, ada(value)]);
        assert_eq!(said, sent, "{count} choices\n{words}\n{requests:#?}");
    }
}

/// Values of others that are options go back as ids, which only the ATS knows: the documented
/// exception of `Plan::calls`.
#[test]
fn values_of_others_that_need_a_lookup_cost_at_most_the_documented_extra_calls() {
    let mut world = World::new(1, 60);
    world.settings = opted_in();
    let candidates = world.sandbox.rows("candidates");
    let chosen = |row: &&Value| {
        let values = row["custom_fields"].as_object().unwrap().values();
        row["email_addresses"][0]["value"].is_string()
            && values
                .clone()
                .any(|value| value["type"] == "single_select" && !value["value"].is_null())
    };
    let known = candidates.iter().find(chosen).unwrap();
    let record = json!({"key": "ref-1", "emails": [known["email_addresses"][0]["value"]],
        "custom_fields": {"external_ref": "ref-1"}});
    let (said, sent, requests, words) = costs(&[], &[record]);
    assert!(said < sent && sent <= said + 3, "{said} said, {sent} sent\n{words}\n{requests:#?}");
}
