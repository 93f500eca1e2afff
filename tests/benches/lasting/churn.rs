//! The size of the file while the same records change again and again.
//!
//! Each round a recruiter changes one record of a hundred, and a pull reads them, through the
//! adapter and the store as ever. A consumer of the feed acknowledges what is [`KEPT`] rounds old,
//! and the host trims the feed to that. So all that may grow is what the store fails to reuse.

use super::copies::connect;
use super::engine;
use super::figures::{figure, grouped};
use super::process::sizes;
use atsync::Keep;
use atsync_greenhouse_sandbox::{Recruiter, Sandbox, SandboxOptions};
use futures_util::TryStreamExt;

/// Rounds of churn.
const ROUNDS: usize = 100;
/// One of so many records changes in a round.
const SHARE: usize = 100;
/// The step from one record to the next, a prime.
const STEP: usize = 7_919;
/// Rounds whose events are kept.
const KEPT: usize = 10;
/// The figure compares the end with the file after so many rounds: the first ones fill the feed to
/// what is kept.
const SETTLED: usize = 20;

/// Pulls so many records, and lets them churn.
pub(crate) async fn rounds(records: usize) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options = SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, records) };
    let sandbox = Sandbox::new(options);
    let engine = engine(directory.path(), &sandbox);
    let acme = connect(&engine).await;
    acme.pull("candidates").await.unwrap();
    let mut ids: Vec<i64> = Vec::new();
    {
        let mut rows = std::pin::pin!(acme.observed("candidates"));
        while let Some(row) = rows.try_next().await.unwrap() {
            ids.push(row.id.parse().unwrap());
        }
    }
    let file = directory.path().join("acme.redb");
    let tell = |round: usize| {
        let (length, disk) = sizes(&file);
        println!(
            "{records} records, after round {round}: the store is {:.1} MiB long, {:.1} MiB on \
             disk",
            length as f64 / 1_048_576.0,
            disk as f64 / 1_048_576.0
        );
        (length as f64, disk as f64)
    };
    tell(0);
    let (mut ends, mut updated, mut settled, mut end) = (Vec::new(), 0, None, None);
    for round in 1..=ROUNDS {
        for at in 0..records / SHARE {
            // Some change often and some seldom.
            let candidate_id = &ids[(at * STEP + round * round * SHARE) % ids.len()];
            let (first_name, last_name) = (format!("Renamed {round}"), "Again".to_owned());
            let rename = Recruiter::Rename { candidate_id: *candidate_id, first_name, last_name };
            sandbox.recruiter(&rename).unwrap();
        }
        updated += acme.pull("candidates").await.unwrap().updated as usize;
        ends.push(engine.store().changes_last("acme").await.unwrap());
        if let Some(read) = ends.len().checked_sub(KEPT + 1).map(|at| ends[at]) {
            acme.acknowledge("a consumer", read).await.unwrap();
            while acme.trim(0, Keep::Unacknowledged).await.unwrap() > 0 {}
        }
        if round % 10 == 0 {
            let now = tell(round);
            (settled, end) = (settled.or((round >= SETTLED).then_some(now)), Some(now));
        }
    }
    assert!(updated > records * ROUNDS / SHARE / 2, "{updated} records changed");
    let ((length, disk), (end_length, end_disk)) = (settled.unwrap(), end.unwrap());
    let at = format!("{} records, rounds {SETTLED} to {ROUNDS}", grouped(records));
    figure("lasting.churn.length_times", end_length / length, &at);
    figure("lasting.churn.disk_times", end_disk / disk, &at);
}
