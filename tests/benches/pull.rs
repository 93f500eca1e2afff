//! A pull of many candidates from a sandbox in another process into a store file: CPU seconds and
//! peak memory of the process that pulls.
//!
//! The goals: 20,000 candidates in at most 0.4 times the CPU of a script of Python's standard
//! library that pulls them into SQLite (`pull_sqlite.py` beside this file, run by `python3`),
//! start, component and store included; at most 40 MiB once the compiled component is cached, flat
//! as the number grows; at most 2 KiB of file a candidate.
//!
//! The benchmark measures the command line itself (`parts/command.rs`), and runs as the sandbox
//! when it is started with `sandbox N`. With numbers or without arguments it starts both and prints
//! the figures. It refuses other arguments: measuring on those as well would start itself without
//! end.
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

#[path = "parts/command.rs"]
mod command;
#[path = "parts/figures.rs"]
mod figures;
#[path = "parts/process.rs"]
mod process;

use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use figures::{figure, grouped};
use process::sizes;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = command::as_program(&arguments) {
        return code;
    }
    match arguments.first().map(String::as_str) {
        Some("sandbox") => {
            serve(arguments.get(1).and_then(|number| number.parse().ok()).unwrap_or(20_000))
        }
        _ => {
            // Cargo's own argument only says that a benchmark runs.
            let given = arguments.iter().filter(|argument| *argument != "--bench");
            let Ok(given) = given.map(|number| number.parse()).collect::<Result<Vec<usize>, _>>()
            else {
                eprintln!("usage: pull [NUMBER OF CANDIDATES]...");
                return ExitCode::FAILURE;
            };
            let sizes = if given.is_empty() { vec![5_000, 20_000, 200_000] } else { given };
            sizes.into_iter().for_each(measure);
            ExitCode::SUCCESS
        }
    }
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
    command::configure(directory.path(), url.trim());
    let (at, mut cached) = (format!("{} candidates", grouped(candidates)), Vec::new());
    for round in ["component compiled", "component cached", "component cached", "component cached"]
    {
        let used = command::run(directory.path(), &["pull", "acme", "--kinds", "candidates"]);
        let file = directory.path().join("acme.redb");
        let (length, disk) = sizes(&file);
        println!(
            "{candidates} candidates, {round}: {:.2} s, {:.2} s CPU, peak {:.1} MiB (of it \
             anonymous at the end {:.1} MiB), store {} MiB long, {} on disk",
            used.seconds,
            used.cpu_seconds,
            used.peak_mib,
            used.anonymous_mib,
            length >> 20,
            disk >> 20
        );
        if round == "component cached" {
            cached.push((used, disk as f64));
        }
        std::fs::remove_file(file).unwrap();
    }
    // The least of some runs says most on a machine that others use too.
    let cpu = cached.iter().map(|(used, _)| used.cpu_seconds).fold(f64::MAX, f64::min);
    let peak = cached.iter().map(|(used, _)| used.peak_mib).fold(0.0, f64::max);
    let disk = cached.iter().map(|(_, disk)| *disk).fold(0.0, f64::max);
    figure("pull.cpu_s", cpu, &at);
    figure("pull.peak_mib", peak, &at);
    figure("pull.file_bytes_each", disk / candidates.max(1) as f64, &at);
    let scripts = (0..2).filter_map(|_| script(directory.path(), url.trim()));
    if let Some(least) = scripts.reduce(f64::min) {
        figure("pull.script_cpu_s", least, &at);
        figure("pull.cpu_to_script", cpu / least, &at);
    }
}

/// Runs the script of the comparison, and returns its CPU seconds.
fn script(directory: &Path, url: &str) -> Option<f64> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pull_sqlite.py");
    let file = directory.join("acme.sqlite");
    let ran = match Command::new("python3").arg(program).arg(url).arg(&file).output() {
        Ok(ran) => ran,
        Err(error) => {
            println!("no comparison: python3 does not start: {error}");
            return None;
        }
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    let said: Vec<&str> = said.split_whitespace().collect();
    let [candidates, seconds, mebibytes] = said[..] else { panic!("{said:?}") };
    let (_, disk) = sizes(&file);
    std::fs::remove_file(&file).unwrap();
    println!(
        "{candidates} candidates, python3 into sqlite: {seconds} s CPU, peak {mebibytes} MiB, \
         store {} MiB",
        disk >> 20
    );
    Some(seconds.parse().unwrap())
}
