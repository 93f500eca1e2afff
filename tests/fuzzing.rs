//! The fuzz targets without libFuzzer: every run of the tests uses each input of the corpus and
//! seeded mutations of it.
//!
//! The bodies are in `tests/fuzz`, the corpora in `tests/corpus`; `.ci/fuzz` runs the same bodies
//! under libFuzzer (`fuzz/Cargo.toml` says how). A failure prints the input, and its name or the
//! seed and the round. An input that failed once becomes a regression test: put it into
//! `fuzz/corpus/<target>/` under a descriptive name. `ATSYNC_FUZZ_SEED` and `ATSYNC_FUZZ_ROUNDS`
//! choose another seed or more rounds. Left out: guidance by coverage, which libFuzzer has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

/// Inputs grow by mutation; libFuzzer's default bound.
const INPUT_BYTES_MAX: usize = 4096;

/// Text that breaks parsers of any format.
const TOKENS: [&str; 40] = [
    "\n",
    "\n\n",
    "\n---\n",
    "..",
    "/../",
    "%2e%2e",
    "%2F",
    "//",
    "\\",
    "@",
    ":",
    "?",
    "#",
    ";",
    "%",
    "%zz",
    "\u{0}",
    "\u{feff}",
    "ü",
    "null",
    "true",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    "\"id\":",
    "{}",
    "[]",
    "-1",
    "0.1",
    "1e400",
    "5e-324",
    "9007199254740993",
    "18446744073709551616",
    "<",
    ">; rel=\"next\"",
    "\\ud800",
    "2026-13-40T25:61:61Z",
];

fn runs(target: &str, rounds: u64) {
    let body = atsync_fuzz_targets::TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("the target exists")
        .1;
    let inputs = atsync_fuzz_corpus::inputs(&atsync_fuzz_corpus::directory(), target).unwrap();
    assert!(!inputs.is_empty(), "there is a corpus");
    for (name, input) in &inputs {
        told(&format!("{target}: {name}"), input, body);
    }
    let corpus: Vec<Vec<u8>> = inputs.into_values().collect();
    let seed = number("ATSYNC_FUZZ_SEED").unwrap_or(0x5eed);
    println!("seed {seed:#x}");
    let mut chance = Chance(seed.max(1));
    for round in 0..number("ATSYNC_FUZZ_ROUNDS").unwrap_or(rounds) {
        let input = chance.mutated(&corpus);
        told(&format!("{target}: seed {seed:#x}, round {round}"), &input, body);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs one input; if it fails, prints which one.
fn told(name: &str, input: &[u8], body: fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        println!("{name}, input b\"{}\"", input.escape_ascii());
        resume_unwind(panic);
    }
}

/// Randomness from a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }

    fn span(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(input.len() + 1);
        start..start + self.below((input.len() - start).min(64) + 1)
    }

    /// An input of the corpus with one to six changes.
    fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(6) {
            let span = self.span(&input);
            match self.below(7) {
                0 if !input.is_empty() => {
                    let at = self.below(input.len());
                    input[at] ^= 1 << self.below(8);
                }
                1 if !input.is_empty() => {
                    let at = self.below(input.len());
                    input[at] = self.below(256) as u8;
                }
                2 => drop(input.drain(span)),
                3 => {
                    let copy = input[span.clone()].to_vec();
                    input.splice(span.start..span.start, copy);
                }
                4 => {
                    let other = &corpus[self.below(corpus.len())];
                    let piece = other[self.span(other)].to_vec();
                    input.splice(span, piece);
                }
                5 => drop(
                    input.splice(span.start..span.start, TOKENS[self.below(TOKENS.len())].bytes()),
                ),
                _ => drop(input.splice(span, TOKENS[self.below(TOKENS.len())].bytes())),
            }
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }
}

#[test]
fn no_url_leaves_its_grant() {
    runs("url", 20_000);
}

#[test]
fn no_reply_crashes_the_adapter_or_breaks_its_contract() {
    runs("adapter", 10_000);
}

#[test]
fn an_accepted_desired_record_reads_back_as_the_same() {
    runs("desired", 10_000);
}

#[test]
fn both_stores_ingest_any_page_alike() {
    runs("record", 1_000);
}

#[test]
fn foreign_rows_are_refused_by_name_and_read_rows_are_written_unchanged() {
    runs("row", 10_000);
}

#[test]
fn no_cursor_leads_away_from_the_ats() {
    runs("cursor", 10_000);
}

#[test]
fn every_target_is_run_by_libfuzzer_too_and_has_a_corpus() {
    let fuzz = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz"));
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in atsync_fuzz_targets::TARGETS {
        let source = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(fuzz.join("corpus").join(name).is_dir(), "{name}");
        assert!(fuzz.join("corpus").join(format!("{name}.tar.gz")).is_file(), "{name}");
        assert!(source.contains(&format!("atsync_fuzz_targets::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

#[test]
fn a_seed_in_a_file_of_its_own_has_a_descriptive_name() {
    let mut count = 0;
    for (target, _) in atsync_fuzz_targets::TARGETS {
        let seeds =
            atsync_fuzz_corpus::named(&atsync_fuzz_corpus::directory().join(target)).unwrap();
        for name in seeds.keys() {
            let hash = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(!hash, "{target}: {name} belongs into the archive: `just corpus-pack`");
        }
        count += seeds.len();
    }
    assert!(count <= 300, "{count} named seeds");
}
