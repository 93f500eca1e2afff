//! `atsync schema`: the JSON Schema of a desired record, for editors and validators.

use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use atsync::model::desired::Desired;

pub(super) fn schema(output: &Output) -> Ended {
    let schema = schemars::schema_for!(Desired);
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::new(format!("the schema cannot be written as JSON: {error}")))?;
    output.lines(&text);
    Ok(DONE)
}
