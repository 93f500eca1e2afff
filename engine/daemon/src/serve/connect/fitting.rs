//! What fits a link: the scheme of a credential, and the record that its connection gets.

use super::link::Link;
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use atsync::model::manifest::{AuthRule, Manifest};

/// The scheme of the credential that a customer makes in their ATS; none where there is none.
pub(super) fn scheme(manifest: &Manifest) -> Option<Scheme> {
    manifest.auth.iter().find_map(|rule| match rule {
        AuthRule::Oauth2ClientCredentials { .. } => Some(Scheme::ClientCredentials),
        AuthRule::BasicKey { .. } => Some(Scheme::BasicKey),
        AuthRule::Bearer {} => Some(Scheme::Bearer),
        AuthRule::Header { .. } => Some(Scheme::Header),
        _ => None,
    })
}

/// The record of a link's connection, as the successor of another one: what the link says holds,
/// and the schedules stay.
pub(super) fn record(link: &Link, before: Option<&Made>, scheme: Scheme) -> Made {
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    let mut made = before.cloned().unwrap_or_else(|| Made::new(&link.adapter, scheme));
    made.scheme = scheme;
    (made.client_id, made.client) = (None, None);
    if before.is_none() || !link.origins.is_empty() {
        made.origins = link.origins.clone();
        made.allow_private_network = link.allow_private_network;
    }
    made.allow_private_network |= link.allow_private_network;
    for (name, value) in &link.settings {
        drop(made.settings.insert(name.clone(), value.clone()));
    }
    (made.revision, made.secrets) = (revision, crate::made::draw());
    made
}
