//! The account that a key belongs to: known by its reason for hires, which it has one of.

use atsync_adapter::kit::*;
use serde::{Deserialize, Serialize};

const REASONS: Ask = Ask::get("/archive_reasons").query(&[("limit", "100")]);

/// What the engine keeps of the account and gives to each task.
#[derive(Serialize, Deserialize)]
struct Catalogue {
    /// The id of the reason of the type `hired`.
    hired: String,
}

#[derive(Deserialize)]
struct Reasons {
    data: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    id: Id,
    #[serde(rename = "type")]
    kind: Got<String>,
}

pub(crate) fn identify(ats: &mut Ats<'_>) -> Result<Tenant, Stop> {
    let hired: Option<Id> = ats
        .read(REASONS, |answer| {
            let Reasons { data } = answer.json()?;
            let is_hired =
                |reason: &Reason| reason.kind.as_ref().is_some_and(|kind| kind == "hired");
            Ok(data.into_iter().find(is_hired).map(|reason| String::from(reason.id)))
        })?
        .map(Id::from);
    let hired = hired.map(String::from).ok_or_else(|| {
        Failure::Protocol("the account has no archive reason of the type `hired`".into())
    })?;
    let fingerprint = hired.clone();
    let catalogue = serde_json::to_string(&Catalogue { hired })
        .map_err(|error| Failure::Bug(format!("the catalogue cannot be written: {error}")))?;
    Ok(Tenant { fingerprint, catalogue })
}

/// The account's reason for hires, where the account was identified.
pub(crate) fn hired(given: &Given) -> Option<String> {
    let catalogue: Catalogue = serde_json::from_str(given.tenant.as_deref()?).ok()?;
    Some(catalogue.hired)
}
