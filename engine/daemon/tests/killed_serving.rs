//! `atsync serve` is killed with SIGKILL again and again while hosts declare referrals over HTTP,
//! recruiters edit candidates and their webhooks arrive: what was acknowledged is there at the end,
//! once.
//!
//! Method: each round starts the process on the same store and port. Two hosts declare, a consumer
//! follows the feed, a recruiter edits one candidate after the other; a seed chooses the moment of
//! the kill: after a number of acknowledged declarations, of writes that the sandbox saw, or of
//! webhooks that were answered 200. Records are declared on one connection, since a plan
//! brings its kinds up to date; the webhooks are of another, which pulls candidates once, at the
//! first start, so that its feed has an edit by its webhook alone. `ATSYNC_KILLS` is the number of
//! rounds, `ATSYNC_SEED` repeats a run's choices. Left out: power loss
//! (`engine/tests/store_contract/crashing.rs`).

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where something does not hold, and prints its seed"
)]
mod cli_support;

use atsync_greenhouse_sandbox::{HookState, NewWebhook, Recruiter, Sandbox};
use cli_support::Site;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

const HOOK: &str = "hook secret of acme";
const ACME: &str = "/v1/connections/acme";
const BETA: &str = "/v1/connections/beta";
/// Acknowledged declarations after which a round ends whatever its moment is.
const ACKNOWLEDGED_MAX: usize = 60;
/// New records of each host in a round.
const NEW_IN_A_ROUND: usize = 2;
/// Requests until a state must be reached, at the end.
const TRIES: usize = 500;

/// The choices of a run (`SplitMix64`).
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A number from the environment, or another.
fn number(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).map_or_else(|_| otherwise(), |text| text.parse().unwrap())
}

/// What the outside knows.
struct Outside {
    site: Site,
    address: String,
    /// The version that was acknowledged last, by key.
    acknowledged: RefCell<BTreeMap<String, u64>>,
    versions: Cell<u64>,
    /// Every change that the consumers of both connections have read.
    read: [RefCell<Vec<Value>>; 2],
    /// The surname that a recruiter gave last, by candidate.
    edited: RefCell<BTreeMap<i64, String>>,
    edits: Cell<usize>,
    /// The candidates of the company when it began.
    ids: Vec<i64>,
    is_dead: Cell<bool>,
    acknowledged_now: Cell<usize>,
}

impl Outside {
    async fn start() -> Self {
        let site = Site::sized(400).await;
        let config = site.config();
        let (head, _) = config.split_once("schedule").unwrap();
        let (_, connection) = head.split_once("[connections.acme]").unwrap();
        // Below the ports that systems choose by themselves.
        let ports = 20_000..30_000_u16;
        let first = u16::try_from(std::process::id() % 10_000).unwrap();
        let mut ports = ports.clone().skip(usize::from(first)).chain(ports);
        let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let address = format!("127.0.0.1:{}", ports.find(free).unwrap());
        let schedule = "schedule = { jobs = \"0 0 1 1 *\", candidates = \"0 0 1 1 *\" }";
        let acme = format!("{head}{schedule}\nsettle_window_ms = 20\n");
        let hooks = "webhook_secret = { env = \"HOOK\" }";
        let beta = format!("[connections.beta]{connection}{schedule}\n{hooks}\n");
        let serve = format!("[serve]\nlisten = \"{address}\"\n");
        site.write("acme.toml", &format!("{acme}\n{beta}\n{serve}"));
        let rows = site.sandbox().rows("candidates");
        Self {
            ids: rows.iter().filter_map(|row| row["id"].as_i64()).collect(),
            site,
            address,
            acknowledged: RefCell::default(),
            versions: Cell::new(0),
            read: Default::default(),
            edited: RefCell::default(),
            edits: Cell::new(0),
            is_dead: Cell::new(false),
            acknowledged_now: Cell::new(0),
        }
    }

    fn sandbox(&self) -> &Sandbox {
        self.site.sandbox()
    }

    /// Starts the process and waits until it listens.
    async fn serve(&self) -> Child {
        let mut command = self.site.command(&["serve"]);
        command.env("HOOK", HOOK).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.contains("http://")) {
            match notes.next_line().await.unwrap() {
                Some(line) => said.push(line),
                None => panic!("it ended by itself: {said:#?}"),
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = notes.next_line().await {} });
        child
    }

    /// Sends a request; none when no whole answer came.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        // A cut answer of a known length.
        let body = serde_json::from_str(body).ok();
        Some((status, body?))
    }

    /// Reads from a process that is not killed; first it may have to open the connection.
    async fn get(&self, path: &str) -> Value {
        loop {
            let (status, body) = self.ask("GET", path, "").await.unwrap();
            if status != 503 {
                assert_eq!(status, 200, "{path}: {body}");
                return body;
            }
        }
    }

    /// Declares new records and then new versions of known ones, one after the other.
    async fn declare(&self, host: usize, round: u64, mut choices: Choices) {
        let mut own = 0;
        while !self.is_dead.get() {
            let known: Vec<String> = {
                let all = self.acknowledged.borrow();
                all.keys().filter(|key| key.starts_with(&format!("h{host}-"))).cloned().collect()
            };
            let key = if own < NEW_IN_A_ROUND || known.is_empty() {
                format!("h{host}-{round}-{own}")
            } else {
                let len = u64::try_from(known.len()).unwrap();
                known[usize::try_from(choices.below(len)).unwrap()].clone()
            };
            let version = self.versions.get() + 1;
            self.versions.set(version);
            let record = json!({
                "name": { "first": "Ada", "last": key }, "emails": [email(&key)],
                "title": format!("Version {version}"), "policy": { "title": "enforce" },
                "notes": [{ "key": "n", "body": "We worked together." }],
            });
            let path = format!("{ACME}/desired/{key}");
            match self.ask("PUT", &path, &record.to_string()).await {
                // It opens the connection.
                Some((503, _)) => {}
                Some((200 | 201, _)) => {
                    self.acknowledged.borrow_mut().insert(key, version);
                    self.acknowledged_now.set(self.acknowledged_now.get() + 1);
                }
                Some(refused) => panic!("{path} was refused: {refused:?}"),
                None => assert!(self.is_dead.get(), "{path}: no answer of a living process"),
            }
            own += 1;
        }
    }

    /// Follows a feed.
    async fn follow(&self, connection: &str, read: &RefCell<Vec<Value>>) {
        while !self.is_dead.get() {
            let after = read.borrow().last().map_or(0, serial);
            let path = format!("{connection}/changes?after={after}&wait=30");
            let Some((status, page)) = self.ask("GET", &path, "").await else { continue };
            if status == 503 {
                continue;
            }
            assert_eq!(status, 200, "{page}");
            read.borrow_mut().extend(page["changes"].as_array().unwrap().iter().cloned());
        }
    }

    /// Renames one candidate after the other, each when the webhook of the one before was answered.
    async fn edit(&self) {
        while !self.is_dead.get() {
            let count = self.edits.get();
            self.edits.set(count + 1);
            let candidate_id = self.ids[count % self.ids.len()];
            let last_name = format!("Edited{count}");
            let first_name = "Grace".to_owned();
            self.edited.borrow_mut().insert(candidate_id, last_name.clone());
            let rename = Recruiter::Rename { candidate_id, first_name, last_name };
            self.sandbox().recruiter(&rename).unwrap();
            // One that failed may not be due for a while.
            breathe().await;
            while self.sandbox().is_hook_due() && !self.is_dead.get() {
                breathe().await;
            }
        }
    }

    /// Kills the process at a moment.
    async fn kill(&self, child: &mut Child, mut choices: Choices) {
        let (kind, least) = (choices.below(3), usize::try_from(choices.below(8)).unwrap() + 1);
        // Looked at so often that a copy of either list would stop everything else for seconds.
        let counts = || (self.sandbox().write_count(), self.sandbox().hooks_delivered());
        let (writes, hooks) = counts();
        let is_reached = || match kind {
            0 => self.acknowledged_now.get() >= least,
            1 => counts().0 >= writes + least,
            _ => counts().1 >= hooks + least,
        };
        // Bounded: the hosts declare until the process is dead.
        while !is_reached() && self.acknowledged_now.get() < ACKNOWLEDGED_MAX {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            breathe().await;
        }
        self.is_dead.set(true);
        child.start_kill().unwrap();
        assert!(child.wait().await.unwrap().code().is_none(), "it ended by itself");
    }

    async fn round(&self, round: u64, seed: u64) {
        let choices = |of: u64| Choices(seed ^ (round << 8) ^ of);
        self.is_dead.set(false);
        self.acknowledged_now.set(0);
        let mut child = self.serve().await;
        tokio::join!(
            self.declare(1, round, choices(1)),
            self.declare(2, round, choices(2)),
            self.follow(ACME, &self.read[0]),
            self.follow(BETA, &self.read[1]),
            self.edit(),
            self.minute(),
            self.kill(&mut child, choices(3)),
        );
    }

    /// Makes the waiting retries of webhooks due, once the process can take them: while none lives,
    /// or before it has opened its connections, the sandbox would only use its attempts up.
    async fn minute(&self) {
        while self.acknowledged_now.get() == 0 && !self.is_dead.get() {
            breathe().await;
        }
        self.sandbox().advance_ms(60_000);
    }

    /// When candidates were last pulled.
    async fn pulled_ms(&self, connection: &str) -> Value {
        self.get(&format!("{connection}/status")).await["pulled_ms"]["candidates"].clone()
    }

    /// Reads a whole feed.
    async fn feed(&self, connection: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, serial);
            let page = self.get(&format!("{connection}/changes?after={after}")).await;
            let changes = page["changes"].as_array().unwrap();
            if changes.is_empty() {
                return all;
            }
            all.extend(changes.iter().cloned());
        }
    }

    /// The surname of each candidate, by the last change in the feed.
    fn seen(feed: &[Value]) -> BTreeMap<i64, String> {
        let candidates = feed.iter().filter(|change| change["kind"] == "candidates");
        let named = candidates.filter_map(|change| {
            let id = change["id"].as_str()?.parse().ok()?;
            Some((id, change["after"]["name"]["last"].as_str()?.to_owned()))
        });
        named.collect()
    }

    /// Waits until every webhook was answered and every edit is in the feed.
    async fn all_edits_are_in_the_feed(&self) -> Vec<Value> {
        for _ in 0..TRIES {
            while self.sandbox().is_hook_due() {
                tokio::task::yield_now().await;
            }
            let deliveries = self.sandbox().hook_deliveries();
            let lost = deliveries.iter().find(|one| one.state == HookState::Lost);
            assert_eq!(lost, None);
            if let Some(due_ms) = deliveries.iter().filter_map(|one| one.due_ms).max() {
                self.sandbox().advance_ms(due_ms.saturating_sub(self.sandbox().now_ms()));
                continue;
            }
            let feed = self.feed(BETA).await;
            let seen = Self::seen(&feed);
            let edited = self.edited.borrow().clone();
            if edited.iter().all(|(id, name)| seen.get(id) == Some(name)) {
                return feed;
            }
            let last = feed.last().map_or(0, serial);
            self.get(&format!("{BETA}/changes?after={last}&wait=5")).await;
        }
        let feed = self.feed(BETA).await;
        let seen = Self::seen(&feed);
        let edited = self.edited.borrow();
        let missing: Vec<_> =
            edited.iter().filter(|(id, name)| seen.get(id) != Some(name)).collect();
        panic!("edits are not in the feed: {missing:?}")
    }

    /// Applies until nothing is left to write.
    async fn all_is_in_step(&self) {
        let mut report = Value::Null;
        for _ in 0..TRIES {
            report = self.ask("POST", &format!("{ACME}/apply"), "{\"all\":true}").await.unwrap().1;
            let status = self.get(&format!("{ACME}/status")).await;
            let open = self.get(&format!("{ACME}/intents")).await;
            if open["intents"].as_array().unwrap().is_empty()
                && report["plan"]["records"].as_array().is_some_and(Vec::is_empty)
                && status["not_in_step"].as_object().unwrap().is_empty()
            {
                return;
            }
        }
        let status = self.get(&format!("{ACME}/status")).await;
        panic!("it is not in step: {status:#}\n{report:#}")
    }
}

/// A moment between two looks: a loop without one takes the core that the program needs.
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn serial(change: &Value) -> u64 {
    change["serial"].as_u64().unwrap()
}

fn email(key: &str) -> String {
    format!("{key}@new.example.com")
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_once_after_all_of_them() {
    let kills = number("ATSYNC_KILLS", || 50);
    let seed = number("ATSYNC_SEED", || RandomState::new().hash_one(0));
    println!("{kills} kills, ATSYNC_SEED={seed}");
    let outside = Outside::start().await;
    let sandbox = outside.sandbox();

    // The only pull of candidates.
    let child = outside.serve().await;
    for connection in [ACME, BETA] {
        while outside.pulled_ms(connection).await.is_null() {}
    }
    let pulled_ms = outside.pulled_ms(BETA).await;
    let webhook = outside.get(&format!("{BETA}/webhook")).await;
    let url = format!("http://{}{}", outside.address, webhook["path"].as_str().unwrap());
    let events = vec!["update_candidate".to_owned()];
    sandbox.add_webhook(&NewWebhook { events, ..NewWebhook::new(&url, HOOK) }).unwrap();
    while sandbox.is_hook_due() {
        tokio::task::yield_now().await;
    }
    drop(child);
    sandbox.clear_logs();

    for round in 0..kills {
        outside.round(round, seed).await;
    }

    let child = outside.serve().await;
    let feed = outside.all_edits_are_in_the_feed().await;
    outside.all_is_in_step().await;
    assert_eq!(outside.pulled_ms(BETA).await, pulled_ms, "a pull read candidates");

    for (feed, read) in [outside.feed(ACME).await, feed.clone()].iter().zip(&outside.read) {
        let serials: Vec<u64> = feed.iter().map(serial).collect();
        let expected: Vec<u64> = (1..).take(serials.len()).collect();
        assert_eq!(serials, expected, "the feed has a gap");
        let read = read.borrow();
        assert_eq!(read[..], feed[..read.len()], "what the consumer has read has changed");
    }

    let acknowledged = outside.acknowledged.borrow().clone();
    for (key, version) in &acknowledged {
        let row = outside.get(&format!("{ACME}/desired/{key}")).await;
        let title = row["record"]["title"].as_str().unwrap();
        let stored: u64 = title.strip_prefix("Version ").unwrap().parse().unwrap();
        assert!(stored >= *version, "{key}: {version} was acknowledged, {stored} is stored");
        let candidates = sandbox.candidates_by_email(&email(key));
        assert_eq!(candidates.len(), 1, "{key}: {candidates:#?}");
        assert_eq!(candidates[0]["title"], title, "{key}");
        assert_eq!(sandbox.notes_of(candidates[0]["id"].as_i64().unwrap()).len(), 1, "{key}");
    }
    // Those whose acknowledgement was lost are there at most once.
    let rows = sandbox.rows("candidates");
    let mut by_name = BTreeMap::<String, usize>::new();
    for row in rows.iter().filter(|row| row["first_name"] == "Ada") {
        *by_name.entry(row["last_name"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(by_name.values().all(|count| *count == 1), "{by_name:?}");
    let edits = outside.edits.get();
    println!("{} records, {edits} edits, {} changes", acknowledged.len(), feed.len());
    drop(child);
}
