//! A host's needs beyond declaring and applying: replacing credentials, following the feed,
//! receiving webhooks, paging through records, closing, and clear messages if something is missing.

mod at_once;
mod closing;
mod credentials;
mod feed;
mod heartbeats;
mod pausing;
mod records;
mod runtime;
mod schedules;
mod webhooks;
