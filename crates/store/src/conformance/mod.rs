//! The one suite that every store must pass: each rule is a sentence of the contract, named after it.
//!
//! [`crate::conformance_suite!`] makes a test of each rule for one [`Subject`]; [`history`] plays random histories on
//! a store and on the [model](crate::model) side by side, and compares every answer.

#![allow(clippy::missing_panics_doc, reason = "a rule says that it is broken by panicking")]

pub mod audit;
pub mod backup;
pub mod cancelling;
pub mod erasing;
pub mod event_types;
pub mod failing;
pub mod fan_out;
pub mod filters;
pub mod given;
pub mod history;
pub mod idempotency;
pub mod keys;
pub mod links;
pub mod lists;
pub mod log;
pub mod notices;
pub mod operations;
pub mod ordered;
pub mod read;
pub mod recovery;
pub mod resend;
pub mod results;
pub mod retention;
pub mod rotation;
mod subject;
pub mod tail;
pub mod teams;
pub mod upkeep;
pub mod waiting;
pub mod webhook_logs;
pub mod webhooks;

pub use subject::{AnyStore, Subject};

use std::pin::Pin;

/// A rule, for one [`Subject`].
pub struct Rule {
    /// Its area and its name.
    pub name: &'static str,
    /// Panics if it is broken.
    pub hold: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

/// Makes a test of each rule for one [`Subject`]. Call it in a module named after the store.
#[macro_export]
macro_rules! conformance_suite {
    ($subject:ty) => {
        $crate::each_conformance_rule! { conformance_tests, $subject }
    };
}

/// Every [`Rule`] for one [`Subject`], where each as a test of its own would cost too much.
#[macro_export]
macro_rules! conformance_rules {
    ($subject:ty) => {
        $crate::each_conformance_rule! { conformance_list, $subject }
    };
}

/// The rules, handed to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! each_conformance_rule {
    ($then:ident, $subject:ty) => {
        $crate::$then! { $subject =>
            log:
                positions_count_from_1_for_each_team,
                an_event_id_is_given_once,
                racing_appends_leave_no_hole,
                who_has_read_n_sees_only_what_is_behind_it,
                an_append_that_nobody_awaits_is_whole_or_nothing,
                what_was_answered_is_read_byte_for_byte,
                positions_go_on_after_a_restart,
                an_unknown_team_is_not_found,
                an_empty_log_has_ends_too,
                a_read_keeps_its_limits;
            lists:
                pages_to_the_end_are_the_whole,
                since_is_from_then_on_and_until_is_before_then,
                a_clock_that_jumps_back_makes_nothing_older,
                a_cursor_stays_where_it_was;
            idempotency:
                a_repeat_finds_the_first_event,
                a_repeat_after_a_restart_finds_the_first_event,
                a_key_used_for_something_else_is_refused,
                a_test_never_stands_for_the_real_event,
                a_key_twice_in_one_batch_is_one_event,
                keys_belong_to_their_team,
                a_key_raced_by_a_hundred_is_one_event,
                a_repeat_is_told_without_an_append;
            fan_out:
                each_webhook_that_wants_an_event_gets_one_delivery,
                a_new_delivery_is_due_at_once,
                webhooks_count_as_they_stand_at_the_commit,
                a_webhook_made_in_a_race_begins_at_one_place,
                an_append_can_keep_from_webhooks,
                an_append_can_go_to_one_webhook_alone,
                a_fan_out_past_the_limit_is_refused_whole;
            filters:
                patterns_and_filter_both_decide,
                a_filter_counts_as_it_stands_at_the_commit,
                a_filter_that_changes_in_a_race_holds_at_its_commit,
                an_explicit_call_does_not_ask_the_filter,
                a_recovery_asks_the_filter;
            erasing:
                an_erased_event_keeps_its_place,
                an_erased_event_counts_as_it_is_read,
                what_is_not_there_is_not_erased,
                an_erased_event_is_not_delivered,
                what_was_answered_is_erased,
                a_repeat_finds_what_is_left;
            failing:
                failures_are_counted_until_a_success,
                a_webhook_that_only_fails_is_disabled,
                too_few_failures_disable_nothing,
                a_success_in_the_same_group_counts,
                a_change_of_place_begins_anew,
                failures_go_with_their_webhook;
            notices:
                the_operator_is_no_team,
                a_failed_delivery_is_told,
                failed_deliveries_are_told_once_a_minute,
                one_team_is_told_of_only_so_often,
                a_webhook_that_the_server_disables_is_told,
                a_notice_makes_no_notice,
                notices_outlive_a_restart,
                old_notices_go,
                who_hears_notices_is_on_record;
            waiting:
                the_longest_due_comes_first,
                what_is_due_says_how_it_is_wanted,
                what_is_due_together_comes_in_the_logs_order,
                lanes_are_the_webhooks_with_something_waiting,
                nothing_waits_for_an_unknown_webhook;
            results:
                a_success_ends_a_delivery,
                a_failure_is_due_again_until_it_is_the_last,
                attempts_are_read_as_they_were_reported,
                many_results_are_answered_in_order,
                a_late_success_counts,
                a_late_failure_changes_no_end,
                after_a_restart_the_unrecorded_is_due_again,
                what_is_on_its_way_is_recorded_after_the_rest_was_left;
            resend:
                a_resend_begins_a_schedule_and_goes_on_counting,
                a_cancelled_delivery_can_be_resent,
                a_late_failure_leaves_a_resent_delivery_alone,
                a_delivery_has_so_many_attempts,
                what_has_not_ended_is_not_resent,
                what_is_gone_is_not_resent,
                an_event_is_delivered_to_who_did_not_get_it,
                a_known_delivery_is_reopened,
                what_is_gone_or_disabled_is_not_delivered_to;
            operations:
                a_resend_reopens_what_its_filter_matches,
                each_part_of_a_filter_cuts,
                what_comes_later_is_not_resent,
                what_cannot_be_reopened_is_skipped,
                a_restart_goes_on_where_it_stood,
                a_cancelled_operation_stops_where_it_stands,
                operations_take_turns,
                operations_are_listed_newest_first,
                an_operation_that_makes_no_sense_does_not_begin,
                who_waits_for_an_operation_is_woken,
                old_operations_go_once_they_have_ended;
            ordered:
                the_first_of_the_log_comes_first,
                what_is_not_due_holds_back_what_is_behind_it,
                a_resend_takes_its_place_in_the_log,
                a_webhook_can_become_ordered;
            recovery:
                what_a_webhook_missed_is_made_pending,
                a_recovery_keeps_to_its_range,
                a_recovery_brings_nothing_that_was_kept_away,
                a_recovery_of_a_webhook_that_goes_fails,
                a_recovery_outlives_a_restart;
            webhook_logs:
                the_logs_are_newest_first,
                filters_and_pages_cut_the_same_list,
                another_teams_logs_are_not_seen;
            webhooks:
                a_webhook_is_read_as_it_was_stored,
                a_patch_changes_what_it_names,
                a_webhook_that_changed_meanwhile_is_left_alone,
                a_team_has_so_many_webhooks,
                a_webhooks_id_is_given_once,
                webhooks_are_listed_newest_first;
            rotation:
                the_secret_before_is_kept_for_the_overlap,
                without_an_overlap_the_secret_before_is_forgotten,
                an_open_overlap_has_no_room_for_a_third_secret,
                a_webhook_is_not_rotated_to_its_own_secret,
                an_overlap_is_ended_by_call,
                secrets_of_others_are_left_alone;
            cancelling:
                disabling_cancels_what_waits,
                a_webhook_that_changed_is_not_disabled,
                what_was_cancelled_says_why,
                what_is_disabled_in_a_race_has_nothing_waiting,
                deleting_cancels_what_waits_and_keeps_the_logs;
            keys:
                a_key_is_read_as_it_was_stored,
                a_key_has_an_id_and_a_team_of_its_own,
                a_key_is_revoked_for_good,
                another_teams_key_is_not_revoked,
                the_last_use_of_a_key_is_noted,
                keys_are_listed_newest_first;
            links:
                a_link_is_good_for_one_session,
                a_link_raced_by_many_is_one_session,
                a_link_that_ended_opens_nothing,
                a_refused_exchange_keeps_the_link,
                a_session_dies_with_its_key,
                expired_links_and_keys_go;
            audit:
                an_entry_is_read_as_it_was_made,
                each_change_leaves_one_entry,
                what_changes_nothing_leaves_no_entry,
                the_audit_log_is_read_in_pages,
                a_team_sees_its_own_changes,
                old_entries_go;
            event_types:
                a_type_is_read_as_it_was_put,
                a_type_is_changed_by_putting_it_again,
                a_type_that_changed_meanwhile_is_left_alone,
                there_are_so_many_added_types,
                events_of_a_deleted_type_stay;
            teams:
                a_team_has_an_id_and_a_name,
                teams_are_listed_in_the_order_of_their_making,
                a_team_sees_nothing_of_another,
                a_deleted_team_is_gone_at_once,
                a_deleted_team_is_erased_in_slices,
                a_deleted_teams_id_leads_to_nothing_old;
            tail:
                what_is_told_is_stored,
                changes_are_told_in_the_order_of_commits,
                every_entry_is_told_once_and_in_order,
                a_reader_is_told_from_now_on_to_the_end;
            retention:
                old_events_go_from_the_front,
                positions_go_on_behind_what_was_removed,
                an_event_that_is_still_wanted_stays,
                old_deliveries_go_once_they_have_ended,
                a_removed_delivery_does_not_come_back,
                old_idempotency_keys_are_forgotten;
            backup:
                a_backup_is_as_long_as_it_says,
                there_is_one_backup_at_a_time,
                writing_goes_on_while_a_backup_is_read,
                a_closed_store_makes_no_backup;
            upkeep:
                a_store_is_ready_until_it_closes,
                a_closed_store_takes_nothing,
                closing_finishes_what_was_handed_over,
                what_was_done_is_counted;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_list {
    ($subject:ty => $($area:ident: $($rule:ident),+;)+) => {
        vec![$($($crate::conformance::Rule {
            name: concat!(stringify!($area), "::", stringify!($rule)),
            hold: || Box::pin(async {
                let subject = <$subject as $crate::conformance::Subject>::fresh().await;
                $crate::conformance::$area::$rule(subject).await;
            }),
        }),+),+]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($subject:ty => $($area:ident: $($rule:ident),+;)+) => {
        $(mod $area {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let subject = <$subject as $crate::conformance::Subject>::fresh().await;
                    $crate::conformance::$area::$rule(subject).await;
                }
            )+
        })+

        /// L0: no history tells it from the model.
        #[test]
        fn plays_like_the_model() {
            $crate::conformance::history::plays_like_the_model::<$subject>();
        }
    };
}

#[cfg(test)]
mod tests {
    /// A rule that no store is held to is no rule.
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        let areas = [
            include_str!("audit.rs"),
            include_str!("backup.rs"),
            include_str!("cancelling.rs"),
            include_str!("erasing.rs"),
            include_str!("event_types.rs"),
            include_str!("failing.rs"),
            include_str!("fan_out.rs"),
            include_str!("filters.rs"),
            include_str!("idempotency.rs"),
            include_str!("keys.rs"),
            include_str!("links.rs"),
            include_str!("lists.rs"),
            include_str!("log.rs"),
            include_str!("notices.rs"),
            include_str!("operations.rs"),
            include_str!("ordered.rs"),
            include_str!("recovery.rs"),
            include_str!("resend.rs"),
            include_str!("results.rs"),
            include_str!("retention.rs"),
            include_str!("rotation.rs"),
            include_str!("tail.rs"),
            include_str!("teams.rs"),
            include_str!("upkeep.rs"),
            include_str!("waiting.rs"),
            include_str!("webhook_logs.rs"),
            include_str!("webhooks.rs"),
        ];
        for line in areas.iter().flat_map(|area| area.lines()) {
            if let Some((rule, _)) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('('))
            {
                assert!(suite.contains(&format!("{rule},")) || suite.contains(&format!("{rule};")), "{rule}");
            }
        }
    }
}
