//! The read half as the engine sees it: tasks and replies in, requests and records out. No clock, no network.

mod answers;
mod check;
mod endpoints;
mod fetch;
mod hook;
mod manifest;
mod recorded;
mod records;
mod scan;
mod support;
mod tenant;
