//! What a host needs of the library beyond declaring and applying: credentials that change, a feed
//! to follow, webhooks to take in, records to page through, and plain words where something is
//! missing.

mod at_once;
mod credentials;
mod feed;
mod records;
mod runtime;
mod schedules;
mod webhooks;
