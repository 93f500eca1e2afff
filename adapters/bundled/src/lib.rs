//! The adapters that ship with atsync, as components built from the source in this repository.
//!
//! The bytes are data: the engine loads them like any file, under the same limits and checks. An
//! operator can use another build of one from a file of another name. Left out: the engine itself,
//! which knows no adapter by name.

/// The adapter for Greenhouse Harvest v3.
pub static GREENHOUSE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/greenhouse.wasm"));

/// The adapter for Ashby.
pub static ASHBY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ashby.wasm"));

/// The adapter for Lever's Data API v1.
pub static LEVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lever.wasm"));

/// The component that a description is baked into (`atsync_described::bake`). By itself it
/// describes no ATS, so it is not among [`BUNDLED`].
pub static DESCRIBED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/described.wasm"));

/// Every bundled adapter by the name of its manifest.
pub static BUNDLED: &[(&str, &[u8])] =
    &[("ashby", ASHBY), ("greenhouse", GREENHOUSE), ("lever", LEVER)];

/// Returns the component of a bundled adapter.
pub fn bundled(name: &str) -> Option<&'static [u8]> {
    BUNDLED.iter().find(|(bundled, _)| *bundled == name).map(|(_, component)| *component)
}

/// Lists the names that [`bundled`] accepts.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::{DESCRIBED, bundled, names};

    #[test]
    fn every_name_leads_to_a_component() {
        for name in names() {
            assert!(bundled(name).unwrap().starts_with(b"\0asm\x0d\0\x01\0"), "{name}");
        }
        assert!(bundled("unknown").is_none());
        assert!(DESCRIBED.starts_with(b"\0asm\x0d\0\x01\0"));
        assert!(names().all(|name| bundled(name) != Some(DESCRIBED)));
    }
}
