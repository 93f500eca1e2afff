//! The imagined company as rows of Greenhouse.
//!
//! [`atsync_sandbox::Company`] says who and what is there, the same for every ATS; the files beside
//! this one turn it into rows, in the order and with the ids that a seed has had from the start.

mod background;
mod breadth;
mod fields;
mod organisation;
mod people;

pub use atsync_sandbox::{CompanySpec, VENDOR_SOURCE, VendorSource};

use crate::model::Model;

/// A company as rows.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    pub(crate) model: Model,
}

impl Company {
    /// Generates the company; `now_ms` is used when the spec has no present of its own.
    pub(crate) fn generate(spec: &CompanySpec, now_ms: i64) -> Self {
        let company = atsync_sandbox::Company::generate(spec, now_ms);
        let mut model = Model::empty(company.rng.clone(), company.now_ms);
        let fields = fields::make(&mut model, &company);
        let mut organisation = organisation::make(&mut model, &company, &fields);
        people::make(&mut model, &company, &fields, &mut organisation);
        background::make(&mut model, &company, &fields, &organisation);
        breadth::make(&mut model, &organisation);
        Self { model }
    }
}

/// A day.
const DAY_MS: i64 = 86_400_000;

/// The time that the company's rows cover.
const HISTORY_MS: i64 = 3 * 365 * DAY_MS;
