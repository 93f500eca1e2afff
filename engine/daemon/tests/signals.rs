//! Real signals stop the binary, and make it read its configuration again.
//!
//! Method: the sandbox holds a chosen request for a while; when its log shows that request, the
//! signal is sent. Everything else waits for a line that the program prints, never for a time.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something does not hold")]

mod cli_support;

use atsync_greenhouse_sandbox::{Fault, FaultKind};
use cli_support::Site;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};

const RECORD: &str = r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"],
    "notes":[{"key":"n","body":"One."},{"key":"m","body":"Two."}]}"#;

fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

fn writes(site: &Site) -> usize {
    site.sandbox().writes().len()
}

/// A running program and its output.
struct Program {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Program {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut child =
            site.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    /// Reads on until a line contains this text.
    async fn says(&mut self, words: &str) {
        loop {
            let line = self.out.next_line().await.unwrap();
            let Some(line) = line else { panic!("it ended without saying {words:?}") };
            if line.contains(words) {
                return;
            }
        }
    }

    async fn complains(&mut self, words: &str) {
        loop {
            let line = self.err.next_line().await.unwrap();
            let Some(line) = line else { panic!("it ended without complaining of {words:?}") };
            if line.contains(words) {
                return;
            }
        }
    }

    async fn code(mut self) -> Option<i32> {
        self.child.wait().await.unwrap().code()
    }
}

async fn no_effect_begins_after(name: &str) {
    let apply = ["apply", "acme", "--desired", "r.json", "--yes"];
    let other = Site::start().await;
    other.write("r.json", RECORD);
    let ran = other.run(&apply).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let undisturbed = writes(&other);

    let site = Site::start().await;
    site.write("r.json", RECORD);
    site.sandbox().faults().add(Fault::once(
        "POST",
        "/v3/candidates",
        FaultKind::Slow { delay_ms: 1_500 },
    ));
    let mut program = Program::start(&site, &apply);
    let is_create = |logged: &atsync_greenhouse_sandbox::Logged| {
        logged.method == "POST" && logged.path == "/v3/candidates"
    };
    while !site.sandbox().requests().iter().any(is_create) {
        assert!(program.child.try_wait().unwrap().is_none(), "it ended before its first effect");
        tokio::task::yield_now().await;
    }
    signal(&program.child, name);
    program.complains("no new effect begins").await;
    assert_eq!(program.code().await, Some(1), "not everything came about");
    assert_eq!(writes(&site), 1, "the effect on its way ended, and none began after {name}");
    let again = site.run(&apply).await;
    assert_eq!(again.code, 0, "{again:?}");
    let all: Vec<String> =
        site.sandbox().writes().into_iter().map(|write| format!("{write:?}")).collect();
    assert_eq!(writes(&site), undisturbed, "the rest came about, nothing twice: {all:#?}");
}

#[tokio::test]
async fn after_sigterm_no_write_starts_and_the_one_under_way_finishes() {
    no_effect_begins_after("-TERM").await;
}

#[tokio::test]
async fn after_sigint_no_write_starts_and_the_one_under_way_finishes() {
    no_effect_begins_after("-INT").await;
}

#[tokio::test]
async fn run_exits_with_0_when_it_is_stopped() {
    let site = Site::start().await;
    for name in ["-TERM", "-INT"] {
        let mut program = Program::start(&site, &["run"]);
        program.says("acme keeping candidates, jobs in step").await;
        signal(&program.child, name);
        program.says("acme stopped").await;
        assert_eq!(program.code().await, Some(0));
    }
}

#[tokio::test]
async fn sighup_reads_configuration_and_secrets_again_and_a_mistake_changes_nothing() {
    let site = Site::start().await;
    let by_file = site.config().replace("{ env = \"GH_SECRET\" }", "{ file = \"secret\" }");
    site.write("acme.toml", &by_file);
    site.write("secret", "not-the-secret\n");
    let mut program = Program::start(&site, &["run"]);
    program.says("acme keeping candidates, jobs in step").await;
    program.says("acme failed").await;

    // A mistake is reported, and the running connections continue.
    site.write("acme.toml", &by_file.replace("*/15 * * * *", "hourly"));
    signal(&program.child, "-HUP");
    program.complains("connections.acme.schedule.jobs: \"hourly\" is no cron expression").await;
    site.write("acme.toml", &by_file.replace("[connections", "[connections["));
    signal(&program.child, "-HUP");
    let unchanged = "was not read again, and all connections continue unchanged: acme.toml:";
    program.complains(unchanged).await;
    site.write("acme.toml", &by_file);
    std::fs::remove_file(site.path("secret")).unwrap();
    signal(&program.child, "-HUP");
    program.complains("acme.toml: connections.acme.auth.client_secret").await;

    // The connection uses a new secret at once, without a restart.
    site.write("secret", "sandbox-secret\n");
    signal(&program.child, "-HUP");
    program.complains("read acme.toml again").await;
    program.says("acme pulled jobs").await;

    // A new connection starts; a changed one restarts; a removed one ends.
    let table = by_file.split_once("[connections.acme]").unwrap().1;
    let other = table.replace("jobs = \"*/15 * * * *\", ", "");
    site.write("acme.toml", &format!("{by_file}\n[connections.other]{other}"));
    signal(&program.child, "-HUP");
    program.says("other keeping candidates in step").await;
    let changed = format!("store = \"acme.redb\"\n[connections.other]{table}");
    site.write("acme.toml", &changed);
    signal(&program.child, "-HUP");
    program.says("other keeping candidates, jobs in step").await;
    signal(&program.child, "-TERM");
    program.says("other stopped").await;
    assert_eq!(program.code().await, Some(0));
}

/// A fault of one connection is reported, stops no other connection, and is repaired by SIGHUP.
#[tokio::test]
async fn a_connection_that_cannot_start_stops_no_other() {
    let wrongs = [
        ("adapter = \"greenhouse\"", "adapter = \"gone.wasm\"", "gone.wasm cannot be read"),
        ("GH_SECRET", "GH_UNSET", "GH_UNSET"),
        ("allow_private_network = true", "allow_private_network = \"yes\"", "invalid type"),
        ("candidates =", "unicorns =", "unicorns"),
        ("origins = { api", "origins = { apis", "apis"),
    ];
    for (from, to, words) in wrongs {
        let site = Site::start().await;
        let good = site.config();
        let table = good.split_once("[connections.acme]").unwrap().1;
        assert!(table.contains(from));
        site.write("acme.toml", &format!("{good}\n[connections.bad]{}", table.replace(from, to)));
        let mut program = Program::start(&site, &["run"]);
        program.says(words).await;
        program.says("acme pulled jobs").await;
        site.write("acme.toml", &format!("{good}\n[connections.bad]{table}"));
        signal(&program.child, "-HUP");
        program.says("bad keeping candidates, jobs in step").await;
        signal(&program.child, "-TERM");
        assert_eq!(program.code().await, Some(1), "one could not begin");
        site.write("acme.toml", &format!("{good}\n[connections.bad]{}", table.replace(from, to)));
        let status = site.run(&["status"]).await;
        assert!(status.out.contains("acme (greenhouse"), "{status:?}");
    }
}
