//! `atsync adapter inspect`: what a component file is and can do, without a connection.

use crate::adapters;
use crate::cli::AdapterCommand;
use crate::failure::{DONE, Ended, Failure};
use crate::output::{Output, plain, table};
use crate::words::count;
use atsync::adapter::Adapter;
use atsync::model::manifest::{Manifest, OriginBase};

pub(super) fn adapter(command: &AdapterCommand, output: &Output) -> Ended {
    let AdapterCommand::Inspect { file, json } = command;
    let adapter = adapters::host()?.load_file(file).map_err(|error| Failure::new(error.to_string()))?;
    if *json {
        output.json(adapter.manifest());
    } else {
        for line in lines(adapter.manifest()) {
            output.data(&plain(&line));
        }
    }
    Ok(DONE)
}

fn lines(manifest: &Manifest) -> Vec<String> {
    let mut lines = vec![
        format!("{} {} ({}), contract {}", manifest.name, manifest.version, manifest.title, manifest.contract),
        "imports nothing: it can reach neither network nor files".to_owned(),
    ];
    for origin in &manifest.origins {
        let base = match &origin.base {
            OriginBase::Fixed { url } => url.clone(),
            OriginBase::Operator { hint } => format!("given by the operator: {hint}"),
            OriginBase::Discovered { suffixes } => format!("named by a reply, below {}", suffixes.join(", ")),
        };
        lines.push(format!("sends to {}: {base}", origin.name));
    }
    let kinds: Vec<&str> = manifest.kinds.iter().map(|kind| kind.name.as_str()).collect();
    lines.push(format!("reads {}: {}", count(kinds.len() as u64, "kind"), kinds.join(", ")));
    lines.push(format!("writes by {}:", count(manifest.operations.len() as u64, "operation")));
    let rows: Vec<Vec<String>> = manifest
        .operations
        .iter()
        .map(|rule| {
            let class = format!("{:?}", rule.class).to_lowercase();
            let opt_in = rule.opt_in.as_ref().map_or(String::new(), |setting| format!("only with settings.{setting}"));
            vec![format!("  {}", rule.name), class, count(rule.calls, "call"), opt_in]
        })
        .collect();
    lines.extend(table(&rows));
    lines.push(count(manifest.permissions.len() as u64, "permission"));
    for sentence in &manifest.lossy {
        lines.push(format!("note: {sentence}"));
    }
    lines
}
