//! The cost of compiling a core module.
//!
//! A function's cost is its bytes, its locals, and what its instructions carry that a byte does not
//! show: the parameters and results of calls and blocks, the targets of a `br_table`, and the
//! locals that a loop may have to pass on at each level of a nest.

use super::fault::{Fault, count, within};
use super::room::Room;
use wasmparser::{
    BlockType, CompositeInnerType, ElementItems, FunctionBody, Operator, Payload, TypeRef,
};

/// The cost of one function. The compiler needs more than linear time for it.
const FUNCTION_MAX: u64 = 256 * 1024;
/// The cost of all functions together. The slowest instructions (divisions) take the compiler some
/// 30 s of two cores at this; a large adapter in Rust has a third of it. An interpreter that a
/// component brings along has more; it needs a compiler that can be ended ([`Room`]).
const CODE_MAX: u64 = 4 * 1024 * 1024;
/// Locals times branches of one function: where branches meet, the compiler looks for the value of
/// each local along each. The largest function of an adapter in Rust has some hundred thousand.
const MEETINGS_MAX: u64 = 8 * 1024 * 1024;
/// The same of all functions together.
const MEETINGS_ALL_MAX: u64 = 8 * MEETINGS_MAX;
/// Functions in all modules.
const FUNCTIONS_MAX: u64 = 40_000;
/// Locals of one function.
const LOCALS_MAX: u64 = 4_000;
/// What a local that a loop passes on costs, in bytes of plain code: as measured, with as many
/// locals as there may be.
const CARRIED_COST: u64 = 4;
/// Types, imports, exports, globals, tables, data and element segments of one module.
const ENTRIES_MAX: u64 = 20_000;
/// Parts of all function types of one module.
const SIGNATURES_MAX: u64 = 200_000;
/// Entries of all element segments.
const ELEMENTS_MAX: u64 = 100_000;

/// Over all modules.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) room: Room,
    functions: u64,
    cost: u64,
    meetings: u64,
    elements: u64,
}

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Parameters and results, by type.
    arities: Vec<u64>,
    /// The type of each function, the imported ones first.
    functions: Vec<u32>,
    /// How many of these were imported.
    imported: usize,
    bodies: usize,
    entries: u64,
    signatures: u64,
}

impl Module {
    pub(super) fn payload(
        &mut self,
        payload: &Payload<'_>,
        total: &mut Total,
    ) -> Result<(), Fault> {
        match payload {
            Payload::TypeSection(section) => {
                self.listed(section.count())?;
                for group in section.clone() {
                    for found in group?.types() {
                        let arity = match &found.composite_type.inner {
                            CompositeInnerType::Func(func) => count(func.params().len())
                                .saturating_add(count(func.results().len())),
                            CompositeInnerType::Struct(fields) => count(fields.fields.len()),
                            _ => 1,
                        };
                        self.listed(1)?;
                        self.signatures = self.signatures.saturating_add(arity);
                        within(
                            "parts of the function types of a module",
                            self.signatures,
                            SIGNATURES_MAX,
                        )?;
                        self.arities.push(arity);
                    }
                }
                Ok(())
            }
            Payload::ImportSection(section) => {
                self.listed(section.count())?;
                for found in section.clone().into_imports() {
                    if let TypeRef::Func(index) | TypeRef::FuncExact(index) = found?.ty {
                        self.listed(1)?;
                        self.functions.push(index);
                        self.imported = self.imported.saturating_add(1);
                    }
                }
                Ok(())
            }
            Payload::FunctionSection(section) => {
                total.functions = total.functions.saturating_add(u64::from(section.count()));
                within("functions", total.functions, FUNCTIONS_MAX)?;
                for found in section.clone() {
                    self.functions.push(found?);
                }
                Ok(())
            }
            Payload::TableSection(section) => self.listed(section.count()),
            Payload::MemorySection(section) => self.listed(section.count()),
            Payload::TagSection(section) => self.listed(section.count()),
            Payload::GlobalSection(section) => self.listed(section.count()),
            Payload::ExportSection(section) => self.exported(section.count()),
            Payload::DataSection(section) => self.listed(section.count()),
            Payload::ElementSection(section) => {
                self.listed(section.count())?;
                for found in section.clone() {
                    total.elements = total.elements.saturating_add(u64::from(match found?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    }));
                    within("entries of element segments", total.elements, ELEMENTS_MAX)?;
                }
                Ok(())
            }
            Payload::CodeSectionEntry(body) => {
                let room = total.room;
                let (cost, meetings) = self.body(body, room)?;
                self.bodies = self.bodies.saturating_add(1);
                within("the cost of one function", cost, room.of_code(FUNCTION_MAX))?;
                total.cost = total.cost.saturating_add(cost);
                within("the cost of all functions", total.cost, room.of_code(CODE_MAX))?;
                within(
                    "locals times branches of one function",
                    meetings,
                    room.of_code(MEETINGS_MAX),
                )?;
                total.meetings = total.meetings.saturating_add(meetings);
                within(
                    "locals times branches of all functions",
                    total.meetings,
                    room.of_code(MEETINGS_ALL_MAX),
                )
            }
            _ => Ok(()),
        }
    }

    fn listed(&mut self, more: u32) -> Result<(), Fault> {
        self.entries = self.entries.saturating_add(u64::from(more));
        within("entries of a module", self.entries, ENTRIES_MAX)
    }

    fn exported(&mut self, more: u32) -> Result<(), Fault> {
        self.listed(more)
    }

    fn arity(&self, type_index: u32) -> u64 {
        usize::try_from(type_index)
            .ok()
            .and_then(|index| self.arities.get(index))
            .copied()
            .unwrap_or(0)
    }

    fn arity_of(&self, function: u32) -> u64 {
        let index = usize::try_from(function).ok().and_then(|index| self.functions.get(index));
        index.map_or(0, |index| self.arity(*index))
    }

    /// Its cost, and its locals times its branches.
    fn body(&self, body: &FunctionBody<'_>, room: Room) -> Result<(u64, u64), Fault> {
        let mut locals = 0_u64;
        for found in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(found?.0));
            within("locals of one function", locals, LOCALS_MAX)?;
        }
        let own = self.functions.get(self.imported.saturating_add(self.bodies));
        let own = own.map_or(0, |index| self.arity(*index));
        let mut cost = count(body.range().len()).saturating_add(locals).saturating_add(own);
        let (mut widest, mut depth_of_loops, mut open) = (own, 0_u64, Vec::new());
        let (mut branches, mut loops, mut carried) = (0_u64, 0_u64, 0_u64);
        for found in body.get_operators_reader()? {
            let found = found?;
            branches = branches.saturating_add(match &found {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::Else
                | Operator::Br { .. }
                | Operator::BrIf { .. } => 1,
                Operator::BrTable { targets } => u64::from(targets.len()).saturating_add(1),
                _ => 0,
            });
            let more = match found {
                Operator::Block { blockty } | Operator::If { blockty } => {
                    open.push(false);
                    let arity = self.block(blockty);
                    widest = widest.max(arity);
                    arity
                }
                Operator::Loop { blockty } => {
                    open.push(true);
                    depth_of_loops = depth_of_loops.saturating_add(1);
                    loops = loops.saturating_add(1);
                    let arity = self.block(blockty);
                    widest = widest.max(arity);
                    arity
                }
                Operator::End => {
                    if open.pop() == Some(true) {
                        depth_of_loops = depth_of_loops.saturating_sub(1);
                    }
                    0
                }
                Operator::Call { function_index } => self.arity_of(function_index),
                Operator::CallIndirect { type_index, .. } => self.arity(type_index),
                Operator::Br { .. } | Operator::BrIf { .. } | Operator::Return => widest,
                Operator::BrTable { targets } => u64::from(targets.len())
                    .saturating_add(1)
                    .saturating_mul(widest.saturating_add(1)),
                // A value that is used within loops may become a parameter of each.
                Operator::LocalGet { .. }
                | Operator::LocalSet { .. }
                | Operator::LocalTee { .. } => {
                    carried = carried.saturating_add(depth_of_loops);
                    0
                }
                _ => 0,
            };
            cost = cost.saturating_add(more);
            within("the cost of one function", cost, room.of_code(FUNCTION_MAX))?;
        }
        // No loop passes on more than all locals.
        let carried = carried
            .min(loops.saturating_mul(locals.saturating_add(own)))
            .saturating_mul(CARRIED_COST);
        let cost = cost.saturating_add(carried);
        Ok((cost, branches.saturating_mul(locals.saturating_add(own))))
    }

    fn block(&self, found: BlockType) -> u64 {
        match found {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            BlockType::FuncType(index) => self.arity(index),
        }
    }
}
