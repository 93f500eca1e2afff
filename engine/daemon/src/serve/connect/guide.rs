//! What a connect page says about webhooks: that the connection sets them up itself, or what an
//! administrator pastes where.
//!
//! The secret is shown to the browser of the link alone, while the link is not used up: it has to
//! be pasted into the ATS by hand. Left out: which of the two it is; see [`super::webhooks`].

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
