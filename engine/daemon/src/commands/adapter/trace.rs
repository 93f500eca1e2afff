//! `atsync adapter trace`: runs one task of an adapter and prints each step: the request, the state
//! that the adapter keeps, the answer, the outcome.
//!
//! What it prints can have candidates' data in it: it is for the author of an adapter.

use super::source::{http, live, parsed, stage, text};
use crate::adapters;
use crate::cli::AdapterTrace;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use atsync::model::contract::{
    Fetch, Given, Hook, Mark, Operation, Outcome, Page, Probe, RemoteRef, Scan, Since, Task, Write,
};
use atsync::model::manifest::ScanRule;
use atsync::{Adapter, Clock, SystemClock};
use atsync_conformance::recording::{Recording, Replayer};
use atsync_conformance::wire::{Courier, Destination, HttpCourier};
use atsync_conformance::{Driver, End, Run, Stage, shown_run};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;

/// The tasks, as they are typed.
const TASKS: &str = "tenant; scan KIND; fetch KIND ID…; check PERMISSION; probe OPERATION \
    [TARGET]; write OPERATION [TARGET]; hook";

pub(super) async fn trace(config: &Path, options: &AdapterTrace, output: &Output) -> Ended {
    let adapter = adapters::inspected(config, &options.adapter).await?;
    // A described sandbox is served until it is dropped.
    let (courier, settings, _stage) = courier(adapter.as_ref(), options).await?;
    let driver = Driver::new(Arc::clone(&adapter), courier);
    let mut given = Given {
        now_ms: SystemClock.now_ms(),
        settings: Value::Object(settings).to_string(),
        tenant: None,
        mark: None,
        grant: None,
    };
    let mut task = task(adapter.as_ref(), options, &mut given)?;
    let is_tenant = matches!(task, Task::DescribeTenant);
    if adapter.manifest().describes_tenant && !is_tenant {
        // The catalogue that every other task is given.
        let run = driver.run(Task::DescribeTenant, &given).await;
        match run.end {
            End::Outcome(Outcome::Tenant(tenant)) => given.tenant = Some(tenant.catalogue),
            _ if options.replies.is_some() => {}
            _ => say(&run, options, output),
        }
    }
    for _ in 0..options.pages {
        let run = driver.run(task, &given).await;
        say(&run, options, output);
        match (next(&run.end), &run.task) {
            (Some(cursor), Task::Scan(scan)) => {
                task = Task::Scan(Scan { cursor: Some(cursor), ..scan.clone() });
            }
            _ => {
                return match run.end {
                    End::Breach(breach) => Err(Failure::new(breach.what)),
                    End::Unanswered(why) => Err(Failure::new(why)),
                    End::Outcome(_) | End::Failure(_) => Ok(DONE),
                };
            }
        }
    }
    Ok(DONE)
}

fn next(end: &End) -> Option<Vec<u8>> {
    match end {
        End::Outcome(
            Outcome::Page(Page { next, .. }) | Outcome::FlawedPage((Page { next, .. }, _)),
        ) => next.clone(),
        _ => None,
    }
}

fn say(run: &Run, options: &AdapterTrace, output: &Output) {
    let lines = shown_run(run);
    if options.json {
        output.json(&json!({ "task": lines.first(), "steps": lines }));
    } else {
        lines.iter().for_each(|line| output.data(line));
        records(run).iter().for_each(|line| output.data(line));
    }
}

/// The records and problems of an outcome, one a line.
fn records(run: &Run) -> Vec<String> {
    let (items, problems) = match &run.end {
        End::Outcome(Outcome::Page(page)) => (page.items.clone(), Vec::new()),
        End::Outcome(Outcome::FlawedPage((page, problems))) => {
            (page.items.clone(), problems.clone())
        }
        End::Outcome(Outcome::Fetched(fetched)) => (fetched.items.clone(), Vec::new()),
        End::Outcome(Outcome::FlawedFetched((fetched, problems))) => {
            (fetched.items.clone(), problems.clone())
        }
        _ => return Vec::new(),
    };
    let mut lines: Vec<String> = items
        .iter()
        .map(|item| format!("record  {}/{} {}", item.kind, item.id, item.body))
        .collect();
    lines.extend(problems.iter().map(|problem| {
        let id = problem.id.as_deref().unwrap_or("?");
        format!("problem {}/{id}: {}", problem.kind, problem.message)
    }));
    lines
}

type Answering = (Arc<dyn Courier>, Map<String, Value>, Option<Box<dyn Stage>>);

async fn courier(adapter: &dyn Adapter, options: &AdapterTrace) -> Result<Answering, Failure> {
    let manifest = adapter.manifest().clone();
    let settings = parsed(&options.settings)?;
    if let Some(replies) = &options.replies {
        let recording = Recording::read(&text(replies)?)
            .map_err(|why| Failure::new(format!("{}: {why}", replies.display())))?;
        return Ok((Arc::new(Replayer::new(recording)), settings, None));
    }
    let transport = http()?;
    if let Some(sandbox) = &options.sandbox {
        let stage = stage(sandbox, options.script.as_deref(), &transport).await?;
        let mut all = stage.script().settings.clone();
        all.extend(settings);
        let destination = Destination {
            origins: stage.origins(),
            base: Some(stage.base()),
            credential: stage.script().credential.clone(),
            settings: all.clone(),
            writable: Vec::new(),
        };
        let courier = HttpCourier::new(transport, manifest, destination);
        return Ok((Arc::new(courier), all, Some(stage)));
    }
    if !options.live {
        return Err(Failure::new(
            "say what answers the adapter: --sandbox, --replies FILE, or --live for the ATS itself",
        ));
    }
    let mut destination = live(&options.origins, &options.settings)?;
    destination.writable.clone_from(&options.allow_writes);
    Ok((Arc::new(HttpCourier::new(transport, manifest, destination)), settings, None))
}

/// The task of the command line.
fn task(adapter: &dyn Adapter, options: &AdapterTrace, given: &mut Given) -> Result<Task, Failure> {
    let manifest = adapter.manifest();
    let words: Vec<&str> = options.task.iter().map(String::as_str).collect();
    let input = options.input.clone().unwrap_or_else(|| "{}".to_owned());
    let kind = |name: &str| {
        manifest.kind(name).cloned().ok_or_else(|| {
            let known = manifest.kinds.iter().map(|kind| kind.name.as_str());
            let hint = atsync::did_you_mean(name, known);
            Failure::new(format!("{} reads no {name:?}{hint}", manifest.name))
        })
    };
    let operation = |name: &str, target: Option<&&str>| {
        let rule = manifest.operation(name).ok_or_else(|| {
            let known = manifest.operations.iter().map(|rule| rule.name.as_str());
            let hint = atsync::did_you_mean(name, known);
            Failure::new(format!("{} has no operation {name:?}{hint}", manifest.name))
        })?;
        let target = target.map(|id| RemoteRef::new(&rule.kind, *id));
        Ok::<_, Failure>(Operation { name: name.to_owned(), target, input: input.clone() })
    };
    let mark = || Mark { text: "atsync:trace".to_owned(), time_ms: given.now_ms };
    Ok(match words.as_slice() {
        ["tenant"] => Task::DescribeTenant,
        ["scan", name] => {
            let rule = kind(name)?;
            if let ScanRule::ByParent { parent } = &rule.scan
                && options.parent.is_none()
            {
                let message = format!("{name} are listed under {parent}; add --parent {parent}/ID");
                return Err(Failure::new(message));
            }
            Task::Scan(Scan {
                kind: rule.name,
                parent: options.parent.as_ref().and_then(|parent| {
                    let (kind, id) = parent.split_once('/')?;
                    Some(RemoteRef::new(kind, id))
                }),
                since: Since::Everything,
                cursor: None,
                page_size: options.page_size.unwrap_or(rule.page_max).min(rule.page_max),
            })
        }
        ["fetch", name, ids @ ..] if !ids.is_empty() => Task::Fetch(Fetch {
            kind: kind(name)?.name,
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        }),
        ["check", permission] => Task::Check((*permission).to_owned()),
        ["probe", name, target @ ..] if target.len() < 2 => {
            given.mark = Some(mark());
            Task::Probe(Probe { operation: operation(name, target.first())?, first_sent_ms: None })
        }
        ["write", name, target @ ..] if target.len() < 2 => {
            given.mark = Some(mark());
            Task::Write(Write { operation: operation(name, target.first())?, observed: None })
        }
        ["hook"] => Task::Hook(Hook { headers: Vec::new(), body: input.into_bytes() }),
        _ => {
            let said = words.join(" ");
            return Err(Failure::new(format!("{said:?} is no task; the tasks are: {TASKS}")));
        }
    })
}
