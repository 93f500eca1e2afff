//! `atsync config check`: what of a configuration can be checked without the store and the ATS.
//!
//! The file, its secrets, the adapters, their origins and settings, the schedules, and the tokens
//! and OAuth clients of the API, the headers of traces. Every fault is listed, so that one run
//! shows what a start would refuse one by one. Left out: whether the ATS accepts the credential;
//! `atsync check` asks it.

use crate::failure::{DONE, Ended, Failure};
use crate::open;
use crate::output::Output;
use crate::serve::access::Access;
use crate::words::count;
use std::path::Path;

pub(super) async fn check(path: &Path, output: &Output) -> Ended {
    let opened = open::offline(path).await?;
    let quiet = output.clone().without_progress();
    let mut faults: Vec<String> = opened.refused.values().cloned().collect();
    let shelf = &opened.adapters.shelf;
    let of_folder = shelf.refused().map(|(_, refusal)| refusal).chain(shelf.fault());
    faults
        .extend(of_folder.map(|refusal| format!("{}: adapters: {}", path.display(), refusal.why)));
    for name in opened.names() {
        if let Err(why) = opened.connect(&name, &quiet).await {
            faults.push(why.to_string());
        }
    }
    if let Err(why) = Access::check(&opened.config.serve, opened.config.directory()).await {
        faults.push(format!("{}: {why}", path.display()));
    }
    for (name, client) in &opened.config.serve.clients {
        let known = opened.adapter(&client.adapter).await.map(drop);
        let read = client.read(opened.config.directory()).await.map(drop);
        let fault = known.map_err(|why| why.to_string()).and(read);
        if let Err(why) = fault {
            faults.push(format!("{}: serve.clients.{name}.{why}", path.display()));
        }
    }
    if let Some(telemetry) = &opened.config.telemetry
        && let Err(why) = telemetry.read(opened.config.directory()).await
    {
        faults.push(format!("{}: telemetry: {why}", path.display()));
    }
    if !faults.is_empty() {
        return Err(Failure::Several(faults));
    }
    let connections = count(opened.names().len() as u64, "connection");
    output.data(&format!("{}: {connections}, no fault", path.display()));
    Ok(DONE)
}
