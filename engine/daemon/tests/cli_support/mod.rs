//! A sandbox on real sockets, a configuration for it, and the binary run as a user would run it.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests stops where something is not as it must be"
)]

use atsync_greenhouse_sandbox::{RunningSandbox, Sandbox, SandboxOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

/// A company, and a directory with an `acme.toml` that points to it.
pub(crate) struct Site {
    pub(crate) running: RunningSandbox,
    pub(crate) directory: TempDir,
}

/// The exit code and the output of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The only line that begins with `error:`, without that word.
    pub(crate) fn error(&self) -> String {
        let errors: Vec<&str> =
            self.err.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(errors.len(), 1, "one clear message each, but: {self:?}");
        errors.concat()
    }

    /// The lines of stdout as JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::sized(60).await
    }

    /// A company with this many candidates.
    pub(crate) async fn sized(candidates: usize) -> Self {
        let mut options = SandboxOptions::sized(3, candidates);
        // The tests check texts, exit codes and numbers of calls; none should wait for a budget.
        options.rate_limit = 10_000;
        let site = Self {
            running: Sandbox::start(options).await.unwrap(),
            directory: tempfile::tempdir().unwrap(),
        };
        site.write("acme.toml", &site.config());
        site
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.running.sandbox()
    }

    pub(crate) fn config(&self) -> String {
        let url = self.running.base_url();
        format!(
            r#"store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = {{ scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = {{ env = "GH_SECRET" }} }}
origins = {{ api = "{url}", auth = "{url}" }}
allow_private_network = true
schedule = {{ jobs = "*/15 * * * *", candidates = "*/5 * * * *" }}
"#
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = atsync(self.directory.path(), arguments);
        command.env("GH_SECRET", "sandbox-secret");
        command
    }

    /// Runs `atsync --config acme.toml …`.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments)).await
    }

    /// The title of an open job that no other job has.
    pub(crate) fn job(&self) -> String {
        self.jobs().remove(0)
    }

    /// The titles of open jobs that no other job has.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let jobs = self.sandbox().rows("jobs");
        let title = |row: &serde_json::Value| row["name"].as_str().unwrap_or_default().to_owned();
        let fit = |row: &&serde_json::Value| {
            row["status"] == "open"
                && row["confidential"] != true
                && jobs.iter().filter(|other| title(other) == title(row)).count() == 1
        };
        jobs.iter().filter(fit).map(title).collect()
    }
}

/// The binary in a directory with a configuration; it never prompts.
pub(crate) fn atsync(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atsync"));
    command
        .current_dir(directory)
        .env("ATSYNC_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"))
        .env_remove("RUST_LOG")
        .env_remove("GH_SECRET")
        .args(["--config", "acme.toml"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(crate) async fn finish(mut command: Command) -> Ran {
    let output = command.output().await.unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
