//! Entry 25, group by group: no policy writes back erased data of a candidate, although only the
//! blank shows the erasure.

use super::{
    ADA, ada, apply, bring, declare, id_of, open_jobs, pass, plan, recruiter, the_candidate, world,
};
use atsync::Reason;
use atsync::internals::plan::FindingKind;
use atsync::internals::reconcile::SweepOptions;
use atsync::{Connection, PlanOf};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::World;
use serde_json::{Map, Value, json};

const POLICIES: [&str; 4] = ["enforce", "yield", "seed", "fill"];
const LINKS: [&str; 2] = ["https://ada.dev", "https://www.linkedin.com/in/ada"];

/// A candidate with a value in each group that an anonymisation may name.
fn everything(world: &World, policy: &str) -> Value {
    let job = open_jobs(world)[0].to_string();
    let fields = [
        "name",
        "emails",
        "phones",
        "links",
        "company",
        "title",
        "tags",
        "custom_fields",
        "source",
        "referrer",
    ];
    let policies: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), json!(policy))).collect();
    ada(&json!({
        "name": {"first": "Ada", "last": "Byron", "preferred": "A."},
        "phones": ["+44 20 1234", "+44 20 5678"], "links": LINKS, "company": "Analytical",
            "title": "Countess",
        "tags": ["t", "u"], "custom_fields": {"external_ref": "ref-1"}, "policy": policies,
        "notes": [{"key": "n1", "body": "Introduced by Sam."}],
        "applications": [{"key": "a1", "job": {"id": job}, "source": "Acme Referrals",
            "attachments": [{"key": "cv", "filename": "cv.pdf", "type": "resume",
                "url": "https://files.example.com/cv.pdf"}]}],
    }))
}

/// Plans and applies over some hours, reading all that is due, and returns the writes.
fn live_on(world: &World, acme: &Connection) -> Vec<String> {
    world.sandbox.clear_logs();
    for _ in 0..3 {
        pass(world, 3_600_000);
        for kind in ["notes", "attachments", "applied_tags"] {
            world.run(acme.sweep(kind, SweepOptions::default())).unwrap();
        }
        let planned = plan(world, acme);
        apply(world, acme, &planned);
    }
    world.written()
}

fn set(world: &World, id: i64, values: Value) {
    let values = values.as_object().unwrap().clone();
    recruiter(world, &Recruiter::Set { collection: "candidates".into(), id, values });
}

#[test]
fn no_policy_writes_back_the_erased_data_of_a_candidate() {
    for policy in POLICIES {
        for group in [
            "email_addresses",
            "phone_numbers",
            "website_addresses",
            "social_media_addresses",
            "current_company",
            "headline",
            "tags",
            "custom_candidate_fields",
            "notes",
            "attachments",
        ] {
            println!("{policy} {group}");
            let world = world(|_| {});
            let acme = world.connect();
            bring(&world, &acme, &everything(&world, policy));
            assert!(live_on(&world, &acme).is_empty());
            let id = id_of(&the_candidate(&world, ADA));
            recruiter(
                &world,
                &Recruiter::Anonymise { candidate_id: id, fields: vec![group.into()] },
            );
            let blank = world.sandbox.row("candidates", id).unwrap();
            assert_eq!(live_on(&world, &acme), Vec::<String>::new());
            assert_eq!(world.sandbox.row("candidates", id).unwrap(), blank);
            let said = world.run(acme.plan(PlanOf::All)).unwrap();
            let findings = said.records.iter().flat_map(|record| &record.findings);
            let erased = findings.filter(|finding| {
                finding.reason == Reason::Erased && finding.kind == FindingKind::Drifted
            });
            let says_so = policy == "enforce" && !matches!(group, "notes" | "attachments");
            assert_eq!(erased.count() > 0, says_so, "{policy} {group}");
        }
    }
}

/// Neither a policy that is changed later nor an entry that a recruiter adds brings it back.
#[test]
fn erased_data_stays_erased_when_its_group_is_filled_again_and_when_the_policy_becomes_enforce() {
    for (group, filled) in [
        (
            "email_addresses",
            json!({"email_addresses": [{"value": "other@example.com", "type": "work"}]}),
        ),
        ("phone_numbers", json!({"phone_numbers": [{"value": "+1 555", "type": "mobile"}]})),
        (
            "website_addresses",
            json!({"website_addresses": [{"value": "https://other.dev", "type": "blog"}]}),
        ),
        ("social_media_addresses", json!({"social_media_addresses": [{"value": "x.com/other"}]})),
        ("current_company", json!({"company": "Other"})),
        ("headline", json!({"title": "Other"})),
    ] {
        for policy in POLICIES {
            println!("{group} {policy}");
            let world = world(|_| {});
            let acme = world.connect();
            bring(&world, &acme, &everything(&world, policy));
            assert!(live_on(&world, &acme).is_empty());
            let id = id_of(&the_candidate(&world, ADA));
            recruiter(
                &world,
                &Recruiter::Anonymise { candidate_id: id, fields: vec![group.into()] },
            );
            assert!(live_on(&world, &acme).is_empty());
            set(&world, id, filled.clone());
            declare(&world, &acme, &[everything(&world, "enforce")]);
            let filled = world.sandbox.row("candidates", id).unwrap();
            assert_eq!(live_on(&world, &acme), Vec::<String>::new());
            assert_eq!(world.sandbox.row("candidates", id).unwrap(), filled);
        }
    }
}

#[test]
fn a_newly_declared_value_is_written_where_a_value_was_erased() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &everything(&world, "enforce"));
    let id = id_of(&the_candidate(&world, ADA));
    let groups = [
        "phone_numbers",
        "website_addresses",
        "social_media_addresses",
        "current_company",
        "headline",
    ];
    let fields = [groups.as_slice(), &["tags", "custom_candidate_fields"]].concat();
    let fields = fields.into_iter().map(str::to_owned).collect();
    recruiter(&world, &Recruiter::Anonymise { candidate_id: id, fields });
    assert!(live_on(&world, &acme).is_empty());
    // Other values.
    let mut newly = everything(&world, "enforce");
    let others = json!({"phones": ["+44 20 1234", "+44 99"], "links": ["https://new.dev", LINKS[1]],
        "company": "New",
        "custom_fields": {"external_ref": "ref-2"}, "tags": ["t", "v"]});
    newly.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    declare(&world, &acme, &[newly.clone()]);
    assert!(!live_on(&world, &acme).is_empty());
    let row = world.sandbox.row("candidates", id).unwrap();
    let values = |list: &str| -> Vec<Value> {
        row[list].as_array().unwrap().iter().map(|entry| entry["value"].clone()).collect()
    };
    assert_eq!(
        (&row["company"], &row["title"], &row["tags"]),
        (&json!("New"), &Value::Null, &json!(["v"])),
        "{row:#}"
    );
    assert_eq!(values("phone_numbers"), [json!("+44 99")]);
    assert_eq!(values("website_addresses"), [json!("https://new.dev")]);
    assert_eq!(values("social_media_addresses"), Vec::<Value>::new());
    assert!(row["custom_fields"].to_string().contains("ref-2"), "{row:#}");
    // The same values, removed and declared again.
    let mut fewer = newly.clone();
    for field in ["title", "phones"] {
        fewer.as_object_mut().unwrap().remove(field);
    }
    declare(&world, &acme, &[fewer]);
    live_on(&world, &acme);
    declare(&world, &acme, &[newly]);
    live_on(&world, &acme);
    let row = world.sandbox.row("candidates", id).unwrap();
    assert_eq!(
        (&row["title"], row["phone_numbers"].as_array().unwrap().len()),
        (&json!("Countess"), 2),
        "{row:#}"
    );
}

/// An erasure leaves its group empty: a recruiter's change of a value, or of one of several
/// entries, is still overwritten.
#[test]
fn a_recruiters_change_of_one_of_several_is_still_corrected_under_enforce() {
    for values in [
        json!({"phone_numbers": [{"value": "+44 20 1234", "type": "mobile"}]}),
        json!({"phone_numbers": [{"value": "+44 20 1234", "type": "mobile"},
            {"value": "+1 555", "type": "mobile"}]}),
        json!({"company": "Other", "title": "Other"}),
    ] {
        let world = world(|_| {});
        let acme = world.connect();
        bring(&world, &acme, &everything(&world, "enforce"));
        let id = id_of(&the_candidate(&world, ADA));
        set(&world, id, values.clone());
        recruiter(&world, &Recruiter::RemoveTag { candidate_id: id, tag: "t".into() });
        live_on(&world, &acme);
        let row = world.sandbox.row("candidates", id).unwrap();
        assert!(row["phone_numbers"].to_string().contains("5678"), "{row:#}");
        assert_eq!(
            (&row["company"], &row["title"]),
            (&json!("Analytical"), &json!("Countess")),
            "{values}"
        );
        assert_eq!(row["tags"].as_array().unwrap().len(), 2);
    }
}

/// The erasure comes while the candidate's own data need not show yet: it cannot be distinguished
/// from a delay, so the tag waits as the fields do.
#[test]
fn a_tag_that_was_erased_soon_after_our_own_write_is_not_put_back() {
    for gap_ms in [1_000, 50_000, 600_000] {
        println!("{gap_ms} ms after the write");
        let world = world(|_| {});
        let acme = world.connect();
        let record = ada(&json!({"tags": ["t"], "custom_fields": {"external_ref": "ref-1"},
            "policy": {"tags": "enforce", "custom_fields": "enforce"}}));
        bring(&world, &acme, &record);
        let candidate = id_of(&the_candidate(&world, ADA));
        pass(&world, gap_ms);
        let fields = ["notes", "tags", "custom_candidate_fields"].map(str::to_owned).to_vec();
        recruiter(&world, &Recruiter::Anonymise { candidate_id: candidate, fields });
        world.sandbox.clear_logs();
        for wait_ms in [1_000, 1_000, 60_000, 200_000, 3_600_000] {
            pass(&world, wait_ms);
            world.run(acme.sync()).unwrap();
        }
        assert_eq!(world.written(), Vec::<String>::new());
    }
}
