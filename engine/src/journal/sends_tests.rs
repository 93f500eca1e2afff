//! The laws of sending again.

use super::{
    Came, CredentialGiven, Leave, SEND_WAIT_MAX_MS, SENDS_MAX, Wanted, may_leave, send_wait_ms,
};
use crate::journal::{Intent, IntentState, LOOK_WAIT_MAX_MS, Moment, look_again_ms};
use atsync_model::contract::Mark;
use proptest::prelude::*;
use serde_json::{Value, json};

fn intent(id: u64, attempt: u32, changed_ms: u64, state: IntentState) -> Intent {
    Intent {
        id,
        path: "r".to_owned(),
        operation: "notes.create".to_owned(),
        target: None,
        input: "{}".to_owned(),
        makes: Default::default(),
        applied: Default::default(),
        digest: String::new(),
        mark: Mark { text: String::new(), time_ms: id },
        generation: 1,
        attempt,
        first_sent: Moment::of_wall(changed_ms),
        last_sent: Moment::of_wall(changed_ms),
        changed: Moment::of_wall(changed_ms),
        tries: Vec::new(),
        planned_by: None,
        sent_by: None,
        state,
    }
}

static GIVEN: CredentialGiven = CredentialGiven { mark: String::new(), at: None };

/// What the journal allows, without an earlier answer of success.
fn wanted(generation: u64) -> Wanted<'static> {
    const NOTHING: &Value = &Value::Null;
    Wanted {
        generation,
        input: NOTHING,
        unseen_since: None,
        ends_within_ms: None,
        credential: &GIVEN,
    }
}

fn refused(passing: bool) -> IntentState {
    IntentState::Refused { reason: "no".to_owned(), passing, credential: None }
}

#[test]
fn sends_come_less_and_less_often() {
    let waits: Vec<u64> = (0..40).map(send_wait_ms).collect();
    assert_eq!(waits[..6], [0, 0, 60_000, 240_000, 960_000, 960_000]);
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert_eq!(send_wait_ms(u32::MAX), SEND_WAIT_MAX_MS);
}

/// Sends whenever the journal allows it; every request is refused. Returns how often it left, and
/// when it stopped.
fn storm(passing: bool, rounds: u64, step_ms: u64) -> (u32, Leave) {
    let mut journal: Vec<Intent> = Vec::new();
    let mut leave = Leave::Now;
    for round in 0..rounds {
        let now_ms = 1_000_000 + round * step_ms;
        leave = may_leave(journal.iter().rev(), wanted(1), now_ms);
        if leave == Leave::Now {
            journal.push(intent(round + 1, 1, now_ms, refused(passing)));
        }
    }
    (u32::try_from(journal.len()).unwrap(), leave)
}

proptest! {
    #[test]
    fn a_write_that_is_always_refused_is_sent_five_times_at_most(step_ms in 1_u64..400_000) {
        let (sends, leave) = storm(false, 2_000_000_u64.div_ceil(step_ms) + 10, step_ms);
        prop_assert_eq!(sends, SENDS_MAX);
        let Leave::Person { tries, intent, .. } = leave else { panic!("{leave:?}") };
        prop_assert_eq!(tries.len(), 5);
        prop_assert!(tries.windows(2).all(|pair| pair[0].sent_ms < pair[1].sent_ms), "{:?}", tries);
        prop_assert!(intent > 0);
    }

    #[test]
    fn a_new_generation_and_an_end_of_another_kind_start_anew(generation in 2_u64..9,
        refusals in 1_usize..9) {
        let mut journal: Vec<Intent> = (1..).take(refusals).map(|id| intent(id, 1, 5,
            refused(false))).collect();
        prop_assert_eq!(may_leave(journal.iter().rev(), wanted(generation), 6), Leave::Now);
        journal.push(intent(99, 1, 6, IntentState::Applied { links: Vec::new(), by_probe: false }));
        prop_assert_eq!(may_leave(journal.iter().rev(), wanted(1), 7), Leave::Now);
    }

    #[test]
    fn a_request_that_never_left_does_not_count(unsent in 0_usize..20) {
        let unsent = (1..).take(unsent).map(|id| intent(id, 1, 5,
            IntentState::NotSent { reason: "no".to_owned() }));
        let journal: Vec<Intent> = unsent.collect();
        prop_assert_eq!(may_leave(journal.iter(), wanted(1), 6), Leave::Now);
    }
}

#[test]
fn a_quota_of_the_connection_is_retried_rarely_and_blocks_nothing() {
    let day_ms = 24 * 3_600_000;
    let (sends, leave) = storm(true, day_ms / 10_000, 10_000);
    assert!((80..120).contains(&sends), "{sends}");
    assert!(matches!(leave, Leave::Now | Leave::Later { .. }), "{leave:?}");
}

#[test]
fn attempts_of_one_intent_count_with_its_refusal() {
    let journal = [intent(1, 4, 5, refused(false)), intent(2, 1, 6, refused(false))];
    assert!(matches!(
        may_leave(journal.iter().rev(), wanted(1), 7),
        Leave::Person { sends: 5, intent: 2, .. }
    ));
}

#[test]
fn the_wait_counts_every_attempt_of_a_refused_intent() {
    let wait_ms = send_wait_ms(3);
    assert!(wait_ms > send_wait_ms(2));
    let journal = [intent(1, 3, 1_000_000, refused(false))];
    assert!(matches!(
        may_leave(journal.iter(), wanted(1), 1_000_000 + wait_ms - 1),
        Leave::Later { sends: 3, .. }
    ));
    assert_eq!(may_leave(journal.iter(), wanted(1), 1_000_000 + wait_ms), Leave::Now);
}

#[test]
fn an_intent_that_never_left_hides_no_refusal_before_it() {
    let unsent = || IntentState::NotSent { reason: "offline".to_owned() };
    let mut journal: Vec<Intent> = (1..=5).map(|id| intent(id, 1, 5, refused(false))).collect();
    journal.push(intent(6, 1, 6, unsent()));
    assert!(matches!(
        may_leave(journal.iter().rev(), wanted(1), 7),
        Leave::Person { sends: 5, intent: 5, .. }
    ));
    let mut between = vec![intent(1, 4, 5, refused(false)), intent(2, 1, 6, unsent())];
    between.push(intent(3, 1, 7, refused(false)));
    assert!(matches!(
        may_leave(between.iter().rev(), wanted(1), 8),
        Leave::Person { sends: 5, intent: 3, .. }
    ));
}

#[test]
fn an_intent_is_spent_with_its_fifth_send_and_not_before() {
    let spent = |attempt| intent(1, attempt, 5, IntentState::Sending).is_spent();
    assert!(!spent(SENDS_MAX - 1) && spent(SENDS_MAX));
}

#[test]
fn the_evidence_names_each_send_and_the_last_five_are_kept() {
    let mut sent = intent(1, 1, 1_000, IntentState::Sending);
    for at in 1..=7_u64 {
        sent.tries = sent.tried(at * 1_000, &format!("the answer was {}", 500 + at));
        sent.attempt = u32::try_from(at).unwrap();
    }
    assert_eq!(sent.tries.len(), 5);
    assert!(sent.is_spent());
    let spent = sent.spent();
    assert!(
        spent.contains("sent 7 times")
            && spent.contains("1970-01-01T00:00:07.000Z the answer was 507"),
        "{spent}"
    );
    assert!(!spent.contains("502"), "{spent}");
}

#[test]
fn a_clock_that_jumped_back_delays_no_send() {
    let journal: Vec<Intent> = (1..4).map(|id| intent(id, 1, 10_000_000, refused(false))).collect();
    assert!(matches!(may_leave(journal.iter().rev(), wanted(1), 10_000_001), Leave::Later { .. }));
    assert_eq!(may_leave(journal.iter().rev(), wanted(1), 5_000_000), Leave::Now);
}

#[test]
fn a_wait_longer_than_the_intents_longest_began_before_the_clock_jumped_back() {
    let in_doubt = IntentState::InDoubt {
        reason: String::new(),
        probe_after_ms: 0,
        probes: 0,
        blocked: false,
        absent: None,
    };
    let now_ms = 1_000_000_000;
    for attempt in 1..=SENDS_MAX {
        let doubt = intent(1, attempt, 0, in_doubt.clone());
        for probes in 1..20 {
            let longest_ms = look_again_ms(probes - 1).max(send_wait_ms(attempt));
            let due_ms =
                |wait_ms: u64| doubt.probe_due_ms(now_ms + wait_ms, probes, now_ms) - now_ms;
            assert_eq!(
                (due_ms(longest_ms), due_ms(longest_ms + 1)),
                (longest_ms, 0),
                "{attempt}, {probes}"
            );
            assert!(longest_ms <= LOOK_WAIT_MAX_MS);
        }
    }
}

#[test]
fn a_write_answered_as_done_that_never_shows_counts_like_a_refusal() {
    let done = |id: u64, changed_ms: u64, input: Value| {
        let applied = IntentState::Applied { links: Vec::new(), by_probe: false };
        Intent { input: input.to_string(), ..intent(id, 1, changed_ms, applied) }
    };
    let title = json!({"title": "A", "name": {"first": "Ada"}});
    // The first send carried more members, and those took effect.
    let mut journal = vec![done(
        1,
        0,
        json!({"title": "A", "name": {"first": "Ada", "last": "B"}, "company": "C"}),
    )];
    journal.extend((2..=5).map(|id| done(id, 0, title.clone())));
    let leave = |journal: &[Intent], input: &Value, unseen_since: Option<u64>| {
        may_leave(journal.iter().rev(), Wanted { input, unseen_since, ..wanted(1) }, 2_000_000)
    };
    assert!(matches!(
        leave(&journal, &title, Some(1)),
        Leave::Person { sends: SENDS_MAX, came: Came::Ignored, intent: 5, .. }
    ));
    // The ATS showed the value since the last send; since the first send; another value; another
    // member; a changed declaration.
    assert_eq!(leave(&journal, &title, None), Leave::Now);
    assert_eq!(leave(&journal, &title, Some(2)), Leave::Now);
    assert_eq!(leave(&journal, &json!({"title": "B"}), Some(1)), Leave::Now);
    assert_eq!(leave(&journal, &json!({"title": "A", "private": true}), Some(1)), Leave::Now);
    let changed = Wanted { input: &title, unseen_since: Some(1), ..wanted(2) };
    assert_eq!(may_leave(journal.iter().rev(), changed, 2_000_000), Leave::Now);
    // Refusals count too.
    journal.pop();
    journal.push(Intent { input: title.to_string(), ..intent(6, 1, 0, refused(false)) });
    assert!(matches!(
        leave(&journal, &title, Some(1)),
        Leave::Person { sends: SENDS_MAX, came: Came::Refused, .. }
    ));
    // The waits are the same.
    let twice = &journal[..2];
    let early = Wanted { input: &title, unseen_since: Some(1), ..wanted(1) };
    assert!(matches!(
        may_leave(twice.iter().rev(), early, 59_999),
        Leave::Later { at_ms: 60_000, sends: 2, .. }
    ));
    assert_eq!(may_leave(twice.iter().rev(), early, 60_000), Leave::Now);
}

#[test]
fn a_refused_credential_counts_until_a_credential_is_given_again() {
    let refused = |mark: &str| IntentState::Refused {
        reason: "401".to_owned(),
        passing: false,
        credential: Some(mark.to_owned()),
    };
    let at = |at_ms| Moment { wall_ms: at_ms, steady_ms: at_ms, life: 1, ahead_ms: None };
    let journal: Vec<Intent> = (1..=5)
        .map(|id| Intent { changed: at(10 * id), ..intent(id, 1, 10 * id, refused("a")) })
        .collect();
    let leave = |mark: &str, given_ms: Option<u64>| {
        let credential = CredentialGiven { mark: mark.to_owned(), at: given_ms.map(at) };
        may_leave(journal.iter().rev(), Wanted { credential: &credential, ..wanted(1) }, 100)
    };
    assert!(matches!(
        leave("a", None),
        Leave::Person { by_credential: true, sends: SENDS_MAX, intent: 5, .. }
    ));
    // Two of them were refused after the credential was given again.
    assert!(matches!(leave("a", Some(35)), Leave::Later { sends: 2, .. }));
    assert_eq!(leave("a", Some(55)), Leave::Now);
    assert_eq!(leave("b", None), Leave::Now);
}

#[test]
fn a_removal_that_still_shows_counts_without_a_link() {
    let applied = || IntentState::Applied { links: Vec::new(), by_probe: false };
    let journal: Vec<Intent> = (1..=5).map(|id| intent(id, 1, 5, applied())).collect();
    let leave =
        |ends_within_ms| may_leave(journal.iter().rev(), Wanted { ends_within_ms, ..wanted(1) }, 6);
    assert!(matches!(
        leave(Some(0)),
        Leave::Person { sends: SENDS_MAX, came: Came::Ignored, intent: 5, .. }
    ));
    assert_eq!(leave(None), Leave::Now);
    // As long as the ATS may still show it, the outcome is unknown.
    let once = Wanted { ends_within_ms: Some(100), ..wanted(1) };
    assert!(matches!(
        may_leave(journal.iter().take(1), once, 104),
        Leave::Later { at_ms: 105, sends: 1, .. }
    ));
    assert_eq!(may_leave(journal.iter().take(1), once, 105), Leave::Now);
}

#[test]
fn the_reason_for_no_send_names_path_operation_count_and_next_step() {
    let (sends, intent, reason) = (2, 7, "no room".to_owned());
    let later =
        Leave::Later { at_ms: 0, sends, came: Came::Refused, intent, reason: reason.clone() };
    let unread = Leave::Unread { at_ms: 0, times: 1, reason };
    let blocked_by =
        |came| Leave::Person { by_credential: false, sends, came, intent, tries: Vec::new() };
    let cases: [(Leave, &[&str]); 4] = [
        (later, &["refused 2 times", "intent 7: no room", "1970-01-01T00:00:00.000Z"]),
        (unread, &["tried once", "no room", "1970-01-01T00:00:00.000Z"]),
        (blocked_by(Came::Refused), &["refused 2 times", "waits for a person", "intent 7"]),
        (blocked_by(Came::Ignored), &["sent 2 times and answered as done", "waits for a person"]),
    ];
    for (leave, parts) in cases {
        let text = leave.why_not("r/notes/n", "notes.create").unwrap();
        assert!(text.starts_with("r/notes/n: notes.create "), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
    assert_eq!(Leave::Now.why_not("r", "notes.create"), None);
}
