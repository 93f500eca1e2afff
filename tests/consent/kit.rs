//! One engine, one sandbox behind a port, one keeper.

use atsync::internals::adapter::Adapter;
use atsync::{
    Clock, Connection, ConnectionOptions, ConsentStart, Credential, Delivery, Engine, Error,
    HttpOptions, HttpTransport, MemoryStore, Secret, TokenKeeper, Transport, WireRequest,
};
use atsync_greenhouse_sandbox::{
    self as sandbox, PairState, PartnerClient, RunningSandbox, Sandbox, SandboxOptions, TokenExpiry,
};
use atsync_tests::{BEGIN_MS, SetClock, native_greenhouse};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

pub const ID: &str = "partner-id";
pub const SECRET: &str = "partner-secret-of-the-vendor";
pub const BACK: &str = "https://host.example/greenhouse/callback?tenant=7";
pub const HOUR_MS: u64 = 3_600_000;

/// What a keeper does with the next texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Stores,
    Refuses,
    Panics,
    HangsBefore,
    HangsAfter,
}

/// The keeper. What it holds survives an engine.
#[derive(Default)]
pub struct Keeper {
    text: Mutex<Option<Secret>>,
    pub mood: watch::Sender<Mood>,
    /// Calls of `store` that began.
    pub begun: watch::Sender<u64>,
    under_way: AtomicU64,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Keeper {
    pub fn text(&self) -> Option<Secret> {
        self.text.lock().unwrap().clone()
    }

    pub fn set(&self, text: Option<Secret>) {
        *self.text.lock().unwrap() = text;
    }

    pub fn mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// A token of the held text.
    pub fn token(&self, name: &str) -> String {
        let text = self.text().unwrap();
        let value: serde_json::Value = serde_json::from_str(text.expose()).unwrap();
        value[name].as_str().unwrap().to_owned()
    }

    /// Completes when so many calls of `store` have begun.
    pub async fn begun(&self, count: u64) {
        self.begun.subscribe().wait_for(|begun| *begun >= count).await.unwrap();
    }

    /// Whether no call is under way.
    pub fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    fn alone(&self) -> Alone<'_> {
        assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0, "two calls at once");
        Alone(self)
    }
}

struct Alone<'a>(&'a Keeper);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TokenKeeper for Keeper {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        async move {
            let _alone = self.alone();
            Ok(self.text())
        }
        .boxed()
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let _alone = self.alone();
            self.begun.send_modify(|begun| *begun += 1);
            let mut mood = self.mood.subscribe();
            let now = *mood.borrow();
            match now {
                Mood::Stores => {}
                Mood::Refuses => {
                    return Err(format!("disk full while writing {}", text.expose()));
                }
                Mood::Panics => panic!("the keeper fails"),
                Mood::HangsBefore => drop(mood.wait_for(|mood| *mood == Mood::Stores).await),
                Mood::HangsAfter => {
                    self.set(Some(text.clone()));
                    drop(mood.wait_for(|mood| *mood == Mood::Stores).await);
                }
            }
            self.set(Some(text.clone()));
            Ok(())
        }
        .boxed()
    }
}

/// See the module.
pub struct Place {
    pub running: RunningSandbox,
    pub clock: Arc<SetClock>,
    pub keeper: Arc<Keeper>,
    pub adapter: Arc<dyn Adapter>,
    pub engine: Engine,
    store: Arc<MemoryStore>,
}

impl Place {
    pub async fn new() -> Self {
        let clock = SetClock::new();
        let mut options = SandboxOptions::sized(3, 12);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        options.partners = vec![PartnerClient::new(ID, SECRET, BACK)];
        // The server dates its answers by the machine's clock, so an absolute end has no meaning.
        options.quirks.token_expiry = TokenExpiry::ExpiresIn;
        options.rate_limit = 100_000;
        options.token_rate_limit = 100_000;
        let time = Arc::clone(&clock);
        options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
        let running = Sandbox::start(options).await.unwrap();
        let store = Arc::new(MemoryStore::default());
        let engine = engine(&store, &clock);
        Self { running, keeper: Arc::default(), adapter: native_greenhouse(), engine, clock, store }
    }

    /// The same after a consent.
    pub async fn consented() -> Self {
        let place = Self::new().await;
        place.consent().await.unwrap();
        place
    }

    /// Another engine on the same store, as after a restart.
    pub fn restart(&mut self) {
        self.engine = self.other_engine();
    }

    pub fn other_engine(&self) -> Engine {
        engine(&self.store, &self.clock)
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.running.sandbox()
    }

    pub fn options(&self, name: &str) -> ConnectionOptions {
        let credential = Credential::AuthorizationCode {
            client_id: ID.into(),
            client_secret: Secret::new(SECRET),
            keeper: Arc::clone(&self.keeper) as Arc<dyn TokenKeeper>,
        };
        let mut options = ConnectionOptions::new(name, Arc::clone(&self.adapter), credential);
        options.origins = self.origins();
        options.allow_private_network = true;
        options
    }

    fn origins(&self) -> BTreeMap<String, String> {
        ["api", "auth"].map(|name| (name.to_owned(), self.running.base_url())).into()
    }

    pub async fn connect(&self, name: &str) -> Connection {
        self.engine.connect(self.options(name)).await.unwrap()
    }

    pub async fn begin(&self, name: &str) -> ConsentStart {
        self.engine.begin_consent(&self.options(name), BACK, &[]).await.unwrap()
    }

    /// A whole consent of the connection `acme`.
    pub async fn consent(&self) -> Result<(), Error> {
        let start = self.begin("acme").await;
        let query = self.allow(&start).await;
        self.engine.finish_consent(&self.options("acme"), &start.remember, &query).await
    }

    /// The query that a browser brings back after a person allowed what was asked for.
    pub async fn allow(&self, start: &ConsentStart) -> String {
        self.answer(start, "allow").await
    }

    /// The query that a browser brings back after a person decided.
    pub async fn answer(&self, start: &ConsentStart, decision: &str) -> String {
        let (address, query) = start.url.expose().split_once('?').unwrap();
        let form = format!("{query}&decision={decision}&acts_as=service_account");
        let transport = HttpTransport::new(HttpOptions::default()).unwrap();
        let request = WireRequest {
            method: "POST".into(),
            url: address.parse().unwrap(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: form.into_bytes(),
            private_network: true,
        };
        let Delivery::Answered(response) = transport.exchange(request).await else {
            panic!("no answer");
        };
        let body = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, 302, "{body}");
        let location = response.headers.iter().find(|header| header.name == "location").unwrap();
        location.value.strip_prefix(BACK).unwrap().trim_start_matches('&').to_owned()
    }

    /// Requests to the token endpoint since the logs were cleared.
    pub fn token_requests(&self) -> usize {
        self.requests("/token")
    }

    pub fn requests(&self, path: &str) -> usize {
        self.sandbox().requests().iter().filter(|request| request.path == path).count()
    }

    /// What became of every refresh token, oldest first, and how often a dead one was used.
    pub fn pairs(&self) -> (Vec<PairState>, u32) {
        let pairs = self.sandbox().token_pairs();
        let refused = pairs.iter().map(|pair| pair.refused_uses).sum();
        (pairs.into_iter().map(|pair| pair.state).collect(), refused)
    }

    /// What became of the refresh token that the keeper holds.
    pub fn kept(&self) -> PairState {
        self.sandbox().pair_of(&self.keeper.token("refresh_token")).unwrap().state
    }
}

fn engine(store: &Arc<MemoryStore>, clock: &Arc<SetClock>) -> Engine {
    let builder = Engine::builder().store(Arc::clone(store) as Arc<dyn atsync::Store>);
    builder.clock(Arc::clone(clock) as Arc<dyn Clock>).build().unwrap()
}
