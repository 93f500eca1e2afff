//! What is made once and never changed: a note, a file. Pure.
//!
//! An ATS takes no change of these, so what was declared when the record was made is kept with its
//! link, as digests: a member that says something else by now is a conflict, and the plan says what
//! to do instead. Digests, so that a note's text is not stored a second time.
//!
//! A look before a creation finds a record by these members, so the link that it makes keeps them
//! too; and so does a link that a host makes to what it declares. A link without such a base (to
//! what is not declared yet, or of an earlier version) takes what is declared for what is there:
//! the host says so.
//!
//! What is no longer declared stays in the ATS. Its link is kept, so that declaring it again never
//! makes a second one, and the plan says once that it is no longer managed. Where another key
//! declares the same, the link follows; where its own key declares something else by then, that is
//! new ([`super::renamed`]).
//!
//! Left out: whether somebody changed or deleted it in the ATS.

use super::said::{self, Member};
use super::{Adoption, Draft, FindingKind, Owned};
use crate::link::LinkRow;
use crate::path::Path;
use crate::reason::Reason;
use atsync_model::desired::definition::Desired;
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The member of a base that marks a record as no longer declared.
pub(crate) const RELEASED: &str = "released";

/// The member of a base that says on whom a look found the record, whatever the record itself says.
pub(crate) const FOUND_ON: &str = "found_on";

/// Where the ATS fetched a file from, once. Hosts make such addresses anew for every declaration,
/// so another one alone is worth a note and no conflict.
const FETCHED_FROM: &str = "url";

/// What is recorded of a text: line ends and blanks around it do not count.
pub(super) fn digest(text: &str) -> Value {
    let hash = Sha256::digest(normal::text(text).as_bytes());
    json!(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The base of a record that is made with these members.
pub(super) fn base(members: &[Member<'_>]) -> Map<String, Value> {
    members.iter().map(|(place, says)| ((*place).to_owned(), digest(says))).collect()
}

/// Whether records of a kind are made once and never changed.
pub(crate) fn is_made_once(kind: &str) -> bool {
    matches!(kind, kinds::NOTES | kinds::ATTACHMENTS)
}

/// The base of what is made once, as its path declares it. None where the path declares nothing
/// that is made once.
pub(crate) fn declared_once(desired: &Desired, path: &str) -> Option<Map<String, Value>> {
    let Desired::Candidate(desired) = desired else { return None };
    match Path::of(path) {
        Path::Note { note, .. } => {
            let note = desired.notes.iter().find(|one| one.key == note)?;
            Some(base(&said::of_note(note)))
        }
        Path::Attachment { application, file, .. } => {
            let application = desired.applications.iter().find(|one| one.key == application)?;
            let file = application.attachments.iter().find(|one| one.key == file)?;
            Some(base(&said::of_file(file)))
        }
        _ => None,
    }
}

/// Whether a look found the record on this parent.
pub(super) fn is_found_on(link: &LinkRow, parent: &str) -> bool {
    link.applied.get(FOUND_ON).and_then(Value::as_str) == Some(parent)
}

/// Compares what is declared with what the record was made of. `what`: its word for messages.
pub(super) fn compare<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    what: &str,
    link: &LinkRow,
    members: &[Member<'_>],
) {
    let declared = base(members);
    let mut kept = link.applied.clone();
    kept.remove(RELEASED);
    let mut changed = Vec::new();
    let mut is_conflict = false;
    for (place, _) in members {
        draft.account(path, place);
        let now = declared.get(*place).cloned().unwrap_or_default();
        match kept.get(*place) {
            Some(before) if *before != now => {
                changed.push(format!("`{place}`"));
                is_conflict |= *place != FETCHED_FROM;
            }
            Some(_) => {}
            None => drop(kept.insert((*place).to_owned(), now)),
        }
    }
    if !changed.is_empty() {
        let message = format!(
            "{path}: {} of the {what} changed since it was made as {}, and a {what} cannot be \
             changed; take the change back, or declare a {what} under another key",
            changed.join(" and "),
            link.remote
        );
        let kind = if is_conflict { FindingKind::Conflict } else { FindingKind::Note };
        draft.say(kind, path, Reason::CannotChange, message);
    }
    record(draft, link, kept);
}

/// Says once of records that are no longer declared that they stay. `prefix`: where their paths
/// begin.
pub(super) fn release<D: Owned>(
    draft: &mut Draft<'_, D>,
    prefix: &str,
    what: &str,
    is_declared: impl Fn(&str) -> bool,
) {
    let links = draft.input.links;
    let below = links.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix));
    for (path, link) in below {
        let is_one =
            path.get(prefix.len()..).is_some_and(|key| !key.contains('/') && !is_declared(key));
        if !is_one || link.applied.contains_key(RELEASED) {
            continue;
        }
        let message = format!(
            "{path}: no longer declared; the {what} {} stays and is no longer managed",
            link.remote
        );
        draft.say(FindingKind::Note, path, Reason::Released, message);
        let mut kept = link.applied.clone();
        kept.insert(RELEASED.to_owned(), json!(true));
        record(draft, link, kept);
    }
}

/// Records a new base without a request.
fn record<D: Owned>(draft: &mut Draft<'_, D>, link: &LinkRow, applied: Map<String, Value>) {
    if applied == link.applied
        || draft.plan.adoptions.iter().any(|adoption| adoption.host == link.host)
    {
        return;
    }
    let (host, remote, reason) = (link.host.clone(), link.remote.clone(), None);
    draft.plan.adoptions.push(Adoption { host, remote, applied, reason });
}
