//! What the suite needs of a sandbox beside its API.
//!
//! A [`Stage`] has the truth about the records, changes one behind the adapter's back, takes
//! rights away and throttles. Two are here: [`HttpStage`] for a sandbox that runs in another
//! process or beside the test, by its control surface; and `described::Described`, which is served
//! in process. A host that has a sandbox of its own writes a third.
//!
//! Each call may answer that it has no such thing; what depends on it is then reported as not
//! tried.

mod http;
mod webhooks;

pub use http::HttpStage;
pub use webhooks::{
    AlgorithmScript, Delivery, EncodingScript, HookScript, PieceScript, PlaceScript,
    SignatureScript, TimeScript,
};
pub(crate) use webhooks::{decoded, mac};

use crate::wire::Credential;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use url::Url;

/// A control call: its result, `None` where the sandbox has no such thing, or a sentence.
pub type Control<'a, T> = BoxFuture<'a, Result<Option<T>, String>>;

/// A sandbox, as the suite controls it.
pub trait Stage: Debug + Send + Sync {
    /// Where the API is; every origin of the adapter leads there that `origins` does not name.
    fn base(&self) -> Url;

    /// The URLs of origins that differ.
    fn origins(&self) -> BTreeMap<String, Url> {
        BTreeMap::new()
    }

    /// What is known of it in advance.
    fn script(&self) -> &Script;

    /// The ids of all records of a kind.
    fn ids<'a>(&'a self, kind: &'a str) -> Control<'a, Vec<String>>;

    /// Edits the record of a kind that was not changed for longest, as a user of the ATS would.
    /// Returns its id.
    fn edit<'a>(&'a self, kind: &'a str) -> Control<'a, String>;

    /// Takes a permission away, or gives it back.
    fn permit<'a>(&'a self, permission: &'a str, is_granted: bool) -> Control<'a, ()>;

    /// Makes the next request of the API be throttled, once.
    fn throttle(&self) -> Control<'_, ()>;

    /// The number of requests so far that changed something.
    fn changes(&self) -> Control<'_, u64>;

    /// Has the sandbox send its webhooks to a URL from now on, signed with a secret. Returns what
    /// [`Stage::stop_sending`] takes.
    fn send_to<'a>(&'a self, url: &'a str, secret: &'a str) -> Control<'a, Vec<String>> {
        let _ = (url, secret);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Waits until the webhooks of what happened so far were sent, and sends no more.
    fn stop_sending<'a>(&'a self, webhooks: &'a [String]) -> Control<'a, ()> {
        let _ = webhooks;
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// What a sandbox says of itself in advance: JSON, at `GET /_sandbox/stage` of a sandbox over HTTP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The credential that it accepts.
    pub credential: Credential,
    /// The connection's settings.
    pub settings: Map<String, Value>,
    /// By kind: what differs from the rule that a kind is the collection of the same name.
    pub kinds: BTreeMap<String, KindScript>,
    /// By operation: what it is tried with. The suite makes up the others from what it read.
    pub operations: BTreeMap<String, OperationScript>,
    /// Webhooks, where the sandbox sends none, and what is not signed of them.
    pub webhooks: HookScript,
    /// The credential that registers webhooks. Default: `credential`.
    pub registrar: Option<Credential>,
}

/// A kind in a sandbox.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KindScript {
    /// The collection that has its rows. Default: the kind's name, without `raw_`.
    pub collection: Option<String>,
    /// Why it has no row, where it cannot have one.
    pub empty: Option<String>,
    /// Why the credential cannot read it, whatever its permissions.
    pub unread: Option<String>,
    /// What an edit sets, by column. Default: the first of the columns that a sandbox usually has.
    pub edit: Map<String, Value>,
    /// Why no row of it can be edited.
    pub fixed: Option<String>,
    /// Why some of its rows do not come: the credential does not see them, or they are records of
    /// another kind.
    pub hidden: Option<String>,
    /// Why the ATS lists all its rows in one answer, however many are asked for.
    pub unpaged: Option<String>,
}

/// What an operation is tried with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperationScript {
    /// The id of its target.
    pub target: Option<String>,
    /// Its input. Members that are missing here are made up.
    pub input: Map<String, Value>,
    /// Why it cannot be tried here.
    pub untried: Option<String>,
}
