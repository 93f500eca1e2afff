//! A sandbox by its control surface over HTTP: JSON below `/_sandbox/`.
//!
//! The calls that it makes are those of the README. A sandbox that lacks one answers 404, and what
//! needs it is not tried.

use super::{Control, Script, Stage};
use crate::wire::Credential;
use atsync::{Clock, Delivery, Secret, SystemClock, Transport, WireRequest};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

/// Columns that an edit sets when the script names none, in the order of preference.
const EDITABLE: &[&str] =
    &["name", "title", "first_name", "body", "notes", "filename", "school_name", "company_name"];
/// Columns with the time of a row's last change.
const STAMPS: &[&str] = &["updated_at", "updatedAt"];
/// Requests per window that a sandbox grants to the suite.
const RATE_LIMIT: u32 = 1_000_000;
/// How often, and after which time, the deliveries of webhooks are looked at: ten seconds.
const LOOKS: u32 = 500;
const BETWEEN_MS: u64 = 20;

/// A sandbox over HTTP.
#[derive(Debug)]
pub struct HttpStage {
    transport: Arc<dyn Transport>,
    root: Url,
    base: Url,
    origins: BTreeMap<String, Url>,
    script: Script,
}

impl HttpStage {
    /// Reads what a sandbox has. `script` replaces what it says at `/_sandbox/stage`.
    ///
    /// # Errors
    /// A sentence, when the sandbox cannot be reached or its answer cannot be read.
    pub async fn open(
        transport: Arc<dyn Transport>,
        base: Url,
        script: Option<Script>,
    ) -> Result<Self, String> {
        if !crate::wire::is_loopback(&base) {
            return Err(format!(
                "{base} is not on this machine; a sandbox is, since the suite changes its records"
            ));
        }
        let mut root = base.clone();
        root.set_path("/");
        let (origins, nothing) = (BTreeMap::new(), Script::default());
        let mut stage = Self { transport, root, base, origins, script: nothing };
        let said = match &script {
            Some(_) => None,
            None => stage.call("GET", "stage", None).await?,
        };
        stage.script = match (script, said) {
            (Some(script), _) => script,
            (None, Some(said)) => serde_json::from_value(said)
                .map_err(|error| format!("/_sandbox/stage cannot be read: {error}"))?,
            (None, None) => Script::default(),
        };
        if let Some(about) = stage.call("GET", "about", None).await? {
            stage.is_as(&about);
        }
        drop(stage.call("POST", "rate_limit", Some(json!({ "limit": RATE_LIMIT }))).await?);
        Ok(stage)
    }

    /// Takes origins and credential from what a sandbox says about itself.
    fn is_as(&mut self, about: &Value) {
        let origins = about.get("origins").and_then(Value::as_object);
        for (name, path) in origins.into_iter().flatten() {
            let path = path.as_str().unwrap_or_default().trim_start_matches('/');
            if let Ok(url) = self.root.join(path) {
                let _ = self.origins.insert(name.clone(), url);
            }
        }
        let credential = about.get("credential").and_then(Value::as_object);
        if let (Credential::None, Some(members)) = (&self.script.credential, credential) {
            self.script.credential = credential_of(members);
        }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Option<Value>, String> {
        let url = self
            .root
            .join(&format!("_sandbox/{path}"))
            .map_err(|error| format!("the control call {path} makes no URL: {error}"))?;
        let delivery = self
            .transport
            .exchange(WireRequest {
                method: method.to_owned(),
                url,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
                private_network: true,
            })
            .await;
        let what = format!("the sandbox's control call {method} /_sandbox/{path}");
        let response = match delivery {
            Delivery::Answered(response) => response,
            Delivery::NotSent(why) => return Err(format!("{what} was not sent: {why}")),
            Delivery::Unclear(why) => return Err(format!("{what} was not answered: {why}")),
            _ => return Err(format!("{what} was not answered")),
        };
        if response.status == 404 {
            return Ok(None);
        }
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status >= 400 {
            let why = answer.get("error").and_then(Value::as_str).unwrap_or("no reason");
            return Err(format!("{what} was refused with status {}: {why}", response.status));
        }
        Ok(Some(answer))
    }

    fn collection<'a>(&'a self, kind: &'a str) -> &'a str {
        let named = self.script.kinds.get(kind).and_then(|kind| kind.collection.as_deref());
        named.unwrap_or_else(|| kind.strip_prefix("raw_").unwrap_or(kind))
    }

    /// Whether a delivery is to be attempted for the first time.
    async fn is_sending(&self) -> Result<bool, String> {
        let all = self.call("GET", "deliveries", None).await?;
        let is_due = |one: &Value| {
            let attempts = one.get("attempts").and_then(Value::as_array);
            one.get("state").and_then(Value::as_str) == Some("waiting")
                && attempts.is_none_or(Vec::is_empty)
        };
        Ok(all.as_ref().and_then(Value::as_array).into_iter().flatten().any(is_due))
    }

    async fn rows(&self, kind: &str) -> Result<Option<Vec<Value>>, String> {
        let rows = self.call("GET", &format!("rows/{}", self.collection(kind)), None).await?;
        Ok(match rows {
            Some(Value::Array(rows)) => Some(rows),
            _ => None,
        })
    }

    async fn edited(&self, kind: &str) -> Result<Option<String>, String> {
        let Some(rows) = self.rows(kind).await? else { return Ok(None) };
        let stamp = |row: &Value| {
            let changed = STAMPS.iter().find_map(|name| row.get(name));
            changed.map_or_else(String::new, as_text)
        };
        let Some(row) = rows.iter().min_by_key(|row| stamp(row)) else { return Ok(None) };
        let Some(id) = row.get("id") else { return Ok(None) };
        let mut values =
            self.script.kinds.get(kind).map(|script| script.edit.clone()).unwrap_or_default();
        if values.is_empty() {
            // Without one, the sandbox chooses.
            let column = EDITABLE.iter().find(|name| row.get(**name).is_some_and(Value::is_string));
            if let Some(column) = column {
                drop(values.insert((*column).to_owned(), json!("Edited by conformance")));
            }
        }
        let collection = self.collection(kind);
        let mut edit = json!({ "collection": collection, "id": id });
        if let (Some(edit), false) = (edit.as_object_mut(), values.is_empty()) {
            drop(edit.insert("values".to_owned(), Value::Object(values.clone())));
        }
        let deed = json!({ "do": "set", "collection": collection, "id": id, "values": values });
        let done = match self.call("POST", "edit", Some(edit)).await {
            // It has nothing in this collection that could be edited.
            Err(_) if values.is_empty() => return Ok(None),
            done => done?,
        };
        let done = match done {
            Some(done) => Some(done),
            None => self.call("POST", "recruiter", Some(deed)).await?,
        };
        Ok(done.map(|_| as_text(id)))
    }
}

impl Stage for HttpStage {
    fn base(&self) -> Url {
        self.base.clone()
    }

    fn origins(&self) -> BTreeMap<String, Url> {
        self.origins.clone()
    }

    fn script(&self) -> &Script {
        &self.script
    }

    fn ids<'a>(&'a self, kind: &'a str) -> Control<'a, Vec<String>> {
        Box::pin(async move {
            let rows = self.rows(kind).await?;
            let id = |row: &Value| row.get("id").map(as_text);
            Ok(rows.map(|rows| rows.iter().filter_map(id).collect()))
        })
    }

    fn edit<'a>(&'a self, kind: &'a str) -> Control<'a, String> {
        Box::pin(self.edited(kind))
    }

    fn permit<'a>(&'a self, permission: &'a str, is_granted: bool) -> Control<'a, ()> {
        Box::pin(async move {
            let held = self.call("GET", "access", None).await?;
            let scopes = held.as_ref().and_then(|access| access.get("scopes"));
            let is_known = scopes
                .and_then(Value::as_array)
                .is_some_and(|scopes| scopes.iter().any(|scope| scope == permission));
            if !is_granted && !is_known {
                return Ok(None);
            }
            let how = if is_granted { "grant" } else { "revoke" };
            Ok(self.call("PATCH", "access", Some(json!({ how: [permission] }))).await?.map(drop))
        })
    }

    fn throttle(&self) -> Control<'_, ()> {
        Box::pin(async move {
            let path = format!("{}/", self.base.path().trim_end_matches('/'));
            let rule =
                json!({ "path": path, "times": 1, "fault": { "kind": "too_many_requests" } });
            Ok(self.call("POST", "faults", Some(rule)).await?.map(drop))
        })
    }

    fn changes(&self) -> Control<'_, u64> {
        Box::pin(async move {
            let writes = self.call("GET", "writes", None).await?;
            let count = writes.as_ref().and_then(Value::as_array).map(Vec::len);
            Ok(count.map(|count| u64::try_from(count).unwrap_or(u64::MAX)))
        })
    }

    fn send_to<'a>(&'a self, url: &'a str, secret: &'a str) -> Control<'a, Vec<String>> {
        Box::pin(async move {
            let new = json!({ "url": url, "secret": secret });
            let made = self.call("POST", "webhooks", Some(new)).await?;
            let ids = made.as_ref().and_then(|made| made.get("ids")).and_then(Value::as_array);
            Ok(ids.map(|ids| ids.iter().map(as_text).collect()))
        })
    }

    fn stop_sending<'a>(&'a self, webhooks: &'a [String]) -> Control<'a, ()> {
        Box::pin(async move {
            for _ in 0..LOOKS {
                if !self.is_sending().await? {
                    break;
                }
                SystemClock.sleep(BETWEEN_MS).await;
            }
            for id in webhooks {
                drop(self.call("DELETE", &format!("webhooks/{id}"), None).await?);
            }
            Ok(Some(()))
        })
    }
}

/// An id as text.
fn as_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// A credential as a sandbox writes it: the members that the adapter's secrets have.
fn credential_of(members: &Map<String, Value>) -> Credential {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    match (text("client_id"), text("client_secret")) {
        (Some(id), Some(secret)) => {
            Credential::Client { id: id.to_owned(), secret: Secret::new(secret) }
        }
        _ => match members.values().find_map(Value::as_str) {
            Some(key) => Credential::Key(Secret::new(key)),
            None => Credential::None,
        },
    }
}
