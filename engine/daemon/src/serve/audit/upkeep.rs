//! What the log needs once a minute: the counted refusals are written, and old entries removed.

use super::log::{ENTRIES_MAX, Log};
use crate::serve::served::Served;
use crate::serve::tasks;
use atsync::{Clock, Engine, SystemClock};
use std::sync::Arc;

const MINUTE_MS: u64 = 60 * 1_000;

/// Begins, until the server stops.
pub(in crate::serve) fn start(served: &Arc<Served>) {
    let served = Arc::clone(served);
    drop(tasks::spawn(async move {
        let mut stopping = std::pin::pin!(served.stopping());
        loop {
            if let Some(opened) = served.opened() {
                served.refusals.write(&served.audit, &opened.engine).await;
                trim(&served.audit, &opened.engine, opened.config.serve.audit_ms()).await;
            }
            tokio::select! {
                () = &mut stopping => return,
                () = SystemClock.sleep(MINUTE_MS) => {}
            }
        }
    }));
}

async fn trim(log: &Log, engine: &Engine, age_ms: u64) {
    let before_ms = SystemClock.now_ms().saturating_sub(age_ms);
    if let Err(error) = log.trim(engine, before_ms, ENTRIES_MAX).await {
        tracing::error!(%error, "old entries of the audit log were not removed");
    }
}

/// Writes what is left, at a stop.
pub(in crate::serve) async fn end(served: &Served, engine: Option<&Engine>) {
    if let Some(engine) = engine {
        served.refusals.write(&served.audit, engine).await;
        served.audit.ended(engine).await;
    }
}
