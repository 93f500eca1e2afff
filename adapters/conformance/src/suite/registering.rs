//! Webhooks that the adapter registers: one is created, changed and removed, and the list shows
//! each. The answers to these requests are replaced later, as those of writes are.
//!
//! The URLs are those of no host, so nothing is sent to them.

use super::World;
use crate::drive::{Driver, End, Run};
use crate::report::Promise;
use crate::show;
use atsync::model::contract::{
    Failure, Outcome, Registered, Registering, Registration, Task, Webhook, WebhookChange,
};

const URL: &str = "https://conformance.invalid/hooks/one";
const OTHER: &str = "https://conformance.invalid/hooks/two";

pub(super) async fn check(world: &mut World<'_>, registrar: Option<&Driver>) {
    let Some(event) =
        world.manifest.webhooks.as_ref().and_then(|rule| rule.events.first().cloned())
    else {
        return;
    };
    let task = |url: &str| Webhook { event: event.clone(), url: url.to_owned() };
    let before = run(world, registrar, Registering::List).await;
    if world.broke_by("webhooks", &before) {
        return;
    }
    let can_list = listed(&before).is_some();
    if matches!(before.end, End::Outcome(_)) {
        world.samples.push(("webhooks, listed".to_owned(), before.clone()));
    }

    let created = run(world, registrar, Registering::Create(task(URL))).await;
    if world.broke_by("webhooks", &created) {
        return;
    }
    if is_denied(&created) {
        let why = format!(
            "the credential may not register webhooks ({}); give another one as `registrar` of the \
             script",
            show::end(&created.end)
        );
        world.report.not_tried_for(Promise::Registering, "", why);
        return;
    }
    let Some(id) = kept(world, "a webhook was to be created", &created, URL) else { return };
    if can_list && !shows(world, registrar, &id, Some(URL)).await {
        return;
    }

    let change = WebhookChange { id: id.clone(), webhook: task(OTHER) };
    let changed = run(world, registrar, Registering::Change(change)).await;
    if world.broke_by("webhooks", &changed) {
        return;
    }
    match kept(world, "a webhook was to be changed", &changed, OTHER) {
        Some(same) if same == id => {}
        Some(_) => {
            let what = "a webhook was changed, and has another id now".to_owned();
            world.broke(Promise::Registering, "", what, &changed);
            return;
        }
        None => return,
    }
    if can_list && !shows(world, registrar, &id, Some(OTHER)).await {
        return;
    }

    for is_again in [false, true] {
        let removed = run(world, registrar, Registering::Remove(id.clone())).await;
        if world.broke_by("webhooks", &removed) {
            return;
        }
        let is_gone = match &removed.end {
            End::Outcome(Outcome::Registration(Registration::Removed)) => true,
            End::Outcome(Outcome::Registration(Registration::Refused(
                Failure::NotFound(_) | Failure::Gone(_),
            ))) => is_again,
            _ => false,
        };
        if !is_gone {
            let what = match is_again {
                false => "a webhook was to be removed",
                true => "a webhook that is gone was to be removed",
            };
            let what = format!("{what}: {}", show::end(&removed.end));
            world.broke(Promise::Registering, "", what, &removed);
            return;
        }
        if can_list && !shows(world, registrar, &id, None).await {
            return;
        }
        if !is_again {
            world.samples.push(("webhooks, removed".to_owned(), removed));
        }
    }
    for (name, run) in [("created", created), ("changed", changed)] {
        world.samples.push((format!("webhooks, {name}"), run));
    }
    world.report.held(Promise::Registering, "");
}

async fn run(world: &World<'_>, registrar: Option<&Driver>, task: Registering) -> Run {
    let driver = registrar.unwrap_or(&world.driver);
    driver.run(Task::Register(task), &world.given).await
}

fn listed(run: &Run) -> Option<&[Registered]> {
    match &run.end {
        End::Outcome(Outcome::Registration(Registration::Listed(all))) => Some(all),
        _ => None,
    }
}

fn is_denied(run: &Run) -> bool {
    matches!(
        &run.end,
        End::Failure(Failure::Denied(_) | Failure::Auth(_))
            | End::Outcome(Outcome::Registration(Registration::Refused(
                Failure::Denied(_) | Failure::Auth(_)
            )))
    )
}

/// The id of a webhook that is kept with this URL.
fn kept(world: &mut World<'_>, deed: &str, run: &Run, url: &str) -> Option<String> {
    let what = match &run.end {
        End::Outcome(Outcome::Registration(Registration::Kept(kept))) if kept.url == url => {
            return Some(kept.id.clone());
        }
        End::Outcome(Outcome::Registration(Registration::Kept(kept))) => {
            format!("{deed} with the URL {url}, and the adapter says {}", kept.url)
        }
        other => format!("{deed}: {}", show::end(other)),
    };
    world.broke(Promise::Registering, "", what, run);
    None
}

/// Whether the list shows a webhook with this URL, or does not show it.
async fn shows(
    world: &mut World<'_>,
    registrar: Option<&Driver>,
    id: &str,
    url: Option<&str>,
) -> bool {
    let run = run(world, registrar, Registering::List).await;
    if world.broke_by("webhooks", &run) {
        return false;
    }
    let found = listed(&run).unwrap_or_default().iter().find(|one| one.id == id);
    let what = match (found, url) {
        (Some(found), Some(url)) if found.url == url => return true,
        (None, None) => return true,
        (Some(found), Some(url)) => {
            format!("the webhook {id} has the URL {url}, and the list says {}", found.url)
        }
        (None, Some(_)) => format!("the webhook {id} was registered, and the list lacks it"),
        (Some(_), None) => format!("the webhook {id} was removed, and the list shows it"),
    };
    world.broke(Promise::Registering, "", what, &run);
    false
}
