//! Deliveries: pings, retries on the sandbox's clock, and what no order or count promises.

use crate::common::World;
use crate::{SECRET, URL, actions, answered, heard, hearing, listen, understood};
use atsync_greenhouse_sandbox::{
    HookCopies, HookEventId, HookOrder, HookState, NewWebhook, Recruiter,
};
use serde_json::json;

fn rename(world: &World, first_name: &str) {
    let candidate_id = world.sandbox.rows("candidates")[0]["id"].as_i64().unwrap();
    let deed = Recruiter::Rename {
        candidate_id,
        first_name: first_name.into(),
        last_name: "<Byron>".into(),
    };
    world.sandbox.recruiter(&deed).unwrap();
}

#[test]
fn without_a_webhook_nothing_is_delivered() {
    let world = World::new();
    rename(&world, "Ada");
    assert!(world.sandbox.next_hook().is_none() && world.sandbox.hook_deliveries().is_empty());
}

#[test]
fn a_failed_ping_leaves_a_webhook_disabled_until_it_is_enabled_by_hand() {
    let world = World::new();
    let events = vec!["update_candidate".to_owned()];
    let ids =
        world.sandbox.add_webhook(&NewWebhook { events, ..NewWebhook::new(URL, SECRET) }).unwrap();
    rename(&world, "Ada");
    // 204 is no success, and a ping is not repeated. What waited behind it goes with it.
    assert_eq!(actions(&answered(&world.sandbox, Some(204))), ["ping"]);
    world.clock.advance_ms(24 * 3_600_000);
    rename(&world, "Bob");
    assert!(world.sandbox.next_hook().is_none());
    assert_eq!(world.sandbox.webhooks()[0]["deactivated"], true);
    let states: Vec<HookState> =
        world.sandbox.hook_deliveries().iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [HookState::Lost, HookState::Dropped]);
    assert!(world.sandbox.enable_webhook(ids[0]));
    let pings = heard(&world.sandbox);
    assert_eq!(actions(&pings), ["ping"]);
    assert_eq!(pings[0].payload["event"], "update_candidate");
    rename(&world, "Cyd");
    assert_eq!(actions(&heard(&world.sandbox)), ["update_candidate"]);
    assert!(world.sandbox.webhooks()[0]["last_delivered"].is_string());
}

#[test]
fn a_delivery_is_attempted_seven_times_with_the_documented_waits_and_then_lost() {
    let world = hearing(&["update_candidate"]);
    rename(&world, "Ada");
    let mut ids = Vec::new();
    for wait_min in [0, 1, 15, 60, 120, 240, 480] {
        world.clock.advance_ms(wait_min * 60_000 - i64::from(wait_min > 0));
        if wait_min > 0 {
            assert!(world.sandbox.next_hook().is_none(), "not before {wait_min} minutes");
            world.clock.advance_ms(1);
        }
        let status = if wait_min == 1 { None } else { Some(500) };
        let all = answered(&world.sandbox, status);
        assert_eq!(actions(&all), ["update_candidate"], "after {wait_min} minutes");
        ids.push(all[0].event_id.clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "each attempt has the id of the event");
    world.clock.advance_ms(48 * 3_600_000);
    assert!(world.sandbox.next_hook().is_none());
    let delivery = world.sandbox.hook_deliveries().pop().unwrap();
    assert_eq!((delivery.state, delivery.attempts.len()), (HookState::Lost, 7));
    assert_eq!(world.sandbox.webhooks()[0]["deactivated"], false, "only a ping disables");
}

#[test]
fn a_retry_that_is_answered_200_ends_the_delivery() {
    let world = hearing(&["update_candidate"]);
    rename(&world, "Ada");
    rename(&world, "Bob");
    let first = world.sandbox.next_hook().unwrap();
    world.sandbox.hook_answered(first.number, Some(503));
    assert_eq!(heard(&world.sandbox).len(), 1, "the second does not wait for the first");
    // An answer that comes twice, or to no delivery, changes nothing.
    world.sandbox.hook_answered(first.number, Some(200));
    world.sandbox.hook_answered(9_999, Some(200));
    world.clock.advance_ms(60_000);
    assert_eq!(heard(&world.sandbox).len(), 1);
    let states: Vec<HookState> =
        world.sandbox.hook_deliveries().iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [HookState::Delivered; 3]);
}

#[test]
fn the_body_has_escapes_and_keeps_no_extra_member_unless_the_switch_says_so() {
    let world = hearing(&["update_candidate"]);
    rename(&world, "Ada");
    let request = world.sandbox.next_hook().unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.contains("\\u003cByron\\u003e") && !body.contains('<'), "{body}");
    assert!(!body.contains("organization_id"));
    understood(&request);
    world.sandbox.set_quirks(|quirks| quirks.webhooks.organization = true);
    rename(&world, "Bob");
    let body = String::from_utf8(world.sandbox.next_hook().unwrap().body).unwrap();
    assert!(body.contains("organization_id"), "{body}");
}

#[test]
fn copies_order_and_ids_are_switches() {
    let world = hearing(&["update_candidate"]);
    let quirks = |copies, order, event_id| {
        world.sandbox.set_quirks(|quirks| {
            quirks.webhooks.copies = copies;
            quirks.webhooks.order = order;
            quirks.webhooks.event_id = event_id;
        });
    };
    quirks(HookCopies::SameId, HookOrder::InOrder, HookEventId::PerEvent);
    rename(&world, "Ada");
    let twice = heard(&world.sandbox);
    assert_eq!((twice.len(), &twice[0]), (2, &twice[1]));
    quirks(HookCopies::AnotherId, HookOrder::Reversed, HookEventId::PerEvent);
    rename(&world, "Bob");
    rename(&world, "Cyd");
    let all = heard(&world.sandbox);
    let names: Vec<&str> = all
        .iter()
        .map(|heard| heard.payload["candidate"]["first_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Cyd", "Cyd", "Bob", "Bob"]);
    assert_ne!(all[0].event_id, all[1].event_id);
    quirks(HookCopies::One, HookOrder::InOrder, HookEventId::PerAttempt);
    rename(&world, "Dee");
    let first = answered(&world.sandbox, None);
    world.clock.advance_ms(60_000);
    assert_ne!(first[0].event_id, heard(&world.sandbox)[0].event_id);
    world.sandbox.set_quirks(|quirks| quirks.webhooks.delay_ms = 5_000);
    rename(&world, "Eve");
    assert!(!world.sandbox.is_hook_due() && world.sandbox.next_hook().is_none());
    world.clock.advance_ms(5_000);
    assert!(world.sandbox.is_hook_due());
    assert_eq!(heard(&world.sandbox).len(), 1);
}

#[test]
fn beyond_the_bound_events_are_lost_and_the_api_still_answers() {
    let world = hearing(&["update_candidate"]);
    for _ in 0..5_000 {
        let payload = json!({"candidate": {"id": 1}});
        world.sandbox.fire_webhook("update_candidate", payload).unwrap();
    }
    assert_eq!(world.get("/v3/jobs").status, 200);
    let all = world.sandbox.hook_deliveries();
    let lost = all.iter().filter(|delivery| delivery.state == HookState::Lost).count();
    assert_eq!(lost, 5_000 - 4_096);
    assert!(world.sandbox.fire_webhook("no_such_event", json!({})).is_err());
}

#[test]
fn a_removed_webhook_takes_its_waiting_deliveries_with_it() {
    let world = hearing(&["update_candidate"]);
    listen(&world.sandbox, &["update_candidate"]);
    rename(&world, "Ada");
    let newest = world.sandbox.webhooks()[0]["id"].as_i64().unwrap();
    assert!(world.sandbox.remove_webhook(newest) && !world.sandbox.remove_webhook(newest));
    let all = heard(&world.sandbox);
    assert_eq!(actions(&all), ["update_candidate"], "the other webhook is heard");
}
