//! Section D: the rights of the credential, and how a lost right differs from an endpoint that
//! fails for a while.

use super::{
    ADA, ada, apply, bring, count, declare, id_of, pass, plain_candidates, plan, recruiter,
    the_candidate, world,
};
use atsync::Reason;
use atsync::internals::reconcile::CheckResult;
use atsync::{Connection, ErrorKind};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter, TokenExpiry, all_scopes};
use atsync_tests::World;
use serde_json::json;

fn verdict<'a>(results: &'a [CheckResult], permission: &str) -> &'a CheckResult {
    results.iter().find(|result| result.permission == permission).unwrap()
}

fn check(world: &World, acme: &Connection) -> Vec<CheckResult> {
    let results = world.run(acme.check()).unwrap();
    assert_eq!(world.written(), Vec::<String>::new(), "a check changes nothing");
    results
}

/// Ids of users that are Site Admins.
fn admins(world: &World) -> Vec<i64> {
    let users = world.sandbox.rows("users");
    let admin = |user: &&serde_json::Value| {
        user["site_admin"] == true && user["deactivated"] == false && user["emails"] != json!([])
    };
    users.iter().filter(admin).map(id_of).collect()
}

/// Entry 36: 403 means that the scope is missing or that the actor lacks a right. The message names
/// the cause if any answer shows it, and both if none does.
#[test]
fn a_missing_scope_is_distinguished_from_an_actor_who_is_no_site_admin() {
    for scopes_in_token in [false, true] {
        println!("the token names its scopes: {scopes_in_token}");
        let world = world(|quirks| quirks.scopes_in_token = scopes_in_token);
        let acme = world.connect();
        // A list of webhooks is not documented, so it is not tried.
        let is_tried = |permission: &str| {
            permission.ends_with(":list") && permission != "harvest:webhooks:list"
        };
        let lists = |results: &[CheckResult]| -> Vec<CheckResult> {
            results.iter().filter(|result| is_tried(&result.permission)).cloned().collect()
        };
        world.sandbox.set_access(|access| {
            access.scopes.remove("harvest:notes:list");
        });
        let results = check(&world, &acme);
        let notes = verdict(&results, "harvest:notes:list");
        assert_eq!(notes.verdict, "missing");
        assert!(notes.detail.contains("tick harvest:notes:list"), "{}", notes.detail);
        for result in
            lists(&results).iter().filter(|result| result.permission != "harvest:notes:list")
        {
            assert_eq!(result.verdict, "granted", "{result:?}");
        }
        world.sandbox.set_access(|access| access.site_admin = false);
        for result in lists(&check(&world, &acme)) {
            let expected = match (scopes_in_token, result.permission.as_str()) {
                (true, "harvest:notes:list") => "missing",
                (true, _) => "actor",
                (false, _) => "refused",
            };
            assert_eq!(result.verdict, expected, "{result:?}");
            if expected != "missing" {
                assert!(result.detail.contains("Site Admin"), "{}", result.detail);
            }
        }
    }
}

/// Entry 36: a write scope cannot be tested without a write, so the check claims nothing if the
/// token does not say.
#[test]
fn a_write_scope_counts_as_granted_only_if_the_token_says_so() {
    for scopes_in_token in [false, true] {
        let world = world(|quirks| quirks.scopes_in_token = scopes_in_token);
        let acme = world.connect();
        let results = check(&world, &acme);
        let expected = if scopes_in_token { "granted" } else { "unknown" };
        assert_eq!(verdict(&results, "harvest:candidates:create").verdict, expected);
    }
}

/// Entry 37: tokens act as a user. When that user is demoted or leaves, every call fails at once:
/// the error names the actor's right beside the scope, and once the token endpoint issues no token
/// any more, the credential needs a user.
#[test]
fn an_acting_user_who_leaves_stops_the_connection_with_an_error_that_names_the_cause() {
    let mut world = world(|_| {});
    let admin = admins(&world)[0];
    world.settings.insert("act_as".into(), json!(admin.to_string()));
    let acme = world.connect();
    world.run(acme.pull("jobs")).unwrap();
    let values = json!({"deactivated": true}).as_object().unwrap().clone();
    recruiter(&world, &Recruiter::Set { collection: "users".into(), id: admin, values });
    let error = world.run(acme.pull("jobs")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("Site Admin"), "{error}");
    let results = check(&world, &acme);
    assert!(
        results
            .iter()
            .all(|result| result.verdict != "missing" || !result.permission.ends_with(":list"))
    );
    world.sandbox.revoke_tokens();
    let error = world.run(acme.pull("jobs")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
}

/// Entry 40: a failure of the token endpoint that passes is no revocation, and the connection
/// resumes by itself afterwards.
#[test]
fn a_failing_token_endpoint_is_not_a_revocation() {
    let ills = [
        FaultKind::NotApplied { status: 500 },
        FaultKind::NotApplied { status: 503 },
        FaultKind::AppliedThen { status: 502 },
        FaultKind::TooManyRequests,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::Html,
        FaultKind::InvalidJson,
    ];
    for ill in ills {
        println!("{ill:?}");
        let world = world(|_| {});
        let acme = world.connect();
        world.sandbox.faults().add(Fault::always("/token", ill));
        let error = world.run(acme.pull("jobs")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(
            count(&world, "POST", "/token") <= 6,
            "{} token requests",
            count(&world, "POST", "/token")
        );
        world.sandbox.faults().clear();
        pass(&world, 120_000);
        world.run(acme.pull("jobs")).unwrap();
    }
}

/// Entry 40, the opposite case: a client that is refused needs a user, and the engine does not
/// flood the endpoint meanwhile.
#[test]
fn a_refused_client_needs_a_user_and_the_endpoint_is_not_flooded() {
    let world = super::world_of(|options| options.client.secret = "another".into());
    let acme = world.connect();
    for _ in 0..10 {
        let error = world.run(acme.pull("jobs")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        assert!(!error.to_string().contains("sandbox-secret"));
    }
    assert!(
        count(&world, "POST", "/token") <= 3,
        "{} token requests",
        count(&world, "POST", "/token")
    );
}

/// Entry 41: a scope that does not exist would refuse a whole consent. Every scope that the
/// manifest names is one of the reference's.
#[test]
fn every_scope_that_is_asked_for_exists() {
    let world = world(|_| {});
    let acme = world.connect();
    let known = all_scopes();
    for permission in &acme.manifest().permissions {
        assert!(
            permission.id == "setup:source" || known.contains(&permission.id),
            "{}",
            permission.id
        );
    }
}

/// Entries 41 and 42: a scope that is taken away acts at once, on one collection only; the others
/// go on, and the message says which scope to grant and where.
#[test]
fn a_scope_that_is_taken_away_stops_one_collection_and_is_named() {
    let world = world(|_| {});
    let acme = world.connect();
    world.run(acme.pull("notes")).unwrap();
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:notes:list");
    });
    let error = world.run(acme.pull("notes")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("harvest:notes:list"), "{error}");
    for kind in ["candidates", "jobs", "applications"] {
        world.run(acme.pull(kind)).unwrap();
    }
}

/// Entry 42: a write whose scope is missing is refused with its name; steps that do not depend on
/// it are applied, and the rest once the scope is granted.
#[test]
fn a_missing_write_scope_blocks_only_the_steps_that_need_it() {
    let world = world(|_| {});
    let acme = world.connect();
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:notes:create");
    });
    let record = ada(&json!({"tags": ["t"], "notes": [{"key": "n", "body": "A word."}]}));
    let report = bring(&world, &acme, &record);
    let candidate = id_of(&the_candidate(&world, ADA));
    assert_eq!(world.sandbox.rows_of_candidate("applied_candidate_tags", candidate).len(), 1);
    assert_eq!(report.count("refused"), 1);
    assert!(
        format!("{report:?}").contains("harvest:notes:create")
            || format!("{report:?}").contains("Tick"),
        "{report:?}"
    );
    world.sandbox.set_access(|access| {
        access.scopes.insert("harvest:notes:create".into());
    });
    super::converge(&world, &acme, 2);
    assert_eq!(world.sandbox.notes_of(candidate).len(), 1);
}

/// Entry 42: a kind that the credential may not read blocks the records whose plan needs it, with
/// the scope's name and without one write for them; the other records are applied, and the blocked
/// ones as soon as the scope is back.
#[test]
fn a_kind_that_may_not_be_read_blocks_only_the_records_that_ask_about_it() {
    let world = world(|_| {});
    let acme = world.connect();
    let sourced = json!({"key": "a1", "job": {"id": super::open_jobs(&world)[0].to_string()},
        "source": "Acme Referrals"});
    let mut blocked = ada(&json!({"applications": [sourced]}));
    blocked["key"] = json!("blocked");
    let free = json!({"key": "free", "name": {"first": "Bo", "last": "Li"},
        "emails": ["bo.li@example.com"],
        "notes": [{"key": "n", "body": "A word."}]});
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:sources:list");
    });
    declare(&world, &acme, &[blocked, free]);
    let planned = plan(&world, &acme);
    let refused = planned.blocked().collect::<Vec<_>>();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((refused[0].path.as_str(), refused[0].reason.as_str()), ("blocked", "Denied"));
    assert!(refused[0].message.contains("harvest:sources:list"), "{refused:?}");
    let report = apply(&world, &acme, &planned);
    assert_eq!((report.in_step, report.not_in_step), (1, 1));
    the_candidate(&world, "bo.li@example.com");
    assert!(world.sandbox.candidates_by_email(ADA).is_empty());
    let row = world.run(acme.desired("blocked")).unwrap().unwrap();
    assert!(
        row.dirty && row.status.conditions.iter().any(|held| held.reason == Reason::Denied),
        "{:?}",
        row.status
    );
    world.sandbox.set_access(|access| {
        access.scopes.insert("harvest:sources:list".into());
    });
    super::converge(&world, &acme, 2);
    assert_eq!(world.sandbox.applications_of(id_of(&the_candidate(&world, ADA))).len(), 1);
}

/// Entry 43: with `expires_at` as with `expires_in`, a token is used for its lifetime and renewed
/// before it ends; no request meets an expired one.
#[test]
fn a_token_is_fetched_once_per_lifetime_in_either_notation() {
    for expiry in [TokenExpiry::ExpiresAt, TokenExpiry::ExpiresIn, TokenExpiry::Both] {
        println!("{expiry:?}");
        let world = world(|quirks| quirks.token_expiry = expiry);
        let acme = world.connect();
        // Four hours, a pull every five minutes; a token is valid for one hour.
        for _ in 0..48 {
            world.run(acme.pull("jobs")).unwrap();
            pass(&world, 300_000);
        }
        let tokens = count(&world, "POST", "/token");
        assert!((4..=6).contains(&tokens), "{tokens} tokens");
        assert!(world.sandbox.requests().iter().all(|request| request.status == 200));
    }
}

/// Entries 43 and 49: a token that is revoked while a create is under way: 401 says that nothing
/// was done, so the create is repeated once with a fresh one.
#[test]
fn a_token_revoked_before_a_create_costs_one_more_token_and_makes_one_candidate() {
    for single_active_token in [false, true] {
        let world = world(|quirks| quirks.single_active_token = single_active_token);
        let acme = world.connect();
        declare(&world, &acme, &[ada(&json!({}))]);
        let planned = plan(&world, &acme);
        world.sandbox.revoke_tokens();
        world.sandbox.faults().add(Fault::once("POST", "/v3/candidates", FaultKind::Unauthorized));
        let report = apply(&world, &acme, &planned);
        assert_eq!(report.count("applied"), 1);
        the_candidate(&world, ADA);
    }
}

/// Entry 44: one token per actor. Two connections of one credential that act as two users never
/// write in each other's name.
#[test]
fn two_actors_of_one_credential_do_not_share_a_token() {
    let mut world = world(|_| {});
    let actors = admins(&world)[..2].to_vec();
    let mut connections = Vec::new();
    for actor in &actors {
        world.settings.insert("act_as".into(), json!(actor.to_string()));
        connections.push(world.connect());
    }
    let candidates = plain_candidates(&world);
    for (at, acme) in connections.iter().enumerate() {
        let email = super::email_of(&world, candidates[at]);
        let record = json!({"key": format!("r{at}"), "emails": [email],
            "notes": [{"key": "n", "body": format!("By {at}.")}]});
        bring(&world, acme, &record);
    }
    let notes = world.sandbox.rows("notes");
    for (at, actor) in actors.iter().enumerate() {
        let note = notes.iter().find(|note| note["body"] == json!(format!("By {at}."))).unwrap();
        assert_eq!(note["user_id"].as_i64(), Some(*actor));
    }
    assert_eq!(count(&world, "POST", "/token"), 2);
}
