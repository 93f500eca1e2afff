//! Writes a description into the generic component.
//!
//! A component without imports has one core module. Its memory grows by the pages that the
//! description needs, the description becomes a data segment of its own there, and address and
//! length are written behind the magic text that `guest.rs` put into the module's data. Nothing
//! else changes, so the result has the same bytes for the same input, and its hash stays. Appending
//! needs no room reserved in the module, which every component would carry.
//!
//! The sections of a component and of a module have one form (an id, a length, a body), so they are
//! walked here without a library; a test loads what comes out.

use crate::baked::baked;
use crate::description::Description;
use crate::guest::MAGIC;
use std::fmt;

/// Bytes of a page of memory.
const PAGE_BYTES: u32 = 64 * 1024;
/// Bytes of the preamble of a component or a module.
const PREAMBLE_BYTES: usize = 8;
/// The id of the section of a component that holds a core module.
const CORE_MODULE: u8 = 1;
/// The ids of sections of a module.
const MEMORY: u8 = 5;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// Why no component was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn error<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error(text.into()))
}

/// Writes a description into the generic component (`atsync_adapters_bundled::DESCRIBED`), and
/// returns the adapter's component. The description should have been validated: a mistake in it
/// fails the tasks that meet it.
///
/// # Errors
/// When the bytes are not the generic component of this version, when the description is too large,
/// or when it lists escapes, which only a Rust crate can have.
pub fn bake(generic: &[u8], description: &Description) -> Result<Vec<u8>, Error> {
    if let Some(escape) = description.escapes.first() {
        return error(format!(
            "the description calls the function `{escape}`, which is written in Rust; build it as \
             a Rust crate that includes the description (atsync_described::Described)"
        ));
    }
    let text = baked(description).map_err(Error)?;
    let mut made = Vec::with_capacity(generic.len().saturating_add(text.len()).saturating_add(64));
    made.extend_from_slice(generic.get(..PREAMBLE_BYTES).unwrap_or_default());
    let mut is_baked = false;
    for section in sections(generic)? {
        if section.id == CORE_MODULE && find(section.body, &MAGIC).is_some() {
            if is_baked {
                return error("the component has two places for a description");
            }
            is_baked = true;
            write_section(&mut made, CORE_MODULE, &module(section.body, text.as_bytes())?)?;
        } else {
            write_section(&mut made, section.id, section.body)?;
        }
    }
    if !is_baked {
        return error("the component is not the generic one of described adapters");
    }
    Ok(made)
}

/// Whether a component has a place for a description, baked or not.
#[must_use]
pub fn is_generic(component: &[u8]) -> bool {
    find(component, &MAGIC).is_some()
}

/// The core module with the description in its memory.
fn module(core: &[u8], text: &[u8]) -> Result<Vec<u8>, Error> {
    let length =
        u32::try_from(text.len()).map_err(|_| Error("the description is too long".into()))?;
    let mut address = None;
    let mut made = Vec::with_capacity(core.len().saturating_add(text.len()).saturating_add(64));
    made.extend_from_slice(core.get(..PREAMBLE_BYTES).unwrap_or_default());
    for section in sections(core)? {
        match section.id {
            MEMORY => {
                let (begin, body) = memory(section.body, length)?;
                address = Some(begin);
                write_section(&mut made, MEMORY, &body)?;
            }
            DATA_COUNT => {
                let (count, _) = number(section.body)?;
                let mut body = Vec::new();
                write_number(&mut body, count.saturating_add(1));
                write_section(&mut made, DATA_COUNT, &body)?;
            }
            DATA => {
                let address = address.ok_or_else(|| Error("the module has no memory".into()))?;
                write_section(&mut made, DATA, &data(section.body, address, length, text)?)?;
            }
            id => write_section(&mut made, id, section.body)?,
        }
    }
    Ok(made)
}

/// The memory section with room behind everything else; returns the address of the room too.
fn memory(body: &[u8], length: u32) -> Result<(u32, Vec<u8>), Error> {
    let unfit = || Error("the module's memory is not as the SDK makes it".into());
    let (count, rest) = number(body)?;
    let (flags, rest) = rest.split_first().ok_or_else(unfit)?;
    // One memory, of 32 bits, not shared; with or without a maximum.
    if count != 1 || *flags > 1 {
        return Err(unfit());
    }
    let (pages, rest) = number(rest)?;
    let address = pages.checked_mul(PAGE_BYTES).ok_or_else(unfit)?;
    let grown = pages.checked_add(length.div_ceil(PAGE_BYTES)).ok_or_else(unfit)?;
    let mut made = vec![1, *flags];
    write_number(&mut made, grown);
    if *flags == 1 {
        let (most, _) = number(rest)?;
        write_number(&mut made, most.max(grown));
    }
    Ok((address, made))
}

/// The data section with the description as a further segment, and with its place written.
fn data(body: &[u8], address: u32, length: u32, text: &[u8]) -> Result<Vec<u8>, Error> {
    let (count, segments) = number(body)?;
    let mut made = Vec::with_capacity(body.len().saturating_add(text.len()).saturating_add(32));
    write_number(&mut made, count.saturating_add(1));
    let before = made.len();
    made.extend_from_slice(segments);
    let at = find(segments, &MAGIC).ok_or_else(|| Error("the place is not in the data".into()))?;
    if find(segments.get(at.saturating_add(MAGIC.len())..).unwrap_or_default(), &MAGIC).is_some() {
        return error("the module has two places for a description");
    }
    let place = before.saturating_add(at).saturating_add(MAGIC.len());
    let numbers = [address.to_le_bytes(), length.to_le_bytes()].concat();
    match made.get_mut(place..place.saturating_add(numbers.len())) {
        Some(room) if room.iter().all(|byte| *byte == 0) => room.copy_from_slice(&numbers),
        Some(_) => {
            return error("the component has a description already; bake into the generic one");
        }
        None => return error("the place of the description is cut"),
    }
    // An active segment of memory 0: `i32.const address`, `end`, the bytes.
    made.extend_from_slice(&[0, 0x41]);
    write_signed(&mut made, i64::from(address));
    made.push(0x0b);
    write_number(&mut made, length);
    made.extend_from_slice(text);
    Ok(made)
}

/// A section of a component or a module.
struct Section<'m> {
    id: u8,
    body: &'m [u8],
}

/// The sections behind the preamble.
fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, Error> {
    let cut = || Error("the bytes are no WebAssembly, or are cut".into());
    if !bytes.starts_with(b"\0asm") {
        return Err(cut());
    }
    let mut rest = bytes.get(PREAMBLE_BYTES..).ok_or_else(cut)?;
    let mut all = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = number(after)?;
        let length = usize::try_from(length).map_err(|_| cut())?;
        let (body, behind) = after.split_at_checked(length).ok_or_else(cut)?;
        all.push(Section { id: *id, body });
        rest = behind;
    }
    Ok(all)
}

fn write_section(made: &mut Vec<u8>, id: u8, body: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(body.len()).map_err(|_| Error("a section is too long".into()))?;
    made.push(id);
    write_number(made, length);
    made.extend_from_slice(body);
    Ok(())
}

/// Reads a number in LEB128.
fn number(bytes: &[u8]) -> Result<(u32, &[u8]), Error> {
    let cut = || Error("the bytes are no WebAssembly, or are cut".into());
    let (mut value, mut rest) = (0_u32, bytes);
    for shift in [0, 7, 14, 21, 28] {
        let (byte, after) = rest.split_first().ok_or_else(cut)?;
        rest = after;
        value |= u32::from(byte & 0x7f).checked_shl(shift).ok_or_else(cut)?;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(cut())
}

fn write_number(made: &mut Vec<u8>, mut value: u32) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            made.push(byte);
            return;
        }
        made.push(byte | 0x80);
    }
}

fn write_signed(made: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        let is_positive = byte & 0x40 == 0;
        if (value == 0 && is_positive) || (value == -1 && !is_positive) {
            made.push(byte);
            return;
        }
        made.push(byte | 0x80);
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, PAGE_BYTES, bake, is_generic, sections};
    use crate::description::Description;

    /// A module with the exports of an adapter and a place for a description.
    fn generic(places: usize, memory: &str) -> Vec<u8> {
        let magic = String::from_utf8(MAGIC.to_vec()).unwrap();
        let place = format!("\"{magic}\\00\\00\\00\\00\\00\\00\\00\\00\"");
        let data: String = (0..places)
            .map(|at| format!("(data (i32.const {}) {place})", 1024 + at * 64))
            .collect();
        let text = format!(
            r#"(module (memory (export "memory") {memory})
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "ats:adapter/adapter@0.1.0#describe") (result i32) unreachable)
            (func (export "ats:adapter/adapter@0.1.0#start") (param i32) (result i32) unreachable)
            (func (export "ats:adapter/adapter@0.1.0#resume") (param i32) (result i32) unreachable)
            {data})"#
        );
        let core = wat::parse_str(text).unwrap();
        atsync_componentize::wrap(&atsync_componentize::describe(&core).unwrap()).unwrap()
    }

    fn description(lossy: usize) -> Description {
        let text = format!(
            "name: x\nversion: 0.1.0\ntitle: X\n\
             origins: [{{name: api, base: {{how: fixed, url: 'https://x.example'}}}}]\n\
             auth: [{{scheme: bearer}}]\nlossy: ['{}']\n\
             kinds: {{tags: {{list: {{request: /tags}}, id: row.id, \
             fields: {{name: row.name}}}}}}\n",
            "l".repeat(lossy)
        );
        crate::read(&text).unwrap().description
    }

    #[test]
    fn a_baked_component_is_valid_and_has_the_description_where_its_place_says() {
        for (memory, lossy) in [("2", 10), ("17 20", 10), ("1 1", 200_000), ("128", 200_000)] {
            let description = description(lossy);
            let made = bake(&generic(1, memory), &description).unwrap();
            wasmparser::Validator::new().validate_all(&made).unwrap();
            assert!(is_generic(&made));
            let text = crate::baked(&description).unwrap();
            let component = sections(&made).unwrap();
            let core = component.iter().find(|section| section.id == 1).unwrap().body;
            let (mut pages, mut found) = (0, Vec::new());
            for payload in wasmparser::Parser::new(0).parse_all(core) {
                match payload.unwrap() {
                    wasmparser::Payload::MemorySection(memories) => {
                        pages = memories.into_iter().next().unwrap().unwrap().initial;
                    }
                    wasmparser::Payload::DataSection(segments) => {
                        for segment in segments {
                            let segment = segment.unwrap();
                            let wasmparser::DataKind::Active { offset_expr, .. } = segment.kind
                            else {
                                panic!("it is active");
                            };
                            let first = offset_expr.get_operators_reader().read().unwrap();
                            let wasmparser::Operator::I32Const { value } = first else { panic!() };
                            found.push((u32::try_from(value).unwrap(), segment.data.to_vec()));
                        }
                    }
                    _ => {}
                }
            }
            let (address, last) = found.last().unwrap();
            assert_eq!(last, text.as_bytes());
            let place = &found.first().unwrap().1[MAGIC.len()..];
            assert_eq!(place[..4], address.to_le_bytes());
            assert_eq!(place[4..8], u32::try_from(text.len()).unwrap().to_le_bytes());
            assert!(u64::from(*address) + text.len() as u64 <= pages * u64::from(PAGE_BYTES));
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let generic = generic(1, "2");
        assert_eq!(bake(&generic, &description(5)), bake(&generic, &description(5)));
        assert_ne!(bake(&generic, &description(5)), bake(&generic, &description(6)));
    }

    #[test]
    fn what_cannot_take_a_description_is_refused() {
        let good = generic(1, "2");
        let words = |bytes: &[u8], description: &Description| {
            bake(bytes, description).unwrap_err().to_string()
        };
        let made = bake(&good, &description(5)).unwrap();
        assert!(words(&made, &description(5)).contains("has a description already"));
        assert!(words(&generic(0, "2"), &description(5)).contains("not the generic one"));
        assert!(words(&generic(2, "2"), &description(5)).contains("two places"));
        assert!(words(b"hello", &description(5)).contains("no WebAssembly"));
        assert!(words(&[], &description(5)).contains("no WebAssembly"));
        for cut in (0..good.len()).step_by(13) {
            let _ = bake(&good[..cut], &description(5));
        }
        let mut escaping = description(5);
        escaping.escapes.push("checksum".into());
        assert!(words(&good, &escaping).contains("`checksum`"));
    }
}
