//! A store with many records that are in step, filled without an ATS of that size.
//!
//! Only some candidates are the sandbox's and are pulled; a million would take an hour. The others
//! are copies of one of them, with ids and addresses of their own, put into the store through
//! [`Store`]: the observed row, then the desired record, its link, and its status as the first plan
//! wrote them for the original.

#![allow(dead_code, reason = "each benchmark uses a part")]

use super::direct::HOST;
use atsync::internals::store::limits::PAGE_RECORDS_MAX;
use atsync::internals::store::{
    Cause, DesiredStatus, Guard, LinkRow, ObservedRow, ObservedWrite, PageCommit, StatusUpdate,
    Store,
};
use atsync::model::desired::DesiredCandidate;
use atsync::{Connection, ConnectionOptions, Credential, Engine, Secret};
use atsync_tests::native_greenhouse;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;

/// The parts of the copies of one record.
pub(crate) struct Copies {
    observed: ObservedRow,
    link: LinkRow,
    status: DesiredStatus,
    /// The texts that are replaced in all of them.
    address: String,
}

impl Copies {
    pub(crate) async fn of(acme: &Connection, record: &DesiredCandidate, id: i64) -> Self {
        let observed = acme.observed_one("candidates", &id.to_string()).await.unwrap().unwrap();
        let link = acme
            .links(&record.key)
            .await
            .unwrap()
            .into_iter()
            .find(|link| link.path == record.key)
            .unwrap();
        let status = acme.desired(&record.key).await.unwrap().unwrap().status;
        let address = record.emails.as_ref().unwrap()[0].value().to_owned();
        Self { observed, link, status, address }
    }

    pub(crate) fn id(number: usize) -> String {
        format!("{}", 90_000_000_000 + number)
    }

    pub(crate) fn key(number: usize) -> String {
        format!("copy-{number:07}")
    }

    fn number(key: &str) -> usize {
        key.rsplit('-').next().unwrap().parse().unwrap()
    }

    /// A text of the original as the copy has it.
    fn text(&self, text: &str, number: usize) -> String {
        let copy = text.replace(&self.observed.id, &Self::id(number));
        copy.replace(&self.address, &format!("copy-{number:07}@example.com"))
    }

    pub(crate) fn desired(&self, number: usize) -> DesiredCandidate {
        let email = self.text(&self.address, number);
        serde_json::from_value(serde_json::json!({ "key": Self::key(number), "emails": [email] }))
            .unwrap()
    }

    /// Ingests the copies as pages of a scan would, in the order of their ids.
    pub(crate) async fn observe(&self, store: &dyn Store, numbers: std::ops::Range<usize>) {
        let numbers: Vec<usize> = numbers.collect();
        for page in numbers.chunks(PAGE_RECORDS_MAX) {
            let records = page.iter().map(|number| self.write(*number)).collect();
            store.commit_page(&Guard::sole("acme"), self.page(records)).await.unwrap();
        }
    }

    /// The observed row of a copy.
    pub(crate) fn write(&self, number: usize) -> ObservedWrite {
        ObservedWrite {
            id: Self::id(number),
            version: self.observed.version.clone(),
            body: self.text(&self.observed.body, number),
            raw: self.observed.raw.as_ref().map(|raw| self.text(raw, number)),
            mask: 0,
        }
    }

    /// A page of candidates, as a scan would commit it.
    pub(crate) fn page(&self, records: Vec<ObservedWrite>) -> PageCommit {
        PageCommit {
            kind: "candidates".into(),
            parent: None,
            records,
            masks: vec![self.observed.known.clone()],
            gone: Vec::new(),
            moved: Vec::new(),
            scan: None,
            sweep: None,
            cause: Cause::Observed,
            applied_by: BTreeMap::new(),
            now_ms: 1,
        }
    }

    /// Links all dirty records and marks them as in step.
    pub(crate) async fn put_in_step(&self, store: &dyn Store) {
        loop {
            let rows = store.dirty_page("acme", None, PAGE_RECORDS_MAX).await.unwrap();
            if rows.is_empty() {
                return;
            }
            let link = |key: &str| {
                let number = Self::number(key);
                let applied =
                    self.text(&serde_json::to_string(&self.link.applied).unwrap(), number);
                let mut link = LinkRow { path: key.to_owned(), ..self.link.clone() };
                link.remote.id = Self::id(number);
                link.applied = serde_json::from_str(&applied).unwrap();
                link
            };
            store
                .put_links(&Guard::sole("acme"), rows.iter().map(|row| link(&row.key)).collect())
                .await
                .unwrap();
            let (dirty, status) = (false, &self.status);
            let statuses = rows.into_iter().map(|row| StatusUpdate {
                key: row.key,
                generation: row.generation,
                status: status.clone(),
                dirty,
                dirt: row.dirt,
            });
            assert!(
                store
                    .put_status(&Guard::sole("acme"), statuses.collect())
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

/// Opens the connection `acme` to the sandbox.
pub(crate) async fn connect(engine: &Engine) -> Connection {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), format!("http://{HOST}"));
    }
    options.allow_private_network = true;
    engine.connect(options).await.unwrap()
}

/// A record for each candidate with an address that no other has.
pub(crate) async fn desired(acme: &Connection) -> (Vec<DesiredCandidate>, Vec<i64>) {
    let mut candidates: Vec<(String, Vec<String>)> = Vec::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows = std::pin::pin!(acme.observed("candidates"));
    while let Some(row) = rows.try_next().await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        let entries = body["emails"].as_array().cloned().unwrap_or_default();
        let addresses: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry["value"].as_str())
            .map(str::to_lowercase)
            .collect();
        for address in &addresses {
            *times.entry(address.clone()).or_default() += 1;
        }
        candidates.push((row.id, addresses));
    }
    let (mut records, mut ids) = (Vec::new(), Vec::new());
    for (id, addresses) in candidates {
        let Some(email) =
            addresses.first().filter(|_| addresses.iter().all(|address| times[address] == 1))
        else {
            continue;
        };
        let record = serde_json::json!({ "key": format!("crm-{id}"), "emails": [email] });
        records.push(serde_json::from_value(record).unwrap());
        ids.push(id.parse().unwrap());
    }
    (records, ids)
}
