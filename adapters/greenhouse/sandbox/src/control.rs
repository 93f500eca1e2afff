//! The control surface of this sandbox: what [`atsync_sandbox::control`] needs, and the calls that
//! only Greenhouse has (partners, consents, token pairs, the script of the conformance suite).

use atsync_sandbox::{About, Collection, Controlled, Fault, Logged, PermissionChange, Request};
use atsync_sandbox::{Permissions, control::read};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::access::scope;
use crate::partner::PartnerClient;
use crate::recruiter::Recruiter;
use crate::sandbox::Sandbox;
use crate::schema::{FieldKind, Kind};
use crate::webhooks::NewWebhook;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AccessChange {
    /// Replaces all scopes by these.
    scopes: Option<Vec<String>>,
    /// Adds these.
    grant: Vec<String>,
    /// Removes these.
    revoke: Vec<String>,
    site_admin: Option<bool>,
    sees_private_candidates: Option<bool>,
    sees_confidential_jobs: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRevocation {
    consent: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeRemoval {
    client_id: String,
    scope: String,
}

/// What the conformance suite needs to know of this sandbox.
const STAGE: &[u8] = include_bytes!("stage.json");

/// The columns that [`Controlled::edit`] chooses from.
const EDITED: [&str; 7] =
    ["first_name", "name", "title", "body", "school_name", "company_name", "description"];

impl Controlled for Sandbox {
    fn about(&self) -> About {
        let collection = |kind: &Kind| Collection {
            name: kind.name().to_owned(),
            permission: Some(scope(kind.name(), "list")),
            editable: true,
        };
        let client = self.client();
        About {
            ats: "greenhouse",
            origins: vec![("api", ""), ("auth", "")],
            credential: json!({"client_id": client.id, "client_secret": client.secret}),
            collections: Kind::ALL.iter().map(collection).collect(),
        }
    }

    fn now_ms(&self) -> i64 {
        Sandbox::now_ms(self)
    }

    fn advance_ms(&self, by_ms: i64) {
        Sandbox::advance_ms(self, by_ms);
    }

    fn reset(&self, seed: Option<u64>, candidates: Option<usize>) {
        Sandbox::reset(self, seed, candidates);
    }

    fn requests(&self) -> Vec<Logged> {
        Sandbox::requests(self)
    }

    fn writes(&self) -> Value {
        json!(Sandbox::writes(self))
    }

    fn clear_logs(&self) {
        Sandbox::clear_logs(self);
    }

    fn fault_rules(&self) -> Vec<Fault> {
        self.faults().rules()
    }

    fn add_fault(&self, fault: Fault) {
        self.faults().add(fault);
    }

    fn clear_faults(&self) {
        self.faults().clear();
    }

    fn access(&self) -> Value {
        json!(Sandbox::access(self))
    }

    fn change_access(&self, change: &Value) -> Result<(), String> {
        let change: AccessChange =
            serde_json::from_value(change.clone()).map_err(|error| error.to_string())?;
        let AccessChange { scopes, grant, revoke, .. } = change;
        self.set_access(|access| {
            let mut held = Permissions(std::mem::take(&mut access.scopes));
            held.change(PermissionChange { scopes, grant, revoke });
            access.scopes = held.0;
            access.site_admin = change.site_admin.unwrap_or(access.site_admin);
            access.sees_private_candidates =
                change.sees_private_candidates.unwrap_or(access.sees_private_candidates);
            access.sees_confidential_jobs =
                change.sees_confidential_jobs.unwrap_or(access.sees_confidential_jobs);
        });
        Ok(())
    }

    fn quirks(&self) -> Value {
        json!(Sandbox::quirks(self))
    }

    fn replace_quirks(&self, quirks: Value) -> Result<(), String> {
        let quirks = serde_json::from_value(quirks).map_err(|error| error.to_string())?;
        self.set_quirks(|held| *held = quirks);
        Ok(())
    }

    fn set_rate_limit(&self, limit: u32) {
        Sandbox::set_rate_limit(self, limit);
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        Sandbox::counts(self)
    }

    fn rows(&self, collection: &str, column: Option<(&str, &str)>) -> Result<Vec<Value>, String> {
        match column {
            None => Ok(Sandbox::rows(self, collection)),
            Some((column, value)) => {
                let value = value.parse().map_err(|_| "the value is not an id".to_owned())?;
                Ok(self.rows_where(collection, column, value))
            }
        }
    }

    fn row(&self, collection: &str, id: &str) -> Option<Value> {
        Sandbox::row(self, collection, id.parse().ok()?)
    }

    fn with_email(&self, email: &str) -> Vec<Value> {
        self.candidates_by_email(email)
    }

    fn edit(
        &self,
        collection: &str,
        id: &str,
        values: Option<&Map<String, Value>>,
    ) -> Result<Value, String> {
        let id: i64 = id.parse().map_err(|_| "the id is not a number".to_owned())?;
        let values = match values {
            Some(values) => values.clone(),
            None => self.edited(collection, id)?,
        };
        let collection = collection.to_owned();
        Sandbox::recruiter(self, &Recruiter::Set { collection, id, values })?;
        Ok(json!(id))
    }

    fn recruiter(&self, deed: &[u8]) -> Result<Value, String> {
        let deed = serde_json::from_slice(deed).map_err(|error| error.to_string())?;
        Sandbox::recruiter(self, &deed)
    }

    fn webhooks(&self) -> Value {
        json!(Sandbox::webhooks(self))
    }

    fn add_webhooks(&self, new: &[u8]) -> Result<Value, String> {
        let new: NewWebhook = serde_json::from_slice(new).map_err(|error| error.to_string())?;
        self.add_webhook(&new).map(|ids| json!(ids))
    }

    fn enable_webhook(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| Sandbox::enable_webhook(self, id))
    }

    fn remove_webhook(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id| Sandbox::remove_webhook(self, id))
    }

    fn deliveries(&self) -> Value {
        json!(self.hook_deliveries())
    }

    fn fire(&self, event: &str, payload: Value) -> Result<(), String> {
        self.fire_webhook(event, payload)
    }

    fn more_state(&self) -> Map<String, Value> {
        [("service_user_id".to_owned(), json!(self.service_user_id()))].into_iter().collect()
    }

    fn own(&self, request: &Request<'_>, segments: &[&str]) -> Option<Result<Value, String>> {
        Some(match (request.method, segments) {
            ("POST", ["revoke_tokens"]) => {
                self.revoke_tokens();
                Ok(json!({}))
            }
            ("GET", ["stage"]) => serde_json::from_slice(STAGE).map_err(|error| error.to_string()),
            ("GET", ["partners"]) => Ok(json!(self.partners())),
            ("POST", ["partners"]) => read::<PartnerClient>(request).map(|client| {
                self.set_partner(client);
                json!(self.partners())
            }),
            ("POST", ["remove_scope"]) => read::<ScopeRemoval>(request).map(|removal| {
                let had = self.remove_partner_scope(&removal.client_id, &removal.scope);
                json!({"removed": had})
            }),
            ("GET", ["consents"]) => Ok(json!(self.consents())),
            ("POST", ["revoke_consent"]) => read::<ConsentRevocation>(request)
                .map(|revocation| json!({"revoked": self.revoke_consent(revocation.consent)})),
            ("GET", ["token_pairs"]) => Ok(json!(self.token_pairs())),
            _ => return None,
        })
    }
}

impl Sandbox {
    /// Chooses a change of a row: another text in one of its columns, or only its stamp.
    fn edited(&self, collection: &str, id: i64) -> Result<Map<String, Value>, String> {
        let row = self.row(collection, id).ok_or("there is no such row")?;
        let fields = Kind::named(collection).and_then(Kind::endpoint).map(|of| &of.fields[..]);
        let is_text = |name: &str| {
            let field = fields.unwrap_or_default().iter().find(|field| field.name == name);
            field.is_some_and(|field| field.kind == FieldKind::Text)
        };
        let chosen = EDITED.iter().filter(|name| is_text(name)).find_map(|name| {
            let text = row.get(name)?.as_str()?;
            Some(((*name).to_owned(), Value::from(format!("{text} (edited)"))))
        });
        Ok(chosen.into_iter().collect())
    }
}
