//! A person's consent, for credentials of the OAuth2 authorization code grant (RFC 6749 §4.1).
//!
//! # Expected flow
//! 1. [`Engine::begin_consent`](crate::Engine::begin_consent) makes the URL of the ATS's consent
//!    page and a secret text to remember. The host binds the text to the browser's session, and
//!    sends the browser to the URL.
//! 2. The ATS sends the browser back to the redirect URI, with a code or an error.
//! 3. [`Engine::finish_consent`](crate::Engine::finish_consent) takes the query of that request and
//!    the remembered text, and exchanges the code at once. The keeper has the tokens when it
//!    returns.
//! 4. The host opens the connection, or replaces its credential. Before the first record the engine
//!    asks the ATS which customer it is, as for every other credential.
//!
//! # Guarantees
//! A code is redeemed only with the `state` (256 bits) of the same connection and client, compared
//! in constant time, within ten minutes, and once in an engine and its clones; an ATS that checks a
//! code challenge gets one (RFC 7636, S256). The redirect URI of both requests is the same text. A
//! code is sent once: a second use would end what the first one gave. Each refusal has a reason
//! ([`AuthReason`](crate::AuthReason)).
//!
//! Bounds: those of [`remembered`] and [`used`]. Left out: the session of the browser, and with it
//! that a remembered text is taken once across processes, which is the host's; the pages that it
//! shows.

mod begin;
mod callback;
mod finish;
mod remembered;
pub(crate) mod used;

pub use begin::ConsentStart;
