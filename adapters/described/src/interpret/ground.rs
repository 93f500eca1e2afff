//! The names that every expression of a task can read: `settings`, `tenant`, `mark` and `now_ms`.

use crate::json::Json;
use atsync_adapter::contract::{Failure, Given};
use std::borrow::Cow;

/// The values of these names.
#[derive(Debug)]
pub(crate) struct Ground<'g> {
    settings: Json<'g>,
    tenant: Json<'g>,
    mark: Json<'g>,
    now_ms: Json<'g>,
}

impl<'g> Ground<'g> {
    /// Reads what the engine gives. The tenant's catalogue may be long: it is read only where the
    /// description's sections (`used_by`) name it.
    pub(crate) fn of(given: &'g Given, used_by: &[&str]) -> Result<Self, Failure> {
        let broken =
            |error: serde_json::Error| Failure::Bug(format!("the engine gave no JSON: {error}"));
        let uses = |name: &str| used_by.iter().any(|text| text.contains(name));
        let settings = if uses("settings") {
            Json::parse(&given.settings).map_err(broken)?
        } else {
            Json::Absent
        };
        let tenant = match given.tenant.as_deref().filter(|_| uses("tenant")) {
            Some(text) => Json::parse(text).map_err(broken)?,
            None => Json::Absent,
        };
        let mark = match &given.mark {
            Some(mark) => Json::Map(vec![
                (Cow::Borrowed("text"), Json::text(mark.text.as_str())),
                (Cow::Borrowed("time_ms"), Json::number(mark.time_ms)),
            ]),
            None => Json::Absent,
        };
        Ok(Self { settings, tenant, mark, now_ms: Json::number(given.now_ms) })
    }

    /// The names with their values.
    pub(crate) fn names(&self) -> Vec<(&str, &Json<'g>)> {
        vec![
            ("settings", &self.settings),
            ("tenant", &self.tenant),
            ("mark", &self.mark),
            ("now_ms", &self.now_ms),
        ]
    }
}
