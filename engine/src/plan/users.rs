//! Users that a value names by address or id. Pure.

use super::{Draft, Owned, made};
use crate::link::LinkRow;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{Desired, DesiredUser};
use serde_json::Value;

/// Finds the id of a user; the inner option is none where the ATS has no such user. None while
/// facts are missing or after it blocked the record.
pub(super) fn find<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    email: &str,
    link: Option<&LinkRow>,
) -> Option<Option<String>> {
    if let Some(link) = link {
        return Some(Some(link.remote.id.clone()));
    }
    let users = draft.users(email)?;
    match users.as_slice() {
        [] => Some(None),
        [user] => Some(Some(user.clone())),
        several => {
            draft.several_users(path, email, several);
            None
        }
    }
}

/// Returns what is written for a user that a value names by address: an id, or a placeholder with
/// the path of the step that creates the user. None while facts are missing or after it blocked the
/// record.
pub(super) fn named<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    email: &str,
) -> Option<(Value, Option<String>)> {
    let user_path = DesiredUser::path_of(email);
    let declared = draft.declared(&user_path)?;
    let link = declared.and_then(|declared| declared.links.get(&user_path));
    if let Some(id) = find(draft, path, email, link)? {
        return Some((Value::String(id), None));
    }
    match declared {
        Some(declared) if declared.managed && matches!(declared.desired, Desired::User(_)) => {
            Some((made(&user_path), Some(user_path)))
        }
        _ => {
            let message = format!(
                "{path}: no user of the ATS has the address {email}; invite them, declare them as \
                 a user, or correct the address"
            );
            draft.block(path, Reason::UnknownReference, message);
            None
        }
    }
}

/// Checks that the ATS has the user of an id, which `field` names. None while facts are missing or
/// after it blocked the record.
pub(super) fn known<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    field: &str,
    id: &str,
) -> Option<()> {
    let can_be_read = draft.input.manifest.kind(DesiredUser::KIND).is_some();
    if !can_be_read || draft.observed(&RemoteRef::new(DesiredUser::KIND, id))?.is_some() {
        return Some(());
    }
    let message = format!(
        "{path}: {field} names the user {id:?}, and the ATS shows no user with this id; correct \
         it, or name the user by e-mail address"
    );
    draft.block(path, Reason::UnknownReference, message);
    None
}
