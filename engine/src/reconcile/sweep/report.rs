//! The options of a sweep, and its report.

use crate::store::HeldBy;

/// Suspects that are always confirmed one by one, whatever share of their kind they are. Arbitrary:
/// a tidy-up by hand, not a lost right.
const BRAKE_FLOOR: u64 = 20;

/// The options of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepOptions {
    /// The brake: more suspects than this share of the known records, in thousandths, hold the
    /// sweep.
    pub brake_per_mille: u32,
    /// So many suspects are always confirmed: small kinds would brake at every deletion.
    pub brake_floor: u64,
    /// Pages that one call reads at most; the next call continues from there.
    pub pages_max: u64,
    /// Continues in spite of the brake. Never in spite of a lost right.
    pub force: bool,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self { brake_per_mille: 100, brake_floor: BRAKE_FLOOR, pages_max: u64::MAX, force: false }
    }
}

impl SweepOptions {
    /// Reads at most so many pages in one call.
    #[must_use]
    pub fn pages_max(mut self, pages_max: u64) -> Self {
        self.pages_max = pages_max;
        self
    }

    /// Continues in spite of the brake.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets the brake.
    #[must_use]
    pub fn brake(mut self, per_mille: u32, floor: u64) -> Self {
        self.brake_per_mille = per_mille;
        self.brake_floor = floor;
        self
    }
}

/// The result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// The kind.
    pub kind: String,
    /// It is complete. Otherwise the next call continues, or `held` says what to do.
    pub complete: bool,
    /// It continued from an earlier call.
    pub resumed: bool,
    /// Pages that this call read.
    pub pages: u64,
    /// Rows that the sweep showed, by all its calls.
    pub seen: u64,
    /// Records that it did not show and that are not exempt.
    pub suspected: u64,
    /// Of those: deleted, and reported.
    pub confirmed: u64,
    /// Of those: returned by a fetch.
    pub still_there: u64,
    /// Of those: continued under another id, and reported.
    pub moved: u64,
    /// Of those: nothing can prove a deletion, so they stay.
    pub unproven: u64,
    /// Not shown, but changed since the sweep began; the next sweep decides.
    pub young: u64,
    /// Not shown, but restricted: the credential may no longer see them.
    pub hidden: u64,
    /// Why it is held, and what to do. Nothing (more) was tombstoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<HeldBy>,
}
