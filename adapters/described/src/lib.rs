//! An adapter as one file: YAML or JSON that describes an ATS, and the interpreter that runs it.
//!
//! A description says where an ATS lists its records, how its rows become unified records, what its
//! answers mean, how it is written to and how a probe finds out what a lost answer meant. It is
//! data over a closed set of mechanisms, with pure expressions ([`expression`]). One component,
//! built once from this crate, interprets all descriptions: `bake` writes a description into it
//! as data, and the result is an adapter like any other, with a hash of its own.
//!
//! With the feature `host`, what an author's tools need: `read` parses a file, `validate` finds
//! mistakes by name with their lines, `bake` makes the component, and `schema` is the JSON Schema
//! that editors complete by. The steps of a build are:
//!
//! ```
//! # #[cfg(feature = "host")] {
//! let text = r#"
//! name: plainlist
//! version: 0.1.0
//! title: Plainlist
//! origins: [{name: api, base: {how: fixed, url: "https://plainlist.example"}}]
//! auth: [{scheme: bearer}]
//! kinds:
//!   jobs:
//!     list: {request: /jobs, paging: {style: page, parameter: page}, size: per_page}
//!     id: row.id
//!     fields:
//!       title: row.title
//!       state: {value: row.status, words: {live: open, closed: closed}}
//! "#;
//! let read = atsync_described::read(text).unwrap();
//! atsync_described::validate(&read).unwrap();
//! // let component = atsync_described::bake(generic, &read.description)?;
//! # }
//! ```
//!
//! Left out: file transfer, registering webhooks by the ATS's API, and anything with a clock,
//! entropy or I/O. What data cannot say is a function in Rust ([`expression::Escape`]); such an
//! adapter is a Rust crate that includes the description ([`Described`]).

pub mod description;
pub mod expression;
pub mod interpret;

mod baked;
#[cfg(test)]
mod expression_tests;
mod guest;
mod helpers;
#[cfg(feature = "host")]
mod host;
mod json;
mod manifest;
mod shape;
mod straight;
mod template;
mod time;

pub use baked::{BAKED_BYTES_MAX, baked};
pub use description::Description;
pub use guest::{Described, Description as DescribedBy};
#[cfg(feature = "host")]
pub use host::{
    DESCRIPTION_BYTES_MAX, Error, Mistake, Mistakes, Read, bake, is_generic, read, schema, validate,
};
pub use json::Json;
