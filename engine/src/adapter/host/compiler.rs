//! The compiler process and its limits.
//!
//! Compilation costs more time and memory than anything else that an adapter can cause, and it
//! comes before every limit on a running guest. In the host's own process ([`Compiler::Here`]) only
//! the static bounds apply ([`super::bounds`]). A process of its own ([`Compiler::Apart`]) can be
//! killed: it limits its memory and CPU time before it reads input, it is killed at a timeout, its
//! environment is empty, and it may write no file. So it may compile larger components, for example
//! adapters that contain a JavaScript engine.
//!
//! The program can be any that calls [`CompilerProgram::serve`]; `atsync` does. It must use the
//! same version of wasmtime; loading refuses other code. Standard input: one byte for [`Metering`],
//! then the component. On success it exits with 0 and writes the code to standard output; otherwise
//! it exits with 1 and writes one line to standard error.
//!
//! Not covered: systems other than Unix, where only the timeout applies; namespaces and seccomp. An
//! exploit of the compiler would run as this user.

#![expect(
    clippy::disallowed_methods,
    reason = "starts the compiler's process and the threads that read from it"
)]

use super::config::config;
use super::kept::CODE_BYTES_MAX;
use super::limiter::Limits;
use super::load::{LoadError, reason};
use super::metering::Metering;
use atsync_model::plain;
use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use wasmtime::Engine;

/// The wall-clock timeout of a compilation, plus the same again for each [`TIME_BYTES`] of a
/// component. An adapter in Rust takes 1 s; one with a JavaScript engine (13 MB) takes 13 s on two
/// cores.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(30);
const TIME_BYTES: usize = 4 * 1024 * 1024;
/// CPU time of all its threads, in seconds. It ends a compiler whose host process has ended.
#[cfg(unix)]
const CPU_SECONDS_MAX: u64 = 600;
/// Memory that it may write to.
#[cfg(unix)]
const COMPILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Of what it says on standard error.
const SAID_BYTES_MAX: u64 = 2_048;

/// The place where components are compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compiler {
    /// In this process. What a component may cost is little then: a large adapter in Rust passes,
    /// one that brings an interpreter along does not.
    #[default]
    Here,
    /// By a program that calls [`CompilerProgram::serve`].
    Apart(CompilerProgram),
}

/// A program that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerProgram {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl CompilerProgram {
    /// Compiles what comes on standard input: the whole work of a program that [`Compiler::Apart`]
    /// names. Returns its exit code.
    pub fn serve() -> u8 {
        serve()
    }
}

/// Compiles what comes on standard input: the whole work of a program that [`Compiler::Apart`]
/// names. Returns its exit code.
fn serve() -> u8 {
    let given = compile_input().and_then(|code| {
        let mut output = std::io::stdout();
        let written = output.write_all(&code).and_then(|()| output.flush());
        written.map_err(|error| format!("standard output is closed: {error}"))
    });
    let Err(reason) = given else { return 0 };
    // Whoever listens has gone otherwise.
    drop(std::io::stderr().write_all(plain::line(&reason).as_bytes()));
    1
}

fn compile_input() -> Result<Vec<u8>, String> {
    limit_this_process()?;
    let limits = Limits::default();
    let bytes_max = u64::try_from(limits.component_bytes_max).unwrap_or(u64::MAX).saturating_add(2);
    let mut bytes = Vec::new();
    std::io::stdin().take(bytes_max).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let (metering, component) = bytes.split_first().ok_or("there is nothing to compile")?;
    let metering = match metering {
        b'e' => Metering::Epochs,
        b'f' => Metering::Fuel(0),
        _ => return Err("it is asked by another version".to_owned()),
    };
    let engine =
        Engine::new(&config(metering, limits.stack_bytes_max)).map_err(|error| reason(&error))?;
    engine.precompile_component(component).map_err(|error| reason(&error))
}

#[cfg(unix)]
fn limit_this_process() -> Result<(), String> {
    use nix::sys::resource::{Resource, setrlimit};
    for (resource, limit) in [
        (Resource::RLIMIT_CPU, CPU_SECONDS_MAX),
        (Resource::RLIMIT_DATA, COMPILE_BYTES_MAX),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
    ] {
        setrlimit(resource, limit, limit)
            .map_err(|error| format!("it cannot limit itself: {error}"))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn limit_this_process() -> Result<(), String> {
    Ok(())
}

impl CompilerProgram {
    /// Has a component compiled, within `time_max` and more where it is large.
    pub(super) fn compile(
        &self,
        name: &str,
        metering: Metering,
        component: &[u8],
        time_max: Duration,
    ) -> Result<Vec<u8>, LoadError> {
        let times = u32::try_from(component.len().checked_div(TIME_BYTES).unwrap_or_default())
            .unwrap_or_default();
        let time_max = time_max.saturating_mul(times.saturating_add(1));
        let failed = |reason: String| LoadError::Compiler {
            name: name.into(),
            program: self.program.display().to_string(),
            reason,
        };
        let mut child = self.start().map_err(|error| failed(error.to_string()))?;
        let (Some(mut input), Some(output), Some(said)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("it has no input or output".to_owned()));
        };
        let metering: &[u8] = match metering {
            Metering::Epochs => b"e",
            Metering::Fuel(_) => b"f",
        };
        let bytes_max = u64::try_from(CODE_BYTES_MAX).unwrap_or(u64::MAX);
        let (ended, end) = channel();
        let (code, said, in_time) = std::thread::scope(|scope| {
            // It may end before it has read everything.
            scope.spawn(move || {
                drop(input.write_all(metering).and_then(|()| input.write_all(component)))
            });
            let said = scope.spawn(move || first(said, SAID_BYTES_MAX));
            let code = scope.spawn(move || {
                let code = first(output, bytes_max);
                drop(ended);
                code
            });
            // Nothing is sent: the end of its output is the end of the waiting.
            let in_time = end.recv_timeout(time_max) != Err::<(), _>(RecvTimeoutError::Timeout);
            if !in_time {
                drop(child.kill());
            }
            (code.join().unwrap_or_default(), said.join().unwrap_or_default(), in_time)
        });
        if code.len() >= CODE_BYTES_MAX {
            drop(child.kill());
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        if in_time && status.success() {
            return Ok(code);
        }
        if !in_time || was_ended(status) {
            return Err(LoadError::TooCostly { name: name.into(), seconds: time_max.as_secs() });
        }
        Err(LoadError::Broken {
            name: name.into(),
            reason: plain::line(&String::from_utf8_lossy(&said)).to_string(),
        })
    }

    fn start(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        // Each heap of glibc's allocator would count in full.
        command.env("MALLOC_ARENA_MAX", "2").env("RAYON_NUM_THREADS", "4");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()
    }
}

/// Whether the system ended it, for a limit that it had.
fn was_ended(status: ExitStatus) -> bool {
    status.code().is_none()
}

fn first(mut from: impl Read, bytes_max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read so far is what there is.
    drop(from.by_ref().take(bytes_max).read_to_end(&mut bytes));
    bytes
}
