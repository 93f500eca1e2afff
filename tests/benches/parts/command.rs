//! The command line in a process of its own, measured.
//!
//! A benchmark that uses it is `atsync` when it is started with `--config`, and the compiler that
//! `atsync` starts from its own program when it is started with `compile-component`: see
//! [`as_program`]. So what is measured is the command line itself, and `/proc` has its peak.

use super::process::{cpu_us, memory_kib};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// The start of the line that a measured process prints at its end.
const USED: &str = "used:";

/// What one run of the command line used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// By the clock, with the start of the process.
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    /// The peak of resident memory.
    pub(crate) peak_mib: f64,
    /// What of it was anonymous at the end: not the program's own pages.
    pub(crate) anonymous_mib: f64,
}

/// Runs the command line where these arguments are for it.
pub(crate) fn as_program(arguments: &[String]) -> Option<ExitCode> {
    match arguments.first().map(String::as_str) {
        Some("--config") => {
            let code = atsync_daemon::main();
            let mib = |name: &str| memory_kib(name) as f64 / 1024.0;
            let cpu = cpu_us() / 1e6;
            eprintln!("{USED} {cpu:.3} {:.1} {:.1}", mib("VmHWM:"), mib("RssAnon:"));
            Some(code)
        }
        Some("compile-component") => Some(atsync_daemon::main()),
        _ => None,
    }
}

/// Writes the configuration of a connection `acme` to the ATS at this address.
pub(crate) fn configure(directory: &Path, url: &str) {
    let config = format!(
        r#"store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = {{ scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = {{ env = "GH_SECRET" }} }}
origins = {{ api = "{url}", auth = "{url}" }}
allow_private_network = true
"#
    );
    std::fs::write(directory.join("acme.toml"), config).unwrap();
}

/// Runs a command in a directory with a configuration. What it prints is dropped as it comes.
pub(crate) fn run(directory: &Path, command: &[&str]) -> Used {
    let started = Instant::now();
    let ran = Command::new(std::env::current_exe().unwrap())
        .current_dir(directory)
        .args(["--config", "acme.toml"])
        .args(command)
        .env("GH_SECRET", "sandbox-secret")
        .env("ATSYNC_CACHE_DIR", directory.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{command:?}: {said}");
    let used = said.lines().find_map(|line| line.strip_prefix(USED)).unwrap();
    let numbers: Vec<f64> = used.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [cpu_seconds, peak_mib, anonymous_mib] = numbers[..] else { panic!("{used}") };
    Used { seconds, cpu_seconds, peak_mib, anonymous_mib }
}
