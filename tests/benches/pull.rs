//! A pull of many candidates from a sandbox in another process into a store file: CPU seconds and
//! peak memory of the process that pulls.
//!
//! The goals: 20,000 candidates in at most 0.4 times the CPU of a script of Python's standard
//! library that pulls them into SQLite (`pull_sqlite.py` beside this file, run by `python3`),
//! start, component and store included; at most 40 MiB once the compiled component is cached, flat
//! as the number grows; at most 2 KiB of file a candidate.
//!
//! The benchmark measures the command line itself: this program runs as `atsync` when it is started
//! with `--config`, as the compiler that `atsync` starts from its own program when it is started
//! with `compile-component`, and as the sandbox when it is started with `sandbox N`. With numbers
//! or without arguments it starts the first and the last and prints the figures. It refuses other
//! arguments: measuring on those as well would start itself without end.
//!
//! `cargo bench -p atsync-tests --bench pull`, with other numbers of candidates behind `--`. The
//! figures come from `/proc`, so it runs on Linux only.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

/// The start of the line of figures.
const FIGURES: &str = "figures:";
/// Clock ticks of `/proc/self/stat` per second, the same on all Linux machines.
const TICKS_A_SECOND: f64 = 100.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--config") => {
            let code = atsync_daemon::main();
            eprintln!("{FIGURES} {}", figures());
            code
        }
        Some("sandbox") => {
            serve(arguments.get(1).and_then(|number| number.parse().ok()).unwrap_or(20_000))
        }
        Some("compile-component") => atsync_daemon::main(),
        _ => {
            // Cargo's own argument only says that a benchmark runs.
            let given = arguments.iter().filter(|argument| *argument != "--bench");
            let Ok(given) = given.map(|number| number.parse()).collect::<Result<Vec<usize>, _>>()
            else {
                eprintln!("usage: pull [NUMBER OF CANDIDATES]...");
                return ExitCode::FAILURE;
            };
            let sizes = if given.is_empty() { vec![5_000, 20_000, 40_000] } else { given };
            sizes.into_iter().for_each(measure);
            ExitCode::SUCCESS
        }
    }
}

/// User and system time in seconds, peak of resident memory in MiB.
fn figures() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default()
    };
    let mut text = String::new();
    // Writing to a string never fails.
    let _ = write!(
        text,
        "user {:.2} s, system {:.2} s, peak {:.1} MiB (of it anonymous at the end {:.1} MiB)",
        ticks(11) / TICKS_A_SECOND,
        ticks(12) / TICKS_A_SECOND,
        kib("VmHWM:") / 1024.0,
        kib("RssAnon:") / 1024.0
    );
    text
}

#[tokio::main(flavor = "current_thread")]
async fn serve(candidates: usize) -> ExitCode {
    let options = SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, candidates) };
    let running = Sandbox::start(options).await.unwrap();
    println!("{}", running.base_url());
    std::future::pending().await
}

/// Ends the sandbox's process whatever happens.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(candidates: usize) {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(&program)
        .args(["sandbox", &candidates.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut serving = Serving(child);
    let mut url = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for round in ["component compiled", "component cached", "component cached"] {
        let (seconds, figures) = pull(&program, directory.path(), url.trim());
        let (length, disk) = sizes(&directory.path().join("acme.redb"));
        println!(
            "{candidates} candidates, {round}: {seconds:.2} s, {figures}, store {} MiB long, {} on \
             disk, {} bytes a candidate",
            length >> 20,
            disk >> 20,
            disk / candidates.max(1) as u64
        );
        std::fs::remove_file(directory.path().join("acme.redb")).unwrap();
    }
    script(directory.path(), url.trim());
}

/// Runs the script of the comparison.
fn script(directory: &Path, url: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pull_sqlite.py");
    let file = directory.join("acme.sqlite");
    let ran = match Command::new("python3").arg(program).arg(url).arg(&file).output() {
        Ok(ran) => ran,
        Err(error) => return println!("no comparison: python3 does not start: {error}"),
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    let figures: Vec<&str> = said.split_whitespace().collect();
    let [candidates, seconds, mebibytes] = figures[..] else { panic!("{said}") };
    let (_, disk) = sizes(&file);
    println!(
        "{candidates} candidates, python3 into sqlite: {seconds} s CPU, peak {mebibytes} MiB, \
         store {} MiB",
        disk >> 20
    );
}

/// The length of a file, and the bytes that it takes on the disk: redb doubles a file that is too
/// short, and what it has not written yet takes none.
fn sizes(file: &Path) -> (u64, u64) {
    let known = std::fs::metadata(file).unwrap();
    (known.len(), known.blocks() * 512)
}

fn pull(program: &Path, directory: &Path, url: &str) -> (f64, String) {
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
    let started = Instant::now();
    let ran = Command::new(program)
        .current_dir(directory)
        .args(["--config", "acme.toml", "pull", "acme", "--kinds", "candidates"])
        .env("GH_SECRET", "sandbox-secret")
        .env("ATSYNC_CACHE_DIR", directory.join("cache"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{said}");
    let figures =
        said.lines().find_map(|line| line.strip_prefix(FIGURES)).unwrap().trim().to_owned();
    (seconds, figures)
}
