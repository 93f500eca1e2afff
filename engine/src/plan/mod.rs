//! Plans: what is declared, what is observed and what the adapter can do become steps. Pure.
//!
//! [`record`] plans one record from the desired record, its links, the adapter's manifest and
//! [`Facts`]. It asks for each fact that is missing ([`Need`]); the caller reads those from the
//! store or the ATS and plans again. So a decision is tested with plain data, and a run reads each
//! fact once.
//!
//! A plan consists of [`Step`]s, one write each, which depend on each other by path
//! ([`crate::path`]). An input names a record that does not exist yet as `{"$made": "<path>"}`; the
//! engine puts the id in once the step of that path has run, or, with `$member`, another field of
//! the new record. Custom fields, options and users are created before the values that need them; a
//! failed step blocks only the steps that depend on it.
//!
//! Default policies (a desired record overrides them under `policy`; the code's copy is
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
//! No policy restores a value that may have been erased: a field of a candidate or an application
//! that was emptied in the ATS stays empty until the host declares another value ([`erasure`]).
//!
//! Left out: reading, sending, waiting. A reference that does not resolve blocks the whole record:
//! no record is written in part.

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
pub(crate) mod conversion;
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
pub mod facts;
mod field;
mod fields;
mod finding;
mod fit;
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
mod written;

pub use connection_plan::Plan;
pub(crate) use definition::name_claim;
pub use facts::{Declared, Facts, Need, Record};
pub use finding::{Finding, FindingKind};
pub use input::Input;
pub(crate) use once::{FOUND_ON, RELEASED, declared_once, is_made_once};
pub(crate) use opening::claim as opening_claim;
pub use record::{explained, record};
pub use record_plan::{Adoption, RecordPlan};
pub use step::{FieldChange, MADE, MADE_MEMBER, Step};
pub use story::Story;

use draft::Draft;
use owned::Owned;
use step::{made, made_member, step};
