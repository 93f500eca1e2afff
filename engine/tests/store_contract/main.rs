//! The store's contract: one set of laws, run against the store in memory and against the durable
//! store.
//!
//! A law is a function that gets an empty store and proves one promise of the trait. `durable` and
//! `crashing` hold the promises of the durable store alone (reopening, damage, group commit);
//! `model` runs random sequences of operations on both stores and compares every answer.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a law that does not hold ends the test; helpers outside of test functions are part \
        of it"
)]

mod aging;
mod backing_up;
mod compacting;
mod crashing;
mod damaged;
mod desiring;
mod durable;
mod erasing;
mod forgetting;
mod given;
mod hanging;
mod journaling;
mod leasing;
mod limiting;
mod model;
mod noting;
mod observing;
mod reading;
mod vanishing;

/// Makes one test per law and store.
macro_rules! laws {
    ($($module:ident: $($law:ident),+ $(,)?;)+) => {
        mod memory {
            $($(
                #[tokio::test]
                async fn $law() {
                    crate::$module::$law(&atsync::MemoryStore::default()).await;
                }
            )+)+
        }
        mod redb {
            $($(
                #[tokio::test]
                async fn $law() {
                    let (store, _) = crate::given::redb();
                    crate::$module::$law(&store).await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test]
                async fn $law() {
                    let Some(store) = crate::given::postgres().await else { return };
                    crate::$module::$law(&store).await;
                }
            )+)+
        }
        mod redb_inline {
            $($(
                // Without a runtime and without threads: the first poll must be the last.
                #[test]
                fn $law() {
                    let (store, _directory) = crate::given::redb_inline();
                    let law = std::pin::pin!(crate::$module::$law(&store));
                    let polled = std::future::Future::poll(law,
                        &mut std::task::Context::from_waker(std::task::Waker::noop()));
                    assert!(polled.is_ready(), "an inline store never waits");
                }
            )+)+
        }
    };
}

laws! {
    observing:
        a_page_commits_rows_events_and_scan_together,
        a_record_seen_again_as_before_makes_no_event,
        an_update_event_names_only_the_changed_fields,
        the_created_event_says_the_same_after_the_record_changed,
        a_partial_record_keeps_what_it_does_not_know,
        the_last_of_a_repeated_id_wins,
        a_deleted_record_is_a_tombstone_and_comes_back_as_new,
        the_index_follows_the_record,
        connections_and_kinds_do_not_leak_into_each_other,
        pages_run_in_the_order_of_ids,
        a_fetch_moves_no_scan,
        scans_are_kept_by_kind_and_parent,
        a_refused_page_leaves_nothing_behind,
        a_desired_record_linked_to_a_changed_record_becomes_dirty,
        a_change_of_a_candidates_application_makes_her_record_dirty;
    desiring:
        a_generation_rises_with_every_change_of_the_body,
        keys_that_would_break_paths_are_refused,
        a_status_is_written_only_for_its_generation,
        marking_dirty_passes_over_unknown_keys,
        links_are_found_by_path_and_by_remote,
        a_replaced_link_no_longer_leads_to_the_old_record,
        links_of_a_key_are_not_those_of_a_longer_key,
        a_connection_is_kept,
        a_write_with_another_fence_is_refused_and_keeps_nothing,
        a_mark_that_came_after_the_row_was_read_is_not_taken_away,
        a_mode_is_kept_over_declarations_and_wakes_the_record,
        no_intent_begins_for_a_paused_record,
        a_removed_record_takes_its_links_and_leaves_the_rest,
        a_link_that_ended_leads_nowhere;
    erasing:
        an_erased_candidate_is_nowhere_and_a_stranger_stays,
        a_desired_record_that_names_an_erased_candidate_by_id_goes_and_stays_away,
        an_erased_candidate_does_not_come_back_until_that_is_allowed,
        an_address_that_two_candidates_share_blocks_neither,
        an_erasure_follows_a_merge_and_deleted_records,
        an_erasure_finds_what_only_an_event_or_an_intent_names,
        an_erasure_finds_names_of_any_length_and_none_by_a_path,
        an_erasure_without_a_candidate_is_refused,
        a_trimmed_feed_says_where_it_begins,
        trimming_keeps_unacknowledged_events_when_asked,
        an_event_names_the_intent_that_caused_it,
        a_record_that_the_engine_created_is_reported_as_applied_by_any_first_read;
    forgetting:
        a_forgotten_connection_has_nothing_and_another_has_all,
        a_reader_of_a_forgotten_feed_is_told_to_read_anew,
        an_erased_candidate_stays_away_when_all_is_forgotten,
        a_connection_that_never_was_is_forgotten_in_vain,
        a_record_is_declared_and_removed_only_with_the_generation_that_was_read;
    journaling:
        an_intent_starts_as_sending_with_a_number,
        one_intent_is_open_per_object_and_operation,
        an_intent_of_an_older_generation_is_stale,
        no_two_intents_of_a_connection_share_a_mark,
        a_transition_needs_the_current_attempt_and_must_be_allowed_by_the_journal,
        sending_again_counts_the_attempt,
        the_last_send_is_the_latest_time_at_which_a_request_can_have_left,
        an_intent_keeps_who_planned_it_and_who_sent_it_last,
        a_step_brings_its_links_and_events,
        a_step_that_closes_wakes_the_record_that_it_serves,
        intents_are_listed_newest_first_and_open_ones_oldest_first,
        intents_since_a_time_are_newest_first_and_bounded,
        a_follower_is_woken_by_events_of_its_connection_alone,
        the_feed_has_no_gap_and_offsets_never_go_back;
    aging:
        an_old_ended_intent_goes_with_all_that_leads_to_it,
        an_intent_that_a_plan_still_counts_stays_at_every_age,
        a_refusal_goes_with_the_write_that_ended_it,
        an_intent_stays_while_its_link_has_a_mark,
        more_intents_than_one_transaction_looks_at_all_go;
    vanishing:
        a_sweep_remembers_what_its_pages_showed,
        the_reason_that_holds_a_sweep_is_stored_with_its_position,
        an_event_keeps_the_level_of_its_proof,
        a_refused_page_of_a_sweep_leaves_nothing_seen,
        clearing_the_seen_ids_is_bounded_and_affects_only_its_kind,
        a_move_takes_its_links_along_and_is_reported_once,
        a_link_that_follows_to_a_taken_record_yields,
        a_moved_record_that_the_ats_keeps_is_reported_as_moved_and_stays,
        a_page_cannot_contradict_its_moves,
        an_application_of_another_candidate_leaves_a_lead,
        a_move_by_an_intent_is_reported_once_too,
        an_anonymisation_is_reported_without_the_erased_data_and_is_permanent;
    noting:
        a_note_is_kept_by_connection_area_and_key,
        notes_change_together_or_not_at_all,
        notes_are_listed_in_the_order_of_their_keys,
        notes_beyond_the_limit_are_refused;
    limiting:
        a_record_beyond_the_limit_is_refused,
        a_page_beyond_the_limit_is_refused,
        a_declaration_may_be_larger_than_a_page_and_has_a_limit_of_its_own,
        texts_beyond_the_limit_are_refused,
        reads_beyond_the_limit_are_refused,
        a_body_that_is_no_object_is_refused,
        a_missing_mask_is_refused,
        a_problem_is_reported_once_and_kept_until_it_is_solved,
        problems_beyond_the_limit_are_counted_with_those_without_an_id;
}
