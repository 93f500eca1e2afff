//! The commands of an adapter's author, as a user runs them: from nothing to a green run of the
//! suite, step by step through a task, and a recorded session without personal data.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a helper of tests stops where something is not as it must be"
)]

mod cli_support;

use cli_support::{Ran, Site, atsync, finish};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of this repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

async fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let mut command = atsync(directory, arguments);
    command.env("HOME", std::env::var_os("HOME").unwrap_or_default());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("ATSYNC_CACHE_DIR", directory.join("cache"));
    finish(command).await
}

/// A folder for the new adapter that keeps what cargo compiled in an earlier run.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors");
    let kept = folder.join("kept");
    let made = folder.join("acme-hr");
    std::fs::create_dir_all(&folder).unwrap();
    if made.join("target").is_dir() {
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::rename(made.join("target"), &kept).unwrap();
    }
    let _ = std::fs::remove_dir_all(&made);
    folder
}

#[tokio::test]
async fn a_new_adapter_builds_and_keeps_every_promise_as_it_was_written() {
    let folder = folder();
    let sdk = repository().join("adapters/sdk");
    let made =
        run(&folder, &["adapter", "new", "acme-hr", "--path-to-sdk", &sdk.display().to_string()])
            .await;
    assert_eq!(made.code, 0, "{made:?}");
    if folder.join("kept").is_dir() {
        std::fs::rename(folder.join("kept"), folder.join("acme-hr/target")).unwrap();
    }
    let built = run(&folder, &["adapter", "build", "acme-hr", "--json"]).await;
    assert_eq!(built.code, 0, "{built:?}");
    assert_eq!(built.json()[0]["adapter"], "acme-hr");
    let (wasm, sandbox) = ("acme-hr/acme-hr.wasm", "acme-hr/sandbox.yaml");
    let tested = run(&folder, &["adapter", "test", wasm, "--sandbox", sandbox, "--json"]).await;
    assert_eq!(tested.code, 0, "{tested:?}");
    let report = tested.json().remove(0);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.len() > 30 && findings.iter().all(|one| one["verdict"] == "held"), "{report}");

    // A second folder of the name is not written over.
    let again = run(&folder, &["adapter", "new", "acme-hr"]).await;
    assert!(again.code == 1 && again.error().contains("--directory"), "{again:?}");

    let traced = run(
        &folder,
        &["adapter", "trace", wasm, "scan", "jobs", "--sandbox", sandbox, "--page-size", "2"],
    )
    .await;
    for shown in
        ["GET /jobs?per_page=2", "state   ", "reply   200", "more follow", "record  jobs/1"]
    {
        assert!(traced.out.contains(shown), "{shown} in {traced:?}");
    }
    let written = run(
        &folder,
        &[
            "adapter",
            "trace",
            wasm,
            "write",
            "notes.create",
            "--sandbox",
            sandbox,
            "--input",
            r#"{"candidate":"11","body":"A note"}"#,
        ],
    )
    .await;
    assert!(written.out.contains("unsafe") && written.out.contains("Applied"), "{written:?}");
    let inspected = run(&folder, &["adapter", "inspect", wasm]).await;
    for shown in [
        "SHA-256",
        "does not read of candidates: phones",
        "does not read: applications",
        "reads webhooks that the secret `webhook` signs: HMAC-SHA-256 over the body, in \
         hexadecimal, in the header `x-acme-hr-signature`",
        "registers no webhooks",
    ] {
        assert!(inspected.out.contains(shown), "{shown} in {inspected:?}");
    }
    // A component is built from itself: only checked and compiled.
    let checked = run(&folder, &["adapter", "build", wasm, "--output", "copy.wasm"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let text = run(&folder, &["adapter", "build", "acme-hr/README.md"]).await;
    assert_eq!(text.code, 1, "{text:?}");
}

#[tokio::test]
async fn a_new_described_adapter_keeps_every_promise_and_a_mistake_in_it_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let made = run(folder, &["adapter", "new", "acme", "--described"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let file = folder.join("acme/adapter.yaml");
    for (of, schema) in
        [("adapter.yaml", "description.schema.json"), ("sandbox.yaml", "sandbox.schema.json")]
    {
        let text = std::fs::read_to_string(folder.join("acme").join(of)).unwrap();
        let first = format!("# yaml-language-server: $schema={schema}\n");
        assert!(text.starts_with(&first), "{of}");
        let schema = std::fs::read(folder.join("acme").join(schema)).unwrap();
        let schema: Value = serde_json::from_slice(&schema).unwrap();
        assert!(schema["properties"].is_object(), "{of}");
    }
    let built =
        run(folder, &["adapter", "build", "acme/adapter.yaml", "--output", "acme/acme.wasm"]).await;
    assert_eq!(built.code, 0, "{built:?}");
    let (wasm, sandbox) = ("acme/acme.wasm", "acme/sandbox.yaml");
    let arguments = ["adapter", "test", wasm, "--sandbox", sandbox, "--json"];
    let tested = run(folder, &arguments).await;
    assert_eq!(tested.code, 0, "{tested:?}");
    let report = tested.json().remove(0);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.len() > 30 && findings.iter().all(|one| one["verdict"] == "held"), "{report}");

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("title: row.title", "titel: row.title")).unwrap();
    let wrong = run(folder, &["adapter", "build", "acme/adapter.yaml"]).await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.err.contains("line 2") && wrong.err.contains("titel"), "{wrong:?}");
}

/// A program that stands for npm: it notes what it is asked for, and makes what npm would.
#[cfg(unix)]
const NPM: &str = r#"#!/bin/sh
echo "$*" >> asked
echo "a line of npm"
case "$1" in
    ci | install) /bin/mkdir -p node_modules && echo {} > node_modules/.package-lock.json ;;
    run) /bin/mkdir -p target && /bin/cp made.wasm target/adapter.wasm ;;
esac
"#;

/// `.ci/adapter-js` builds and tests one with npm itself.
#[cfg(unix)]
#[tokio::test]
async fn an_adapter_in_typescript_is_built_by_npm_which_installs_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let made = run(folder, &["adapter", "new", "acme-hr", "--js"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(read("acme-hr/adapter.ts").contains("name: 'acme-hr'"));
    assert!(read("acme-hr/package-lock.json").contains("\"name\": \"acme-hr\""));

    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let build = |arguments: &[&str]| {
        let mut command = atsync(folder, arguments);
        command.env("PATH", &bin).env("ATSYNC_CACHE_DIR", folder.join("cache"));
        finish(command)
    };
    let arguments = ["adapter", "build", "acme-hr", "--json"];
    let without = build(&arguments).await;
    assert_eq!(without.code, 1, "{without:?}");
    assert!(without.error().contains("install Node"), "{without:?}");

    std::fs::write(bin.join("npm"), NPM).unwrap();
    std::fs::set_permissions(bin.join("npm"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let nothing = build(&arguments).await;
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.error().contains("failed"), "{nothing:?}");
    let component = atsync_adapters_bundled::bundled("greenhouse").unwrap();
    std::fs::write(folder.join("acme-hr/made.wasm"), component).unwrap();
    let built = build(&arguments).await;
    assert_eq!(built.code, 0, "{built:?}");
    // What npm prints is not in the command's own output.
    assert_eq!(built.json()[0]["adapter"], "greenhouse");
    assert!(folder.join("acme-hr/acme-hr.wasm").is_file());
    let asked = read("acme-hr/asked");
    assert_eq!(asked.matches("ci --ignore-scripts").count(), 1, "{asked}");
    assert_eq!(asked.matches("run --silent build").count(), 2, "{asked}");

    let package = read("acme-hr/package.json");
    let without = package.replace("\"main\": \"target/adapter.wasm\",", "");
    std::fs::write(folder.join("acme-hr/package.json"), without).unwrap();
    let nameless = build(&arguments).await;
    assert!(nameless.error().contains("`main` must name the component"), "{nameless:?}");
}

#[tokio::test]
async fn an_adapter_that_breaks_a_promise_fails_the_command_and_the_report_shows_the_exchange() {
    let site = Site::start().await;
    let sandbox = repository().join("examples/adapter-minimal/sandbox.yaml");
    let sandbox = sandbox.display().to_string();
    // Another ATS's sandbox: nothing of what the adapter asks for is there.
    let ran = site.run(&["adapter", "test", "greenhouse", "--sandbox", &sandbox]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.error().contains("breaks"), "{ran:?}");
    assert!(ran.out.contains("BROKEN") && ran.out.contains("task    "), "{ran:?}");
    // Its own says itself what the suite needs to know.
    let url = site.running.base_url();
    let arguments = ["adapter", "test", "greenhouse", "--sandbox", &url, "--kinds", "jobs,notes"];
    let own = site.run(&arguments).await;
    assert_eq!(own.code, 0, "{own:?}");
    let missing = site.run(&["adapter", "test", "greenhouse", "--sandbox", "none.yaml"]).await;
    assert!(missing.error().contains("none.yaml cannot be read"), "{missing:?}");
    let task =
        site.run(&["adapter", "trace", "greenhouse", "scan", "job", "--sandbox", &sandbox]).await;
    assert!(task.error().contains("jobs"), "the kind that was meant is named: {task:?}");
}

#[tokio::test]
async fn a_recorded_session_replays_and_has_nothing_personal_left() {
    let site = Site::start().await;
    let url = site.running.base_url();
    let (api, auth) = (format!("api={url}"), format!("auth={url}"));
    let arguments = [
        "adapter",
        "record",
        "greenhouse",
        "session.json",
        "--origin",
        &api,
        "--origin",
        &auth,
        "--kinds",
        "candidates,applications,jobs,users",
        "--pages",
        "2",
    ];
    let without = finish(site.command(&arguments)).await;
    assert!(without.error().contains("ATSYNC_ADAPTER_KEY"), "{without:?}");
    let mut command = site.command(&arguments);
    command.env("ATSYNC_ADAPTER_CLIENT_ID", "sandbox");
    command.env("ATSYNC_ADAPTER_CLIENT_SECRET", "sandbox-secret");
    let recorded = finish(command).await;
    assert_eq!(recorded.code, 0, "{recorded:?}");

    let text = std::fs::read_to_string(site.path("session.json")).unwrap();
    let mut checked = 0;
    for (collection, members) in [
        ("candidates", &["first_name", "last_name"][..]),
        ("users", &["first_name", "last_name", "primary_email"]),
        ("jobs", &["name"]),
    ] {
        for row in site.sandbox().rows(collection) {
            for member in members {
                let value = row[*member].as_str().unwrap_or_default();
                if value.len() > 5 {
                    assert!(!text.contains(value), "{collection}.{member} {value} is left");
                    checked += 1;
                }
            }
            let emails = row["email_addresses"].as_array().cloned().unwrap_or_default();
            for email in emails.iter().filter_map(|email| email["value"].as_str()) {
                assert!(!text.contains(email), "{email} is left");
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked}");
    assert!(!text.contains("sandbox-secret") && !text.contains("127.0.0.1"));

    site.running.shutdown().await;
    let replayed = finish(atsync(
        site.directory.path(),
        &[
            "adapter",
            "trace",
            "greenhouse",
            "scan",
            "candidates",
            "--replies",
            "session.json",
            "--page-size",
            "20",
            "--pages",
            "2",
            "--json",
        ],
    ))
    .await;
    assert_eq!(replayed.code, 0, "{replayed:?}");
    let steps: Vec<Value> = replayed.json();
    assert_eq!(steps.len(), 2, "{replayed:?}");
    let other = finish(atsync(
        site.directory.path(),
        &["adapter", "trace", "greenhouse", "scan", "notes", "--replies", "session.json"],
    ))
    .await;
    assert!(other.error().contains("is not in the recording"), "{other:?}");
}
