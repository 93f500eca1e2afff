//! The pages that start a job, and the one that shows it.
//!
//! A job that ends soon is shown with its result; one that takes longer is shown as running, and
//! the page is loaded again by its link, or by the script. An apply runs to its end, also at a stop
//! of the server; the others end with the server, and what they committed stays.

use super::chrome::{Part, page_of};
use super::jobs::{Apply, Job, KEPT_MS, Outcome, Work};
use super::plan::{self, Planned};
use super::refused::Refused;
use super::show::{Mood, at, at_record, badge, time};
use super::state::Pages;
use super::visitor::Visitor;
use super::{checklist, report};
use crate::config::serve::Scope;
use crate::serve::audit::deed::{Deed, Kept};
use crate::serve::connections::has_kind;
use crate::serve::html::form::Form;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::tasks;
use atsync::{PlanOf, SweepOptions};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// How long an answer waits for the end of a job, in milliseconds: most end sooner.
const WAIT_MS: u64 = 3_000;

/// The kind that a form names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    kind: String,
}

/// What a form asks to be planned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// All records, not only those that changed.
    all: Option<String>,
}

type Ended = Result<Redirect, Refused>;

/// Checks the permissions of the credential.
pub(super) async fn check(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
) -> Ended {
    let connection = pages.served.connection(&name)?;
    let id = pages.console.jobs.begin(&name, Work::Check)?;
    let doing = async move { Ok(Outcome::Checked(connection.check().await?)) };
    Ok(run(&pages, &name, (id, deed), until_stop(&pages, doing)).await)
}

/// Pulls a kind.
pub(super) async fn pull(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    form: Result<Form<Kind>, Problem>,
) -> Ended {
    let Form(Kind { kind }) = form?;
    let connection = pages.served.connection(&name)?;
    has_kind(&connection, &kind)?;
    deed.about(&kind);
    let id = pages.console.jobs.begin(&name, Work::Pull(kind.clone()))?;
    let doing = async move { Ok(Outcome::Pulled(connection.pull(&kind).await?)) };
    Ok(run(&pages, &name, (id, deed), until_stop(&pages, doing)).await)
}

/// Sweeps a kind for deletions.
pub(super) async fn sweep(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    form: Result<Form<Kind>, Problem>,
) -> Ended {
    let Form(Kind { kind }) = form?;
    let connection = pages.served.connection(&name)?;
    has_kind(&connection, &kind)?;
    deed.about(&kind);
    let id = pages.console.jobs.begin(&name, Work::Sweep(kind.clone()))?;
    let doing =
        async move { Ok(Outcome::Swept(connection.sweep(&kind, SweepOptions::default()).await?)) };
    Ok(run(&pages, &name, (id, deed), until_stop(&pages, doing)).await)
}

/// Plans the declared records.
pub(super) async fn plan(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    form: Result<Form<Which>, Problem>,
) -> Ended {
    let Form(Which { all }) = form?;
    let connection = pages.served.connection(&name)?;
    let id = pages.console.jobs.begin(&name, Work::Plan)?;
    deed.about(&id);
    let doing = async move {
        let of = if all.is_some() { PlanOf::All } else { PlanOf::Dirty };
        let plan = connection.plan(of).await?;
        Ok(Outcome::Planned(Planned::of(plan, connection.manifest())))
    };
    Ok(run(&pages, &name, (id, deed), until_stop(&pages, doing)).await)
}

/// Applies the plan that a job shows.
pub(super) async fn apply(
    State(pages): State<Pages>,
    Path((name, plan)): Path<(String, String)>,
    Extension(deed): Extension<Deed>,
) -> Ended {
    let connection = pages.served.connection(&name)?;
    let (id, outcome) = match pages.console.jobs.begin_apply(&name, &plan)? {
        Apply::Begun(id, outcome) => (id, outcome),
        Apply::Already(id) => return Ok(Redirect::to(&at_job(&name, &id))),
    };
    let doing = async move {
        let Outcome::Planned(planned) = outcome.as_ref() else {
            return Err(Problem::new(ProblemType::NoSuchRecord, "There is no plan."));
        };
        let moved = planned.moved(&connection).await?;
        if !moved.is_empty() {
            return Ok(Outcome::Moved(moved));
        }
        Ok(Outcome::Applied(connection.apply(&planned.plan).await?))
    };
    Ok(run(&pages, &name, (id, deed), doing).await)
}

fn at_job(connection: &str, id: &str) -> String {
    format!("{}/jobs/{id}", at(connection))
}

/// Ends work at a stop of the server.
fn until_stop(
    pages: &Pages,
    doing: impl Future<Output = Result<Outcome, Problem>> + Send + 'static,
) -> impl Future<Output = Result<Outcome, Problem>> + Send + 'static {
    let stopping = pages.served.stopping();
    async move {
        tokio::select! {
            ended = doing => ended,
            () = stopping => Err(Problem::new(ProblemType::Stopping, "The server is stopping.")),
        }
    }
}

/// Runs a job, and leads to its page.
async fn run(
    pages: &Pages,
    connection: &str,
    (id, deed): (String, Deed),
    doing: impl Future<Output = Result<Outcome, Problem>> + Send + 'static,
) -> Redirect {
    let (console, job, kept) = (Arc::clone(&pages.console), id.clone(), deed.keep());
    drop(tasks::spawn(async move {
        let ended = tasks::to_the_end(doing).await.and_then(|ended| ended);
        let outcome = ended.unwrap_or_else(Outcome::Failed);
        said(kept, &outcome).await;
        console.jobs.end(&job, outcome);
    }));
    pages.console.jobs.wait(&id, WAIT_MS).await;
    Redirect::to(&at_job(connection, &id))
}

/// Has the audit log say how a job ended.
async fn said(kept: Kept, outcome: &Outcome) {
    let problem = match outcome {
        Outcome::Failed(problem) => Some(problem.what()),
        Outcome::Moved(_) => Some(ProblemType::PreconditionFailed),
        Outcome::Applied(report) => {
            kept.counted(report.steps.len());
            None
        }
        Outcome::Checked(_) | Outcome::Pulled(_) | Outcome::Swept(_) | Outcome::Planned(_) => None,
    };
    kept.end(problem).await;
}

/// Shows a job.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path((name, id)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    let job = pages.console.jobs.of(&name, &id)?;
    let title = match &job.work {
        Work::Check => "Permissions".to_owned(),
        Work::Pull(kind) => format!("Pull of {kind}"),
        Work::Sweep(kind) => format!("Sweep of {kind}"),
        Work::Plan => "Plan".to_owned(),
        Work::Apply => "Apply".to_owned(),
    };
    let main = html! {
        h1 { (title) }
        @match &job.ended {
            None => {
                div.running data-reload {
                    p role="status" {
                        (badge(Mood::Neutral, "running")) " since " (time(job.begun_ms))
                    }
                    p { a href=(at_job(&name, &id)) { "Look again" } }
                }
            }
            Some((ended_ms, outcome)) => {
                (view(&visitor, &name, &id, &job, *ended_ms, outcome))
            }
        }
        p.back { a href=(at(&name)) { "Back to " (name) } }
    };
    Ok(page_of(&visitor, &name, Part::Overview, &title, main))
}

fn view(
    visitor: &Visitor,
    name: &str,
    id: &str,
    job: &Job,
    ended_ms: u64,
    outcome: &Outcome,
) -> Markup {
    html! {
        p.muted { "Ended " (time(ended_ms)) }
        @match outcome {
            Outcome::Checked(results) => (checklist::view(results)),
            Outcome::Pulled(pulled) => (report::pulled(pulled)),
            Outcome::Swept(swept) => (report::swept(swept)),
            Outcome::Applied(applied) => (report::applied(applied)),
            Outcome::Failed(problem) => {
                p.note.bad { strong { (problem.title()) ". " } (problem.detail()) }
            }
            Outcome::Moved(records) => (moved(visitor, name, records)),
            Outcome::Planned(planned) => {
                (plan::view(planned))
                @match (&job.applied_by, planned.plan.is_empty()) {
                    (Some(job), _) => p { a href=(at_job(name, job)) { "This plan was applied" } },
                    (None, true) => {}
                    (None, false) => section.decide aria-labelledby="apply" {
                        h2 #apply { "Apply" }
                        p {
                            "Exactly this plan is written. The same records are planned again "
                            "first; if a write differs by then, nothing is sent. The plan is kept "
                            "until " (time(ended_ms.saturating_add(KEPT_MS))) "."
                        }
                        @let action = format!("{}/apply", at_job(name, id));
                        (visitor.form_for(Scope::Write, &action, html! {
                            button.main type="submit" { "Apply this plan" }
                        }))
                    }
                }
            }
        }
    }
}

/// A plan that was not applied.
fn moved(visitor: &Visitor, name: &str, records: &[String]) -> Markup {
    html! {
        p.note {
            strong { "Nothing was written. " }
            "Since the plan was shown, the records or the ATS have changed, and it would write "
            "something else now for:"
        }
        ul {
            @for record in records { li { a href=(at_record(name, record)) { (record) } } }
        }
        (visitor.form_for(Scope::Write, &format!("{}/plan", at(name)), html! {
            button.main type="submit" { "Plan again" }
        }))
    }
}
