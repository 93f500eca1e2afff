//! The company of a seed stays the same, byte for byte: recordings, simulations and bug reports
//! name companies by their seed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{CompanySpec, VendorSource};
use common::World;
use sha2::{Digest as _, Sha256};

/// The collections that a company had when the digests below were taken, except mail templates.
const COLLECTIONS: [&str; 31] = [
    "candidates",
    "applications",
    "application_stages",
    "rejection_details",
    "candidate_tags",
    "applied_candidate_tags",
    "departments",
    "offices",
    "jobs",
    "job_posts",
    "job_interview_stages",
    "rejection_reasons",
    "close_reasons",
    "sources",
    "referrers",
    "users",
    "user_emails",
    "custom_fields",
    "custom_field_options",
    "prospect_pools",
    "prospect_pool_stages",
    "prospect_details",
    "openings",
    "notes",
    "attachments",
    "job_owners",
    "job_hiring_managers",
    "job_boards",
    "bulk_requests",
    "candidate_educations",
    "candidate_employments",
];

/// Digests every row of a company, and the row that a later request creates.
fn digest(company: CompanySpec) -> String {
    let world = World::with(|options| options.company = company);
    let mut digest = Sha256::new();
    let created = world.create_candidate("later@example.com");
    digest.update(created.to_string());
    digest.update(world.sandbox.service_user_id().to_string());
    for collection in COLLECTIONS {
        for row in world.sandbox.rows(collection) {
            digest.update(row.to_string());
        }
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_company_of_a_seed_stays_the_same() {
    let digests = [
        digest(CompanySpec::sized(1, 200)),
        digest(CompanySpec { vendor_source: VendorSource::Duplicate, ..CompanySpec::sized(7, 41) }),
        digest(CompanySpec {
            vendor_source: VendorSource::Missing,
            external_ref_field: false,
            now_ms: Some(1_700_000_000_123),
            jobs: Some(37),
            ..CompanySpec::sized(42, 1_500)
        }),
    ];
    assert_eq!(digests, ["c7c332fd0f36a19e", "57deae2bdb92807f", "c1f7f9861a10e70d"]);
}
