//! Commands of the command line that other processes relay over the socket.
//!
//! Each runs with its own handle of its connection, on a thread of its own, since it may wait for
//! its reader. When the reader leaves or the server stops, no new write starts, and the command may
//! end within the time that a stop gives it.
//!
//! Only the socket has this route: an address may be shared by callers with different scopes.

use super::access::Door;
use super::audit::deed::{Actor, Deed};
use super::audit::entry::By;
use super::audit::of_command;
use super::audit::request::is_there;
use super::body::Given;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use crate::cli::Cli;
use crate::failure::Failure;
use crate::open::Opened;
use crate::output::Output;
use crate::place::{Holder, Place, Within};
use crate::relay::{ORDER_BYTES_MAX, Ordered, Said};
use atsync::{Clock, Connection, SystemClock};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, body::HttpBody};
use clap::Parser;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use http_body_util::BodyExt;
use std::io::{Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::mpsc;

/// Bytes of a file that comes with a command.
const INPUT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes of it that stay in memory.
const INPUT_BYTES_KEPT: usize = 4 * 1024 * 1024;
/// Lines that wait for their reader.
const LINES_MAX: usize = 64;

/// Runs a command. The answer is JSON Lines; see [`crate::relay`].
pub(super) async fn run(
    State(served): State<Arc<Served>>,
    Extension(door): Extension<Door>,
    Extension(deed): Extension<Deed>,
    body: Body,
) -> Result<Response, Problem> {
    if door != Door::Socket {
        return Err(Problem::new(ProblemType::NoSuchRoute, "commands come over the socket"));
    }
    let (ordered, input) = read(body).await?;
    let arguments = std::iter::once("atsync").chain(ordered.arguments.iter().map(String::as_str));
    let cli = Cli::try_parse_from(arguments)
        .map_err(|error| Problem::new(ProblemType::Invalid, error.to_string()))?;
    if !cli.command.needs_store() {
        return Err(Problem::new(ProblemType::Invalid, "this command does not need the store"));
    }
    let opened = served
        .opened()
        .ok_or_else(|| Problem::new(ProblemType::Stopping, "the server is stopping"))?;
    let kept = match of_command(&cli.command) {
        Some(order) => {
            let connection = order.connection.filter(|name| is_there(&served, name));
            if let Some(target) = &order.target {
                deed.about(target);
            }
            let actor = Actor { by: By::Socket, who: None, connection, key: order.key };
            deed.begin_as(order.what, &opened.engine, actor).await?;
            Some(deed.keep())
        }
        None => {
            deed.none();
            None
        }
    };
    let (lines, said) = mpsc::channel::<Said>(LINES_MAX);
    let stopping = served.stopping();
    let output = Output::to(lines.clone(), Arc::clone(&served.questions));
    // A command that outlives a stop holds nothing of the server.
    let holder = Box::new(Held(Arc::downgrade(&served)));
    drop(served);
    let place = Place::Within(Box::new(Within {
        opened,
        holder,
        input: Mutex::new(ordered.has_input.then_some(input)),
        has_terminal: ordered.has_terminal,
        directory: ordered.directory.map(std::path::PathBuf::from),
    }));
    let runtime = tokio::runtime::Handle::current();
    drop(super::tasks::spawn_blocking(move || {
        runtime.block_on(async {
            let left = async {
                tokio::select! {
                    () = lines.closed() => {}
                    () = stopping => {}
                }
                // A write under way gets the time that a stop gives it.
                SystemClock.sleep(Connection::STOP_GRACE_MS).await;
            };
            let code = tokio::select! {
                ended = crate::commands::relayed(&cli, &place, &output) => match ended {
                    Ok(code) => code,
                    Err(failure) => {
                        output.failure(&failure);
                        1
                    }
                },
                () = left => 1,
            };
            drop(place);
            match kept {
                Some(kept) if code == 1 => kept.failed().await,
                Some(kept) => kept.end(None).await,
                None => {}
            }
            drop(lines.send(Said::Ended(code)).await);
        });
    }));
    let lines = stream::unfold(said, |mut said| async move {
        let line = said.recv().await?;
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(line)), said))
    });
    Ok(Body::from_stream(lines).into_response())
}

/// The server, for a command that changes what it runs.
struct Held(Weak<Served>);

impl Held {
    fn served(&self) -> Result<Arc<Served>, Failure> {
        self.0.upgrade().ok_or_else(|| Failure::new("the process that holds the store is stopping"))
    }
}

impl Holder for Held {
    fn reload(&self) -> BoxFuture<'_, Result<Opened, Failure>> {
        async move {
            let served = self.served()?;
            let told = |problem: Problem| Failure::new(problem.detail());
            served.reload().await.map_err(told)?;
            served.opened().ok_or_else(|| Failure::new("the server is stopping"))
        }
        .boxed()
    }

    fn reread_tokens(&self) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let served = self.served()?;
            match served.opened() {
                Some(opened) => Ok(served.reread_tokens(&opened.engine).await?),
                None => Ok(()),
            }
        }
        .boxed()
    }
}

/// Reads the line that names the command, and the file behind it.
async fn read(mut body: Body) -> Result<(Ordered, tempfile::SpooledTempFile), Problem> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::new(ProblemType::Invalid, format!("the command did not arrive: {error}"))
    };
    let mut line = Vec::new();
    let mut ordered = None;
    let mut input = tempfile::SpooledTempFile::new(INPUT_BYTES_KEPT);
    let mut bytes = 0_u64;
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let Ok(data) = frame.map_err(|error| unreadable(&error))?.into_data() else { continue };
        let rest = if ordered.is_some() {
            data
        } else {
            line.extend_from_slice(&data);
            let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
                if line.len() > ORDER_BYTES_MAX {
                    return Err(Problem::new(ProblemType::TooLarge, "the command is too long"));
                }
                continue;
            };
            let rest = line.split_off(end);
            let parsed = serde_json::from_slice::<Ordered>(&line);
            ordered = Some(parsed.map_err(|error| unreadable(&error))?);
            Bytes::from(rest).slice(1..)
        };
        bytes = bytes.saturating_add(u64::try_from(rest.len()).unwrap_or(u64::MAX));
        if bytes > INPUT_BYTES_MAX {
            return Err(Problem::new(
                ProblemType::TooLarge,
                format!("the file of the command has more than {INPUT_BYTES_MAX} bytes"),
            ));
        }
        input.write_all(&rest).map_err(|error| unreadable(&error))?;
    }
    input.seek(SeekFrom::Start(0)).map_err(|error| unreadable(&error))?;
    let ordered = ordered.ok_or_else(|| unreadable(&"it has no line"))?;
    Ok((ordered, input))
}

/// Takes the answer to a question of a command.
pub(super) async fn answer(
    State(served): State<Arc<Served>>,
    Extension(door): Extension<Door>,
    Path(number): Path<String>,
    Given(yes): Given<bool>,
) -> Result<StatusCode, Problem> {
    if door != Door::Socket {
        return Err(Problem::new(ProblemType::NoSuchRoute, "commands come over the socket"));
    }
    let asked = number.parse().ok().is_some_and(|number| served.questions.answer(number, yes));
    if asked {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(ProblemType::NoSuchRecord, "no command asks with this number"))
    }
}
