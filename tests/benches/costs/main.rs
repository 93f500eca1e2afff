//! Runs all benchmarks and prints one table of their figures beside the goals.
//!
//! Each benchmark is a process of its own, started by cargo with the features of the whole
//! workspace, so that nothing is compiled twice, and prints its figures as lines
//! (`parts/figures.rs`); those of criterion are read from its files. `goals.rs` has the words,
//! units and goals, and the first measurement of each. A benchmark that fails, or a figure that no
//! row names, is reported and makes this program fail; a goal that is not met does not.
//!
//! `just costs` measures at full size in 20 to 30 minutes; `just costs small` in some minutes at
//! sizes that say less. `just costs full pull page` runs these two alone. Left out: the first
//! release build, which is measured by hand, since it needs an empty target directory.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "../parts/figures.rs"]
mod figures;

mod criterion;
mod goals;

use figures::{FIGURE, Figure};
use goals::{Goal, ROWS, Row};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

/// A benchmark, and its arguments at full and at small size.
struct Bench {
    name: &'static str,
    full: &'static [&'static str],
    small: &'static [&'static str],
}

const fn bench(
    name: &'static str,
    full: &'static [&'static str],
    small: &'static [&'static str],
) -> Bench {
    Bench { name, full, small }
}

const BENCHES: &[Bench] = &[
    bench("adapter_call", &[], &["start", "resume"]),
    bench("neighbours", &[], &[]),
    bench("page", &[], &[]),
    bench("pull", &["5000", "20000", "200000"], &["2000", "5000"]),
    bench("upkeep", &["10000", "1000000"], &["2000", "10000"]),
    bench("lasting", &["10000", "1000000", "50000"], &["2000", "10000", "5000"]),
    bench("connections", &["10000", "100"], &["1000", "20"]),
    bench("saturation", &[], &[]),
    bench("reopen", &[], &[]),
];

fn main() -> ExitCode {
    // Cargo's own argument only says that a benchmark runs.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let small = match words.first().map(String::as_str) {
        None | Some("full") => false,
        Some("small") => true,
        _ => return usage(),
    };
    let only = words.get(1..).unwrap_or_default();
    if !only.iter().all(|name| BENCHES.iter().any(|bench| bench.name == name)) {
        return usage();
    }
    let asked = |bench: &&Bench| only.is_empty() || only.iter().any(|name| name == bench.name);
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for bench in BENCHES.iter().filter(asked) {
        let arguments = if small { bench.small } else { bench.full };
        match run(bench, arguments) {
            Some(figures) => found.extend(figures),
            None => failed.push(bench.name),
        }
    }
    print(&found, small);
    let unknown: Vec<&Figure> =
        found.iter().filter(|figure| !ROWS.iter().any(|row| row.name == figure.name)).collect();
    for figure in &unknown {
        println!("no row of `goals.rs` has the figure {}", figure.name);
    }
    if !failed.is_empty() {
        println!("these benchmarks failed: {}", failed.join(", "));
    }
    if failed.is_empty() && unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
    println!("usage: costs [full|small [BENCHMARK]...]; benchmarks: {}", names.join(", "));
    ExitCode::FAILURE
}

/// Runs a benchmark, shows what it prints, and returns its figures. None when it failed.
fn run(bench: &Bench, arguments: &[&str]) -> Option<Vec<Figure>> {
    println!("== {} {}", bench.name, arguments.join(" "));
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut child = Command::new(cargo)
        .args(["bench", "--locked", "--workspace", "--bench", bench.name, "--"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut found = Vec::new();
    for line in BufReader::new(child.stdout.take()?).lines().map_while(Result::ok) {
        match Figure::read(&line) {
            Some(figure) => found.push(figure),
            None if line.starts_with(FIGURE) => println!("no figure: {line}"),
            None => println!("{line}"),
        }
    }
    if !child.wait().ok()?.success() {
        return None;
    }
    found.extend(criterion::figures(bench.name)?);
    Some(found)
}

fn print(found: &[Figure], small: bool) {
    println!();
    if small {
        println!("Small sizes: a goal that is met here may not be met at full size.\n");
    }
    println!("| what | figure | goal | before | met |\n|---|---|---|---|---|");
    for row in ROWS {
        let figures: Vec<&Figure> = found.iter().filter(|figure| figure.name == row.name).collect();
        if figures.is_empty() && row.by_hand {
            println!("| {} | by hand | {} | {} | |", row.what, row.goal_words(), row.before);
        }
        for figure in figures {
            println!("{}", line(row, figure));
        }
    }
}

fn line(row: &Row, figure: &Figure) -> String {
    let at = if figure.at.is_empty() { String::new() } else { format!(" ({})", figure.at) };
    let met = match row.goal {
        Goal::None => "",
        Goal::AtMost(most) if figure.value <= most => "yes",
        Goal::AtLeast(least) if figure.value >= least => "yes",
        _ => "no",
    };
    let (what, goal, before) = (row.what, row.goal_words(), row.before);
    format!("| {what}{at} | {} | {goal} | {before} | {met} |", row.value(figure.value))
}
