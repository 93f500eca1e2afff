//! `atsync` as its own compiler process: it makes the code that a host loads, and ends itself when
//! a component exceeds its limits.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use atsync::internals::adapter::{
    Adapter, Compiler, CompilerProgram, ComponentHost, HostOptions, LoadError, Metering,
};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

fn options() -> HostOptions {
    let program = env!("CARGO_BIN_EXE_atsync").into();
    let mut options = HostOptions::default();
    options.compiler =
        Compiler::Apart(CompilerProgram { program, arguments: vec!["compile-component".into()] });
    options
}

#[test]
fn the_compiler_process_makes_the_same_code_as_the_host() {
    let greenhouse = atsync_adapters_bundled::bundled("greenhouse").unwrap();
    for metering in [Metering::Epochs, Metering::Fuel(atsync::internals::adapter::limits::FUEL_MAX)]
    {
        let directory = tempfile::tempdir().unwrap();
        let mut options = options();
        options.metering = metering;
        options.cache_dir = Some(directory.path().to_owned());
        let host = ComponentHost::new(options.clone()).unwrap();
        let adapter = host.load("greenhouse", greenhouse).unwrap();
        assert_eq!(adapter.manifest().name, "greenhouse");
        // The next start needs no compiler.
        options.compiler =
            Compiler::Apart(CompilerProgram { program: "/nowhere".into(), arguments: Vec::new() });
        ComponentHost::new(options).unwrap().load("greenhouse", greenhouse).unwrap();
    }
}

/// Divisions take the compiler longest for their number of bytes.
fn divisions(functions: usize, each: usize) -> Vec<u8> {
    let mut text = String::from("(component (core module ");
    for _ in 0..functions {
        text.push_str("(func (param i64) (result i64) local.get 0 ");
        for _ in 0..each {
            text.push_str("local.get 0 i64.div_s ");
        }
        text.push(')');
    }
    write!(text, "))").unwrap();
    wat::parse_str(&text).unwrap()
}

#[test]
fn a_component_that_takes_too_long_is_refused_alone() {
    let mut options = options();
    options.compile_time_max = Duration::from_millis(300);
    let host = ComponentHost::new(options).unwrap();
    let error = host.load("bomb", &divisions(200, 20_000)).unwrap_err();
    assert!(matches!(&error, LoadError::TooCostly { .. }), "{error}");
    assert!(
        host.load("small", &divisions(1, 1))
            .is_err_and(|error| matches!(error, LoadError::Exports { .. }))
    );
}

#[test]
fn the_compiler_process_limits_itself_before_it_reads() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_atsync"))
        .arg("compile-component")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // The process has limited itself once it has read more than a pipe holds.
    input.write_all(&[b'e'; 200_000]).unwrap();
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let soft_and_hard = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            let words: Vec<&str> = line.split_whitespace().rev().skip(1).take(2).collect();
            words.iter().map(|word| word.parse().unwrap()).collect::<Vec<u64>>()
        };
        assert_eq!(soft_and_hard("Max data size"), [1 << 30, 1 << 30]);
        assert_eq!(soft_and_hard("Max cpu time"), [600, 600]);
        assert_eq!(soft_and_hard("Max file size"), [0, 0]);
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty() && output.stdout.is_empty());
}
