//! `atsync adapter test`: runs the conformance suite over an adapter, against a sandbox.

use super::source::{http, stage};
use crate::adapters;
use crate::cli::AdapterTest;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::words::count;
use atsync_conformance::Options;
use std::path::Path;

pub(super) async fn test(config: &Path, options: &AdapterTest, output: &Output) -> Ended {
    let adapter = adapters::inspected(config, &options.adapter).await?;
    let transport = http()?;
    let stage = stage(&options.sandbox, options.script.as_deref(), &transport).await?;
    let mut suite = Options::default();
    suite.kinds.clone_from(&options.kinds);
    let report = atsync_conformance::test(adapter, stage.as_ref(), transport, &suite).await?;
    if options.json {
        output.json(&report);
    } else {
        output.lines(&report.to_string());
    }
    if report.is_clean() {
        return Ok(DONE);
    }
    let broken = count(report.checked().1, "promise");
    Err(Failure::new(format!(
        "{} breaks {broken}; the report names each with its exchange",
        options.adapter
    )))
}
