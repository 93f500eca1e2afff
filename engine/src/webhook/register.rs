//! Registers a connection's webhooks by the ATS's API: one for each event that the adapter reads
//! hints from, to one URL, signed with the newest webhook secret.
//!
//! Each run compares what is wanted with what is registered ([`super::deeds`]), and creates,
//! repairs and removes. A note is durable before a request leaves ([`super::registered`]). A
//! creation whose answer was lost is found in the ATS's list by the next run; without a list it is
//! created again, a bounded number of times, since a second webhook delivers twice and does no
//! other harm. Webhooks to other URLs are not touched.
//!
//! # Rotation
//! The newest of [`crate::ConnectionOptions::webhook_secrets`] is registered. The older ones are
//! accepted for as long as the host keeps them in the list, so that deliveries under way are not
//! lost while the webhooks of the ATS are changed one after the other.
//!
//! Bounds: the events of the manifest, one request for each. One run at a time for each connection.
//! Left out: when to do it; [`crate::Connection::run`] has a schedule for it.

use super::deeds::{Deed, Wanted, with_list, without_list};
use super::registered::{Row, Rows, mark, url_digest};
use super::report::{WebhookEnd, WebhooksBlocked, WebhooksReport};
use crate::engine::{Connection, Work};
use crate::error::{Error, ErrorKind};
use crate::reconcile::{TaskError, Unregistered};
use crate::secret::Secret;
use atsync_model::contract::{
    Failure, Registered, Registering, Registration, Webhook, WebhookChange,
};
use atsync_model::manifest::WebhookRule;
use url::Url;

/// One run.
struct Run<'r> {
    work: &'r Work<'r>,
    rows: Rows<'r>,
    url: &'r Secret,
    secret: &'r Secret,
    /// The digest of both.
    mark: String,
    report: WebhooksReport,
}

/// Whether the run goes on.
enum Flow {
    Continues,
    Ends,
}

impl Connection {
    /// Registers the connection's webhooks in the ATS, or repairs what is registered, so that each
    /// event the adapter reads is sent to `url`. The URL is the host's, with a part that cannot be
    /// guessed ([`Connection::webhook_path`]); what arrives there goes to [`Connection::accept`] or
    /// [`Connection::receive`]. Do it when the host already listens, since an ATS tries the URL at
    /// once. Webhooks that lead to other URLs are not touched.
    ///
    /// [`Connection::run`] does it by [`crate::Crons::webhooks`].
    ///
    /// # Errors
    /// When the credential is refused, the ATS is unavailable, or an answer was lost; what was done
    /// before stays, and the next call goes on from there. A missing permission is no error: see
    /// [`WebhooksReport::blocked`].
    pub async fn register_webhooks(&self, url: &Secret) -> Result<WebhooksReport, Error> {
        let work = self.work()?;
        self.registered(&work, url).await
    }

    /// Removes the webhooks that this connection registered in the ATS. Those of others stay.
    ///
    /// # Errors
    /// As for [`Connection::register_webhooks`].
    pub async fn remove_webhooks(&self) -> Result<WebhooksReport, Error> {
        let work = self.work()?;
        self.unregistered(&work).await
    }

    async fn registered(&self, work: &Work<'_>, url: &Secret) -> Result<WebhooksReport, Error> {
        let webhooks = self.webhooks();
        let _turn = webhooks.registering.lock().await;
        let Some(rule) = &self.manifest().webhooks else {
            let why = "the adapter registers no webhooks";
            return Ok(WebhooksReport::blocked(WebhooksBlocked::Unsupported, why));
        };
        let Some(secret) = webhooks.secrets.first() else {
            let why = "the connection has no webhook secret";
            return Ok(WebhooksReport::blocked(WebhooksBlocked::NoSecret, why));
        };
        if let Some(why) = work.requests.registers_nothing() {
            return Ok(WebhooksReport::blocked(WebhooksBlocked::Paused, why));
        }
        let is_private = work.context.session.allows_private_network();
        if let Err(why) = is_reachable(url.expose(), rule, is_private) {
            return Ok(WebhooksReport::blocked(WebhooksBlocked::UrlRefused, why));
        }
        let rows = Rows::read(&work.context.store).await?;
        let (mark, report) = (mark(url, secret), WebhooksReport::default());
        let mut run = Run { work, rows, url, secret, mark, report };
        run.all(&rule.events).await?;
        Ok(run.report)
    }

    async fn unregistered(&self, work: &Work<'_>) -> Result<WebhooksReport, Error> {
        let _turn = self.webhooks().registering.lock().await;
        let mut rows = Rows::read(&work.context.store).await?;
        if rows.all().is_empty() {
            return Ok(WebhooksReport::default());
        }
        if let Some(why) = work.requests.registers_nothing() {
            return Ok(WebhooksReport::blocked(WebhooksBlocked::Paused, why));
        }
        let listed = list(work).await?;
        let mut report = WebhooksReport { listed: listed.is_some(), ..WebhooksReport::default() };
        let own: Vec<(String, String)> = match listed {
            Some(listed) => {
                let urls = rows.urls();
                let own = listed.into_iter().filter(|one| urls.contains(&url_digest(&one.url)));
                own.map(|one| (one.event, one.id)).collect()
            }
            None => {
                let known = rows.all().iter();
                known.filter_map(|(event, row)| Some((event.clone(), row.id.clone()?))).collect()
            }
        };
        for (_, id) in own {
            if let Err(error) = removed(work, id).await {
                return denied(report, error);
            }
            report.removed = report.removed.saturating_add(1);
        }
        let events: Vec<String> = rows.all().keys().cloned().collect();
        for event in events {
            rows.remove(&event).await?;
        }
        Ok(report)
    }
}

/// The webhooks that the ATS lists; none where it has no list.
async fn list(work: &Work<'_>) -> Result<Option<Vec<Registered>>, Error> {
    match work.requests.register(Registering::List, None).await {
        Ok(Registration::Listed(all)) => Ok(Some(all)),
        Ok(_) => Ok(None),
        Err(Unregistered { error, .. }) => Err(error),
    }
}

/// Removes one webhook. One that was gone before is removed.
async fn removed(work: &Work<'_>, id: String) -> Result<(), Error> {
    match work.requests.register(Registering::Remove(id), None).await {
        Ok(Registration::Refused(failure)) if !is_gone(&failure) => Err(refused(work, failure)),
        Ok(Registration::Unclear(why)) => Err(lost(work, &why)),
        Ok(_) => Ok(()),
        Err(Unregistered { error, .. }) => Err(error),
    }
}

const REGISTERING: &str = "registering a webhook";

/// The error of a refusal that concerns the whole connection.
fn refused(work: &Work<'_>, failure: Failure) -> Error {
    work.requests.task_error(REGISTERING, TaskError::Failed(failure))
}

/// The error of an answer that does not say what became of the request.
fn lost(work: &Work<'_>, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{}: {REGISTERING}: {why}", work.context.name))
}

/// A missing right is in the report; anything else is an error.
fn denied(mut report: WebhooksReport, error: Error) -> Result<WebhooksReport, Error> {
    if error.kind() != ErrorKind::Denied {
        return Err(error);
    }
    (report.blocked, report.message) =
        (Some(WebhooksBlocked::NotPermitted), Some(error.to_string()));
    Ok(report)
}

fn is_gone(failure: &Failure) -> bool {
    matches!(failure, Failure::NotFound(_) | Failure::Gone(_))
}

/// Whether a refusal is about one webhook and not about the connection.
fn is_of_one(failure: &Failure) -> bool {
    matches!(failure, Failure::Invalid(_) | Failure::Conflict(_) | Failure::Protocol(_))
}

/// Whether the ATS can send to a URL. The refusal does not quote it: a part of it is secret.
fn is_reachable(url: &str, rule: &WebhookRule, is_private: bool) -> Result<(), String> {
    let bytes_max = usize::try_from(rule.url_bytes_max).unwrap_or(usize::MAX);
    if url.len() > bytes_max {
        return Err(format!(
            "the URL for webhooks has {} bytes, and the ATS takes {bytes_max} at most; shorten the \
             connection's name or the address of the host",
            url.len()
        ));
    }
    let parsed =
        Url::parse(url).map_err(|error| format!("the URL for webhooks is not a URL: {error}"))?;
    let is_bare =
        parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none();
    match parsed.scheme() {
        "https" if is_bare => Ok(()),
        "http" if is_bare && (is_private || !rule.https_only) => Ok(()),
        _ => {
            Err("the URL for webhooks must begin with https:// and have no user and no fragment; \
                  give the address by which the ATS reaches the host"
                .to_owned())
        }
    }
}

impl Run<'_> {
    async fn all(&mut self, events: &[String]) -> Result<(), Error> {
        let now_ms = self.work.context.clock.now_ms();
        let listed = list(self.work).await?;
        self.report.listed = listed.is_some();
        let url = self.url.expose();
        let wanted = Wanted { events, url, mark: &self.mark, now_ms };
        let deeds = match &listed {
            Some(listed) => with_list(&wanted, self.rows.all(), listed, self.rows.urls()),
            None => without_list(&wanted, self.rows.all()),
        };
        for deed in deeds {
            if let Flow::Ends = self.one(deed).await? {
                return Ok(());
            }
        }
        // Rows of events that are not wanted and have no webhook any more.
        let stale = self.rows.all().keys().filter(|event| !events.contains(event));
        let stale: Vec<String> = stale.cloned().collect();
        for event in stale {
            self.rows.remove(&event).await?;
        }
        Ok(())
    }

    async fn one(&mut self, deed: Deed) -> Result<Flow, Error> {
        match deed {
            Deed::Keep { event, .. } => Ok(self.ended(event, WebhookEnd::InStep)),
            Deed::GiveUp { event } => Ok(self.ended(event, WebhookEnd::Unknown)),
            Deed::Create { event } => self.create(event).await,
            Deed::Change { event, id, url } => self.change(event, id, url).await,
            Deed::Remove { event, id } => self.remove(event, id).await,
        }
    }

    fn ended(&mut self, event: String, end: WebhookEnd) -> Flow {
        self.report.events.insert(event, end);
        Flow::Continues
    }

    fn webhook(&self, event: &str) -> Webhook {
        Webhook { event: event.to_owned(), url: self.url.expose().to_owned() }
    }

    async fn create(&mut self, event: String) -> Result<Flow, Error> {
        let before = self.rows.of(&event);
        let is_same = before.lost_mark.as_deref() == Some(self.mark.as_str());
        let row = Row {
            sent: Some(url_digest(self.url.expose())),
            lost: if is_same { before.lost } else { 0 }.saturating_add(1),
            lost_mark: Some(self.mark.clone()),
            // An id that the ATS does not have any more.
            id: None,
            ..before.clone()
        };
        self.rows.put(&event, row).await?;
        let registering = Registering::Create(self.webhook(&event));
        let created = self.work.requests.register(registering, Some(self.secret)).await;
        self.answered(event, Row { id: None, ..before }, created, WebhookEnd::Created).await
    }

    /// `url` is the one that the ATS lists for it. It is kept before the request, since `sent` is
    /// overwritten and the listed URL may be that of an earlier request whose answer was lost.
    async fn change(
        &mut self,
        event: String,
        id: String,
        url: Option<String>,
    ) -> Result<Flow, Error> {
        let before = self.rows.of(&event);
        let row = Row {
            id: Some(id.clone()),
            url: url.as_deref().map(url_digest).or_else(|| before.url.clone()),
            sent: Some(url_digest(self.url.expose())),
            mark: None,
            ..before.clone()
        };
        self.rows.put(&event, row.clone()).await?;
        let change = WebhookChange { id, webhook: self.webhook(&event) };
        let registering = Registering::Change(change);
        let changed = self.work.requests.register(registering, Some(self.secret)).await;
        if matches!(&changed, Ok(Registration::Refused(failure)) if is_gone(failure)) {
            return self.create(event).await;
        }
        self.answered(event, Row { sent: before.sent, ..row }, changed, WebhookEnd::Changed).await
    }

    /// Keeps what an answer said. `unsent` is the row if the request had no effect.
    async fn answered(
        &mut self,
        event: String,
        unsent: Row,
        answer: Result<Registration, Unregistered>,
        done: WebhookEnd,
    ) -> Result<Flow, Error> {
        match answer {
            Ok(Registration::Kept(kept)) => {
                let is_active = kept.active;
                let row = Row {
                    id: Some(kept.id),
                    url: Some(url_digest(self.url.expose())),
                    mark: Some(self.mark.clone()),
                    confirmed_ms: self.work.context.clock.now_ms(),
                    active: is_active,
                    ..Row::default()
                };
                self.rows.put(&event, row).await?;
                Ok(self.ended(event, if is_active { done } else { WebhookEnd::Inactive }))
            }
            Ok(Registration::Refused(failure)) => {
                self.rows.put(&event, unsent).await?;
                if is_of_one(&failure) {
                    self.report.message.get_or_insert_with(|| failure.to_string());
                    return Ok(self.ended(event, WebhookEnd::Refused));
                }
                self.ended_by(refused(self.work, failure))
            }
            Ok(Registration::Unclear(why)) => Err(lost(self.work, &why)),
            Ok(_) => Err(self.work.context.unfit("a webhook")),
            Err(Unregistered { error, may_have_happened: true }) => Err(error),
            Err(Unregistered { error, .. }) => {
                self.rows.put(&event, unsent).await?;
                self.ended_by(error)
            }
        }
    }

    async fn remove(&mut self, event: String, id: String) -> Result<Flow, Error> {
        if let Err(error) = removed(self.work, id.clone()).await {
            return self.ended_by(error);
        }
        self.report.removed = self.report.removed.saturating_add(1);
        if self.rows.of(&event).id == Some(id) {
            self.rows.remove(&event).await?;
        }
        Ok(Flow::Continues)
    }

    /// Ends the run by an error, or by a missing right, which is in the report.
    fn ended_by(&mut self, error: Error) -> Result<Flow, Error> {
        self.report = denied(std::mem::take(&mut self.report), error)?;
        Ok(Flow::Ends)
    }
}

#[cfg(test)]
mod tests {
    use super::is_reachable;
    use atsync_model::manifest::WebhookRule;

    #[test]
    fn a_url_that_the_ats_cannot_send_to_is_refused_and_not_quoted() {
        let rule = WebhookRule::new(["hired"], "secret_key", "there");
        let long = format!("https://host.example/{}", "hidden".repeat(60));
        assert!(is_reachable("https://host.example/hooks/acme/hidden", &rule, false).is_ok());
        assert!(is_reachable("http://127.0.0.1:1/hidden", &rule, true).is_ok());
        for url in [
            "http://host.example/hidden",
            "https://u:p@host.example/hidden",
            "https://host.example/#hidden",
            "ftp://host.example/hidden",
            "hidden",
            &long,
        ] {
            let refused = is_reachable(url, &rule, false).unwrap_err();
            assert!(!refused.contains("hidden"), "{refused}");
        }
    }
}
