//! What a host needs of the library beyond declaring and applying: credentials that change, a feed
//! to follow, webhooks to take in, records to page through, a way to close, and plain words where
//! something is missing.

mod at_once;
mod closing;
mod credentials;
mod feed;
mod records;
mod runtime;
mod schedules;
mod webhooks;
