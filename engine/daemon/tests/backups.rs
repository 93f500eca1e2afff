//! Backup, restore and doctor, with the binary over real HTTP: a backup of a store in use, a kill
//! at any moment of it, and what a store that was restored does and does not do.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where something does not hold"
)]
mod cli_support;

use atsync_greenhouse_sandbox::{Fault, FaultKind};
use cli_support::{Site, atsync, finish};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

const EMAIL: &str = "ada@new.example.com";
const ADA: &str =
    r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;
const APPLY: [&str; 5] = ["apply", "acme", "--desired", "r.jsonl", "--yes"];
/// Longer than any test runs: the process is killed.
const FOR_EVER_MS: u64 = 3_600_000;

async fn site() -> Site {
    let site = Site::start().await;
    site.write("acme.toml", &(site.config() + "settle_window_ms = 20\n"));
    site.write("r.jsonl", ADA);
    site
}

/// Starts `atsync serve`, and waits until it takes commands.
async fn serve(site: &Site) -> Child {
    let mut child =
        site.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("keeping") {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

async fn kill(mut child: Child) {
    child.start_kill().unwrap();
    child.wait().await.unwrap();
}

fn is_create(logged: &atsync_greenhouse_sandbox::Logged) -> bool {
    logged.method == "POST" && logged.path == "/v3/candidates"
}

/// The names of the files that begin so.
fn files(site: &Site, beginning: &str) -> Vec<String> {
    let entries = std::fs::read_dir(site.directory.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(beginning)).collect()
}

/// The backup is made while a create is on its way. The restored store finds the create in doubt,
/// sends nothing until its writes are allowed, and then ends with one candidate.
async fn one_candidate_after_a_restore(fault: FaultKind, sent_again: usize) {
    let site = site().await;
    let serving = serve(&site).await;
    site.sandbox().faults().add(Fault::once("POST", "/v3/candidates", fault));
    let mut applying =
        site.command(&APPLY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !site.sandbox().requests().iter().any(is_create) {
        assert!(applying.try_wait().unwrap().is_none(), "it ended before its write");
        tokio::task::yield_now().await;
    }
    // The process that serves writes it; the path is the caller's.
    let made = site.run(&["backup", "copy", "--json"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(made.json()[0]["rows"]["open_intents"], 1, "{made:?}");
    assert_eq!(files(&site, "copy"), ["copy"]);
    kill(serving).await;
    kill(applying).await;
    site.sandbox().faults().clear();

    let refused = site.run(&["restore", "copy"]).await;
    assert!(refused.code == 1 && refused.error().contains("acme.redb exists"), "{refused:?}");
    std::fs::rename(site.path("acme.redb"), site.path("lost")).unwrap();
    let restored = site.run(&["restore", "copy"]).await;
    assert_eq!(restored.code, 0, "{restored:?}");
    for words in ["writes of every connection are paused", "1 write was not settled", "erase them"]
    {
        assert!(restored.err.contains(words), "{words}: {restored:?}");
    }
    let status = site.run(&["status", "acme"]).await;
    assert!(status.out.contains("writes are paused since"), "{status:?}");

    site.sandbox().clear_logs();
    let paused = site.run(&APPLY).await;
    assert_eq!(site.sandbox().writes().len(), 0, "{paused:?}");
    let resumed = site.run(&["resume", "acme"]).await;
    assert!(resumed.code == 0 && resumed.out.contains("allowed again"), "{resumed:?}");
    // A probe that came too early is repeated later.
    while site.run(&APPLY).await.code != 0 {}
    assert_eq!(site.sandbox().candidates_by_email(EMAIL).len(), 1);
    assert_eq!(site.sandbox().writes().len(), sent_again);
}

#[tokio::test]
async fn a_write_that_had_arrived_when_the_backup_was_made_is_found_and_not_repeated() {
    one_candidate_after_a_restore(FaultKind::Slow { delay_ms: FOR_EVER_MS }, 0).await;
}

#[tokio::test]
async fn a_write_that_had_not_arrived_when_the_backup_was_made_is_sent_once() {
    one_candidate_after_a_restore(FaultKind::HoldBefore { delay_ms: FOR_EVER_MS }, 1).await;
}

#[tokio::test]
async fn a_kill_at_any_moment_of_a_backup_leaves_nothing_that_passes_for_one() {
    let site = Site::sized(1_500).await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidates"]).await.code, 0);
    let mut midway = 0;
    // A backup may end before the kill; the test fails only if no kill found one under way.
    for round in 0..20 {
        let name = format!("copy{round}");
        let mut child = site
            .command(&["backup", &name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while files(&site, &name).is_empty() && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        // Each round lets it come a little further.
        for _ in 0..round * 50 {
            tokio::task::yield_now().await;
        }
        kill(child).await;
        for file in files(&site, &name) {
            let verified = site.run(&["restore", "--verify", &file]).await;
            if file == name {
                assert_eq!(verified.code, 0, "it has its name, so it is whole: {verified:?}");
                continue;
            }
            midway += 1;
            let told = site.run(&["doctor", &file]).await;
            assert_eq!(told.code, verified.code, "{told:?} {verified:?}");
            // With its manifest and without its name it is whole, too.
            let is_whole = verified.code == 0;
            assert!(is_whole || verified.code == 1 && !verified.error().is_empty());
            let size = std::fs::metadata(site.path(&file)).unwrap().len();
            assert!(
                is_whole
                    || size < 8_192
                    || told.out.contains("was not finished")
                    || told.out.contains("is empty")
                    || told.out.contains("begins with zeros"),
                "{told:?}"
            );
        }
    }
    assert!(midway > 0, "no backup was killed midway");
    assert_eq!(site.run(&["backup", "whole"]).await.code, 0);
    let verified = site.run(&["restore", "--verify", "whole"]).await;
    assert!(verified.code == 0 && verified.out.contains("whole backup"), "{verified:?}");
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_named_and_the_doctor_says_what_to_do() {
    let site = site().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "jobs"]).await.code, 0);
    assert_eq!(site.run(&["backup", "copy"]).await.code, 0);
    let whole = std::fs::read(site.path("copy")).unwrap();
    for at in [30, 9_000, whole.len() - 5_000] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(site.path("flipped"), &bytes).unwrap();
        let verified = site.run(&["restore", "--verify", "flipped"]).await;
        let said = verified.error();
        assert!(verified.code == 1 && said.contains("flipped is damaged"), "{at}: {said}");
        let told = site.run(&["doctor", "flipped"]).await;
        assert!(told.code == 1 && told.out.contains("atsync restore FILE"), "{told:?}");
        assert!(std::fs::read(site.path("flipped")).unwrap() == bytes);
    }
}

#[tokio::test]
async fn the_doctor_says_what_each_file_is_and_changes_none() {
    let site = site().await;
    let pulled = site.run(&["pull", "acme", "--kinds", "jobs"]).await;
    assert_eq!(pulled.code, 0, "{pulled:?}");
    assert_eq!(site.run(&["backup", "copy"]).await.code, 0);
    site.write("text", "key,name\n");
    site.write("empty", "");
    std::fs::write(site.path("zipped"), b"\x1f\x8b\x08 and so on").unwrap();
    let store = std::fs::read(site.path("acme.redb")).unwrap();
    let newer: Vec<u8> = [&b"atsync store 9\r\n"[..], &store[16..]].concat();
    let newer = [&newer[..4_096], b"atsync store 9\r\n", &newer[4_112..]].concat();
    std::fs::write(site.path("newer"), newer).unwrap();
    for (arguments, code, words) in [
        (&["doctor"][..], 0, "is a store of layout 4"),
        (&["doctor", "copy"], 0, "is a backup with"),
        (&["doctor", "text"], 1, "is a text"),
        (&["doctor", "empty"], 1, "is empty"),
        (&["doctor", "zipped"], 1, "decompress it"),
        (&["doctor", "newer"], 1, "a newer version of atsync"),
        (&["doctor", "nothing"], 1, "does not exist"),
        (&["doctor", "."], 1, "is not a regular file"),
    ] {
        // Without secrets, and without a configuration where a file is named.
        let told = finish(atsync(site.directory.path(), arguments)).await;
        assert!(told.code == code && told.out.contains(words), "{arguments:?}: {told:?}");
        assert!(told.out.contains("oldest layout that it upgrades is 4"), "{told:?}");
        let json = [arguments, &["--json"]].concat();
        let told = finish(atsync(site.directory.path(), &json)).await;
        assert_eq!(told.json()[0]["good"], code == 0, "{told:?}");
    }
    assert!(std::fs::read(site.path("acme.redb")).unwrap() == store);

    let serving = serve(&site).await;
    let told = site.run(&["doctor"]).await;
    assert!(told.code == 0 && told.out.contains("a process has open"), "{told:?}");
    kill(serving).await;
    let left = std::fs::read(site.path("acme.redb")).unwrap();
    let told = site.run(&["doctor"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(std::fs::read(site.path("acme.redb")).unwrap() == left, "it repairs nothing");
}

#[tokio::test]
async fn a_paused_connection_is_read_and_planned_and_not_written() {
    let site = site().await;
    let paused = site.run(&["pull", "acme", "--kinds", "jobs"]).await;
    assert_eq!(paused.code, 0, "{paused:?}");
    assert_eq!(site.run(&["pause", "acme"]).await.code, 0);
    let plan = site.run(&["plan", "acme", "--desired", "r.jsonl"]).await;
    assert!(plan.code == 2 && plan.out.contains("candidates.create"), "{plan:?}");
    let refused = site.run(&APPLY).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let status = site.run(&["status", "acme"]).await;
    assert!(status.out.contains("`atsync resume acme` allows them"), "{status:?}");
    assert_eq!(site.run(&["pull", "acme"]).await.code, 0);
    assert_eq!(site.sandbox().writes().len(), 0);
    let resumed = site.run(&["resume", "acme"]).await;
    assert!(resumed.code == 0 && resumed.out.contains("allowed again"), "{resumed:?}");
    assert_eq!(site.run(&["apply", "acme", "--yes"]).await.code, 0);
    assert_eq!(site.sandbox().candidates_by_email(EMAIL).len(), 1);
    let again = site.run(&["resume", "acme"]).await;
    assert!(again.code == 0 && again.out.contains("were not paused"), "{again:?}");
}
