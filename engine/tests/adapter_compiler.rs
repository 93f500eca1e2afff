//! A compiler process may fail, lie, loop and print without end; the host ends it, and the refusal
//! says what to do. Nor does the host run compiled code that another user stored.
//! `daemon/tests/compiling.rs` tests what `atsync` does as such a process.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

mod adapter_support;

use adapter_support::minimal;
use atsync::internals::adapter::{
    Adapter, Compiler, CompilerProgram, ComponentHost, HostOptions, LoadError,
};
use std::path::Path;
use std::time::Duration;

fn load_by(program: &str, arguments: &[&str], time_max: Duration) -> LoadError {
    let mut options = HostOptions::default();
    let arguments = arguments.iter().map(Into::into).collect();
    options.compiler = Compiler::Apart(CompilerProgram { program: program.into(), arguments });
    options.compile_time_max = time_max;
    let error = ComponentHost::new(options).unwrap().load("it", minimal()).unwrap_err();
    assert!(!error.to_string().contains(|letter: char| letter.is_control()), "{error}");
    error
}

fn shell(script: &str) -> LoadError {
    load_by("/bin/sh", &["-c", script], Duration::from_secs(20))
}

#[test]
fn a_compiler_that_does_not_end_is_ended() {
    for script in ["exec sleep 1000", "exec tail -f /dev/null"] {
        let error = load_by("/bin/sh", &["-c", script], Duration::from_millis(100));
        assert!(matches!(&error, LoadError::TooCostly { .. }), "{error}");
    }
}

#[test]
fn a_compiler_that_the_system_kills_is_reported_as_over_its_limits() {
    let error = shell("kill -9 $$");
    assert!(matches!(&error, LoadError::TooCostly { .. }), "{error}");
}

#[test]
fn a_compiler_that_answers_without_end_is_ended() {
    let error = shell("exec cat /dev/zero");
    assert!(matches!(&error, LoadError::TooCostly { .. }), "{error}");
}

#[test]
fn a_compilers_message_about_a_component_is_one_plain_line() {
    let error = shell(r"printf 'bad \033[31m type\nat 7' >&2; exit 1");
    assert!(
        matches!(&error, LoadError::Broken { reason, .. } if reason.contains("type at 7")),
        "{error}"
    );
    let error = shell("cat /dev/zero | tr '\\0' x | head -c 1000000 >&2; exit 1");
    assert!(matches!(&error, LoadError::Broken { reason, .. } if reason.len() == 2_048), "{error}");
}

#[test]
fn code_of_another_wasmtime_version_is_not_loaded() {
    for script in ["printf hello", "exit 0", "exec head -c 100000 /dev/urandom"] {
        let error = shell(script);
        assert!(matches!(&error, LoadError::Compiler { .. }), "{script}: {error}");
    }
}

#[test]
fn a_missing_compiler_is_named() {
    let error = load_by("/nowhere/compiler", &[], Duration::from_secs(20));
    assert!(
        matches!(&error, LoadError::Compiler { program, .. } if program == "/nowhere/compiler"),
        "{error}"
    );
}

#[test]
fn a_compiler_gets_nothing_of_the_environment() {
    assert!(std::env::var_os("PATH").is_some());
    let error = shell("exec /usr/bin/env >&2");
    // It exits with success and without code, so its input would be in no message; the test
    // therefore makes it fail.
    assert!(matches!(&error, LoadError::Compiler { .. }), "{error}");
    let error = shell("/usr/bin/env >&2; exit 1");
    let LoadError::Broken { reason, .. } = &error else { panic!("{error}") };
    let names: Vec<&str> =
        reason.split(' ').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    // The shell's own variables, and the two that bound the compiler.
    let known = ["PWD", "OLDPWD", "SHLVL", "_", "PATH", "MALLOC_ARENA_MAX", "RAYON_NUM_THREADS"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(!reason.contains("CARGO"), "{reason}");
}

/// A host that keeps its code there, and the file that it keeps for the minimal adapter.
fn keeping(directory: &Path) -> ComponentHost {
    let mut options = HostOptions::default();
    options.cache_dir = Some(directory.to_owned());
    ComponentHost::new(options).unwrap()
}

fn code_in(directory: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "code"))
        .unwrap()
}

#[test]
fn planted_code_is_not_run() {
    // Valid code of another adapter, compiled by another user for the same version and machine.
    let of_another = tempfile::tempdir().unwrap();
    let other = String::from_utf8_lossy(minimal()).contains("plainlist");
    assert!(other, "the adapter's name stands in its bytes");
    let mut component = minimal().to_vec();
    // Wherever it stands: in its URL too. Its end stays: the linker may use it for other texts.
    while let Some(at) = component.windows(9).position(|found| found == b"plainlist") {
        component[at..at + 9].copy_from_slice(b"plantlist");
    }
    let planted = keeping(of_another.path()).load("it", &component).unwrap();
    assert_eq!(planted.manifest().name, "plantlist");
    let own = tempfile::tempdir().unwrap();
    keeping(own.path()).load("it", minimal()).unwrap();
    let place = code_in(own.path());
    std::fs::copy(code_in(of_another.path()), &place).unwrap();
    let host = keeping(own.path());
    assert_eq!(host.load("it", minimal()).unwrap().manifest().name, "plainlist");
    assert_eq!((host.cache_use().hits, host.cache_use().misses), (0, 1));
    // With the other user's key beside it, where the other user could write.
    std::fs::copy(code_in(of_another.path()), &place).unwrap();
    std::fs::copy(of_another.path().join("key"), own.path().join("key")).unwrap();
    std::fs::set_permissions(own.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    let host = keeping(own.path());
    assert_eq!(host.load("it", minimal()).unwrap().manifest().name, "plainlist");
    assert_eq!((host.cache_use().hits, host.cache_use().misses), (0, 1));
}
