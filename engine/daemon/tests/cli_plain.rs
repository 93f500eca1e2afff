//! The binary prints nothing but plain text, whatever the ATS, an adapter's messages or a file
//! hold.
//!
//! Method: a server in front of the sandbox puts more than fifty payloads into every text of every
//! reply, and sends its JSON over many lines.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod cli_support;

use atsync::model::plain::is_plain;
use atsync_greenhouse_sandbox::{Request, Sandbox, SandboxOptions};
use cli_support::{Ran, atsync, finish};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Every forged line begins with this text.
const FORGED: &str = "error: forged";

/// Escape sequences, bidirectional marks and line breaks.
fn payloads() -> Vec<String> {
    let mut all: Vec<String> = [
        "\u{1b}[2J",
        "\u{1b}[31m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;https://x\u{1b}\\y",
        "\u{1b}]52;c;eA==\u{7}",
        "\u{1b}P1$r\u{1b}\\",
        "\u{1b}c",
        "\u{1b}[6n",
        "\u{9b}2J",
        "\u{9d}0;x\u{9c}",
        "\u{90}x\u{9c}",
        "\u{7}",
        "\u{8}\u{8}",
        "\r",
        "\r\n",
        "\t",
        "\u{b}",
        "\u{c}",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{202e}txet\u{202c}",
        "\u{2066}a\u{2069}",
        "\u{200e}",
        "\u{200f}",
        "\u{61c}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{2060}",
        "\u{feff}",
        "\u{ad}",
        "\u{34f}",
        "\u{180e}",
        "\u{115f}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{fe0f}",
        "\u{fff9}a\u{fffb}",
        "\u{e0041}",
        "\u{e0001}",
        "\u{1d173}",
        "\u{2800}",
        "\u{1}",
        "\u{2}",
        "\u{e}",
        "\u{f}",
        "\u{1a}",
        "\u{1c}",
        "\u{9f}x\u{9c}",
    ]
    .map(str::to_owned)
    .into();
    all.extend(
        ["\n", "\r\n", "\u{85}", "\u{2028}", "\u{b}"].map(|end| format!("{end}{FORGED}{end}")),
    );
    all
}

/// The members that hold a text for people.
const TEXTS: [&str; 12] = [
    "first_name",
    "last_name",
    "name",
    "title",
    "company",
    "body",
    "job_title",
    "message",
    "status_name",
    "filename",
    "description",
    "content",
];

/// A text, and one payload after the other.
fn laden(text: &str, turn: &AtomicUsize) -> String {
    let all = payloads();
    let at = turn.fetch_add(1, Ordering::Relaxed);
    format!("{text}{}", all[at % all.len()])
}

fn load(value: &mut Value, turn: &AtomicUsize) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| load(item, turn)),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if TEXTS.contains(&name.as_str()) => {
                        *text = laden(text, turn)
                    }
                    member => load(member, turn),
                }
            }
        }
        _ => {}
    }
}

/// Serves one request: the sandbox's answer with payloads in it.
async fn serve(mut stream: TcpStream, sandbox: Sandbox, turn: Arc<AtomicUsize>) {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes[end + 4..].to_vec());
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, path) = (first.next().unwrap(), first.next().unwrap());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while body.len() < length && stream.read_buf(&mut body).await.unwrap_or(0) > 0 {}
    let answer =
        sandbox.handle(&Request { method, path_and_query: path, headers: &headers, body: &body });
    let all = payloads().concat();
    let (mut status, mut value) =
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null));
    if method == "POST" && path.starts_with("/v3/") || path.starts_with("/v3/notes") {
        status = 422;
        value = json!({"message": format!("no{all}"),
            "errors": [{"message": all, "field": format!("f{all}")}]});
    } else if path.starts_with("/v3/openings") {
        status = 403;
        value = json!({"message": format!("not allowed{all}")});
    } else {
        load(&mut value, &turn);
    }
    // The JSON is spread over many lines, and a header that adapters quote holds marks.
    let body = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n");
    let mut reply = format!(
        "HTTP/1.1 {status} X\r\nx-request-id: r\u{202e}\u{9b}2J\u{200b}\r\nconnection: close\r\n"
    );
    for (name, value) in
        answer.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("x-request-id"))
    {
        if !["content-length", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            reply += &format!("{name}: {value}\r\n");
        }
    }
    reply += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(reply.as_bytes()).await;
}

/// A directory with an `acme.toml` that points to the server.
async fn site() -> (tempfile::TempDir, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut options = SandboxOptions::sized(3, 80);
    options.rate_limit = 100_000;
    let sandbox = Sandbox::new(options);
    let turn = Arc::new(AtomicUsize::new(0));
    let served = Arc::clone(&turn);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, sandbox.clone(), Arc::clone(&served)));
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        r#"store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = {{ scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = {{ env = "GH_SECRET" }} }}
origins = {{ api = "{url}", auth = "{url}" }}
allow_private_network = true
"#
    );
    std::fs::write(directory.path().join("acme.toml"), config).unwrap();
    (directory, turn)
}

async fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let mut command = atsync(directory, arguments);
    command.env("GH_SECRET", "sandbox-secret");
    let ran = finish(command).await;
    for (from, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
        for line in text.split('\n') {
            let odd = line.chars().find(|letter| !is_plain(*letter));
            assert_eq!(
                odd,
                None,
                "{arguments:?} on {from}: {:?}",
                line.chars().take(2_000).collect::<String>()
            );
            assert!(
                !line.trim_start().starts_with(FORGED),
                "{arguments:?} on {from} has a forged line: {line}"
            );
        }
    }
    ran
}

#[tokio::test]
async fn nothing_but_plain_text_leaves_the_binary() {
    assert!(payloads().len() >= 50);
    let (directory, turn) = site().await;
    let at = directory.path();
    let laden: String = payloads().concat();
    // A declaration can hold marks, and line breaks in a note, but no control characters.
    let marks: String = laden.chars().filter(|letter| !letter.is_control()).collect();
    let record = json!({
        "key": format!("ada{}z", marks.replace('/', "").chars().take(50).collect::<String>()),
        "name": {"first": format!("Ada{marks}"), "last": "Byron"}, "emails": ["ada@example.com"],
        "title": marks, "company": format!("x{marks}"),
            "tags": [format!("t{}z", marks.chars().take(40).collect::<String>())],
        "notes": [{"key": "n", "body": format!("Hi{marks}\n{FORGED}\n")}],
    });
    let key = record["key"].as_str().unwrap();
    std::fs::write(at.join("one.jsonl"), record.to_string()).unwrap();
    let odd = json!({"key": "b", format!("emails{laden}"): [], "kind": "candidates"});
    let named = json!({"key": format!("c{laden}"), "title": laden});
    let crooked = json!({"key": "d", "emails": [format!("a{laden}@x.com")]});
    let bad = format!("{odd}\n{named}\n{crooked}\n\u{1b}[2J nothing\n");
    std::fs::write(at.join("bad.jsonl"), bad).unwrap();
    let mut lines = 0;
    for arguments in [
        &["check", "acme"][..],
        &["check", "acme", "--json"],
        &["pull", "acme"],
        &["-v", "-v", "pull", "acme", "--kinds", "candidates,openings,notes", "--full"],
        &["plan", "acme", "--desired", "bad.jsonl"],
        &["plan", "acme", "--desired", "one.jsonl"],
        &["plan", "acme", "--desired", "one.jsonl", "--json"],
        &["apply", "acme", "--desired", "one.jsonl", "--yes"],
        &["-v", "apply", "acme", "--desired", "one.jsonl", "--yes", "--json"],
        &["explain", "acme", "candidates", key],
        &["explain", "acme", "candidates", key, "--json"],
        &["status", "acme"],
        &["status", "acme", "--json"],
        &["changes", "acme"],
        &["changes", "acme", "--json"],
        &["sweep", "acme", "--kinds", "tags"],
        &["sweep", "acme", "--kinds", "openings"],
        &["get", "acme", "candidates"],
        &["get", "acme", "jobs"],
        &["get", "acme", "users", "--json"],
        &["adapter", "inspect", "greenhouse"],
        &["pull", "acme\u{1b}[2J\u{202e}"],
        &["get", "acme", "jobs\u{1b}[2J\u{202e}"],
        &["plan", "acme", "--desired", "\u{1b}[2J\nerror: forged\n"],
    ] {
        let ran = run(at, arguments).await;
        assert!(arguments.contains(&"bad.jsonl") || !ran.err.contains(".jsonl:"), "{ran:?}");
        lines += ran.out.lines().count() + ran.err.lines().count();
        if arguments.contains(&"--json") {
            ran.json();
        }
    }
    println!("{lines} lines, {} texts with payloads", turn.load(Ordering::Relaxed));
    assert!(turn.load(Ordering::Relaxed) > 500);
    // Each record is one line, with exactly the text that the ATS sent.
    let raw = run(at, &["get", "acme", "candidates", "--raw"]).await;
    let rows = raw.json();
    assert_eq!(rows.len(), run(at, &["get", "acme", "candidates"]).await.out.lines().count());
    let held: Vec<String> = rows.iter().map(Value::to_string).collect();
    assert!(
        held.iter().any(|row| row.contains("\\u001b"))
            && held.iter().any(|row| row.contains('\u{202e}'))
    );
    let id = rows[0]["id"].to_string();
    for more in [&["--json"][..], &["--raw"], &[]] {
        let ran = run(at, &[&["get", "acme", "candidates", &id], more].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}
