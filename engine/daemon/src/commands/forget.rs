//! `atsync forget-connection`: removes what the store has of a connection that is not open.

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::place::Place;
use crate::words::count;

pub(super) async fn forget(
    place: &Place,
    options: &cli::ForgetConnection,
    output: &Output,
) -> Ended {
    let name = &options.name;
    if !options.yes {
        return Err(Failure::new(format!(
            "{name}: what is forgotten cannot be brought back: its records, declarations, links, \
             writes in doubt and feed. Add --yes to forget it"
        )));
    }
    let opened = place.administration().await?;
    let removed = opened.engine.forget(name).await.map_err(|error| {
        let how = match error.kind() {
            atsync::ErrorKind::Configuration => {
                "; remove it from the configuration and send SIGHUP, or DELETE \
                 /v1/connections/NAME?forget=true"
            }
            _ => "",
        };
        Failure::new(format!("{error}{how}"))
    })?;
    output.data(&match removed {
        0 => format!("Nothing is stored under the name {name}; is it misspelt?"),
        rows => format!("{name} is forgotten: {} removed.", count(rows, "row")),
    });
    Ok(DONE)
}
