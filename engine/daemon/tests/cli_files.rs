//! The store's file as the commands treat it: private, unchanged by commands that only read, and
//! never read when it is damaged.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where something does not hold"
)]
mod cli_support;

use cli_support::{Ran, Site, atsync, finish};
use std::os::unix::fs::PermissionsExt;
use tokio::process::Command;

/// The commands that are documented as reading the store only.
const READERS: [&[&str]; 6] = [
    &["status"],
    &["status", "acme", "--json"],
    &["get", "acme", "candidates", "--json"],
    &["get", "acme", "jobs", "--raw"],
    &["changes", "acme", "--after", "0", "--json"],
    &["explain", "acme", "candidates", "a"],
];
/// The commands that write the store and send nothing.
const WRITERS: [&[&str]; 5] = [
    &["pause", "acme", "a"],
    &["resume", "acme", "a"],
    &["observe", "acme", "a"],
    &["trim", "acme", "--days", "1"],
    &["erase", "acme", "--key", "a", "--yes"],
];

/// A store that knows candidates, jobs and a desired record.
async fn lived() -> Site {
    let site = Site::start().await;
    let pulled = site.run(&["pull", "acme", "--kinds", "candidates,jobs"]).await;
    assert_eq!(pulled.code, 0, "{pulled:?}");
    site.write(
        "r.jsonl",
        r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#,
    );
    assert_eq!(site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await.code, 0);
    site
}

/// Runs without the secret, which a command that sends nothing does not read.
async fn offline(site: &Site, arguments: &[&str]) -> Ran {
    finish(atsync(site.directory.path(), arguments)).await
}

#[tokio::test]
async fn commands_that_read_the_store_send_nothing_and_leave_its_bytes() {
    let site = lived().await;
    let before = std::fs::read(site.path("acme.redb")).unwrap();
    site.sandbox().clear_logs();
    for reader in READERS {
        let ran = offline(&site, reader).await;
        assert_eq!(ran.code, 0, "{reader:?}: {ran:?}");
        assert!(
            std::fs::read(site.path("acme.redb")).unwrap() == before,
            "{reader:?} changed the file"
        );
    }
    for writer in WRITERS {
        let ran = offline(&site, writer).await;
        assert_eq!(ran.code, 0, "{writer:?}: {ran:?}");
    }
    assert_eq!(site.sandbox().requests().len(), 0);
}

#[tokio::test]
async fn only_its_owner_can_read_a_store_under_any_umask() {
    let site = Site::start().await;
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000 && exec \"$0\" --config acme.toml pull acme --kinds jobs"]);
    command
        .arg(env!("CARGO_BIN_EXE_atsync"))
        .current_dir(site.directory.path())
        .env("GH_SECRET", "sandbox-secret");
    let ran = finish(command).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let mode = || std::fs::metadata(site.path("acme.redb")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    assert_eq!(offline(&site, &["compact"]).await.code, 0);
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(site.path("acme.redb"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let ran = offline(&site, &["status"]).await;
    assert!(ran.code == 0 && ran.err.contains("other users") && mode() == 0o600, "{ran:?}");
}

#[tokio::test]
async fn a_secret_file_that_other_users_can_read_gives_a_warning() {
    let site = Site::start().await;
    site.write("acme.toml", &site.config().replace("env = \"GH_SECRET\"", "file = \"key\""));
    site.write("key", "sandbox-secret\n");
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(site.path("key"), std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = offline(&site, &["pull", "acme", "--kinds", "jobs"]).await;
        assert_eq!((ran.code, ran.err.contains("chmod 600")), (0, warned), "{ran:?}");
    }
}

#[tokio::test]
async fn an_empty_file_is_refused_by_every_command_and_stays_empty() {
    let site = Site::start().await;
    site.write("acme.redb", "");
    for arguments in
        READERS.iter().chain(&WRITERS).copied().chain([&["pull", "acme"][..], &["compact"][..]])
    {
        let ran = site.run(arguments).await;
        assert!(ran.code == 1 && ran.error().contains("is empty"), "{arguments:?}: {ran:?}");
        assert_eq!(std::fs::metadata(site.path("acme.redb")).unwrap().len(), 0);
    }
    assert_eq!(site.sandbox().requests().len(), 0);
}

/// The store's own law uses a thousand seeds; here each seed starts several processes.
/// `ATSYNC_DAMAGED_FILES` sets the number (8 without it).
#[tokio::test]
async fn no_command_reads_a_damaged_file_or_shows_a_panic() {
    let seeds: u64 =
        std::env::var("ATSYNC_DAMAGED_FILES").map_or(8, |seeds| seeds.parse().unwrap());
    let site = lived().await;
    let file = site.path("acme.redb");
    let whole = std::fs::read(&file).unwrap();
    let mut truth = Vec::new();
    for reader in READERS {
        truth.push(offline(&site, reader).await.out);
    }
    let (mut refused, mut same) = (0, 0);
    for seed in 0..seeds {
        let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut below = |bound: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound
        };
        let mut bytes = whole.clone();
        match below(4) {
            0 => (0..20).for_each(|_| bytes[below(whole.len())] ^= 1 << below(8)),
            1 => {
                let at = below(whole.len() - 65_536);
                bytes[at..at + 65_536].fill(0);
            }
            2 => bytes.truncate(below(whole.len())),
            _ => {
                let (a, b) =
                    (below(whole.len() / 4_096) * 4_096, below(whole.len() / 4_096) * 4_096);
                bytes.copy_within(a..(a + 16_384).min(whole.len()), b.min(whole.len() - 16_384));
            }
        }
        for (reader, truth) in READERS.iter().zip(&truth) {
            std::fs::write(&file, &bytes).unwrap();
            let ran = offline(&site, reader).await;
            assert!(!ran.err.contains("panicked"), "seed {seed}, {reader:?}: {ran:?}");
            if ran.code == 0 {
                assert!(ran.out == *truth, "seed {seed}, {reader:?}: something else was read");
                same += 1;
            } else {
                assert!(ran.error().contains("restore a copy"), "seed {seed}, {reader:?}: {ran:?}");
                refused += 1;
            }
        }
    }
    println!("{seeds} damaged files: {refused} refusals, {same} read as they were");
    assert!(refused > 0);
}
