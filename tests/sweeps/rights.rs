//! A right that is lost during a sweep: the sweep is held with the reason in its message, deletes
//! nothing more, and resumes where it stopped once the right is back, even after a restart.

use super::{HOUR_MS, act, candidates, later, pulled, sweep, told};
use atsync::internals::store::{ChangeWhat, HeldBy};
use atsync::{Clock, Connection, SweepOptions, SweepReport};
use atsync::{Cron, Crons, Round};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::World;
use std::sync::atomic::{AtomicU64, Ordering};

fn set_admin(world: &World, admin: bool) {
    world.sandbox.set_access(|access| access.site_admin = admin);
}

fn delete(world: &World, number: usize) {
    for (candidate_id, _) in candidates(world).into_iter().take(number) {
        act(world, &Recruiter::DeleteCandidate { candidate_id });
    }
}

/// Held because the admin role is missing, with a message, and shown by the status.
fn assert_held(world: &World, acme: &Connection, report: &SweepReport) {
    println!("{report:?}");
    assert!(!report.complete);
    assert_eq!(report.held_by, Some(HeldBy::Right));
    let text = report.held.as_deref().unwrap();
    assert!(text.contains("Site Admin") && text.contains("sweep again"), "{text}");
    let status = world.run(acme.status()).unwrap();
    let held = status.sweeps["candidates"].held.as_ref().unwrap();
    assert_eq!((held.by, held.why.as_str()), (HeldBy::Right, text));
}

#[test]
fn a_right_lost_before_a_merge_is_confirmed_leaves_its_lead_for_later() {
    let (world, acme) = pulled(45, 60);
    let everyone = candidates(&world);
    let (loser, winner) = (everyone[0].0, everyone[1].0);
    act(&world, &Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser });
    later(&world);
    world
        .sandbox
        .set_access(|access| access.scopes.retain(|scope| scope != "harvest:candidates:list"));
    world.run(acme.pull("applications")).unwrap();
    assert!(
        told(&world, &acme, ChangeWhat::Moved).is_empty(),
        "nothing shows that the old candidate is no more"
    );
    world.sandbox.set_access(|access| access.scopes = atsync_greenhouse_sandbox::all_scopes());
    world.run(acme.pull("applications")).unwrap();
    let moved = told(&world, &acme, ChangeWhat::Moved);
    assert_eq!(
        moved.iter().map(|change| change.id.clone()).collect::<Vec<_>>(),
        [loser.to_string()]
    );
}

#[test]
fn the_admin_role_lost_between_pull_and_sweep_holds_the_sweep() {
    let (world, acme) = pulled(40, 60);
    delete(&world, 1);
    set_admin(&world, false);
    let report = world.run(acme.sweep("candidates", SweepOptions::default().force(true))).unwrap();
    assert_held(&world, &acme, &report);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    set_admin(&world, true);
    assert_eq!(sweep(&world, &acme, "candidates").confirmed, 1);
    assert!(world.run(acme.status()).unwrap().sweeps.is_empty());
}

#[test]
fn the_admin_role_lost_between_two_pages_holds_the_sweep_which_resumes_after_a_restart() {
    let (mut world, acme) = pulled(41, 1_100);
    delete(&world, 2);
    let options = SweepOptions::default();
    assert_eq!(world.run(acme.sweep("candidates", options.pages_max(1))).unwrap().pages, 1);
    set_admin(&world, false);
    let first = world.run(acme.sweep("candidates", options)).unwrap();
    assert_held(&world, &acme, &first);
    let since_ms =
        world.run(acme.status()).unwrap().sweeps["candidates"].held.as_ref().unwrap().at_ms;
    later(&world);
    assert_held(&world, &acme, &world.run(acme.sweep("candidates", options)).unwrap());
    drop(acme);
    world.restart();
    let acme = world.connect();
    let status = world.run(acme.status()).unwrap();
    assert_eq!(
        status.sweeps["candidates"].held.as_ref().unwrap().at_ms,
        since_ms,
        "held since the first time"
    );
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    set_admin(&world, true);
    let report = sweep(&world, &acme, "candidates");
    assert_eq!(
        (report.complete, report.resumed, report.pages, report.confirmed),
        (true, true, 2, 2)
    );
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 2);
}

/// The role is lost after the first fifty were confirmed: those were reported, the others wait.
#[test]
fn the_admin_role_lost_while_suspects_are_confirmed_holds_the_rest() {
    let (world, acme) = pulled(42, 120);
    delete(&world, 60);
    let (sandbox, fetches) = (world.sandbox.clone(), AtomicU64::new(0));
    world.wire.meddle(move |request| {
        let by_id = request.url.path() == "/v3/candidates"
            && request.url.query().is_some_and(|q| q.contains("ids="));
        if by_id && fetches.fetch_add(1, Ordering::SeqCst) == 1 {
            sandbox.set_access(|access| access.site_admin = false);
        }
        None
    });
    let report = world.run(acme.sweep("candidates", SweepOptions::default().force(true))).unwrap();
    assert_held(&world, &acme, &report);
    assert_eq!((report.suspected, report.confirmed), (60, 50));
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 50);
    world.wire.spare();
    set_admin(&world, true);
    let report = sweep(&world, &acme, "candidates");
    assert_eq!((report.complete, report.pages, report.confirmed), (true, 0, 10));
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 60);
}

#[test]
fn a_rolling_sweep_that_lost_a_right_resumes_soon_after_it_is_back() {
    let (world, acme) = pulled(43, 60);
    delete(&world, 1);
    set_admin(&world, false);
    let pulls = [("applications".to_owned(), Cron::parse("*/5 * * * *").unwrap())];
    let sweeps = [("candidates".to_owned(), Cron::parse("30 * * * *").unwrap())];
    let crons = Crons::of_pulls(pulls).with_sweeps(sweeps);
    let back_ms = world.clock.now_ms() + HOUR_MS * 2 / 3;
    let day = async {
        world.clock.sleep(HOUR_MS * 2 / 3).await;
        set_admin(&world, true);
        world.clock.sleep(HOUR_MS / 3).await;
    };
    let (mut held, mut complete_ms) = (0, Vec::new());
    let tell = |round: &Round<'_>| {
        if let Round::Swept(report) = round {
            held += u64::from(report.held_by == Some(HeldBy::Right));
            complete_ms.extend(report.complete.then(|| world.clock.now_ms()));
        }
    };
    world.run(acme.run(crons, day, tell)).unwrap();
    println!("held {held} times; complete {complete_ms:?}, back at {back_ms}");
    assert!((2..=12).contains(&held), "held {held} times");
    assert!(complete_ms.len() == 1 && complete_ms[0] < back_ms + HOUR_MS / 3);
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 1);
}
