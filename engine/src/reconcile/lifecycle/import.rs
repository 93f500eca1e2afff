//! Imports: a desired record of what the ATS holds of a candidate.
//!
//! An import puts together records of several kinds by their meaning (applications, tags by name,
//! custom values with their definitions), which no table states. This file reads them;
//! [`crate::plan::import`] decides what becomes of them. Only what was read is stored.

use super::Lifecycle;
use crate::error::{Error, ErrorKind};
use crate::index;
use crate::plan::import::Imported;
use crate::plan::{Record, import};
use crate::reconcile::gather::Gathered;
use crate::reconcile::rows::{record, remote};
use atsync_model::kinds;
use atsync_model::unified::CUSTOM_VALUES;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that one lookup returns. Arbitrary, above the applications and tags of a candidate.
const ROWS_MAX: usize = 2_000;

impl Lifecycle {
    /// Makes a desired record of what the ATS holds.
    pub(crate) async fn import(&self, id: &str, key: &str) -> Result<Imported, Error> {
        let person = self.shown(&remote(kinds::CANDIDATES, id), None).await?;
        if person.value("privacy.anonymized").and_then(Value::as_bool) == Some(true) {
            return Err(self.context.error(
                ErrorKind::Input,
                format!("candidates/{id} was anonymised; there is nothing to import"),
            ));
        }
        let mut gathered = Gathered::default();
        for kind in [
            kinds::APPLICATIONS,
            kinds::APPLIED_TAGS,
            kinds::TAGS,
            kinds::CUSTOM_FIELDS,
            kinds::CUSTOM_FIELD_OPTIONS,
        ] {
            self.gatherer
                .refresh_about(&mut gathered, kind, Some(&remote(kinds::CANDIDATES, id)))
                .await?;
        }
        let lookup =
            async |kind: &str, index: &str, term: &str| -> Result<Vec<Arc<Record>>, Error> {
                let rows = self.context.store.lookup(kind, index, term, ROWS_MAX).await?;
                Ok(rows.iter().map(record).collect())
            };
        let applications = lookup(kinds::APPLICATIONS, index::CANDIDATE, id).await?;
        let mut tags = Vec::new();
        for applied in lookup(kinds::APPLIED_TAGS, index::CANDIDATE, id).await? {
            let Some(tag) = applied.text("tag.id") else { continue };
            let row = self.context.store.observed(&remote(kinds::TAGS, tag)).await?;
            tags.extend(row.and_then(|row| record(&row).text("name").map(str::to_owned)));
        }
        tags.sort();
        tags.dedup();
        let mut writable: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in
            person.value(CUSTOM_VALUES).and_then(Value::as_object).into_iter().flat_map(Map::keys)
        {
            let found = lookup(kinds::CUSTOM_FIELDS, index::KEY, field).await?;
            let fits = |row: &&Arc<Record>| {
                row.text("key") == Some(field)
                    && row.text("applies_to.value") == Some("candidate")
                    && is_active(row)
            };
            let mut fitting = found.iter().filter(fits);
            if let (Some(definition), None) = (fitting.next(), fitting.next()) {
                self.gatherer
                    .refresh_about(
                        &mut gathered,
                        kinds::CUSTOM_FIELD_OPTIONS,
                        Some(&definition.remote()),
                    )
                    .await?;
                let options =
                    lookup(kinds::CUSTOM_FIELD_OPTIONS, index::PARENT, &definition.id).await?;
                let labels =
                    options.iter().filter(|row| is_active(row)).filter_map(|row| row.text("name"));
                writable.insert(field.clone(), labels.map(str::to_owned).collect());
            }
        }
        let source = import::Source { person: &person, tags, applications: &applications };
        Ok(import::desired(key, &source, |field, kind, value| {
            let Some(labels) = writable.get(field) else { return false };
            let known = |value: &Value| {
                value
                    .as_str()
                    .is_some_and(|value| labels.iter().filter(|label| *label == value).count() == 1)
            };
            match kind {
                "single" => known(value),
                "multi" => value.as_array().is_some_and(|list| list.iter().all(known)),
                "file" | "unknown" => false,
                _ => true,
            }
        }))
    }
}

fn is_active(row: &Record) -> bool {
    row.value("active").and_then(Value::as_bool) != Some(false)
}
