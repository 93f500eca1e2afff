//! The size of a component's types with sharing expanded.
//!
//! A type that names another counts it again, as often as it names it, because the compiler does so
//! where types are passed or copied. A type that is known only by an instance's export counts as
//! the largest that was seen.

use super::fault::{Fault, count, within};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentDefinedType, ComponentExport,
    ComponentExternalKind, ComponentOuterAliasKind, ComponentType, ComponentTypeDeclaration,
    ComponentTypeRef, ComponentValType, CoreType, InstanceTypeDeclaration, ModuleTypeDeclaration,
    TypeBounds,
};

/// Types that are defined. The contract has 120.
const DEFINED_MAX: u64 = 2_000;
/// The size of one type. The largest of the contract has 500.
const ONE_MAX: u64 = 10_000;
/// The size of all types, and of those of each function that is passed, together.
const ALL_MAX: u64 = 200_000;

/// The sizes of types, by component and index.
#[derive(Debug, Default)]
pub(super) struct Types {
    scopes: Vec<Vec<u64>>,
    /// By nested component: the size of all of it.
    sums: Vec<u64>,
    largest: u64,
    largest_component: u64,
    defined: u64,
    all: u64,
}

impl Types {
    pub(super) fn enter(&mut self) {
        self.scopes.push(Vec::new());
        self.sums.push(0);
    }

    pub(super) fn leave(&mut self) {
        self.scopes.pop();
        self.largest_component = self.largest_component.max(self.sums.pop().unwrap_or_default());
    }

    pub(super) fn define(&mut self, found: &ComponentType<'_>) -> Result<(), Fault> {
        let size = self.size(found)?;
        self.named(size)
    }

    pub(super) fn core(&mut self, found: &CoreType<'_>) -> Result<(), Fault> {
        self.add(core_size(found))
    }

    pub(super) fn alias(&mut self, found: &ComponentAlias<'_>) -> Result<(), Fault> {
        match found {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, count, index } => {
                let size = self.outer(*count, *index);
                self.push(size);
                Ok(())
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } => {
                self.push(self.largest.max(1));
                Ok(())
            }
            ComponentAlias::InstanceExport { .. } => self.add(self.largest),
            ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => Ok(()),
        }
    }

    /// What an import, or the type of an export, refers to.
    pub(super) fn refer(&mut self, found: &ComponentTypeRef) -> Result<(), Fault> {
        let (size, names_type) = self.referred(found);
        if names_type {
            self.push(size);
        }
        self.add(size)
    }

    pub(super) fn export(&mut self, found: &ComponentExport<'_>) -> Result<(), Fault> {
        match &found.ty {
            Some(ty) => self.refer(ty),
            None if found.kind == ComponentExternalKind::Type => {
                let size = self.at(found.index);
                self.push(size);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn canonical(&mut self, found: &CanonicalFunction) -> Result<(), Fault> {
        match found {
            CanonicalFunction::Lift { type_index, .. } => self.add(self.at(*type_index)),
            // Without imports it can only be of another part of the component. The code that joins
            // the two grows with the type, and the compiler panics where both have a memory, since
            // several memories in a module are switched off.
            CanonicalFunction::Lower { .. } => {
                within("functions passed between parts of the component", 1, 0)
            }
            // What it is of is known by the function only.
            _ => self.add(self.largest),
        }
    }

    /// An instance of a component brings everything of it once more.
    pub(super) fn instantiate(&mut self) -> Result<(), Fault> {
        self.add(self.largest_component)
    }

    fn at(&self, index: u32) -> u64 {
        self.outer(0, index)
    }

    fn outer(&self, up: u32, index: u32) -> u64 {
        let (up, index) = (
            usize::try_from(up).unwrap_or(usize::MAX),
            usize::try_from(index).unwrap_or(usize::MAX),
        );
        let scope = self.scopes.iter().rev().nth(up);
        scope.and_then(|types| types.get(index)).copied().unwrap_or(self.largest.max(1))
    }

    fn push(&mut self, size: u64) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(size);
        }
    }

    fn named(&mut self, size: u64) -> Result<(), Fault> {
        self.defined = self.defined.saturating_add(1);
        within("types", self.defined, DEFINED_MAX)?;
        within("parts of one type", size, ONE_MAX)?;
        self.largest = self.largest.max(size);
        self.push(size);
        self.add(size)
    }

    fn add(&mut self, size: u64) -> Result<(), Fault> {
        self.all = self.all.saturating_add(size);
        for sum in &mut self.sums {
            *sum = sum.saturating_add(size);
        }
        within("parts of all types", self.all, ALL_MAX)
    }

    fn referred(&self, found: &ComponentTypeRef) -> (u64, bool) {
        match found {
            ComponentTypeRef::Func(index)
            | ComponentTypeRef::Instance(index)
            | ComponentTypeRef::Component(index) => (self.at(*index), false),
            ComponentTypeRef::Value(value) => (self.value(value), false),
            ComponentTypeRef::Type(TypeBounds::Eq(index)) => (self.at(*index), true),
            ComponentTypeRef::Type(TypeBounds::SubResource) => (1, true),
            ComponentTypeRef::Module(_) => (1, false),
        }
    }

    fn value(&self, found: &ComponentValType) -> u64 {
        match found {
            ComponentValType::Primitive(_) => 1,
            ComponentValType::Type(index) => self.at(*index),
        }
    }

    fn values<'v>(&self, found: impl IntoIterator<Item = &'v ComponentValType>) -> u64 {
        found.into_iter().map(|value| self.value(value)).fold(1, u64::saturating_add)
    }

    fn size(&mut self, found: &ComponentType<'_>) -> Result<u64, Fault> {
        match found {
            ComponentType::Defined(defined) => Ok(self.defined_size(defined)),
            ComponentType::Func(func) => {
                Ok(self
                    .values(func.params.iter().map(|(_, value)| value).chain(func.result.as_ref())))
            }
            ComponentType::Resource { .. } => Ok(1),
            ComponentType::Instance(declarations) => self.within(|types| {
                declarations.iter().try_fold(1, |sum: u64, declaration| {
                    Ok(sum.saturating_add(match declaration {
                        InstanceTypeDeclaration::CoreType(core) => core_size(core),
                        InstanceTypeDeclaration::Type(inner) => types.declared(inner)?,
                        InstanceTypeDeclaration::Alias(alias) => types.alias(alias).map(|()| 1)?,
                        InstanceTypeDeclaration::Export { ty, .. } => types.declared_ref(ty),
                    }))
                })
            }),
            ComponentType::Component(declarations) => self.within(|types| {
                declarations.iter().try_fold(1, |sum: u64, declaration| {
                    Ok(sum.saturating_add(match declaration {
                        ComponentTypeDeclaration::CoreType(core) => core_size(core),
                        ComponentTypeDeclaration::Type(inner) => types.declared(inner)?,
                        ComponentTypeDeclaration::Alias(alias) => types.alias(alias).map(|()| 1)?,
                        ComponentTypeDeclaration::Export { ty, .. } => types.declared_ref(ty),
                        ComponentTypeDeclaration::Import(import) => types.declared_ref(&import.ty),
                    }))
                })
            }),
        }
    }

    /// Counts declarations in a scope of their own.
    fn within(&mut self, sum: impl FnOnce(&mut Self) -> Result<u64, Fault>) -> Result<u64, Fault> {
        self.scopes.push(Vec::new());
        let size = sum(self);
        self.scopes.pop();
        size
    }

    fn declared(&mut self, found: &ComponentType<'_>) -> Result<u64, Fault> {
        let size = self.size(found)?;
        self.defined = self.defined.saturating_add(1);
        within("types", self.defined, DEFINED_MAX)?;
        within("parts of one type", size, ONE_MAX)?;
        self.largest = self.largest.max(size);
        self.push(size);
        Ok(size)
    }

    fn declared_ref(&mut self, found: &ComponentTypeRef) -> u64 {
        let (size, names_type) = self.referred(found);
        if names_type {
            self.push(size);
        }
        size
    }

    fn defined_size(&self, found: &ComponentDefinedType<'_>) -> u64 {
        match found {
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_) => 1,
            ComponentDefinedType::Record(fields) => {
                self.values(fields.iter().map(|(_, value)| value))
            }
            ComponentDefinedType::Variant(cases) => self
                .values(cases.iter().filter_map(|case| case.ty.as_ref()))
                .saturating_add(count(cases.len())),
            ComponentDefinedType::List(value) | ComponentDefinedType::Option(value) => {
                self.values([value])
            }
            ComponentDefinedType::Map(key, value) => self.values([key, value]),
            ComponentDefinedType::FixedLengthList(value, times) => {
                self.value(value).saturating_mul(u64::from(*times)).saturating_add(1)
            }
            ComponentDefinedType::Tuple(values) => self.values(values.iter()),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                count(names.len()).max(1)
            }
            ComponentDefinedType::Result { ok, err } => self.values(ok.iter().chain(err)),
            ComponentDefinedType::Future(value) | ComponentDefinedType::Stream(value) => {
                self.values(value)
            }
        }
    }
}

fn core_size(found: &CoreType<'_>) -> u64 {
    match found {
        CoreType::Rec(group) => count(group.types().len()).max(1),
        CoreType::Module(declarations) => declarations.iter().fold(1, |sum: u64, declaration| {
            sum.saturating_add(match declaration {
                ModuleTypeDeclaration::Type(group) => count(group.types().len()).max(1),
                _ => 1,
            })
        }),
    }
}
