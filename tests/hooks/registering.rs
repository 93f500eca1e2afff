//! Webhooks that a connection registers itself: created, repaired, followed to another URL or
//! secret, removed; never doubled, and never another's.

use crate::partner::{Partner, SECRET};
use atsync::{Crons, ErrorKind, Round, Secret, WebhookEnd, WebhooksBlocked, WebhooksReport};
use atsync_greenhouse_sandbox::{Fault, FaultKind, NewWebhook, Recruiter};

fn count(report: &WebhooksReport, end: WebhookEnd) -> usize {
    report.events.values().filter(|one| **one == end).count()
}

#[tokio::test]
async fn after_a_consent_a_recruiters_change_arrives_without_a_pull() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    acme.pull("candidates").await.unwrap();
    let report = partner.register(&acme).await;
    assert!(report.is_complete() && report.listed, "{report:?}");
    partner.has_each(&acme, "acme");
    let candidate_id = partner.sandbox().rows("candidates")[0]["id"].as_i64().unwrap();
    let (first_name, last_name) = ("Hypatia".to_owned(), "Renamed".to_owned());
    let rename = Recruiter::Rename { candidate_id, first_name, last_name };
    partner.sandbox().recruiter(&rename).unwrap();
    partner.server.hooks_settled().await;
    let seen = acme.observed_one("candidates", &candidate_id.to_string()).await.unwrap().unwrap();
    assert!(seen.body.contains("Hypatia"), "{seen:?}");
    // A second look finds nothing to do.
    partner.sandbox().clear_logs();
    let again = partner.register(&acme).await;
    assert_eq!(count(&again, WebhookEnd::InStep), again.events.len());
    assert_eq!((partner.asked("GET"), partner.sandbox().requests().len()), (1, 1));
    partner.end().await;
}

#[tokio::test]
async fn what_was_disabled_or_deleted_is_repaired_with_a_list_and_without() {
    for no_list in [false, true] {
        let partner = Partner::consented().await;
        partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = no_list);
        let acme = partner.connect(&[SECRET]).await;
        partner.is_down(true);
        let report = partner.register(&acme).await;
        assert_eq!(report.listed, !no_list);
        let all = partner.webhooks("/hooks/acme/");
        assert!(all.iter().all(|one| one["deactivated"] == true), "no ping was answered");
        partner.is_down(false);
        assert!(partner.sandbox().remove_webhook(all[0]["id"].as_i64().unwrap()));
        // Without a list no read shows it; each webhook is set anew once a day. Meanwhile the
        // consent is kept alive.
        partner.clock.pass(12 * 3_600_000);
        acme.keep_alive().await.unwrap();
        partner.clock.pass(12 * 3_600_000);
        let report = partner.register(&acme).await;
        assert_eq!(count(&report, WebhookEnd::Created), 1, "{report:?}");
        assert_eq!(count(&report, WebhookEnd::Changed), all.len() - 1, "{report:?}");
        partner.has_each(&acme, "acme");
        partner.end().await;
    }
}

#[tokio::test]
async fn another_url_or_secret_changes_the_webhooks_and_doubles_none() {
    for no_list in [false, true] {
        let partner = Partner::consented().await;
        partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = no_list);
        let acme = partner.connect(&[SECRET]).await;
        partner.register(&acme).await;
        let before = partner.sandbox().webhooks().len();
        // Two secrets while the ATS's are changed: what is signed with the old one still counts.
        let acme = partner.connect(&["a new webhook secret", SECRET]).await;
        partner
            .sandbox()
            .fire_webhook("job_created", serde_json::json!({"job": {"id": 1}}))
            .unwrap();
        partner.server.hooks_settled().await;
        let report = partner.register(&acme).await;
        assert_eq!(count(&report, WebhookEnd::Changed), before, "{report:?}");
        let all_signed = |partner: &Partner| {
            let all = partner.sandbox().hook_deliveries();
            let is_good = |one: &atsync_greenhouse_sandbox::HookDelivery| {
                one.state == atsync_greenhouse_sandbox::HookState::Delivered
            };
            assert!(all.iter().all(is_good), "{all:#?}");
        };
        all_signed(&partner);
        // The old one is no longer needed.
        let acme = partner.connect(&["a new webhook secret"]).await;
        let report = partner.register(&acme).await;
        assert_eq!(count(&report, WebhookEnd::InStep), before, "{report:?}");
        let moved = acme.register_webhooks(&partner.url(&acme, "elsewhere")).await.unwrap();
        partner.server.hooks_settled().await;
        assert_eq!(count(&moved, WebhookEnd::Changed), before, "{moved:?}");
        partner.has_each(&acme, "elsewhere");
        assert_eq!(partner.sandbox().webhooks().len(), before);
        all_signed(&partner);
        partner.end().await;
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_webhook_where_the_ats_has_a_list() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    let lost = Fault::once("POST", "/v3/webhooks", FaultKind::DropAfter);
    partner.sandbox().faults().add(lost.after(3));
    let error = acme.register_webhooks(&partner.url(&acme, "acme")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    // As after a crash: another process goes on.
    let acme = partner.connect(&[SECRET]).await;
    let report = partner.register(&acme).await;
    assert!(report.is_complete(), "{report:?}");
    // The secret of the one that was found is not known, so it is given once more.
    assert_eq!(count(&report, WebhookEnd::Changed), 1);
    partner.has_each(&acme, "acme");
    partner.end().await;
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_leaves_the_webhook_known_as_the_connections_own() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    let events = partner.register(&acme).await.events.len();
    // The ATS has the second URL, and the third one never arrives there.
    for (place, fault) in [("second", FaultKind::DropAfter), ("third", FaultKind::DropBefore)] {
        partner.sandbox().faults().add(Fault::once("PATCH", "/v3/webhooks", fault));
        let error = acme.register_webhooks(&partner.url(&acme, place)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    assert_eq!(partner.webhooks("/hooks/second/").len(), 1);
    let report = acme.register_webhooks(&partner.url(&acme, "fourth")).await.unwrap();
    partner.server.hooks_settled().await;
    assert_eq!(count(&report, WebhookEnd::Changed), events, "{report:?}");
    partner.has_each(&acme, "fourth");
    assert_eq!(partner.sandbox().webhooks().len(), events);
    partner.end().await;
}

#[tokio::test]
async fn a_stop_and_a_close_wait_for_the_answer_of_a_registration_under_way() {
    for closes in [false, true] {
        let partner = Partner::consented().await;
        partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = true);
        let acme = partner.connect(&[SECRET]).await;
        let slow = FaultKind::Slow { delay_ms: 300 };
        partner.sandbox().faults().add(Fault::once("POST", "/v3/webhooks", slow));
        let crons = Crons::default().with_webhooks(Some(partner.url(&acme, "acme")));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = acme.clone();
        let running = tokio::spawn(async move {
            running.run(crons, async { drop(stopped.await) }, |_: &Round<'_>| {}).await
        });
        while partner.asked("POST") == 0 {
            tokio::task::yield_now().await;
        }
        if closes {
            acme.close().await;
        } else {
            stop.send(()).unwrap();
        }
        running.await.unwrap().unwrap();
        assert_eq!(partner.asked("POST"), 1, "no further one begins");
        // Without a list a lost answer would make a second webhook.
        let acme = partner.connect(&[SECRET]).await;
        let report = partner.register(&acme).await;
        assert_eq!(count(&report, WebhookEnd::InStep), 1, "{report:?}");
        assert_eq!(partner.sandbox().webhooks().len(), report.events.len());
        partner.end().await;
    }
}

#[tokio::test]
async fn a_close_waits_for_the_answer_of_a_registration_that_the_host_asked_for() {
    let partner = Partner::consented().await;
    partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = true);
    let acme = partner.connect(&[SECRET]).await;
    let slow = FaultKind::Slow { delay_ms: 300 };
    partner.sandbox().faults().add(Fault::once("POST", "/v3/webhooks", slow));
    let (url, registering) = (partner.url(&acme, "acme"), acme.clone());
    let registering = tokio::spawn(async move { registering.register_webhooks(&url).await });
    while partner.asked("POST") == 0 {
        tokio::task::yield_now().await;
    }
    acme.close().await;
    let error = registering.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let acme = partner.connect(&[SECRET]).await;
    let report = partner.register(&acme).await;
    assert_eq!(count(&report, WebhookEnd::InStep), 1, "{report:?}");
    assert_eq!(partner.sandbox().webhooks().len(), report.events.len());
    partner.end().await;
}

#[tokio::test]
async fn a_refusal_names_the_connection_and_where_the_right_is_granted() {
    let partner = Partner::consented().await;
    partner.sandbox().remove_partner_scope("partner-id", "harvest:webhooks:create");
    let acme = partner.connect(&[SECRET]).await;
    let report = partner.register(&acme).await;
    assert_eq!(report.blocked, Some(WebhooksBlocked::NotPermitted), "{report:?}");
    let message = report.message.unwrap();
    assert!(message.starts_with("acme: registering a webhook: "), "{message}");
    assert!(message.contains("Tick \u{201c}Create webhooks\u{201d}"), "{message}");
    partner.end().await;
}

#[tokio::test]
async fn lost_answers_without_a_list_are_bounded_and_what_is_double_is_absorbed() {
    let partner = Partner::consented().await;
    partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = true);
    let acme = partner.connect(&[SECRET]).await;
    let url = partner.url(&acme, "acme");
    let first = acme.manifest().webhooks.as_ref().unwrap().events[0].clone();
    for _ in 0..3 {
        partner.sandbox().faults().add(Fault::once("POST", "/v3/webhooks", FaultKind::DropAfter));
        let error = acme.register_webhooks(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let report = partner.register(&acme).await;
    assert_eq!(report.events.get(&first), Some(&WebhookEnd::Unknown), "{report:?}");
    assert!(!report.is_complete());
    let of_first = |partner: &Partner| {
        let all = partner.webhooks("/hooks/acme/");
        all.iter().filter(|one| one["event_action_type"] == first.as_str()).count()
    };
    assert_eq!(of_first(&partner), 3);
    partner.register(&acme).await;
    assert_eq!(of_first(&partner), 3, "nothing more is tried");
    // With a list they are found: one stays.
    partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = false);
    let report = partner.register(&acme).await;
    assert_eq!((report.removed, report.is_complete()), (2, true), "{report:?}");
    partner.has_each(&acme, "acme");
    partner.end().await;
}

#[tokio::test]
async fn webhooks_to_other_urls_stay_and_those_of_the_connection_are_removed_with_it() {
    for no_list in [false, true] {
        let partner = Partner::consented().await;
        partner.sandbox().set_quirks(|quirks| quirks.webhooks.no_list = no_list);
        let foreign = NewWebhook::new("http://127.0.0.1:9/someone", "s");
        partner.sandbox().add_webhook(&foreign).unwrap();
        partner.server.hooks_settled().await;
        let before = partner.webhooks("/someone");
        let acme = partner.connect(&[SECRET]).await;
        partner.register(&acme).await;
        let removed = acme.remove_webhooks().await.unwrap();
        let events = acme.manifest().webhooks.as_ref().unwrap().events.len() as u64;
        assert_eq!(removed.removed, events, "{removed:?}");
        assert_eq!(partner.sandbox().webhooks(), before);
        // Nothing is left to remove, and nothing is asked for.
        partner.sandbox().clear_logs();
        assert_eq!(acme.remove_webhooks().await.unwrap().removed, 0);
        assert!(partner.sandbox().requests().is_empty());
        partner.end().await;
    }
}

#[tokio::test]
async fn a_webhook_that_a_person_leads_elsewhere_is_theirs_from_then_on() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    partner.register(&acme).await;
    let foreign = NewWebhook::new("http://127.0.0.1:9/someone", "s");
    partner.sandbox().add_webhook(&foreign).unwrap();
    partner.server.hooks_settled().await;
    let before = partner.webhooks("/someone");
    let taken = partner.webhooks("/hooks/acme/")[0].clone();
    assert!(partner.sandbox().remove_webhook(taken["id"].as_i64().unwrap()));
    let report = partner.register(&acme).await;
    assert_eq!((count(&report, WebhookEnd::Created), report.removed), (1, 0), "{report:?}");
    assert_eq!(partner.webhooks("/someone"), before);
    partner.end().await;
}

#[tokio::test]
async fn a_credential_without_the_permission_changes_nothing_and_says_so() {
    let partner = Partner::consented().await;
    for scope in ["harvest:webhooks:create", "harvest:webhooks:list"] {
        partner.sandbox().remove_partner_scope("partner-id", scope);
    }
    let acme = partner.connect(&[SECRET]).await;
    let report = partner.register(&acme).await;
    assert_eq!(report.blocked, Some(WebhooksBlocked::NotPermitted), "{report:?}");
    assert!(partner.sandbox().webhooks().is_empty() && report.events.is_empty());
    let checks = acme.check().await.unwrap();
    let one = checks.iter().find(|one| one.permission == "harvest:webhooks:create").unwrap();
    assert!(one.optional, "{one:?}");
    // The customer's own credential.
    let credential = atsync::Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = partner.options(&[SECRET]);
    (options.name, options.credential) = ("own".to_owned(), credential);
    let own = partner.connect_as(options).await;
    let report = partner.register(&own).await;
    assert_eq!(report.blocked, Some(WebhooksBlocked::NotPermitted), "{report:?}");
    partner.end().await;
}

#[tokio::test]
async fn what_the_ats_cannot_reach_or_sign_is_not_sent() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    for url in ["ftp://host.example/a", "http://user@127.0.0.1/a", "not a url"] {
        let report = acme.register_webhooks(&Secret::new(url)).await.unwrap();
        assert_eq!(report.blocked, Some(WebhooksBlocked::UrlRefused), "{url}: {report:?}");
    }
    let none = partner.connect(&[]).await;
    let report = none.register_webhooks(&Secret::new("https://host.example/a")).await.unwrap();
    assert_eq!(report.blocked, Some(WebhooksBlocked::NoSecret), "{report:?}");
    acme.pause_writes().await.unwrap();
    let report = partner.register(&acme).await;
    assert_eq!(report.blocked, Some(WebhooksBlocked::Paused), "a copy must not move them");
    acme.resume_writes().await.unwrap();
    partner.sandbox().clear_logs();
    // What is refused is reported, and does not stop the others.
    partner.sandbox().set_quirks(|quirks| quirks.webhooks.https_only = true);
    let report = partner.register(&acme).await;
    assert_eq!(count(&report, WebhookEnd::Refused), report.events.len(), "{report:?}");
    assert!(report.message.is_some_and(|text| text.contains("https")));
    assert!(partner.sandbox().webhooks().is_empty());
    partner.end().await;
}

#[tokio::test]
async fn the_schedules_register_confirm_and_repair() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    let crons = Crons::default().with_webhooks(Some(partner.url(&acme, "acme")));
    let (sender, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let running = acme.clone();
    let running = tokio::spawn(async move {
        let tell = |round: &Round<'_>| {
            if let Round::Registered(report) = round {
                sender.send((*report).clone()).unwrap();
            }
        };
        running.run(crons, std::future::pending(), tell).await
    });
    let created = reports.recv().await.unwrap();
    assert_eq!(count(&created, WebhookEnd::Created), created.events.len(), "{created:?}");
    partner.server.hooks_settled().await;
    partner.has_each(&acme, "acme");
    // Some minutes later they are compared, since an ATS disables what it cannot reach.
    let id = partner.webhooks("/hooks/acme/")[0]["id"].as_i64().unwrap();
    assert!(partner.sandbox().remove_webhook(id));
    partner.clock.pass(3 * 60_000);
    let repaired = reports.recv().await.unwrap();
    assert_eq!(count(&repaired, WebhookEnd::Created), 1, "{repaired:?}");
    // Another credential may have more rights, or fewer.
    acme.replace_credential(partner.options(&[]).credential).await.unwrap();
    let again = reports.recv().await.unwrap();
    assert!(again.is_complete() && !again.has_changed(), "{again:?}");
    partner.server.hooks_settled().await;
    partner.has_each(&acme, "acme");
    acme.close().await;
    running.await.unwrap().unwrap();
    partner.end().await;
}

#[tokio::test]
async fn the_secret_goes_to_the_ats_alone() {
    let partner = Partner::consented().await;
    let acme = partner.connect(&[SECRET]).await;
    let report = partner.register(&acme).await;
    assert!(!format!("{report:?}").contains(SECRET));
    let sent = partner.sandbox().requests();
    let creations = sent.iter().filter(|one| one.method == "POST" && one.path == "/v3/webhooks");
    assert!(
        creations.clone().count() > 0 && creations.clone().all(|one| one.body.contains(SECRET))
    );
    let elsewhere = sent.iter().filter(|one| one.path != "/v3/webhooks");
    assert!(elsewhere.clone().all(|one| !one.body.contains(SECRET)));
    // Neither the secret nor the URL, whose path cannot be guessed, is in a note.
    let notes = {
        use atsync::internals::store::Notes as _;
        partner.store.notes_page("acme", "webhooks", None, 1_000).await.unwrap()
    };
    let part = acme.webhook_path().unwrap();
    assert_eq!(notes.len(), report.events.len());
    for (event, value) in notes {
        let text = String::from_utf8(value).unwrap();
        assert!(!text.contains(SECRET) && !text.contains(&part), "{event}: {text}");
    }
    partner.end().await;
}
