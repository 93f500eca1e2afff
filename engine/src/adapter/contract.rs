//! The versions of the contract that the engine loads.
//!
//! An adapter is built against one version, which the name of its exported interface and its
//! manifest have. The engine loads the versions of its own series that are not newer than its own:
//! within a series the types stay the same, and an older manifest is read through
//! [`super::manifest_check::REWRITES`]. `wit/README.md` has the policy. Left out: versions of
//! another series, which need types of their own here.

use std::fmt;

/// The package of every version.
const PACKAGE: &str = "ats:adapter@";

/// The version of this engine, which [`atsync_model::manifest::CONTRACT`] names.
pub const OURS: Version = Version(0, 1, 0);

/// A version of the contract: major, minor and patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

/// Why a version is not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unloadable {
    /// It is newer than the engine's.
    Newer,
    /// It is of an older series, or no version of this contract.
    Other,
}

impl Version {
    /// Reads the name of a contract, such as `ats:adapter@0.1.0`.
    pub fn of(contract: &str) -> Option<Self> {
        let mut parts = contract.strip_prefix(PACKAGE)?.split('.').map(str::parse);
        let found = Self(parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        // Refuses what has several spellings, and a further part.
        (found.to_string() == contract).then_some(found)
    }

    /// The number that versions which are compatible share: before 1.0 the minor one counts.
    fn series(self) -> (u64, u64) {
        if self.0 == 0 { (0, self.1) } else { (self.0, 0) }
    }

    /// Whether an engine of the version `engine` loads it.
    fn is_for(self, engine: Self) -> Result<(), Unloadable> {
        if self.series() < engine.series() {
            return Err(Unloadable::Other);
        }
        if self > engine {
            return Err(Unloadable::Newer);
        }
        Ok(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PACKAGE}{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The version that a contract's name has, if this engine loads it.
///
/// # Errors
/// Why not.
pub fn loadable(contract: &str) -> Result<Version, Unloadable> {
    let found = Version::of(contract).ok_or(Unloadable::Other)?;
    found.is_for(OURS).map(|()| found)
}

impl Unloadable {
    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Newer => "use a newer engine, or build the adapter against this version",
            Self::Other => "build the adapter again, against this version",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OURS, Unloadable, Version};

    #[test]
    fn the_version_of_this_engine_is_the_one_of_the_model() {
        assert_eq!(OURS.to_string(), atsync_model::manifest::CONTRACT);
    }

    #[test]
    fn a_name_that_is_no_version_of_this_contract_is_not_read() {
        assert_eq!(Version::of("ats:adapter@12.0.3"), Some(Version(12, 0, 3)));
        for name in [
            "",
            "0.1.0",
            "ats:adapter",
            "ats:adapter@0.1",
            "ats:adapter@0.1.0.0",
            "ats:other@0.1.0",
            "ats:adapter@0.1.0-rc.1",
            "ats:adapter@0.01.0",
            "ats:adapter@+0.1.0",
            "ats:adapter@0.1.0 ",
            "ats:adapter@0.1.99999999999999999999",
        ] {
            assert_eq!(Version::of(name), None, "{name}");
        }
    }

    #[test]
    fn an_engine_loads_its_own_series_up_to_its_own_version() {
        use Unloadable::{Newer, Other};
        for (adapter, engine, expected) in [
            (Version(0, 1, 0), Version(0, 1, 0), Ok(())),
            (Version(0, 1, 0), Version(0, 1, 3), Ok(())),
            (Version(0, 1, 4), Version(0, 1, 3), Err(Newer)),
            (Version(0, 2, 0), Version(0, 1, 3), Err(Newer)),
            (Version(1, 0, 0), Version(0, 1, 3), Err(Newer)),
            (Version(0, 1, 9), Version(0, 2, 0), Err(Other)),
            (Version(0, 9, 9), Version(1, 0, 0), Err(Other)),
            (Version(1, 2, 9), Version(1, 3, 0), Ok(())),
            (Version(1, 3, 0), Version(1, 2, 9), Err(Newer)),
            (Version(1, 2, 4), Version(1, 2, 3), Err(Newer)),
            (Version(1, 9, 9), Version(2, 0, 0), Err(Other)),
            (Version(2, 0, 0), Version(1, 9, 9), Err(Newer)),
        ] {
            assert_eq!(adapter.is_for(engine), expected, "{adapter} in an engine of {engine}");
        }
    }
}
