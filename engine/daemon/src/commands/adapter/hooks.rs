//! What `atsync adapter inspect` says of webhooks: whether the adapter reads them, how they are
//! signed, and who registers them.
//!
//! The manifest has the registration alone. The signature is found out by made-up webhooks, which
//! leave this process as little as the adapter does: each has a text in the place of a signature in
//! every header that an ATS may use, all different, so that the adapter's question shows which one
//! it read. Left out: a signature in a place that no other ATS has; the scheme then stays unknown.

use crate::words::count;
use atsync::Adapter;
use atsync::model::contract::{
    Algorithm, Encoding, Field, Given, Hook, Outcome, Step, Task, Verify,
};
use atsync::model::manifest::{Manifest, WebhookRule, WebhookSecret};

/// What stands before a signature in the headers of most ATSs.
const PREFIXES: &[&str] = &["", "sha256=", "sha1=", "sha256 ", "sha512=", "v1="];
/// A body that has a signature in it, too.
const BODY: &str = r#"{"event":"made-up","token":"made-up","triggeredAt":1,"signature":"ff"}"#;

/// What the adapter does with webhooks.
pub(super) fn lines(adapter: &dyn Adapter) -> Vec<String> {
    let manifest = adapter.manifest();
    let mut lines = vec![reads(adapter)];
    match &manifest.webhooks {
        Some(rule) => lines.push(registers(rule)),
        None if lines.iter().any(|line| line != NONE) => {
            lines.push("registers no webhooks: create them in the ATS".to_owned());
        }
        None => {}
    }
    lines
}

const NONE: &str = "reads no webhooks";

fn reads(adapter: &dyn Adapter) -> String {
    let mut is_read = false;
    for prefix in PREFIXES {
        let headers = headers(adapter.manifest(), prefix);
        let body = BODY.as_bytes().to_vec();
        let task = Task::Hook(Hook { headers: headers.clone(), body });
        match adapter.start(task, given()) {
            Ok(Ok(Step::Verify(verify))) => return signed(&verify, &headers),
            Ok(Ok(Step::Done(Outcome::Hooked(_)))) => is_read = true,
            Ok(_) => {}
            Err(error) => return format!("reads webhooks, and fails at a made-up one: {error}"),
        }
    }
    if is_read {
        "reads webhooks; how they are signed shows in a real one alone".to_owned()
    } else {
        NONE.to_owned()
    }
}

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".to_owned(), tenant: None, mark: None, grant: None }
}

/// Headers in which a signature may stand, each with another one.
fn headers(manifest: &Manifest, prefix: &str) -> Vec<Field> {
    let whole = manifest.name.as_str();
    let short = whole.split('-').next().unwrap_or(whole);
    let own = [format!("{short}-signature"), format!("x-{short}-signature")];
    let own_whole = [format!("{whole}-signature"), format!("x-{whole}-signature")];
    let usual = ["signature", "x-signature", "x-hub-signature", "x-hub-signature-256"];
    let usual = usual.into_iter().chain(["x-webhook-signature", "webhook-signature"]);
    let mut names: Vec<String> =
        own.into_iter().chain(own_whole).chain(usual.map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    let sign = |(at, name): (usize, String)| Field::new(name, format!("{prefix}{at:064x}"));
    names.into_iter().enumerate().map(sign).collect()
}

fn signed(verify: &Verify, headers: &[Field]) -> String {
    let over = if verify.message == BODY.as_bytes() { "the body" } else { "parts of the webhook" };
    let algorithm = match verify.algorithm {
        Algorithm::HmacSha256 => format!("HMAC-SHA-256 over {over}"),
        Algorithm::HmacSha1 => format!("HMAC-SHA-1 over {over}"),
        Algorithm::HmacSha512 => format!("HMAC-SHA-512 over {over}"),
        Algorithm::Plain => "the secret itself".to_owned(),
    };
    let encoding = match (verify.algorithm, verify.encoding) {
        (Algorithm::Plain, _) => "",
        (_, Encoding::Hex) => ", in hexadecimal",
        (_, Encoding::Base64) => ", in base64",
    };
    let is_in = |value: &str, sent: &String| !sent.is_empty() && value.contains(sent.as_str());
    let is_it = |header: &&Field| verify.candidates.iter().any(|sent| is_in(&header.value, sent));
    let place = match headers.iter().find(is_it) {
        Some(header) => format!("the header `{}`", header.name),
        None => "the body".to_owned(),
    };
    format!(
        "reads webhooks that the secret `{}` signs: {algorithm}{encoding}, in {place}",
        verify.secret_name
    )
}

fn registers(rule: &WebhookRule) -> String {
    let secret = match &rule.secret {
        WebhookSecret::Given { .. } => "with the connection's secret",
        WebhookSecret::Answered {} => "with a secret of the ATS",
    };
    let https = if rule.https_only { ", only at https" } else { "" };
    let needs = if rule.permissions.is_empty() {
        String::new()
    } else {
        format!("; that needs {}", rule.permissions.join(", "))
    };
    format!(
        "registers webhooks for {} {secret}{https} ({}){needs}; by hand: {}",
        count(rule.events.len() as u64, "event"),
        rule.events.join(", "),
        rule.by_hand_at
    )
}
