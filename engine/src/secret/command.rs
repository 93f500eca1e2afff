//! A secret from a program: bounded in what it prints and how long it takes, ended with its
//! children, and without the other secrets.
//!
//! Without a terminal the program runs in a process group of its own, so that its children are
//! killed with it at the time-out. Where standard input is a terminal it stays in the terminal's
//! group and keeps the terminal's error output, so that it may ask a person: a group in the
//! background may not read there.
//!
//! Its environment lacks every variable that any reference of this process names ([`note`]): they
//! hold other secrets.
//!
//! Bounds: the limits of [`super::limits`], and [`SAID_BYTES_MAX`] of its error output. Left out:
//! other systems than Unix, where only the program itself is ended.

#![expect(clippy::disallowed_methods, reason = "starts the program that prints a secret")]

use super::limits::SECRET_BYTES_MAX;
use atsync_model::plain;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, Command};

/// Bytes of a program's error output that a refusal repeats: some lines.
const SAID_BYTES_MAX: usize = 2_048;

/// The environment variables that references name.
static NAMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Records that an environment variable holds a secret.
pub(super) fn note(name: &str) {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    if !named.contains(name) {
        named.insert(name.to_owned());
    }
}

/// The output of a program: at most a byte more than a secret with its line break may have.
pub(super) async fn output_of(words: &[String], directory: &Path) -> Result<Vec<u8>, String> {
    run(words, directory, std::io::stdin().is_terminal()).await
}

/// The same, where it is known whether the program may ask a person.
pub(super) async fn run(words: &[String], directory: &Path, asks: bool) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("`command` is empty; name a program and its arguments".to_owned());
    };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let unreadable =
        |error: std::io::Error| format!("the command {program} cannot be read: {error}");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command.stderr(if asks { Stdio::inherit() } else { Stdio::piped() });
    for name in NAMED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        command.env_remove(name);
    }
    #[cfg(unix)]
    if !asks {
        command.process_group(0);
    }
    let child = command
        .spawn()
        .map_err(|error| format!("the command {program} cannot be started: {error}"))?;
    // Dropped before its end, at the time-out or because it prints without end, it is killed with
    // its children.
    let mut running = Running { group: child.id().filter(|_| !asks), child };
    let (output, mut said) = (running.child.stdout.take(), running.child.stderr.take());
    let ended = async {
        let bytes = first(output, SECRET_BYTES_MAX + 3).await?;
        let status = if bytes.len() > SECRET_BYTES_MAX + 2 {
            None
        } else {
            Some(running.child.wait().await?)
        };
        Ok((bytes, status))
    };
    let mut told = Vec::new();
    let (bytes, status) = tokio::select! {
        ended = ended => ended.map_err(unreadable)?,
        () = async { listen(said.as_mut(),
            &mut told).await; std::future::pending().await } => return Ok(Vec::new()),
    };
    let Some(status) = status else { return Ok(bytes) };
    if status.success() {
        running.group = None;
        return Ok(bytes);
    }
    // Its children may hold its error output open.
    running.kill();
    listen(said.as_mut(), &mut told).await;
    let told = String::from_utf8_lossy(&told);
    let told = match told.trim() {
        "" => "run it by hand to see why".to_owned(),
        told => format!("it said: {}", plain::line(told)),
    };
    Err(format!("the command {program} failed ({status}); {told}"))
}

async fn first(from: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(u64::try_from(bytes_max).unwrap_or(u64::MAX)).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Keeps the beginning of an output and reads it to its end, so that a program with much output is
/// not blocked by a full pipe.
async fn listen(from: Option<&mut ChildStderr>, told: &mut Vec<u8>) {
    let mut buffer = [0; 4_096];
    let Some(from) = from else { return };
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let room = SAID_BYTES_MAX.saturating_sub(told.len()).min(read);
        told.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
}

/// A running program.
struct Running {
    child: Child,
    /// The process group to kill.
    group: Option<u32>,
}

impl Running {
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.group.take().and_then(|id| i32::try_from(id).ok()) {
            use nix::sys::signal::{Signal, killpg};
            // It may have ended by itself.
            let _ = killpg(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
