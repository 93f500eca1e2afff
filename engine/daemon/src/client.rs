//! Relays a command to the process that holds its store; see [`crate::relay`].

use crate::cli::Cli;
use crate::config::Config;
use crate::failure::{Ended, Failure};
use crate::output::Output;
use crate::prompt;
use crate::relay::{Ordered, ROUTE, Said, socket_of};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use std::io::{IsTerminal as _, Read};
use std::path::Path;
use tokio::net::UnixStream;

type Body = BoxBody<Bytes, std::io::Error>;
type Sender = hyper::client::conn::http1::SendRequest<Body>;

/// Bytes of one piece of the file.
const PIECE_BYTES: usize = 64 * 1024;

/// Relays a command, if another process holds its store and takes commands. None: it is for
/// this process.
pub(crate) async fn relayed(cli: &Cli, arguments: Vec<String>, output: &Output) -> Option<Ended> {
    if !cli.command.needs_store() {
        return None;
    }
    // A mistake in the file is reported by the command itself.
    let config = Config::read(&cli.config).ok()?;
    let socket = socket_of(&config.store);
    let stream = UnixStream::connect(&socket).await.ok()?;
    let to = socket.display().to_string();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!(
            "the process that holds the store broke off ({to}: {error}); what it did so far is \
             kept, and `atsync status` shows it"
        ))
    };
    let input = cli.command.input();
    let ordered = Ordered {
        arguments,
        has_input: input.is_some(),
        has_terminal: std::io::stdin().is_terminal() && input != Some(Path::new("-")),
        directory: std::env::current_dir()
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok()),
    };
    let made = if cli.command.takes_secret() {
        prompt::secret().map_err(Failure::from).and_then(|secret| with_bytes(&ordered, &secret))
    } else {
        body(&ordered, input)
    };
    let body = match made {
        Ok(body) => body,
        Err(failure) => return Some(Err(failure)),
    };
    let ended = async {
        let mut sender = connected(stream).await?;
        let request = Request::post(ROUTE).header("host", "atsync").body(body)?;
        let answer = sender.send_request(request).await?;
        if !answer.status().is_success() {
            let text = answer.into_body().collect().await?.to_bytes();
            return Err(String::from_utf8_lossy(&text).into_owned().into());
        }
        said(answer.into_body(), &socket, output).await
    };
    Some(ended.await.map_err(|error: Box<dyn std::error::Error + Send + Sync>| failed(&error)))
}

/// Reads a path of the API through a socket: the status, and a body of so many bytes at most.
///
/// # Errors
/// When no process listens there, or its answer ends too early or is too long.
pub(crate) async fn get(
    socket: &Path,
    path: &str,
    bytes_max: usize,
) -> Result<(u16, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
    let mut sender = connected(UnixStream::connect(socket).await?).await?;
    let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed();
    let request = Request::get(path).header("host", "atsync").body(body)?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), bytes_max).collect().await?.to_bytes();
    Ok((status, body.to_vec()))
}

#[expect(clippy::disallowed_methods, reason = "drives the connection beside the answer")]
async fn connected(stream: UnixStream) -> hyper::Result<Sender> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The line that names the command, and these bytes as its file.
fn with_bytes(ordered: &Ordered, bytes: &[u8]) -> Result<Body, Failure> {
    let mut all = serde_json::to_vec(ordered).map_err(std::io::Error::other)?;
    all.push(b'\n');
    all.extend_from_slice(bytes);
    Ok(Full::new(Bytes::from(all)).map_err(|never| match never {}).boxed())
}

#[expect(clippy::disallowed_methods, reason = "reads the file that the command names")]
fn body(ordered: &Ordered, input: Option<&Path>) -> Result<Body, Failure> {
    let mut line = serde_json::to_vec(ordered).map_err(std::io::Error::other)?;
    line.push(b'\n');
    let file: Option<Box<dyn Read + Send + Sync>> = match input {
        None => None,
        Some(path) if path == Path::new("-") => Some(Box::new(std::io::stdin())),
        Some(path) => Some(Box::new(std::fs::File::open(path).map_err(|error| {
            Failure::new(format!("{} cannot be read: {error}", path.display()))
        })?)),
    };
    let Some(file) = file else {
        return Ok(Full::new(Bytes::from(line)).map_err(|never| match never {}).boxed());
    };
    let pieces = stream::unfold((Some(line), file), |(line, mut file)| async move {
        if let Some(line) = line {
            return Some((Ok(Frame::data(Bytes::from(line))), (None, file)));
        }
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece) {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Frame::data(Bytes::from(piece))), (None, file)))
            }
            Err(error) => Some((Err(error), (None, file))),
        }
    });
    Ok(BodyExt::boxed(StreamBody::new(pieces)))
}

/// Prints an answer to its end, and returns the exit code.
async fn said(
    mut body: hyper::body::Incoming,
    socket: &Path,
    output: &Output,
) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        rest.extend_from_slice(&data);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            match serde_json::from_slice(&line)? {
                Said::Data(line) => output.relayed_data(&line),
                Said::Note(line) => output.relayed_note(&line),
                Said::Asked(number, question) => {
                    let yes = output.asked(&question)?;
                    answer(socket, number, yes).await?;
                }
                Said::Ended(code) => return Ok(code),
            }
        }
    }
    Err("it ended in the middle".into())
}

async fn answer(
    socket: &Path,
    number: u64,
    yes: bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut sender = connected(UnixStream::connect(socket).await?).await?;
    let body = Bytes::from(if yes { "true" } else { "false" });
    let body = Full::new(body).map_err(|never| match never {}).boxed();
    let request = Request::post(format!("{ROUTE}/{number}"))
        .header("host", "atsync")
        .header("content-type", "application/json")
        .body(body)?;
    sender.send_request(request).await?;
    Ok(())
}
