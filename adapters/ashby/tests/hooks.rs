//! Webhooks of the sandbox over real HTTP: the adapter verifies each and names the right records.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::indexing_slicing, reason = "tests")]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_ashby::Ashby;
use atsync_ashby_sandbox::{NewWebhook, Recruiter, RunningSandbox, Sandbox, SandboxOptions};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

const SECRET: &str = "a-secret-of-the-host";

/// A port that accepts every delivery. The channel has headers and bodies.
fn hear() -> (String, mpsc::Receiver<Hook>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let (mut bytes, mut part) = (Vec::new(), [0_u8; 65_536]);
            let hook = loop {
                let read = stream.read(&mut part).unwrap();
                bytes.extend_from_slice(&part[..read]);
                let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let body = bytes[at + 4..].to_vec();
                if serde_json::from_slice::<Value>(&body).is_err() {
                    continue;
                }
                let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                let headers = lines.map(|(name, value)| Field::new(name, value)).collect();
                break Hook { headers, body };
            };
            // Before the answer, after which the sandbox says that all is delivered.
            if sender.send(hook).is_err() {
                return;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    (url, heard)
}

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

/// What the adapter makes of a webhook; the engine's part, the comparison, is done here.
fn hooked(hook: &Hook, secret: &str) -> Hooked {
    let Ok(Step::Verify(verify)) = Ashby::start(Task::Hook(hook.clone()), &given()) else {
        panic!("no signature is to be checked")
    };
    assert_eq!(verify.message, hook.body);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&verify.message);
    let digits = mac.finalize().into_bytes();
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_valid = verify.candidates.contains(&digits);
    match Ashby::resume(verify.state, &given(), Reply::Verified(is_valid)) {
        Ok(Step::Done(Outcome::Hooked(hooked))) => hooked,
        other => panic!("{other:?}"),
    }
}

fn named(hint: &Hint) -> (&'static str, String, String) {
    match hint {
        Hint::Changed(of) => ("changed", of.kind.clone(), of.id.clone()),
        Hint::Deleted(of) => ("deleted", of.kind.clone(), of.id.clone()),
        Hint::Merged((from, into)) => ("merged", from.id.clone(), into.id.clone()),
        Hint::Erased(of) => ("erased", of.kind.clone(), of.id.clone()),
    }
}

struct World {
    running: RunningSandbox,
    heard: mpsc::Receiver<Hook>,
}

impl World {
    async fn new() -> Self {
        let options = SandboxOptions { rate_limit: 100_000, ..SandboxOptions::sized(7, 60) };
        let running = Sandbox::start(options).await.unwrap();
        let (url, heard) = hear();
        let new = NewWebhook { url, secret: Some(SECRET.into()), events: Vec::new() };
        running.sandbox().add_webhook(&new).unwrap();
        Self { running, heard }
    }

    fn sandbox(&self) -> &Sandbox {
        self.running.sandbox()
    }

    /// The deliveries so far, by event.
    async fn heard(&self) -> Vec<(String, Hook)> {
        self.running.hooks_settled().await;
        let name = |hook: &Hook| -> String {
            let body: Value = serde_json::from_slice(&hook.body).unwrap();
            body["action"].as_str().unwrap().to_owned()
        };
        self.heard.try_iter().map(|hook| (name(&hook), hook)).collect()
    }

    async fn after(&self, deed: &Recruiter) -> Vec<(String, Hook)> {
        self.sandbox().recruiter(deed).unwrap();
        self.heard().await
    }

    fn id(&self, collection: &str, nth: usize) -> String {
        self.sandbox().rows(collection)[nth]["id"].as_str().unwrap().to_owned()
    }

    fn set(&self, collection: &str, id: &str, values: &Value) -> Recruiter {
        let values = values.as_object().cloned().unwrap();
        Recruiter::Set { collection: collection.to_owned(), id: id.to_owned(), values }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_leads_to_hints_that_name_the_right_records() {
    let world = World::new().await;
    let pings = world.heard().await;
    assert!(pings.len() > 20 && pings.iter().all(|(name, _)| name == "ping"));
    let ping = hooked(&pings[0].1, SECRET);
    assert_eq!((ping.answer.status / 100, ping.hints.len()), (2, 0), "{ping:?}");

    let rows = world.sandbox().rows("applications");
    let active = rows.iter().find(|row| row["status"] == "Active").unwrap();
    let application = active["id"].as_str().unwrap().to_owned();
    let candidate = active["candidate"]["id"].as_str().unwrap().to_owned();
    let both = vec![
        ("changed", "applications".to_owned(), application.clone()),
        ("changed", "candidates".to_owned(), candidate),
    ];
    let (job, posting) = (world.id("jobs", 0), world.id("jobPostings", 0));
    let schedule = world.sandbox().rows("interviewSchedules")[0].clone();
    let (booked, booking) = (schedule["applicationId"].clone(), schedule["id"].clone());
    let offer = world.sandbox().rows("offers")[0].clone();
    let [offered, offer] =
        ["applicationId", "id"].map(|name| offer[name].as_str().unwrap().to_owned());
    let [gone, kept, merged] = [0, 1, 2].map(|nth| world.id("candidates", 40 + nth));
    let changed = |kind: &str, id: &str| vec![("changed", kind.to_owned(), id.to_owned())];
    let pair = |kind: &str, id: &str, of: &str| {
        vec![
            ("changed", kind.to_owned(), id.to_owned()),
            ("changed", "applications".to_owned(), of.to_owned()),
        ]
    };
    let (booked, booking) = (booked.as_str().unwrap(), booking.as_str().unwrap());
    let mut deleted = pair("raw_offers", &offer, &offered);
    deleted[0].0 = "deleted";
    let title = json!({"title": "Edited"});
    for (deed, event, expected) in [
        (Recruiter::Hire { application_id: application.clone() }, "candidateHire", both.clone()),
        (world.set("jobs", &job, &title), "jobUpdate", changed("jobs", &job)),
        (
            world.set("jobPostings", &posting, &title),
            "jobPostingUpdate",
            changed("postings", &posting),
        ),
        (
            world.set("interviewSchedules", booking, &json!({"status": "Complete"})),
            "interviewScheduleUpdate",
            pair("raw_interview_schedules", booking, booked),
        ),
        (
            world.set("offers", &offer, &json!({"decidedAt": "2026-01-02"})),
            "offerUpdate",
            pair("raw_offers", &offer, &offered),
        ),
        (
            Recruiter::Remove { collection: "offers".into(), id: offer.clone() },
            "offerDelete",
            deleted,
        ),
        (
            Recruiter::DeleteCandidate { candidate_id: gone.clone() },
            "candidateDelete",
            vec![("deleted", "candidates".to_owned(), gone.clone())],
        ),
        (
            Recruiter::Merge { candidate_id: kept.clone(), deleted_candidate_id: merged.clone() },
            "candidateMerge",
            vec![
                ("merged", merged.clone(), kept.clone()),
                ("changed", "candidates".to_owned(), kept.clone()),
            ],
        ),
    ] {
        let heard = world.after(&deed).await;
        let hook = heard.iter().find(|(name, _)| name == event);
        let (_, hook) = hook.unwrap_or_else(|| panic!("{event} did not come"));
        let hints: Vec<_> = hooked(hook, SECRET).hints.iter().map(named).collect();
        assert_eq!(hints, expected, "{event}");
        // Each delivery of a cascade names the same records.
        if event == "candidateHire" {
            assert_eq!(heard.len(), 3);
            for (name, hook) in &heard {
                let hints: Vec<_> = hooked(hook, SECRET).hints.iter().map(named).collect();
                assert_eq!(hints, both, "{name}");
            }
        }
    }
    // New records, whose ids the answers have.
    let like = Recruiter::AddJob { title: "Cook".into(), like: job.clone() };
    for (deed, kind) in
        [(Recruiter::AddOpening { job_id: job.clone() }, "openings"), (like, "jobs")]
    {
        let made = world.sandbox().recruiter(&deed).unwrap();
        let heard = world.heard().await;
        let hints: Vec<_> = hooked(&heard[0].1, SECRET).hints.iter().map(named).collect();
        assert_eq!(hints, changed(kind, made["id"].as_str().unwrap()), "{kind}");
    }
    // Events without rows in the sandbox, fired by hand.
    for (event, data, expected) in [
        ("interviewPlanTransition", json!({"jobId": job}), changed("jobs", &job)),
        (
            "pushToHRIS",
            json!({"application": {"id": application}}),
            changed("applications", &application),
        ),
        (
            "signatureRequestUpdate",
            json!({"relatedEntityType": "offer", "offerId": "o-1"}),
            changed("raw_offers", "o-1"),
        ),
        (
            "surveySubmit",
            json!({"surveySubmission": {"id": "s-1", "surveyType": "EEOC"}}),
            Vec::new(),
        ),
        (
            "surveySubmit",
            json!({"surveySubmission": {"id": "s-2", "surveyType": "Questionnaire"}}),
            changed("raw_questionnaire_submissions", "s-2"),
        ),
    ] {
        world.sandbox().fire_webhook(event, data).unwrap();
        let heard = world.heard().await;
        let hints: Vec<_> = hooked(&heard[0].1, SECRET).hints.iter().map(named).collect();
        assert_eq!(hints, expected, "{event}");
    }
    world.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_refused_and_gives_no_hint() {
    let world = World::new().await;
    let _ = world.heard().await;
    let candidate_id = world.id("candidates", 0);
    let heard = world.after(&Recruiter::DeleteCandidate { candidate_id }).await;
    let (_, hook) = &heard[0];
    assert_eq!(hooked(hook, SECRET).hints.len(), 1);
    let refused = |hooked: &Hooked| (hooked.answer.status >= 400, hooked.hints.len());
    assert_eq!(refused(&hooked(hook, "another secret")), (true, 0));
    let mut changed = hook.clone();
    changed.body.push(b' ');
    assert_eq!(refused(&hooked(&changed, SECRET)), (true, 0), "a changed body");
    for odd in ["", "sha256=", "sha1=abc", "abc"] {
        let headers = vec![Field::new("ashby-signature", odd)];
        let hook = Hook { headers, body: hook.body.clone() };
        let end = match Ashby::start(Task::Hook(hook), &given()) {
            Ok(Step::Done(Outcome::Hooked(hooked))) => refused(&hooked),
            Ok(Step::Verify(verify)) => {
                match Ashby::resume(verify.state, &given(), Reply::Verified(false)) {
                    Ok(Step::Done(Outcome::Hooked(hooked))) => refused(&hooked),
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(end, (true, 0), "{odd}");
    }
    world.running.shutdown().await;
}
