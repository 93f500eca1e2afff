//! Loads a custom adapter from a component file, prints its manifest, and reads a list with it.
//!
//! The file is the one that `cargo run -p atsync-componentize -- --package atsync-adapter-minimal
//! out.wasm` builds. Its ATS, "Plainlist", is imaginary; a few lines below serve it: they answer
//! every request with one page of jobs.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use atsync::{Adapter, ComponentHost, ConnectionOptions, Credential, Engine, HostOptions, Secret};
use futures_util::TryStreamExt;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const JOBS: &str = r#"{"id": "a customer", "jobs": [{"id": 7, "title": "Baker", "status": "live", "updated_at": "2026-05-11T13:53:44Z"},
    {"id": 9, "title": "Miller", "status": "closed", "updated_at": "2026-05-12T08:00:00Z"}]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("give the path of an adapter component")?;
    for line in run(Path::new(&path)).await? {
        println!("{line}");
    }
    Ok(())
}

/// Loads the component and reads its jobs. Returns lines to print.
pub(crate) async fn run(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    // The file is checked before it runs: size, types, and that it imports nothing.
    let adapter = Arc::new(ComponentHost::new(HostOptions::default())?.load_file(path)?);
    let manifest = adapter.manifest();
    let mut lines = vec![format!("{} {}: {}", manifest.name, manifest.version, manifest.title)];
    lines.extend(
        manifest.kinds.iter().map(|kind| format!("kind {}: {}", kind.name, kind.fields.join(", "))),
    );

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let serving = tokio::spawn(plainlist(listener));

    // Without a store file the store is in memory.
    let engine = Engine::builder().build()?;
    let mut options =
        ConnectionOptions::new("mine", adapter, Credential::Key(Secret::new("any key")));
    options.origins.insert("api".to_owned(), origin);
    options.allow_private_network = true;
    let mine = engine.connect(options).await?;
    let pulled = mine.pull_full("jobs").await?;
    lines.push(format!("{} jobs read", pulled.records));
    let rows: Vec<_> = mine.observed("jobs").try_collect().await?;
    lines.extend(rows.iter().map(|row| format!("job {}: {}", row.id, row.body)));
    serving.abort();
    Ok(lines)
}

/// The imaginary ATS: the same answer to each request, one request per connection.
async fn plainlist(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that disconnects is no error.
        let _ = answer(stream).await;
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    stream
        .write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{JOBS}", JOBS.len()).as_bytes())
        .await
}
