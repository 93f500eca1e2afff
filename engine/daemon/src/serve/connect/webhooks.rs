//! Whether the webhooks of a link's connection are set up by itself or by hand.
//!
//! A round of the connection finds it out. Until then it is guessed from the kind of the credential
//! and from what the check found. Left out: the words; see [`super::guide`].

use super::guide::Webhooks;
use super::visit::Visit;
use crate::made;
use crate::serve::hooks;
use crate::serve::served::Served;
use crate::serve::set_up::SetUp;
use atsync::model::manifest::WebhookRule;

/// What there is to say about the webhooks of a link's connection; none where none can be received.
pub(super) async fn of(served: &Served, visit: &Visit) -> Option<Webhooks> {
    let link = &visit.found.link;
    let connection = served.connection(&link.connection).ok()?;
    let rule = connection.manifest().webhooks.clone()?;
    let url = hooks::url_of(served, &visit.opened.config, &connection)?;
    // An address that the ATS cannot reach is not shown.
    if rule.https_only && !url.expose().starts_with("https://") && !link.allow_private_network {
        return None;
    }
    let missing = link.checked.iter().flat_map(|checked| &checked.missing);
    let missing: Vec<&str> = missing.map(|one| one.permission.as_str()).collect();
    let may = may_register(&rule, &missing);
    match served.set_up(&link.connection) {
        Some(SetUp::ByItself) => return Some(Webhooks::ByItself),
        // The first round is under way.
        None if link.client.is_some() && may => return Some(Webhooks::ByItself),
        Some(SetUp::ByHand) | None => {}
    }
    let record = made::one(&visit.opened.engine, &link.connection).await.ok()??;
    let secrets = made::secrets(&visit.opened.vault, &link.connection, &record).await.ok()?;
    let (at, events) = (rule.by_hand_at, rule.events);
    Some(Webhooks::ByHand { at, url, secret: secrets.webhook?, events })
}

/// Whether no permission is missing that registering needs.
fn may_register(rule: &WebhookRule, missing: &[&str]) -> bool {
    rule.permissions.iter().all(|id| !missing.contains(&id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::may_register;
    use atsync::model::manifest::WebhookRule;

    #[test]
    fn webhooks_are_guessed_to_be_set_up_by_hand_where_one_permission_is_missing() {
        let mut rule = WebhookRule::new(["hired"], "secret_key", "there");
        rule.permissions = vec!["webhooks:list".to_owned(), "webhooks:create".to_owned()];
        assert!(may_register(&rule, &["jobs:list"]));
        assert!(!may_register(&rule, &["webhooks:create"]));
    }
}
