//! Generates a realistic company of any size, the same for the same seed, size and time.
//!
//! Rare cases (a private candidate, an anonymised one, a shared e-mail address, every status) occur
//! by count, not at random, so a company of forty candidates has them like one of twenty thousand.
//! All addresses and telephone numbers are in the ranges reserved for examples.

mod background;
mod breadth;
mod fields;
mod names;
mod organisation;
mod people;

use crate::model::Model;

/// The number of times that the vendor's own source exists in the customer's settings. Customers
/// create it by hand, so all three occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VendorSource {
    /// Once.
    #[default]
    Present,
    /// Never.
    Missing,
    /// Twice, under one name.
    Duplicate,
}

/// The specification of a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanySpec {
    /// The seed: same seed, same company.
    pub seed: u64,
    /// The number of candidates.
    pub candidates: usize,
    /// The number of jobs; by default one that fits the candidates.
    pub jobs: Option<usize>,
    /// The company's present, in milliseconds since 1970; by default the sandbox's clock at its
    /// start.
    pub now_ms: Option<i64>,
    /// The number of times that the source [`VENDOR_SOURCE`] exists.
    pub vendor_source: VendorSource,
    /// Whether candidates and applications have the custom field `external_ref`.
    pub external_ref_field: bool,
}

/// The name of the vendor's own source.
pub const VENDOR_SOURCE: &str = "Acme Referrals";

impl CompanySpec {
    /// Specifies a company by seed and number of candidates, with defaults otherwise.
    #[must_use]
    pub fn sized(seed: u64, candidates: usize) -> Self {
        Self {
            seed,
            candidates,
            jobs: None,
            now_ms: None,
            vendor_source: VendorSource::Present,
            external_ref_field: true,
        }
    }

    fn job_count(&self) -> usize {
        self.jobs.unwrap_or_else(|| (self.candidates / 80).clamp(10, 300))
    }
}

/// A generated company.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    pub(crate) model: Model,
}

impl Company {
    /// Generates the company; `now_ms` is used when the spec has no present of its own.
    pub(crate) fn generate(spec: &CompanySpec, now_ms: i64) -> Self {
        let now_ms = spec.now_ms.unwrap_or(now_ms);
        let mut model = Model::empty(spec.seed, now_ms);
        let fields = fields::make(&mut model, spec);
        let organisation = organisation::make(&mut model, spec, &fields);
        people::make(&mut model, spec, &fields, &organisation);
        background::make(&mut model, &fields);
        breadth::make(&mut model, &organisation);
        model.now_ms = now_ms;
        Self { model }
    }
}

/// The age of the oldest candidates: three years.
const HISTORY_MS: i64 = 3 * 365 * 86_400_000;
/// A day.
const DAY_MS: i64 = 86_400_000;
