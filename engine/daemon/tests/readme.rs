//! README's own configuration, records and commands, run on README's own sandbox: a reader who
//! follows it line by line succeeds.
//!
//! Method: the test reads the blocks of README.md unchanged, except for the sandbox's port and the
//! length of `run`. Left out: what README says about a real Greenhouse, and the Rust blocks, which
//! `examples/` covers.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod cli_support;

use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use cli_support::{Ran, Site};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

const ADDRESS: &str = "127.0.0.1:8099";

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap()
}

/// The blocks of one language, in their order.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let fenced = readme.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")))
        .map(str::to_owned)
        .collect()
}

/// README's setup: its configuration beside the company that its sandbox command starts.
async fn site(readme: &str) -> Site {
    let commands = blocks(readme, "sh").concat();
    assert!(
        commands.contains(&format!("--listen {ADDRESS} --candidates 240\n")),
        "the sandbox of this test is another one"
    );
    let mut options = SandboxOptions::sized(1, 240);
    options.rate_limit = 10_000;
    let site = Site {
        running: Sandbox::start(options).await.unwrap(),
        directory: tempfile::tempdir().unwrap(),
    };
    let url = site.running.base_url();
    let config = blocks(readme, "toml").concat();
    site.write("acme.toml", &config.replace(&format!("http://{ADDRESS}"), &url));
    site
}

async fn ran(site: &Site, arguments: &[&str]) -> Ran {
    let mut command = site.command(arguments);
    command.env("GH_ID", "sandbox");
    cli_support::finish(command).await
}

/// Runs `run` until it reports that it keeps records in step, then stops it.
async fn run(site: &Site) -> Option<i32> {
    let mut command = site.command(&["run"]);
    let mut child = command.env("GH_ID", "sandbox").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().contains("keeping"));
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    // Read to the end, so that the program never waits for a reader.
    while lines.next_line().await.unwrap().is_some() {}
    child.wait().await.unwrap().code()
}

#[tokio::test]
async fn every_command_of_the_readme_works_in_its_own_sandbox() {
    let readme = readme();
    let site = site(&readme).await;
    site.write("referrals.jsonl", &blocks(&readme, "json")[0]);
    let scripts = blocks(&readme, "sh");
    let script = scripts.iter().find(|script| script.starts_with("atsync check")).unwrap();
    let mut tried = 0;
    for line in script.lines() {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().skip(1).collect();
        tried += 1;
        if words == ["run"] {
            assert_eq!(run(&site).await, Some(0), "{line}");
            continue;
        }
        let done = ran(&site, &words).await;
        let expected = if words[0] == "plan" { 2 } else { 0 };
        assert_eq!(done.code, expected, "{line}: {done:?}");
    }
    assert!(tried >= 9, "{script}");
    assert_eq!(site.sandbox().candidates_by_email("ada@example.com").len(), 1);
}

#[tokio::test]
async fn every_record_of_the_readme_is_applied_with_the_setting_that_it_names() {
    let readme = readme();
    let site = site(&readme).await;
    site.write("referrals.jsonl", &blocks(&readme, "json").concat());
    let apply = ["apply", "acme", "--desired", "referrals.jsonl", "--yes"];
    let without = ran(&site, &["plan", "acme", "--desired", "referrals.jsonl"]).await;
    assert!(without.code == 2 && without.out.contains("user_invitations = true"), "{without:?}");
    assert!(without.out.contains("withheld: users.create"), "{without:?}");
    let config = std::fs::read_to_string(site.path("acme.toml")).unwrap();
    assert!(config.contains("settings = { "));
    site.write(
        "acme.toml",
        &config.replace("settings = { ", "settings = { user_invitations = true, "),
    );
    let done = ran(&site, &apply).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(ran(&site, &["plan", "acme", "--desired", "referrals.jsonl"]).await.code, 0);
    assert_eq!(site.sandbox().candidates_by_email("alan@example.com").len(), 1);
}
