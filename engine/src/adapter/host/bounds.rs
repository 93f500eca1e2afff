//! Limits the cost of compiling a component, which is counted before the compiler sees a byte of
//! it.
//!
//! Compiling comes before every limit on a running guest, and some shapes cost far more than their
//! bytes: types that share their parts and double at each level, instances of instances, one huge
//! function, locals that every loop of a nest carries along. Each is counted here in one pass over
//! the file, with sharing expanded and sums that saturate, and refused with its name and its
//! number. The pass itself is linear in the file, whose size is limited before.
//!
//! The numbers are far above what adapters are made of (an adapter in Rust with 20 operations:
//! types of 2,000 in all, functions of 40 KiB) and were measured at the compiler:
//! `engine/tests/adapter_bombs.rs` holds each shape at the number that is just allowed, and says
//! what it costs.
//!
//! Left out: whether the bytes are valid; the compiler says that. What cannot be read here is left
//! to it only as far as it was counted: reading stops at the first fault, as the compiler's does.

mod code;
mod fault;
mod room;
mod types;

pub(super) use room::Room;

use super::load::LoadError;
use code::Module;
use fault::{Fault, TooMuch, count, within};
use types::Types;
use wasmparser::{Encoding, Parser, Payload};

/// Sections, functions and nested files in one component. A component of wit-component has some
/// dozens besides its functions.
const PAYLOADS_MAX: u64 = 60_000;
/// Core modules and components within a component, at any depth: wrapping adds up to four.
const NESTED_MAX: u64 = 16;
/// How deep they are nested. Arbitrary; wrapping makes two.
const DEPTH_MAX: u64 = 4;
/// Instances of modules and components, and their arguments.
const INSTANCES_MAX: u64 = 64;
/// Arguments of all instances, and what instances are made of.
const ARGUMENTS_MAX: u64 = 5_000;
/// Functions that pass between the component and its modules, each compiled.
const CANONICAL_MAX: u64 = 200;
/// Imports, exports and aliases of components.
const NAMES_MAX: u64 = 5_000;

/// Counts a component.
///
/// # Errors
/// [`LoadError::TooMuch`] with what there is too much of.
pub(super) fn check(name: &str, bytes: &[u8], room: Room) -> Result<(), LoadError> {
    match counted(bytes, room) {
        Ok(()) | Err(Fault::Unreadable) => Ok(()),
        Err(Fault::TooMuch(TooMuch { what, found, allowed })) => {
            let fits_apart = room != Room::Wide && counted(bytes, Room::Wide).is_ok();
            Err(LoadError::TooMuch { name: name.into(), what, found, allowed, fits_apart })
        }
    }
}

fn counted(bytes: &[u8], room: Room) -> Result<(), Fault> {
    let mut counted = Counted::default();
    counted.code.room = room;
    counted.all(bytes)
}

/// Which file of the nest the payloads are of.
#[derive(Debug)]
enum Open {
    Component,
    Module(Module),
}

/// What was counted so far.
#[derive(Debug, Default)]
struct Counted {
    open: Vec<Open>,
    types: Types,
    payloads: u64,
    nested: u64,
    instances: u64,
    arguments: u64,
    canonical: u64,
    names: u64,
    code: code::Total,
}

impl Counted {
    fn all(mut self, bytes: &[u8]) -> Result<(), Fault> {
        for payload in Parser::new(0).parse_all(bytes) {
            self.payloads = self.payloads.saturating_add(1);
            within("sections and functions", self.payloads, PAYLOADS_MAX)?;
            self.payload(payload?)?;
        }
        Ok(())
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Fault> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                self.opened()?;
                self.types.enter();
                self.open.push(Open::Component);
                Ok(())
            }
            Payload::Version { encoding: Encoding::Module, .. } => {
                self.opened()?;
                self.open.push(Open::Module(Module::default()));
                Ok(())
            }
            Payload::End(_) => {
                if let Some(Open::Component) = self.open.pop() {
                    self.types.leave();
                }
                Ok(())
            }
            other => match self.open.last_mut() {
                Some(Open::Module(module)) => module.payload(&other, &mut self.code),
                Some(Open::Component) => self.component(other),
                None => Ok(()),
            },
        }
    }

    fn opened(&mut self) -> Result<(), Fault> {
        self.nested = self.nested.saturating_add(1);
        within("modules and components in one another", self.nested, NESTED_MAX)?;
        within("levels of components", count(self.open.len()), DEPTH_MAX)
    }

    fn component(&mut self, payload: Payload<'_>) -> Result<(), Fault> {
        match payload {
            Payload::ComponentTypeSection(section) => {
                for found in section {
                    self.types.define(&found?)?;
                }
                Ok(())
            }
            Payload::CoreTypeSection(section) => {
                for found in section {
                    self.types.core(&found?)?;
                }
                Ok(())
            }
            Payload::ComponentAliasSection(section) => {
                self.named(section.count())?;
                for found in section {
                    self.types.alias(&found?)?;
                }
                Ok(())
            }
            Payload::ComponentImportSection(section) => {
                self.named(section.count())?;
                for found in section {
                    self.types.refer(&found?.ty)?;
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) => {
                self.named(section.count())?;
                for found in section {
                    self.types.export(&found?)?;
                }
                Ok(())
            }
            Payload::ComponentCanonicalSection(section) => {
                self.canonical = self.canonical.saturating_add(u64::from(section.count()));
                within("functions between component and module", self.canonical, CANONICAL_MAX)?;
                for found in section {
                    self.types.canonical(&found?)?;
                }
                Ok(())
            }
            Payload::InstanceSection(section) => {
                self.instantiated(section.count())?;
                for found in section {
                    self.argued(match found? {
                        wasmparser::Instance::Instantiate { args, .. } => args.len(),
                        wasmparser::Instance::FromExports(exports) => exports.len(),
                    })?;
                }
                Ok(())
            }
            Payload::ComponentInstanceSection(section) => {
                self.instantiated(section.count())?;
                for found in section {
                    let arguments = match found? {
                        wasmparser::ComponentInstance::Instantiate { args, .. } => {
                            self.types.instantiate()?;
                            args.len()
                        }
                        wasmparser::ComponentInstance::FromExports(exports) => exports.len(),
                    };
                    self.argued(arguments)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn named(&mut self, more: u32) -> Result<(), Fault> {
        self.names = self.names.saturating_add(u64::from(more));
        within("imports, exports and aliases", self.names, NAMES_MAX)
    }

    fn instantiated(&mut self, more: u32) -> Result<(), Fault> {
        self.instances = self.instances.saturating_add(u64::from(more));
        within("instances", self.instances, INSTANCES_MAX)
    }

    fn argued(&mut self, more: usize) -> Result<(), Fault> {
        self.arguments = self.arguments.saturating_add(count(more));
        within("arguments of instances", self.arguments, ARGUMENTS_MAX)
    }
}
