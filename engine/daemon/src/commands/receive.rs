//! `atsync receive`: verifies one webhook from stdin and reads the records that it names.
//!
//! A repeated webhook is read again, because each process starts without a memory of deliveries.
//! Bound: the body that [`Connection::receive`](atsync::Connection::receive) accepts, and one byte
//! to see that it is larger.

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use atsync::{Connection, HintEnd, Verdict};
use serde_json::json;

pub(super) async fn receive(place: &Place, options: &cli::Receive, output: &Output) -> Ended {
    let headers = options.headers.iter().map(|header| {
        let parts = header.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        parts.ok_or_else(|| {
            Failure::new(format!("--header {header:?}: a header has the form `Name: value`"))
        })
    });
    let headers: Vec<(&str, &str)> = headers.collect::<Result<_, _>>()?;
    let limit =
        u64::try_from(Connection::WEBHOOK_BODY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let body = place.stdin(limit)?;
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let received = opened.connect(&options.name, output).await?.receive(headers, body).await?;
    output.end();
    let words = match &received.verdict {
        Verdict::Accepted(ends) if ends.is_empty() => {
            "accepted; it names no record to read".to_owned()
        }
        Verdict::Accepted(ends) => {
            let ends: Vec<&str> = ends.iter().map(|(_, end)| word(end)).collect();
            format!("accepted: {}", ends.join(", "))
        }
        Verdict::Duplicate => "known already".to_owned(),
        Verdict::Forged => {
            "refused: no secret of the connection matches its signature, or it has none".to_owned()
        }
        Verdict::Stale => "refused: it was signed too long ago, or in the future".to_owned(),
        Verdict::TooLarge => {
            format!("refused: it has more than {} bytes", Connection::WEBHOOK_BODY_BYTES_MAX)
        }
        _ => "dealt with".to_owned(),
    };
    if options.json {
        output.json(&json!({ "status": received.status, "verdict": words }));
    } else {
        output.data(&format!("{} {words}", received.status));
    }
    if received.status == 200 { Ok(DONE) } else { Err(Failure::Said) }
}

fn word(end: &HintEnd) -> &'static str {
    match end {
        HintEnd::TakenIn => "read anew",
        HintEnd::NotShown => "not shown by the ATS",
        HintEnd::Gone => "gone",
        HintEnd::Moved { .. } => "has another id now",
        HintEnd::StillThere => "still there",
        HintEnd::NotRead => "of a kind that the connection does not read",
        _ => "looked at",
    }
}
