//! What a connect page says about webhooks: that the connection sets them up itself, or what an
//! administrator pastes where.
//!
//! The secret is shown to the browser of the link alone, while the link is not used up: it has to
//! be pasted into the ATS by hand. Left out: a page before a credential was given.

use super::visit::Visit;
use crate::made;
use crate::serve::hooks;
use crate::serve::served::Served;
use crate::serve::set_up::SetUp;
use atsync::Secret;
use maud::{Markup, html};

/// See the module.
pub(super) enum Webhooks {
    /// The connection sets them up.
    ByItself,
    /// An administrator may create them.
    ByHand {
        /// Where in the ATS.
        at: String,
        url: Secret,
        secret: Secret,
        /// One webhook for each.
        events: Vec<String>,
    },
}

/// What there is to say about the webhooks of a link's connection; none where none can be received.
pub(super) async fn of(served: &Served, visit: &Visit) -> Option<Webhooks> {
    let link = &visit.found.link;
    let connection = served.connection(&link.connection).ok()?;
    let rule = connection.manifest().webhooks.clone()?;
    let url = hooks::url_of(served, &visit.opened.config, &connection)?;
    // An address that the ATS cannot reach is of no use to anyone.
    if rule.https_only && !url.expose().starts_with("https://") && !link.allow_private_network {
        return None;
    }
    let missing = link.checked.iter().flat_map(|checked| &checked.missing);
    let missing: Vec<&str> = missing.map(|one| one.permission.as_str()).collect();
    let may = rule.permissions.iter().any(|id| !missing.contains(&id.as_str()));
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

impl Webhooks {
    /// The section of a page. `host` is whom the changes reach.
    pub(super) fn section(&self, host: &str) -> Markup {
        html! {
            section aria-labelledby="webhooks" {
                h2 #webhooks { "Changes at once" }
                @match self {
                    Self::ByItself => {
                        p {
                            "Your changes reach " (host) " within seconds: the webhooks for it are \
                             created by the connection itself."
                        }
                    }
                    Self::ByHand { at, url, secret, events } => {
                        p {
                            "Your changes reach " (host) " within minutes. Optional: with webhooks \
                             they do within seconds. Create one for each event at "
                            strong { (at) } ", each with this endpoint and this secret key:"
                        }
                        dl {
                            dt { "Endpoint URL" } dd { code { (url.expose()) } }
                            dt { "Secret key" } dd { code { (secret.expose()) } }
                        }
                        details {
                            summary { "Events (" (events.len()) ")" }
                            ul.plain { @for event in events { li { code { (event) } } } }
                        }
                    }
                }
            }
        }
    }
}
