//! Plans: desired × observed × capabilities → steps with reasons. Pure.
//!
//! Planning one record is a function of the desired record, its links, the adapter's manifest and
//! [`Facts`]. What it does not find among the facts it asks for ([`Need`]); the caller reads that
//! from the store and plans again. So the decision can be tested with plain data, and a run reads
//! each fact once.
//!
//! A plan is made of [`Step`]s, one effect each, that hang on each other by host paths: `key` is
//! the person, `key/applications/a1` an application, `key/notes/n1` a note, `key/tags/<name>` a tag
//! on the person, `~tags/<name>` a tag shared by all, `@custom_fields.candidate.<key>` a custom
//! field that is declared, with `/options/<label>` a choice of it, `@users.<address>` a user. An
//! input may name a record that does not exist yet as `{"$made": "<host path>"}`; it is filled in
//! with the record's id when the step before has made it, or, with a `$member`, with what the ATS
//! shows there.
//!
//! A person's values hang on the fields, choices and users that are declared for them: those are
//! made first, and what cannot be made keeps back only what hangs on it.
//!
//! Defaults of ownership (a desired record may set others under `policy`; the code's copy is
//! [`defaults::rows`]):
//!
//! | field | policy |
//! |---|---|
//! | `name`, `emails`, `phones`, `links`, `company`, `title`, `tags` of a candidate | yield |
//! | `educations`, `employments` of a candidate | yield |
//! | `custom_fields` of a candidate | enforce |
//! | `private` of a candidate | seed |
//! | `source`, `referrer` of an application | fill |
//! | `stage`, `outcome`, `reject_reason` of an application | yield |
//! | `custom_fields` of an application | enforce |
//! | `name`, `private`, `description`, `options` of a custom field | yield |
//!
//! Whatever the policy: a field of a candidate or an application that was emptied in the ATS after
//! it had held a value may have been erased, and that value is not written back until the host
//! declares another one ([`erasure`]).
//!
//! Left out: reading, sending, waiting. A reference that does not resolve blocks the whole record:
//! nothing is done by halves.

mod ability;
mod account;
mod accounts;
mod application;
mod base;
mod candidate;
mod connection_plan;
mod contact_lists;
mod contact_types;
pub mod contacts;
pub mod cost;
pub mod custom;
mod decide;
pub mod defaults;
mod defined;
mod definition;
mod draft;
mod entries;
pub mod equal;
mod erasure;
pub mod explain;
pub mod facts;
mod field;
mod fields;
mod finding;
mod form;
pub mod forms;
mod found;
mod goal;
mod guard;
mod identity;
pub mod import;
mod input;
mod item;
mod labels;
mod lifecycle;
mod lists;
mod observed_custom;
mod once;
mod opening;
mod owned;
pub mod ownership;
mod parent;
mod place;
mod record;
mod record_plan;
mod renamed;
mod resolve;
mod resource;
mod step;
mod story;
pub(crate) mod unseen;
mod user;
mod users;
mod values;
pub mod withdraw;
pub mod words;

pub use connection_plan::Plan;
pub(crate) use definition::name_claim;
pub use facts::{Declared, Facts, Need, Record};
pub use finding::{Finding, FindingKind};
pub use input::Input;
pub(crate) use once::{FOUND_ON, RELEASED, declared_once, is_made_once};
pub(crate) use opening::claim as opening_claim;
pub use record::record;
pub use record_plan::{Adoption, RecordPlan};
pub use step::{FieldChange, MADE, MADE_MEMBER, Step};

use draft::Draft;
use owned::Owned;
use step::{made, made_member, step};
