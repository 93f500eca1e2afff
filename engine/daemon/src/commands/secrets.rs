//! `atsync secrets rekey`: seals the stored secrets anew with the first key of the configuration.
//!
//! It goes one secret at a time and resumes when it is called again, so that it may run while
//! connections do, and be killed.

use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::words::count;

pub(super) async fn rekey(place: &Place, output: &Output) -> Ended {
    let opened = place.open(None, Use::Online).await?;
    if !opened.vault.can_seal() {
        return Err(Failure::new(format!(
            "{}: serve.seal_key: there is none, so there is nothing to seal with; name the new key \
             first and the old one behind it",
            opened.config.path.display()
        )));
    }
    let resealed = opened.vault.reseal().await?;
    output.data(&format!(
        "{} sealed anew with the first key of `serve.seal_key`; the others are not needed any more",
        count(resealed, "secret")
    ));
    Ok(DONE)
}
