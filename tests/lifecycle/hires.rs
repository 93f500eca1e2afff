//! Hires, and the openings that they fill.

use super::*;

#[test]
fn a_hire_fills_the_opening_that_is_named_by_id_or_by_key() {
    for by_key in [true, false] {
        let world = world();
        let acme = world.connect();
        let job = job(&world, 2);
        bring_whole(&world, &acme, &ada_at(job, &json!({})));
        later(&world);
        let open = openings(&world, job);
        let (plan, _) = bring(&world, &acme, &ada_at(job, &json!({"outcome": "hired"})));
        let said = finding(&plan, FindingKind::Blocked).to_owned();
        for opening in &open {
            assert!(said.contains(&opening["id"].to_string()), "{said}");
        }
        let name = if by_key {
            open[1]["opening_id"].clone()
        } else {
            json!({"id": open[1]["id"].to_string()})
        };
        bring_whole(&world, &acme, &ada_at(job, &json!({"outcome": "hired", "opening": name})));
        let taken = world.sandbox.row("openings", open[1]["id"].as_i64().unwrap()).unwrap();
        assert_eq!((&taken["open"], &taken["application_id"]), (&json!(false), &json!(id(&world))));
        // Another declaration comes too late, and is reported.
        let other = json!({"outcome": "hired", "opening": {"id": open[0]["id"].to_string()}});
        declare(&world, &acme, &ada_at(job, &other));
        later(&world);
        stands(&world, &acme, FindingKind::Drifted);
    }
}

#[test]
fn a_hire_into_a_closed_opening_or_a_job_without_one_is_blocked_and_names_what_is_open() {
    let world = world();
    let acme = world.connect();
    let (two, one) = (job(&world, 1), job(&world, 0));
    let open = openings(&world, two);
    let close = |world: &World, id: &Value| {
        let values = json!({"open": false}).as_object().unwrap().clone();
        recruiter(
            world,
            &Recruiter::Set { collection: "openings".into(), id: id.as_i64().unwrap(), values },
        );
    };
    close(&world, &open[0]["id"]);
    let closed = json!({"outcome": "hired", "opening": {"id": open[0]["id"].to_string()}});
    let (plan, _) = bring(&world, &acme, &ada_at(two, &closed));
    let said = finding(&plan, FindingKind::Blocked);
    assert!(said.contains("is closed") && said.contains(&open[1]["id"].to_string()), "{said}");
    for opening in openings(&world, one) {
        close(&world, &opening["id"]);
    }
    let (plan, _) = bring(&world, &acme, &ada_at(one, &json!({"outcome": "hired"})));
    assert!(finding(&plan, FindingKind::Blocked).contains("no opening of the job is open"));
    assert_eq!(world.written(), Vec::<String>::new());
}

/// Whether both hires name the opening, or leave it to be the only one: the second hire is blocked
/// before anything is sent.
#[test]
fn two_hires_into_one_opening_are_distinguished_when_they_are_planned() {
    for named in [true, false] {
        let world = world();
        let acme = world.connect();
        let job = job(&world, 0);
        let only = openings(&world, job)[0]["id"].to_string();
        let mut hired = json!({"outcome": "hired"});
        if named {
            hired["opening"] = json!({"id": only});
        }
        let ada = ada_at(job, &hired);
        let mut bea = ada.clone();
        bea["key"] = json!("ref-2");
        bea["emails"] = json!(["bea@example.com"]);
        world.run(acme.declare(&desired(&format!("{ada}\n{bea}")))).unwrap();
        let planned = world.run(acme.plan(PlanOf::All)).unwrap();
        let said: Vec<&str> = planned.blocked().map(|finding| finding.message.as_str()).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("ref-2/applications/a1: ref-1/applications/a1 is to be hired into"),
            "{said:?}"
        );
        world.run(acme.apply(&planned)).unwrap();
        assert_eq!(
            world.sandbox.candidates_by_email("bea@example.com").len(),
            0,
            "nothing is created for a blocked hire"
        );
        assert_eq!(world.sandbox.candidates_by_email(ADA).len(), 1);
    }
}
