//! The task of one endpoint: a lane for each connection that the endpoint wants.
//!
//! It ends when the server stops, when the endpoint is disabled, and when a user changes the
//! endpoint, who starts it anew. It waits for nothing that a sync waits for: it reads the feed and
//! writes its own notes.

use super::super::caller::Caller;
use super::super::served::Served;
use super::super::tasks;
use super::book;
use super::endpoint::{Disabled, Endpoint, checked};
use super::known::State;
use super::lane::{self, LaneEnd, Shared};
use atsync::Error;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Deliveries to one endpoint at once, each of another connection.
const AT_ONCE: usize = 8;

/// Reads the endpoints from the store.
///
/// # Errors
/// When the store fails.
pub(in crate::serve) async fn load(served: &Served, engine: &atsync::Engine) -> Result<(), Error> {
    served.deliveries.knows(book::all(engine).await?);
    Ok(())
}

/// Starts the tasks of the enabled endpoints that do not run.
pub(in crate::serve) async fn start_all(served: &Arc<Served>) {
    let _editing = served.deliveries.editing.lock().await;
    for (id, endpoint) in served.deliveries.endpoints() {
        if endpoint.enabled && !served.deliveries.runs(&id) {
            start(served, &id).await;
        }
    }
}

/// Starts the task of an endpoint, if it is enabled and can be; called while endpoints are edited.
pub(super) async fn start(served: &Arc<Served>, id: &str) {
    let Some((endpoint, state)) = served.deliveries.one(id) else { return };
    if !endpoint.enabled || served.is_stopping() {
        return;
    }
    match shared(served, id, endpoint, state).await {
        Ok(shared) => served.deliveries.started(id, tasks::spawn(run(shared))),
        Err(why) => tracing::error!(
            endpoint = id,
            "webhooks out: nothing is sent to this endpoint: {why}; correct it, then POST \
             /v1/reload"
        ),
    }
}

async fn shared(
    served: &Arc<Served>,
    id: &str,
    endpoint: Endpoint,
    state: Arc<State>,
) -> Result<Arc<Shared>, String> {
    let opened = served.opened().ok_or("the server is stopping")?;
    let secret = book::secret(&opened.vault, id, endpoint.secret).await;
    let secret = secret.map_err(|error| error.to_string())?;
    Ok(Arc::new(Shared {
        id: id.to_owned(),
        // Whether clear text is allowed is decided at each delivery.
        url: checked(&endpoint.url, true)?,
        secret: secret.ok_or("its secret is not in the store; give another one")?,
        transport: served.deliveries.transport()?,
        at_once: Semaphore::new(AT_ONCE),
        burying: tokio::sync::Mutex::default(),
        served: Arc::clone(served),
        endpoint,
        state,
    }))
}

async fn run(shared: Arc<Shared>) {
    let mut lanes = FuturesUnordered::new();
    let mut running = BTreeSet::new();
    let mut stopping = std::pin::pin!(shared.served.stopping());
    loop {
        // Before the list is read, so that no change is missed.
        let changed = shared.served.set_changed();
        for listed in shared.served.listed(&Caller::local()) {
            let wanted = |_: &_| shared.endpoint.wants_connection(&listed.name);
            if let Some(connection) = listed.connection.filter(wanted)
                && running.insert(listed.name.clone())
            {
                lanes.push(lane::run(Arc::clone(&shared), connection));
            }
        }
        tokio::select! {
            () = &mut stopping => return,
            Some((name, end)) = lanes.next(), if !lanes.is_empty() => match end {
                LaneEnd::Connection => drop(running.remove(&name)),
                LaneEnd::Endpoint(disabled) => {
                    // Nothing else is sent meanwhile.
                    drop(lanes);
                    return disable(&shared, disabled).await;
                }
            },
            () = changed => {}
        }
    }
}

/// Disables an endpoint that a user did not change meanwhile.
async fn disable(shared: &Shared, disabled: Disabled) {
    // A user may change the endpoint at the same time; then this task is aborted here.
    let _editing = shared.served.deliveries.editing.lock().await;
    let id = &shared.id;
    let (reason, status) = (disabled.reason, disabled.status);
    let endpoint = Endpoint { enabled: false, disabled: Some(disabled), ..shared.endpoint.clone() };
    let Some(opened) = shared.served.opened() else { return };
    match book::put(&opened.engine, id, Some(&shared.endpoint), &endpoint).await {
        Ok(()) => {
            shared.served.deliveries.set(id, endpoint);
            tracing::error!(
                endpoint = id,
                ?reason,
                status,
                "webhooks out: the endpoint is disabled, since it accepts no deliveries; its \
                 changes wait in the feed: correct the receiver, then POST \
                 /v1/webhook-endpoints/{id}/enable"
            );
        }
        Err(error) => tracing::error!(endpoint = id, %error, "the endpoint is not disabled"),
    }
}
