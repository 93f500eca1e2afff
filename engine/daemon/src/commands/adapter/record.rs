//! `atsync adapter record`: reads an ATS with an adapter, and keeps the session in a file that
//! replays, without the personal data.

#![expect(clippy::disallowed_methods, reason = "writes the recording")]

use super::source::{http, live};
use crate::adapters;
use crate::cli::AdapterRecord;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::words::count;
use atsync::model::contract::{Given, Outcome, Page, Scan, Since, Task};
use atsync::model::manifest::ScanRule;
use atsync::{Clock, Entropy, SystemClock, SystemEntropy};
use atsync_conformance::recording::{Recorder, Recording};
use atsync_conformance::redact::redacted;
use atsync_conformance::wire::HttpCourier;
use atsync_conformance::{Driver, End, shown_end};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

pub(super) async fn record(config: &Path, options: &AdapterRecord, output: &Output) -> Ended {
    let adapter = adapters::inspected(config, &options.adapter).await?;
    let manifest = adapter.manifest().clone();
    let destination = live(&options.origins, &options.settings)?;
    let settings = Value::Object(destination.settings.clone()).to_string();
    let courier = HttpCourier::new(http()?, manifest.clone(), destination);
    let recorder = Arc::new(Recorder::new(Arc::new(courier)));
    let driver = Driver::new(adapter, Arc::<Recorder>::clone(&recorder));
    let mut given =
        Given { now_ms: SystemClock.now_ms(), settings, tenant: None, mark: None, grant: None };
    if manifest.describes_tenant {
        let run = driver.run(Task::DescribeTenant, &given).await;
        match run.end {
            End::Outcome(Outcome::Tenant(tenant)) => given.tenant = Some(tenant.catalogue),
            other => return Err(Failure::new(shown_end(&other))),
        }
    }
    for rule in &manifest.kinds {
        let is_wanted = options.kinds.is_empty() || options.kinds.contains(&rule.name);
        if !is_wanted || !matches!(rule.scan, ScanRule::List {}) {
            continue;
        }
        let mut cursor = None;
        for _ in 0..options.pages {
            let task = Task::Scan(Scan {
                kind: rule.name.clone(),
                parent: None,
                since: Since::Everything,
                cursor: cursor.take(),
                page_size: options.page_size.min(rule.page_max),
            });
            let run = driver.run(task, &given).await;
            match run.end {
                End::Outcome(
                    Outcome::Page(Page { next, .. }) | Outcome::FlawedPage((Page { next, .. }, _)),
                ) => cursor = next,
                other => {
                    output.note(&format!("{}: {}", rule.name, shown_end(&other)));
                    break;
                }
            }
            if cursor.is_none() {
                break;
            }
        }
    }
    let taken = recorder.taken();
    let exchanges = redacted(&taken, &SystemEntropy.id())?;
    let number = exchanges.len();
    let recording = Recording { adapter: manifest.name, exchanges };
    let text = serde_json::to_string_pretty(&recording)
        .map_err(|error| Failure::new(format!("the recording cannot be written: {error}")))?;
    std::fs::write(&options.file, text).map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", options.file.display()))
    })?;
    output.data(&format!(
        "{}: {}, without the personal data; read it before you pass it on",
        options.file.display(),
        count(number, "exchange")
    ));
    Ok(DONE)
}
