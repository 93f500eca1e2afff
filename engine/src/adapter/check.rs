//! Checks an adapter's answers against the contract, before they are used.
//!
//! In two parts. [`receive`] needs only the manifest and the size of the reply: the adapter
//! runtimes call it on every result of an adapter. [`TaskGuard`] follows one task from its first
//! step to its outcome and checks that they fit: which outcomes, which effects, how many. Both are
//! pure. Messages name places and numbers, never an adapter's values, since those may be a
//! candidate's data.
//!
//! A page is refused for faults of the page; a record that breaks a rule is left out alone, see
//! [`items`]. [`answer`] is the strict form: it also refuses for a record.
//!
//! Bodies are read once to the end without building anything, which proves that they are JSON
//! objects that the store can hold, that no member lies outside of the record's mask, and that
//! references have ids ([`mod@reference`]). Left out: whether a body fits the unified model
//! otherwise (the store reads it), and whether a request may be sent (the transport decides).

mod basics;
mod guard;
mod items;
mod reference;
mod request;
mod shapes;
mod texts;

pub use guard::TaskGuard;
pub(crate) use request::effect;

use super::AdapterError;
use super::limits::{
    CATALOGUE_BYTES_MAX, CURSOR_BYTES_MAX, ITEMS_MAX, LIST_MAX, REPLY_BYTES_MAX, TEXT_BYTES_MAX,
    URL_BYTES_MAX,
};
use atsync_model::contract::{
    Applied, CONTINUATION_BYTES_MAX, Failure, Fetched, Hint, Hooked, Link, Outcome, Page, Probed,
    Problem, Registered, Registration, Reply, Step, Verify, Written,
};
use atsync_model::manifest::Manifest;
use basics::{bounded, broke, id, is_id, json, kind, name, not_json, remote_ref, text};

/// The result of a call, and the reply that it was given.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The result.
    pub answer: &'a Result<Step, Failure>,
    /// The size of the response body that `resume` was called with.
    pub reply_bytes: Option<usize>,
}

/// Checks that a reply may be passed to an adapter; returns the size of its body.
///
/// # Errors
/// [`AdapterError::Limit`] when it is larger than an adapter can receive.
pub fn reply(reply: &Reply, bytes_max: usize) -> Result<Option<usize>, AdapterError> {
    match reply {
        Reply::Response(response) => {
            bounded("bytes of the reply", response.body.len(), bytes_max.min(REPLY_BYTES_MAX))?;
            Ok(Some(response.body.len()))
        }
        Reply::Verified(_) | Reply::Transferred(_) => Ok(None),
    }
}

/// Makes the texts for people plain, checks everything that can be checked without knowing the
/// task, and removes faulty records: a page then comes as [`Outcome::FlawedPage`], a fetch as
/// [`Outcome::FlawedFetched`].
///
/// # Errors
/// As for [`answer`], except for faults of single records.
pub fn receive(
    manifest: &Manifest,
    given: &mut Result<Step, Failure>,
    reply_bytes: Option<usize>,
) -> Result<(), AdapterError> {
    texts::plainly(given);
    match given {
        Ok(Step::Done(
            outcome @ (Outcome::Page(_)
            | Outcome::FlawedPage(_)
            | Outcome::Fetched(_)
            | Outcome::FlawedFetched(_)),
        )) => sift(manifest, outcome, reply_bytes),
        _ => answer(manifest, Answer { answer: given, reply_bytes }),
    }
}

fn sift(
    manifest: &Manifest,
    outcome: &mut Outcome,
    reply_bytes: Option<usize>,
) -> Result<(), AdapterError> {
    let nothing = Outcome::Written(Written::Unclear(String::new()));
    *outcome = match std::mem::replace(outcome, nothing) {
        Outcome::Page(page) => sift_page(manifest, (page, Vec::new()), reply_bytes)?,
        Outcome::FlawedPage(flawed) => sift_page(manifest, flawed, reply_bytes)?,
        Outcome::Fetched(fetched) => sift_fetched(manifest, (fetched, Vec::new()), reply_bytes)?,
        Outcome::FlawedFetched(flawed) => sift_fetched(manifest, flawed, reply_bytes)?,
        other => other,
    };
    Ok(())
}

fn sift_page(
    manifest: &Manifest,
    (mut page, mut problems): (Page, Vec<Problem>),
    reply_bytes: Option<usize>,
) -> Result<Outcome, AdapterError> {
    ends(&page)?;
    let (items, masks) = (&mut page.items, &mut page.masks);
    items::sift(manifest, items::Sifted { items, masks, problems: &mut problems, reply_bytes })?;
    Ok(Outcome::page(page, problems))
}

fn sift_fetched(
    manifest: &Manifest,
    (mut fetched, mut problems): (Fetched, Vec<Problem>),
    reply_bytes: Option<usize>,
) -> Result<Outcome, AdapterError> {
    bounded("missing ids", fetched.missing.len(), ITEMS_MAX)?;
    let (items, masks) = (&mut fetched.items, &mut fetched.masks);
    items::sift(manifest, items::Sifted { items, masks, problems: &mut problems, reply_bytes })?;
    // An unreadable row exists, and one without an id may be any of them.
    let nameless = problems.iter().any(|problem| problem.id.is_none());
    fetched
        .missing
        .retain(|id| !nameless && problems.iter().all(|problem| problem.id.as_ref() != Some(id)));
    Ok(Outcome::fetched(fetched, problems))
}

/// Checks everything that can be checked without knowing the task.
///
/// # Errors
/// [`AdapterError::Limit`] for a value that is too long or too many of them,
/// [`AdapterError::Contract`] for one that is not allowed at all.
pub fn answer(manifest: &Manifest, given: Answer<'_>) -> Result<(), AdapterError> {
    match given.answer {
        Ok(Step::Send(send)) => {
            bounded("bytes of the state", send.state.len(), CONTINUATION_BYTES_MAX)?;
            request::send(manifest, send)
        }
        Ok(Step::Verify(asked)) => verify(asked),
        Ok(Step::Transfer(_)) => {
            Err(broke("file transfers are reserved; this engine does not offer them"))
        }
        Ok(Step::Done(done)) => outcome(manifest, done, given.reply_bytes),
        Err(found) => failure(manifest, found),
    }
}

fn verify(asked: &Verify) -> Result<(), AdapterError> {
    name("the name of a secret", &asked.secret_name)?;
    bounded("bytes of the state", asked.state.len(), CONTINUATION_BYTES_MAX)?;
    bounded("bytes of the signed message", asked.message.len(), REPLY_BYTES_MAX)?;
    bounded("signatures", asked.candidates.len(), LIST_MAX)?;
    asked
        .candidates
        .iter()
        .try_for_each(|candidate| bounded("bytes of a signature", candidate.len(), TEXT_BYTES_MAX))
}

fn outcome(
    manifest: &Manifest,
    outcome: &Outcome,
    reply_bytes: Option<usize>,
) -> Result<(), AdapterError> {
    match outcome {
        Outcome::Page(found) => page(manifest, found, reply_bytes),
        Outcome::FlawedPage((found, problems)) => {
            items::problems(manifest, problems)?;
            page(manifest, found, reply_bytes)
        }
        Outcome::Fetched(found) => fetched(manifest, found, reply_bytes),
        Outcome::FlawedFetched((found, problems)) => {
            items::problems(manifest, problems)?;
            fetched(manifest, found, reply_bytes)
        }
        Outcome::Probed(found) => probed(manifest, found),
        Outcome::Written(found) => written(manifest, found),
        Outcome::Checked(checked) => text("the detail of a check", &checked.detail),
        Outcome::Hooked(found) => hooked(manifest, found),
        Outcome::Tenant(tenant) => {
            name("the tenant's fingerprint", &tenant.fingerprint)?;
            bounded("bytes of the catalogue", tenant.catalogue.len(), CATALOGUE_BYTES_MAX)?;
            json("the tenant's catalogue", &tenant.catalogue)
        }
        Outcome::Registration(found) => registration(manifest, found),
    }
}

fn page(manifest: &Manifest, page: &Page, reply_bytes: Option<usize>) -> Result<(), AdapterError> {
    ends(page)?;
    items::check(manifest, items::Items { items: &page.items, masks: &page.masks, reply_bytes })
}

fn fetched(
    manifest: &Manifest,
    fetched: &Fetched,
    reply_bytes: Option<usize>,
) -> Result<(), AdapterError> {
    bounded("missing ids", fetched.missing.len(), ITEMS_MAX)?;
    items::check(
        manifest,
        items::Items { items: &fetched.items, masks: &fetched.masks, reply_bytes },
    )
}

/// Checks that a page is consistent about how the pass continues.
fn ends(page: &Page) -> Result<(), AdapterError> {
    match (page.complete, page.next.is_some(), page.checkpoint.is_some()) {
        (true, true, _) => {
            return Err(broke("the pass is said to be complete, and a next page is named"));
        }
        (false, false, _) => {
            return Err(broke("the pass is said not to be complete, and no next page is named"));
        }
        (false, true, true) => {
            return Err(broke("a checkpoint is given before the pass is complete"));
        }
        (true, false, _) | (false, true, false) => {}
    }
    for cursor in [&page.next, &page.checkpoint].into_iter().flatten() {
        bounded("bytes of a cursor", cursor.len(), CURSOR_BYTES_MAX)?;
    }
    Ok(())
}

fn links(manifest: &Manifest, links: &[Link]) -> Result<(), AdapterError> {
    bounded("links", links.len(), LIST_MAX)?;
    for link in links {
        name("the role of a link", &link.role)?;
        id("an id", &link.id)?;
        kind(manifest, &link.kind)?;
    }
    Ok(())
}

fn applied(manifest: &Manifest, applied: &Applied) -> Result<(), AdapterError> {
    links(manifest, &applied.links)?;
    bounded("warnings", applied.warnings.len(), LIST_MAX)?;
    applied.warnings.iter().try_for_each(|warning| text("a warning", warning))
}

fn written(manifest: &Manifest, written: &Written) -> Result<(), AdapterError> {
    match written {
        Written::Applied(found) | Written::Unneeded(found) => applied(manifest, found),
        Written::Refused(found) => failure(manifest, found),
        Written::Pending(handle) => text("the handle of a pending write", handle),
        Written::Unclear(why) => text("an explanation", why),
    }
}

fn probed(manifest: &Manifest, probed: &Probed) -> Result<(), AdapterError> {
    match probed {
        Probed::Found(found) => links(manifest, &found.links),
        Probed::Absent(_) => Ok(()),
        Probed::Ambiguous(refs) => {
            // One is enough: it may be the written record, or another one.
            if refs.is_empty() {
                return Err(broke("a probe is called ambiguous, and no record is named"));
            }
            bounded("records that fit a probe", refs.len(), LIST_MAX)?;
            refs.iter().try_for_each(|found| remote_ref(manifest, found))
        }
        Probed::Blind(why) => text("an explanation", why),
    }
}

fn hooked(manifest: &Manifest, hooked: &Hooked) -> Result<(), AdapterError> {
    if !(200..=599).contains(&hooked.answer.status) {
        return Err(broke("the answer to a webhook has a status that is none"));
    }
    bounded("headers", hooked.answer.headers.len(), LIST_MAX)?;
    bounded("bytes of the answer to a webhook", hooked.answer.body.len(), TEXT_BYTES_MAX)?;
    hooked.answer.headers.iter().try_for_each(request::header)?;
    bounded("hints", hooked.hints.len(), LIST_MAX)?;
    hooked.hints.iter().try_for_each(|hint| match hint {
        Hint::Changed(found) | Hint::Deleted(found) | Hint::Erased(found) => {
            remote_ref(manifest, found)
        }
        Hint::Merged((from, to)) => {
            remote_ref(manifest, from).and_then(|()| remote_ref(manifest, to))
        }
    })
}

fn registration(manifest: &Manifest, found: &Registration) -> Result<(), AdapterError> {
    match found {
        Registration::Listed(all) => {
            bounded("webhooks", all.len(), LIST_MAX)?;
            all.iter().try_for_each(registered)
        }
        Registration::Kept(one) => registered(one),
        Registration::Refused(found) => failure(manifest, found),
        Registration::Unclear(why) => text("an explanation", why),
        Registration::Unlisted | Registration::Removed => Ok(()),
    }
}

fn registered(found: &Registered) -> Result<(), AdapterError> {
    id("the id of a webhook", &found.id)?;
    name("the event of a webhook", &found.event)?;
    bounded("bytes of a webhook's URL", found.url.len(), URL_BYTES_MAX)
}

fn failure(manifest: &Manifest, failure: &Failure) -> Result<(), AdapterError> {
    match failure {
        Failure::Auth(found)
        | Failure::NotFound(found)
        | Failure::Gone(found)
        | Failure::Conflict(found)
        | Failure::Misconfigured(found)
        | Failure::Unavailable(found)
        | Failure::Protocol(found)
        | Failure::Bug(found) => text("the text of a failure", found),
        Failure::Denied(denied) => {
            if !denied.permission.is_empty() && manifest.permission(&denied.permission).is_none() {
                return Err(broke("a permission is named that the manifest does not list"));
            }
            text("the text of a failure", &denied.message)
        }
        Failure::Misread(misread) => text("the text of a failure", &misread.message)
            .and_then(|()| text("a reading", &misread.reading)),
        Failure::Moved(to) => remote_ref(manifest, to),
        Failure::Invalid(errors) => {
            bounded("field errors", errors.len(), LIST_MAX)?;
            errors.iter().try_for_each(|error| {
                text("the name of a field", &error.field)
                    .and_then(|()| text("the text of a failure", &error.message))
            })
        }
        Failure::Restart(_) | Failure::Throttled(_) | Failure::Quota(_) => Ok(()),
    }
}
