//! The program as a service: the reports to systemd, the log as JSON, secrets by credential; and
//! what a package has from it, the manual pages and the completions.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where something does not hold"
)]
mod cli_support;

use cli_support::{Site, atsync, finish};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::net::UnixDatagram;

/// The next report at the socket.
async fn report(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4_096];
    let length = socket.recv(&mut bytes).await.unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn systemd_gets_a_report_of_ready_alive_and_stopping() {
    let site = Site::start().await;
    for command in ["serve", "run"] {
        let path = site.path(&format!("notify-{command}"));
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut child = site.command(&[command]);
        child.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000");
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (mut ready, mut alive) = (0, 0);
        while ready == 0 || alive < 3 {
            let report = report(&socket).await;
            ready += usize::from(report.contains("READY=1"));
            alive += usize::from(report.contains("WATCHDOG=1"));
            assert!(!report.contains("READY=1") || report.contains("acme.redb.sock"), "{report}");
        }
        assert_eq!(ready, 1);
        let id = child.id().unwrap().to_string();
        std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        while !report(&socket).await.contains("STOPPING=1") {}
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{command}");
    }
}

#[tokio::test]
async fn every_line_on_stderr_is_json_where_the_log_is() {
    let site = Site::start().await;
    let mut child = site.command(&["--log-format", "json", "-v", "run"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut seen, mut piece) = (String::new(), [0; 4_096]);
    while !seen.contains("pulled jobs") {
        let length = out.read(&mut piece).await.unwrap();
        assert!(length > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    let id = child.id().unwrap().to_string();
    std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let ended = child.wait_with_output().await.unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert!(!lines.is_empty(), "nothing was logged");
    for line in &lines {
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member}: {line}");
        }
    }
    let names = |line: &Value, span: &str| {
        let spans = line["spans"].as_array().cloned().unwrap_or_default();
        spans.iter().any(|found| found["name"] == span && found["connection"] == "acme")
    };
    for span in ["run", "pass"] {
        assert!(lines.iter().any(|line| names(line, span)), "no event in a span {span}: {log}");
    }
    let failed = site.run(&["--log-format", "json", "pull", "nobody"]).await;
    let line: Value = serde_json::from_str(failed.err.trim()).unwrap();
    assert_eq!((&line["level"], failed.code), (&"ERROR".into(), 1), "{failed:?}");
}

#[tokio::test]
async fn a_secret_comes_by_a_credential_of_systemd() {
    let site = Site::start().await;
    let reference = r#"{ credential = "greenhouse" }"#;
    site.write("acme.toml", &site.config().replace(r#"{ env = "GH_SECRET" }"#, reference));
    let pull = ["pull", "acme", "--kinds", "jobs"];
    let refused = finish(atsync(site.directory.path(), &pull)).await;
    let said = refused.error();
    assert!(refused.code == 1 && said.contains("LoadCredential=greenhouse:FILE"), "{said}");
    std::fs::create_dir(site.path("credentials")).unwrap();
    site.write("credentials/greenhouse", "sandbox-secret\n");
    // As systemd sets it: the group's bits are the mask of an access list.
    std::fs::set_permissions(
        site.path("credentials/greenhouse"),
        std::fs::Permissions::from_mode(0o440),
    )
    .unwrap();
    let mut command = atsync(site.directory.path(), &pull);
    command.env("CREDENTIALS_DIRECTORY", site.path("credentials"));
    let pulled = finish(command).await;
    assert!(pulled.code == 0 && !pulled.err.contains("chmod"), "{pulled:?}");
}

/// The commands that `--help` lists.
async fn commands() -> Vec<String> {
    let help = finish(atsync(std::env::temp_dir().as_path(), &["--help"])).await;
    let (_, rest) = help.out.split_once("Commands:\n").unwrap();
    let lines = rest.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_completions_and_the_manual_pages_have_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let commands = commands().await;
    assert!(commands.len() > 25 && commands.contains(&"backup".to_owned()), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = finish(atsync(directory.path(), &["completions", shell])).await;
        assert_eq!(script.code, 0, "{script:?}");
        for command in &commands {
            assert!(script.out.contains(command.as_str()), "{shell} lacks {command}");
        }
    }
    let written = finish(atsync(directory.path(), &["man", "pages"])).await;
    assert_eq!(written.code, 0, "{written:?}");
    let page = |name: &str| std::fs::read_to_string(directory.path().join("pages").join(name));
    let whole = page("atsync.1").unwrap();
    for command in commands.iter().filter(|command| *command != "help") {
        let own = page(&format!("atsync-{command}.1")).unwrap_or_else(|_| panic!("{command}"));
        assert!(own.contains(".SH SYNOPSIS"), "{own}");
        let named = format!("atsync\\-{}", command.replace('-', "\\-"));
        assert!(whole.contains(&named), "{command}: {whole}");
    }
    assert!(page("atsync-compile-component.1").is_err(), "the program starts that one itself");
}
