//! Every public future and stream of the facade can be spawned.
//!
//! The compiler checks it: nothing here runs but [`every_public_async_fn_is_listed`], which reads
//! the facade's sources so that no new function is left out.

use atsync::model::contract::{Hint, RemoteRef};
use atsync::model::desired::{Desired, DesiredCandidate};
use atsync::model::unified::Job;
use atsync::{
    Connection, ConnectionOptions, Credential, Crons, Engine, Filter, Keep, Note, Person, Plan,
    PlanOf, Resolution, Secret, SecretRef, SweepOptions, TextRef, Vault, WithdrawOptions,
};
use futures_util::Stream;

/// The files that make the facade.
const FACADE: [(&str, &str); 19] = [
    ("consent/begin", include_str!("../src/consent/begin.rs")),
    ("consent/finish", include_str!("../src/consent/finish.rs")),
    ("feed", include_str!("../src/feed.rs")),
    ("records", include_str!("../src/records.rs")),
    ("webhook", include_str!("../src/webhook/receive.rs")),
    ("webhook", include_str!("../src/webhook/handle.rs")),
    ("webhook", include_str!("../src/webhook/register.rs")),
    ("credential", include_str!("../src/credential/replace.rs")),
    ("vault", include_str!("../src/vault.rs")),
    ("engine", include_str!("../src/engine/backlog.rs")),
    ("engine", include_str!("../src/engine/declaring.rs")),
    ("engine", include_str!("../src/engine/forget.rs")),
    ("engine", include_str!("../src/engine/notes.rs")),
    ("engine", include_str!("../src/engine/status.rs")),
    ("secret", include_str!("../src/secret/reference.rs")),
    ("engine", include_str!("../src/engine.rs")),
    ("life", include_str!("../src/life.rs")),
    ("schedule", include_str!("../src/schedule/run.rs")),
    ("schedule", include_str!("../src/schedule/several.rs")),
];

fn future<F: Future + Send + 'static>(_: F) {}
fn stream<S: Stream + Send + 'static>(_: S) {}

/// One function for each line, compiled and never run: the future owns what it borrows, as a host
/// writes it before `tokio::spawn`.
macro_rules! spawnable {
    ($($name:ident($($arg:ident: $kind:ty),*) => $body:expr;)*) => {
        #[allow(dead_code, reason = "compiled, never run")]
        mod futures {
            use super::*;
            $(fn $name($($arg: $kind),*) {
                future(async move { drop($body.await) });
            })*
        }
        const LISTED: &[&str] = &[$(stringify!($name)),*];
    };
}

spawnable! {
    connect(engine: Engine, options: ConnectionOptions) => engine.connect(options);
    begin_consent(engine: Engine, options: ConnectionOptions, scope: String) =>
        engine.begin_consent(&options, "https://host.example/cb", &[&scope]);
    finish_consent(engine: Engine, options: ConnectionOptions, remember: Secret, query: String) =>
        engine.finish_consent(&options, &remember, &query);
    keep_alive(acme: Connection) => acme.keep_alive();
    trim_journal(acme: Connection) => acme.trim_journal(Connection::JOURNAL_AGE_MIN_MS);
    check(acme: Connection) => acme.check();
    check_for(acme: Connection) => acme.check_for(&[]);
    forget(engine: Engine, name: String) => engine.forget(&name);
    declare_if(acme: Connection, record: Desired) => acme.declare_if(&record, Some(1));
    abandon_if(acme: Connection, key: String) => acme.abandon_if(&key, 1);
    pull(acme: Connection, kind: String) => acme.pull(&kind);
    pull_full(acme: Connection, kind: String) => acme.pull_full(&kind);
    sweep(acme: Connection, kind: String) => acme.sweep(&kind, SweepOptions::default());
    hint(acme: Connection, hint: Hint) => acme.hint(hint);
    declare(acme: Connection, records: Vec<DesiredCandidate>) => acme.declare(&records);
    plan(acme: Connection) => acme.plan(PlanOf::Dirty);
    plan_in_parts(acme: Connection, records: Vec<Desired>) => acme.planner().plan(&records);
    apply(acme: Connection, plan: Plan) => acme.apply(&plan);
    settle(acme: Connection) => acme.settle();
    settle_without_sending(acme: Connection) => acme.settle_without_sending();
    sync(acme: Connection) => acme.sync();
    observed_one(acme: Connection, id: String) => acme.observed_one("jobs", &id);
    acknowledge(acme: Connection) => acme.acknowledge("host", 1);
    offset(acme: Connection) => acme.offset("host");
    desired(acme: Connection, key: String) => acme.desired(&key);
    links(acme: Connection, key: String) => acme.links(&key);
    open_intents(acme: Connection) => acme.open_intents();
    intent(acme: Connection) => acme.intent(1);
    verify_tenant(acme: Connection) => acme.verify_tenant();
    status(acme: Connection) => acme.status();
    backlog(acme: Connection) => acme.backlog();
    resolve(acme: Connection, how: Resolution) => acme.resolve(1, how);
    link(acme: Connection, key: String, remote: RemoteRef) => acme.link(&key, &remote);
    import(acme: Connection, id: String) => acme.import(&id, "key");
    pause(acme: Connection, key: String) => acme.pause(&key);
    resume(acme: Connection, key: String) => acme.resume(&key);
    pause_writes(acme: Connection) => acme.pause_writes();
    resume_writes(acme: Connection) => acme.resume_writes();
    observe_only(acme: Connection, key: String) => acme.observe_only(&key);
    abandon(acme: Connection, key: String) => acme.abandon(&key);
    plan_withdrawal(acme: Connection, key: String) =>
        acme.plan_withdrawal(&key, WithdrawOptions::default());
    withdraw(acme: Connection, key: String) => acme.withdraw(&key, WithdrawOptions::default());
    explain(acme: Connection, key: String) => acme.explain(&key);
    linked_to(acme: Connection, remote: RemoteRef) => acme.linked_to(&remote);
    erase(acme: Connection, person: Person) => acme.erase(&person);
    undo_erasure(acme: Connection, person: Person) => acme.undo_erasure(&person);
    trim(acme: Connection) => acme.trim(1, Keep::Unacknowledged);
    changes_first(acme: Connection) => acme.changes_first();
    end_consumer(acme: Connection) => acme.end_consumer("host");
    replace_credential(acme: Connection, credential: Credential) =>
        acme.replace_credential(credential);
    observed_page(acme: Connection, filter: Filter) =>
        acme.observed_page("jobs", &filter, None, 10);
    observed_one_as(acme: Connection, id: String) => acme.observed_one_as::<Job<'_>>("jobs", &id);
    desired_page(acme: Connection) => acme.desired_page(None, 10);
    receive(acme: Connection, headers: Vec<(String, String)>, body: Vec<u8>) =>
        acme.receive(headers, &body);
    accept(acme: Connection, headers: Vec<(String, String)>, body: Vec<u8>) =>
        acme.accept(headers, &body);
    register_webhooks(acme: Connection, url: Secret) => acme.register_webhooks(&url);
    remove_webhooks(acme: Connection) => acme.remove_webhooks();
    handle_accepted(acme: Connection) => acme.handle_accepted(20);
    put_notes(engine: Engine, notes: Vec<Note>) => engine.put_notes(notes);
    note(engine: Engine, key: String) => engine.note("host", &key);
    notes_page(engine: Engine) => engine.notes_page("host", None, 10);
    put(vault: Vault, secret: Secret) => vault.put("acme", "key", &secret);
    get(vault: Vault, purpose: String) => vault.get("acme", &purpose);
    retain(vault: Vault) => vault.retain("acme", |_| false);
    reseal(vault: Vault) => vault.reseal();
    read(secret: SecretRef, text: TextRef) =>
        async { (secret.read("").await, text.read("").await) };
    run(acme: Connection, crons: Crons) => acme.run(crons, std::future::pending(), |_| {});
    run_several(acme: Connection, crons: Crons) =>
        Engine::run([(acme, crons)], std::future::pending(), |_, _| {});
}

#[allow(dead_code, reason = "compiled, never run")]
fn streams(acme: Connection) {
    stream(acme.observed("jobs"));
    if let Ok(typed) = acme.observed_as::<Job<'_>>("jobs") {
        stream(typed);
    }
    stream(acme.changes(0));
    stream(acme.follow("host"));
    stream(acme.follow_after(0));
    // Owned without a task around it.
    future(acme.receive([("signature", "")], "{}"));
}

/// Listed by hand: public functions that return a stream or a future and are no `async fn`.
const STREAMS: &[&str] = &["observed", "observed_as", "changes", "follow", "follow_after"];

#[test]
fn every_public_async_fn_is_listed() {
    let mut missing = Vec::new();
    for (file, text) in FACADE {
        for signature in text.split("\n").enumerate().filter_map(|(number, line)| {
            // A signature may span several lines, up to its body.
            let begins = line.trim_start().starts_with("pub ") && line.contains("fn ");
            begins.then(|| text.split("\n").skip(number).take_while(|line| !line.is_empty()))
        }) {
            let signature: Vec<&str> = signature.collect();
            let signature = signature.join(" ");
            let signature = signature.split(" {").next().unwrap_or_default();
            let lazy = ["async fn", "impl Stream", "impl Future", "BoxFuture"];
            if !lazy.iter().any(|word| signature.contains(word)) {
                continue;
            }
            let rest = signature.split("fn ").nth(1).unwrap_or_default();
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !LISTED.contains(&name.as_str()) && !STREAMS.contains(&name.as_str()) {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "not held to `Send`: {missing:?}; add them above");
}
