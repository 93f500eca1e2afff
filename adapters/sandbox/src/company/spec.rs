//! Which company a sandbox has.

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

    pub(super) fn job_count(&self) -> usize {
        self.jobs.unwrap_or_else(|| (self.candidates / 80).clamp(10, 300))
    }
}
