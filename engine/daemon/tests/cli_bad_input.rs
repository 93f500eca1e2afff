//! Bad input ends with one message (what, where, what to do) and exit code 1, and no write is half
//! done: the sandbox's log of writes stays empty.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::indexing_slicing,
    reason = "a helper of tests stops where something is not as it must be"
)]

mod cli_support;

use atsync_greenhouse_sandbox::Recruiter;
use cli_support::{Ran, Site, finish};
use serde_json::json;

const MULTI: &str = "acme";

/// Applies a file and returns what the command printed; asserts that neither the ATS nor the store
/// was written.
async fn refused(site: &Site, file: &str, text: &str) -> Ran {
    site.write(file, text);
    site.sandbox().clear_logs();
    let ran = site.run(&["apply", MULTI, "--desired", file, "--yes"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        site.sandbox().writes().is_empty(),
        "nothing may be written: {:?}",
        site.sandbox().writes()
    );
    if site.path("acme.redb").exists() {
        let status = site.run(&["status", "--json"]).await;
        assert_eq!(status.json()[0]["desired"], 0, "nothing may be declared");
    }
    ran
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_file_and_line() {
    let site = Site::start().await;
    let good =
        r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;
    let ran = refused(&site, "r.jsonl", &format!("{good}\n{{\"key\":\"b\",\"emial\":[]}}\n")).await;
    says(&ran.error(), &["r.jsonl:2", "`emial` is no member of a candidate", "atsync schema"]);
    assert!(site.sandbox().requests().is_empty(), "the whole file is read before anything is sent");
    assert!(!site.path("acme.redb").exists(), "not even a store is made");
}

#[tokio::test]
async fn a_wrong_type_is_refused_with_file_and_line() {
    let site = Site::start().await;
    let ran = refused(&site, "r.json", "[\n{\"key\":\"a\"},\n{\"key\":7}\n]").await;
    says(&ran.error(), &["r.json:3", "`key` must be a text, and is the number 7"]);
    assert!(site.sandbox().requests().is_empty());
}

#[tokio::test]
async fn an_unknown_job_blocks_and_says_what_is_near() {
    let site = Site::start().await;
    let job = site.job();
    let mut misspelt = job.clone();
    misspelt.pop();
    let record = json!({ "key": "a", "name": { "first": "Ada", "last": "Obi" },
        "emails": ["ada@new.example.com"],
        "applications": [{ "key": "x", "job": misspelt }] });
    let ran = refused(&site, "r.jsonl", &record.to_string()).await;
    says(&ran.out, &["blocked: ", "a/applications/x", &misspelt, "did you mean", &job]);
    says(
        &ran.error(),
        &["acme", "1 blocked record", "nothing was declared or written", "--keep-going"],
    );
}

#[tokio::test]
async fn two_candidates_with_the_same_email_block() {
    let site = Site::start().await;
    let candidates = site.sandbox().rows("candidates");
    let id = |at: usize| candidates[at]["id"].as_i64().unwrap();
    for at in [0, 1] {
        let deed = Recruiter::EditEmail {
            candidate_id: id(at),
            from: None,
            to: "twin@new.example.com".into(),
        };
        site.sandbox().recruiter(&deed).unwrap();
    }
    let ran = refused(
        &site,
        "r.jsonl",
        r#"{"key":"a","emails":["twin@new.example.com"],"company":"Globex"}"#,
    )
    .await;
    says(&ran.out, &["blocked: ", "twin@new.example.com", &id(0).to_string(), &id(1).to_string()]);
    says(&ran.error(), &["nothing was declared or written"]);
}

#[tokio::test]
async fn two_desired_records_for_one_email_block() {
    let site = Site::start().await;
    let one = |key: &str| {
        json!({ "key": key, "name": { "first": "Ada", "last": "Obi" },
        "emails": ["ada@new.example.com"] })
    };
    let ran = refused(&site, "r.jsonl", &format!("{}\n{}", one("a"), one("b"))).await;
    says(&ran.out, &["blocked: ", "ada@new.example.com"]);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let site = Site::start().await;
    site.sandbox().set_access(|access| {
        access.scopes.remove("harvest:candidates:list");
    });
    let ran = site.run(&["pull", "acme", "--kinds", "candidates,jobs"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(&ran.err, &["candidates not read", "harvest:candidates:list"]);
    says(&ran.out, &["jobs", "records"]);
    let check = site.run(&["check", "acme"]).await;
    assert_eq!(check.code, 1, "{check:?}");
    says(
        &check.out,
        &[
            "harvest:candidates:list",
            "required",
            "without it: ",
            "granted at: ",
            "1 REQUIRED missing",
        ],
    );
    let record =
        r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;
    let ran = refused(&site, "r.jsonl", record).await;
    says(&ran.error(), &["acme", "harvest:candidates:list"]);
}

#[tokio::test]
async fn a_scope_missing_for_one_write_is_named_and_the_exit_code_is_1() {
    let site = Site::start().await;
    site.sandbox().set_access(|access| {
        access.scopes.remove("harvest:candidates:create");
    });
    site.write(
        "r.jsonl",
        r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#,
    );
    site.sandbox().clear_logs();
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(&ran.err, &["candidates.create a: refused", "harvest:candidates:create"]);
    assert!(site.sandbox().writes().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_is_reported_and_not_shown() {
    let site = Site::start().await;
    let mut command = site.command(&["pull", "acme"]);
    command.env("GH_SECRET", "hunter2-wrong");
    let ran = finish(command).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(&ran.error(), &["acme", "credential"]);
    assert!(!ran.err.contains("hunter2"));
}

#[tokio::test]
async fn an_unreachable_network_is_reported_with_the_origin() {
    let site = Site::start().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    site.write("acme.toml", &site.config().replace(&site.running.base_url(), &url));
    let ran = site.run(&["pull", "acme"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(&ran.error(), &["acme", "127.0.0.1"]);
}

#[tokio::test]
async fn a_corrupt_store_is_reported_with_the_way_out() {
    let site = Site::start().await;
    site.write("acme.redb", &"no store at all ".repeat(1000));
    let ran = site.run(&["pull", "acme"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(&ran.error(), &["acme.redb", "pull again"]);
    assert!(site.sandbox().requests().is_empty());
}

#[tokio::test]
async fn a_component_that_did_not_ship_is_refused_with_the_origins_to_add() {
    let site = Site::start().await;
    std::fs::write(site.path("mine.wasm"), atsync_adapters_bundled::GREENHOUSE).unwrap();
    let config = site.config().replace("\"greenhouse\"", "\"mine.wasm\"");
    let without: String = config
        .lines()
        .filter(|line| !line.starts_with("origins"))
        .map(|line| format!("{line}\n"))
        .collect();
    site.write("acme.toml", &without);
    let ran = site.run(&["check", "acme"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let line = "origins = { api = \"https://harvest.greenhouse.io\", auth = \"https://auth.greenhouse.io\" }";
    says(&ran.error(), &["acme", "did not ship with this program", line]);
    assert!(site.sandbox().requests().is_empty());
    site.write("acme.toml", &config);
    let ran = site.run(&["check", "acme"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused() {
    let site = Site::start().await;
    site.write("mine.wasm", "#!/bin/sh\n");
    site.write("acme.toml", &site.config().replace("\"greenhouse\"", "\"mine.wasm\""));
    let ran = site.run(&["pull", "acme"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    says(
        &ran.error(),
        &[
            "acme.toml",
            "connections.acme.adapter",
            "mine.wasm",
            "is no WebAssembly component",
            "atsync-componentize",
        ],
    );
    assert!(!site.path("acme.redb").exists());
    site.write("acme.toml", &site.config().replace("\"greenhouse\"", "\"grenhouse\""));
    let ran = site.run(&["pull", "acme"]).await;
    says(&ran.error(), &["grenhouse", "did you mean `greenhouse`"]);
}

#[tokio::test]
async fn a_secret_in_clear_or_not_set_is_refused() {
    let site = Site::start().await;
    site.write("acme.toml", &site.config().replace("{ env = \"GH_SECRET\" }", "\"hunter2\""));
    let ran = site.run(&["pull", "acme"]).await;
    assert_eq!(ran.code, 1);
    says(&ran.error(), &["acme.toml:5", "in clear", "{ env = "]);
    assert!(!ran.err.contains("hunter2"));
    site.write("acme.toml", &site.config());
    let mut command = site.command(&["pull", "acme"]);
    command.env_remove("GH_SECRET");
    let ran = finish(command).await;
    says(&ran.error(), &["connections.acme.auth.client_secret", "GH_SECRET is not set"]);
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_1_and_not_with_2() {
    let site = Site::start().await;
    for arguments in [&["pull"][..], &["plan", "acme", "--nonsense"], &["frobnicate"]] {
        assert_eq!(site.run(arguments).await.code, 1, "{arguments:?}");
    }
    site.write("r.jsonl", r#"{"key":"a","emails":["ada@new.example.com"]}"#);
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl"]).await;
    assert_eq!(ran.code, 1);
    says(&ran.error(), &["no terminal", "--yes"]);
}

#[tokio::test]
async fn every_command_names_the_nearest_kind_for_a_misspelt_one() {
    let site = Site::start().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "jobs"]).await.code, 0);
    for arguments in [
        &["pull", "acme", "--kinds", "candidats"][..],
        &["sweep", "acme", "--kinds", "candidats"],
        &["get", "acme", "candidats"],
        &["explain", "acme", "candidats", "ref-1"],
    ] {
        let ran = site.run(arguments).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        says(
            &ran.error(),
            &["the adapter greenhouse has no kind \"candidats\"; did you mean `candidates`?"],
        );
    }
}

#[tokio::test]
async fn an_unknown_kind_setting_or_scheme_is_reported_with_its_line() {
    let site = Site::start().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "jobs"]).await.code, 0);
    let config = site.config();
    let kind = "the adapter greenhouse has no kind \"candidats\"; did you mean `candidates`?";
    let auth = "auth = { scheme = \"basic-key\", key = { env = \"GH_SECRET\" } }\n";
    let scheme: String = config
        .lines()
        .map(|line| if line.starts_with("auth") { auth.to_owned() } else { format!("{line}\n") })
        .collect();
    for (config, parts) in [
        (
            config.replace("candidates = \"*/5", "candidats = \"*/5"),
            ["acme.toml:8: schedule: ", kind],
        ),
        (
            format!("{config}sweeps = {{ candidats = \"0 3 * * *\" }}\n"),
            ["acme.toml:9: sweeps: ", kind],
        ),
        (
            format!("{config}settings = {{ sauce = \"x\" }}\n"),
            ["acme.toml:9: ", "did you mean `source`?"],
        ),
        (
            format!("{config}[connections.acme.settings]\nsauce = \"x\"\n"),
            ["acme.toml:10: ", "did you mean `source`?"],
        ),
        (config.replace("{ api = ", "{ apu = "), ["acme.toml:6: ", "did you mean `api`?"]),
        (scheme, ["acme.toml:5: ", "does not take a key; it takes: oauth2-client-credentials"]),
    ] {
        site.write("acme.toml", &config);
        for command in [&["check", "acme"][..], &["status"], &["run"]] {
            let ran = site.run(command).await;
            assert_eq!(ran.code, 1, "{ran:?}");
            says(&format!("{}{}", ran.out, ran.err), &parts);
        }
    }
}

#[tokio::test]
async fn a_desired_file_without_a_record_is_an_error_that_names_it() {
    let site = Site::start().await;
    site.write("r.jsonl", "");
    for arguments in [
        &["plan", "acme", "--desired", "r.jsonl"][..],
        &["apply", "acme", "--desired", "r.jsonl", "--yes"],
    ] {
        let ran = site.run(arguments).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        says(&ran.error(), &["r.jsonl has no desired record"]);
    }
}

#[tokio::test]
async fn a_missing_directory_of_the_store_is_reported_with_the_way_out() {
    let site = Site::start().await;
    site.write("acme.toml", &site.config().replace("acme.redb", "data/acme.redb"));
    for command in [&["status"][..], &["pull", "acme"]] {
        let ran = site.run(command).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        says(
            &ran.error(),
            &["data/acme.redb", "its directory data is missing", "make the directory", "acme.toml"],
        );
    }
    assert!(site.sandbox().requests().is_empty());
}

#[tokio::test]
async fn every_bad_line_is_reported_and_a_pretty_printed_record_is_not_one() {
    let site = Site::start().await;
    let pretty = "{\n  \"key\": \"a\",\n  \"emails\": [\n    \"ada@new.example.com\"\n  ]\n}\n";
    let bad = format!(
        "{pretty}{{\"key\":\"b\",\"emial\":[]}}\n{{\"key\":\"c\"\n{{\"key\":7}}\n{{\"key\":\"d\"}}\n"
    );
    let ran = refused(&site, "r.jsonl", &bad).await;
    says(
        &ran.err,
        &[
            "error: r.jsonl:7: `emial` is no member",
            "\nr.jsonl:8: the line ends within",
            "\nr.jsonl:9: `key` must be",
        ],
    );
    says(&ran.err, &["3 records are refused, so none of the file is used"]);
    assert!(site.sandbox().requests().is_empty(), "the whole file is read before anything is sent");
    site.write("r.json", pretty);
    let planned = site.run(&["plan", "acme", "--desired", "r.json"]).await;
    assert!(!planned.err.contains("r.json:"), "{planned:?}");
}
