//! Runs shell scripts beside a Greenhouse sandbox, in a folder of their own.

use crate::book::Block;
use atsync_greenhouse_sandbox::{PartnerClient, RunningSandbox, Sandbox, SandboxOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

/// The addresses that the guide's commands name: the sandbox, and `atsync serve`.
const SANDBOX: &str = "127.0.0.1:8099";
const SERVE: &str = "127.0.0.1:8470";
/// How the guide starts its sandbox.
pub(crate) const SANDBOX_COMMAND: &str = "cargo run --release -p atsync-greenhouse-sandbox -- \
    --listen 127.0.0.1:8099 --candidates 240 \
    --redirect-uri http://127.0.0.1:8470/connect/callback";
/// The longest that a chapter takes.
const SECONDS_MAX: u64 = 120;
/// Divides the output of blocks.
const MARK: &str = "@@ block";

pub(crate) struct Folder {
    sandbox: RunningSandbox,
    directory: TempDir,
    serve: String,
}

/// A group of processes that ends with it.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0);
        drop(std::process::Command::new("kill").args(["-KILL", "--", &group]).output());
    }
}

impl Folder {
    pub(crate) async fn new() -> Self {
        // Nothing else of this machine is likely to take the port before the server does.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let serve = free.local_addr().unwrap().to_string();
        let mut options = SandboxOptions { rate_limit: 10_000, ..SandboxOptions::sized(1, 240) };
        let callback = format!("http://{serve}/connect/callback");
        options.partners =
            vec![PartnerClient::new("sandbox-partner", "sandbox-partner-secret", &callback)];
        let sandbox = Sandbox::start(options).await.unwrap();
        Self { sandbox, directory: tempfile::tempdir().unwrap(), serve }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.sandbox()
    }

    fn here(&self, text: &str) -> String {
        let sandbox = self.sandbox.base_url().replace("http://", "");
        text.replace(SANDBOX, &sandbox).replace(SERVE, &self.serve)
    }

    fn as_written(&self, text: &str) -> String {
        let sandbox = self.sandbox.base_url().replace("http://", "");
        text.replace(&sandbox, SANDBOX).replace(&self.serve, SERVE)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), self.here(text)).unwrap();
    }

    /// Runs a script; stdout, when the script ended well.
    pub(crate) async fn run(&self, script: &str) -> Result<String, String> {
        let bin = Path::new(env!("CARGO_BIN_EXE_atsync")).parent().unwrap().to_path_buf();
        let mut path: Vec<PathBuf> = vec![bin];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &self.here(script)])
            .current_dir(self.directory.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("ATSYNC_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"))
            .env_remove("RUST_LOG")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let _group = Group(child.id().unwrap());
        let limit = std::time::Duration::from_secs(SECONDS_MAX);
        let ended = tokio::time::timeout(limit, child.wait_with_output()).await;
        let ended = ended.map_err(|_| format!("it took more than {SECONDS_MAX} s"))?.unwrap();
        let out = self.as_written(&String::from_utf8(ended.stdout).unwrap());
        let err = String::from_utf8_lossy(&ended.stderr);
        if ended.status.success() {
            return Ok(out);
        }
        Err(format!("{}\n--- stdout\n{out}\n--- stderr\n{err}", ended.status))
    }

    /// Runs the blocks of a chapter one after the other in one shell; the output of each.
    pub(crate) async fn run_blocks(&self, blocks: &[&Block]) -> Result<Vec<String>, String> {
        // What is left in the background ends with the script, so that its output ends too.
        let mut script = "trap 'jobs -p | xargs -r kill; wait' EXIT\n".to_owned();
        for block in blocks {
            script.push_str(&format!("echo '{MARK} {}'\n{}", block.line, block.text));
        }
        let out = self.run(&script).await?;
        Ok(out
            .split(MARK)
            .skip(1)
            .map(|part| part.split_once('\n').map(|(_, out)| out.to_owned()).unwrap_or_default())
            .collect())
    }
}

/// Whether output is as documented: `…` stands for any text within a line, and alone on a line for
/// any lines.
pub(crate) fn is_as_documented(documented: &str, printed: &str) -> bool {
    let documented: Vec<&str> = documented.lines().collect();
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    lines_fit(&documented, &printed)
}

fn lines_fit(documented: &[&str], printed: &[&str]) -> bool {
    match (documented.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=printed.len()).any(|at| lines_fit(rest, &printed[at..])),
        (Some((line, rest)), Some((first, others))) => {
            line_fits(line, first) && lines_fit(rest, others)
        }
        _ => false,
    }
}

fn line_fits(documented: &str, printed: &str) -> bool {
    let Some((start, rest)) = documented.split_once('…') else { return documented == printed };
    let Some(printed) = printed.strip_prefix(start) else { return false };
    let cuts = printed.char_indices().map(|(at, _)| at).chain([printed.len()]);
    cuts.into_iter().any(|at| line_fits(rest, &printed[at..]))
}
