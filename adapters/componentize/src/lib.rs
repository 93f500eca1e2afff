//! Makes adapter components: from a Rust crate ([`build`]), or from a core module that any compiler
//! made ([`wrap`]).
//!
//! A component that the engine loads is a core WebAssembly module plus a description of its types.
//! The SDK leaves that description in the module; [`wrap`] combines the two, checks the result and
//! refuses it when it imports anything. A module from elsewhere (hand-written text, a language
//! without our SDK) gets the description from [`describe`] first.
//!
//! It is a crate of its own: outside the SDK, so that none of it is compiled into a guest, and
//! outside the engine, which loads components but never makes any. Left out: optimising (`wasm-opt`
//! gains little over the profile `adapter`) and languages other than Rust in [`build`].

mod cargo;

pub use cargo::{Order, Published, TARGET, build, build_crate, build_published};

use std::fmt;
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::Resolve;

/// The contract that components are checked against.
const CONTRACT: &str = include_str!("../wit/adapter.wit");

/// The reason why no component was made. The text says what happened, where, and what to do.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Adds the types of `ats:adapter` to a core module that does not contain them.
///
/// The module must export the functions under their core names (`ats:adapter/adapter@0.1.0#start`
/// and so on), `memory` and `cabi_realloc`.
///
/// # Errors
/// When the contract cannot be encoded, which would be a fault of this crate.
pub fn describe(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut resolve = Resolve::default();
    let world = resolve
        .push_str("wit/adapter.wit", CONTRACT)
        .and_then(|package| resolve.select_world(&[package], Some("ats-adapter")))
        .map_err(|error| Error::new(format!("wit/adapter.wit cannot be read: {error:#}")))?;
    let mut described = core.to_vec();
    wit_component::embed_component_metadata(&mut described, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| {
            Error::new(format!("the contract's types cannot be written: {error:#}"))
        })?;
    Ok(described)
}

/// Makes a component from a core module that contains its types, as one built with the SDK does.
///
/// # Errors
/// When the bytes are not a module, contain no types, do not export what the types require, or
/// import something.
pub fn wrap(core: &[u8]) -> Result<Vec<u8>, Error> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| {
            Error::new(format!("the module cannot become an adapter component: {error:#}"))
        })?;
    let imports = imports(&component)?;
    if imports.is_empty() {
        return Ok(component);
    }
    Err(Error::new(format!(
        "the module imports {}, and an adapter imports nothing; build for {TARGET}, not for a WASI \
         target",
        imports.join(", ")
    )))
}

/// Lists the names that a component imports.
fn imports(component: &[u8]) -> Result<Vec<String>, Error> {
    let decoded = wit_component::decode(component)
        .map_err(|error| Error::new(format!("the component cannot be read back: {error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(Error::new("the result is not a component"));
    };
    let world =
        resolve.worlds.get(world).ok_or_else(|| Error::new("the component has no world"))?;
    Ok(world.imports.keys().map(|key| resolve.name_world_key(key)).collect())
}

#[cfg(test)]
mod tests {
    use super::{CONTRACT, describe, wrap};

    #[test]
    fn the_packaged_contract_is_the_contract() {
        let whole = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/adapter.wit");
        let text = std::fs::read_to_string(whole).unwrap();
        assert!(text == CONTRACT, "type: cp wit/adapter.wit adapters/componentize/wit/adapter.wit");
    }

    #[test]
    fn bytes_that_are_not_a_module_are_refused() {
        assert!(
            wrap(b"hello").unwrap_err().to_string().contains("cannot become an adapter component")
        );
    }

    #[test]
    fn a_module_without_the_exports_is_refused() {
        let empty = b"\0asm\x01\0\0\0";
        assert!(wrap(&describe(empty).unwrap()).is_err());
    }
}
