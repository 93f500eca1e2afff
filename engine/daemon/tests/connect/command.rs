//! `atsync connect` and `atsync token`, alone on the store and within a server that holds it.

use crate::cli_support::{Ran, Site};
use crate::customer::Vendor;
use crate::serve_support::SEAL;
use serde_json::json;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

const TABLE: &str = "store = \"acme.redb\"\n\n[serve]\n";
const SEALED: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";

/// Runs it with this text as its standard input.
async fn run(site: &Site, arguments: &[&str], input: &str) -> Ran {
    let mut command = site.command(arguments);
    command.env("SEAL", SEAL).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that is refused first reads nothing.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn origins(site: &Site) -> [String; 2] {
    let url = site.running.base_url();
    [format!("api={url}"), format!("auth={url}")]
}

async fn connect(site: &Site, name: &str, secret: &str) -> Ran {
    let [api, auth] = origins(site);
    let arguments = [
        "connect",
        "greenhouse",
        "--name",
        name,
        "--client-id",
        "sandbox",
        "--origin",
        &api,
        "--origin",
        &auth,
    ];
    run(site, &arguments, secret).await
}

#[tokio::test]
async fn the_command_line_makes_a_connection_alone_and_changes_its_credential_in_place() {
    let site = Site::start().await;
    site.write("acme.toml", &format!("{TABLE}{SEALED}"));
    let refused = connect(&site, "beta", "wrong\n").await;
    assert_eq!(refused.code, 1);
    assert!(refused.error().contains("invalid_client"), "{refused:?}");
    assert!(connect(&site, "beta", "").await.error().contains("there is no secret"));
    let made = connect(&site, "beta", "sandbox-secret\n").await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("granted") && made.err.contains("made the connection beta"));
    assert_eq!(run(&site, &["pull", "beta", "--kinds", "jobs"], "").await.code, 0);
    let again = connect(&site, "beta", "sandbox-secret").await;
    assert!(again.code == 0 && again.err.contains("changed the connection beta"), "{again:?}");
    let status = run(&site, &["status", "beta"], "").await;
    assert!(status.out.contains("jobs"), "what was read stays: {status:?}");
    let stored = std::fs::read(site.path("acme.redb")).unwrap();
    let secret = b"sandbox-secret";
    assert!(!stored.windows(secret.len()).any(|part| part == secret));
}

#[tokio::test]
async fn the_command_line_makes_a_connection_within_the_server_which_runs_it_at_once() {
    let vendor = Vendor::start("").await;
    let made = connect(&vendor.served.site, "beta", "sandbox-secret\n").await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.err.contains("the running process keeps it in step"), "{made:?}");
    vendor.pulled("beta").await;
    let other = connect(&vendor.served.site, "gamma", "sandbox-secret").await;
    assert_eq!(other.code, 0, "{other:?}");
    let status = vendor.served.site.run(&["status", "beta"]).await;
    assert!(status.out.contains("beta") && !status.out.contains("gamma"), "{status:?}");
    vendor.hides(&["sandbox-secret"]);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn the_command_line_changes_a_credential_and_keeps_the_webhook_secret() {
    let vendor = Vendor::start("").await;
    let url = vendor.served.site.running.base_url();
    let new = json!({
        "adapter": "greenhouse",
        "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret" },
        "webhook_secret": "of the webhooks",
        "origins": { "api": url, "auth": url },
        "allow_private_network": true,
    });
    let made = vendor.served.put("/v1/connections/beta", &new.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path =
        async || vendor.served.get("/v1/connections/beta/webhook").await.json()["path"].take();
    let before = path().await;
    assert!(before.is_string());
    let again = connect(&vendor.served.site, "beta", "sandbox-secret").await;
    assert!(again.code == 0 && again.err.contains("changed the connection beta"), "{again:?}");
    assert_eq!(path().await, before);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn what_is_missing_for_a_connection_is_said_with_the_line_to_add() {
    let site = Site::start().await;
    for (config, says) in [
        ("store = \"acme.redb\"\n", "seal_key = { env = \"ATSYNC_SEAL_KEY\" }"),
        (&site.config(), "seal_key = { env = \"ATSYNC_SEAL_KEY\" }"),
        (&format!("{TABLE}seal_key = {{ env = \"SEAL\" }}\n"), "allow_private_network = true"),
    ] {
        site.write("acme.toml", config);
        let refused = connect(&site, "beta", "sandbox-secret").await;
        assert!(refused.code == 1 && refused.error().contains(says), "{refused:?}");
    }
    site.write("acme.toml", &format!("{}\n[serve]\n{SEALED}", site.config()));
    let of_file = connect(&site, "acme", "sandbox-secret").await;
    assert!(of_file.error().contains("acme is declared in acme.toml"), "{of_file:?}");
    let no_id = run(&site, &["connect", "greenhouse"], "sandbox-secret").await;
    assert!(no_id.error().contains("--client-id"), "{no_id:?}");
    let no_pair = ["connect", "greenhouse", "--client-id", "x", "--origin", "api"];
    assert!(run(&site, &no_pair, "x").await.error().contains("NAME=VALUE"));
}

#[tokio::test]
async fn a_token_is_made_listed_and_revoked_alone_and_within_the_server() {
    let site = Site::start().await;
    site.write("acme.toml", &format!("{TABLE}{SEALED}"));
    let made = run(&site, &["token", "create", "ops", "--scope", "admin"], "").await;
    assert!(made.code == 0 && made.out.trim().len() == 64, "{made:?}");
    assert!(run(&site, &["token", "create", "ops"], "").await.error().contains("has this name"));
    let vendor = Vendor::start_at(site, "").await;
    let ask = async |token: &str| {
        let bearer = format!("authorization: Bearer {}\r\n", token.trim());
        vendor.served.ask("GET /v1/connections", &bearer, "").await.status
    };
    assert_eq!((ask(&made.out).await, ask("x").await), (200, 401));
    let site = &vendor.served.site;
    let guest = run(site, &["token", "create", "guest", "--connections", "beta"], "").await;
    assert_eq!((guest.code, ask(&guest.out).await), (0, 200), "{guest:?}");
    let listed = run(site, &["token", "list"], "").await;
    assert!(listed.out.contains("guest") && !listed.out.contains(guest.out.trim()), "{listed:?}");
    assert_eq!(run(site, &["token", "revoke", "guest"], "").await.code, 0);
    assert_eq!(ask(&guest.out).await, 401);
    assert!(run(site, &["token", "revoke", "guest"], "").await.error().contains("no token"));
    assert_eq!(vendor.served.end().await, 0);
}
