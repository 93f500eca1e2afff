//! Writes JSON as `serde_json` does, byte for byte, and quicker in a guest.
//!
//! A page is mostly written texts. `serde_json` looks at each byte of a text and then copies it,
//! and a copy of unknown length is a call out of the guest. Here eight bytes at a time are looked
//! at and stored at once. There is no fallback to `serde_json`, since a component would then have
//! the code of both for each type.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::{self, Display};

/// Serialises a value as JSON. `bytes` is about how long it will be; a good guess saves copies.
///
/// # Errors
/// Those of `serde_json::to_string`.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Job<'a> { id: u64, title: &'a str }
///
/// let job = Job { id: 7, title: "Baker\t(\"night\")" };
/// let text = atsync_adapter::json::write(&job, 64).unwrap();
/// assert_eq!(text, serde_json::to_string(&job).unwrap());
/// ```
pub fn write<T: Serialize>(value: &T, bytes: usize) -> Result<String, serde_json::Error> {
    let mut out = Out(Vec::with_capacity(bytes));
    match value.serialize(&mut out) {
        // Texts go in whole and the rest is ASCII, so this is UTF-8.
        Ok(()) => String::from_utf8(out.0)
            .map_err(|_| serde::ser::Error::custom("the JSON written is not UTF-8")),
        Err(fault) => Err(serde::ser::Error::custom(fault)),
    }
}

/// Why a value cannot be written.
#[derive(Debug)]
struct Fault(String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// How `serde_json` names the one member of a [`serde_json::value::RawValue`].
const RAW: &str = "$serde_json::private::RawValue";

/// The JSON so far.
struct Out(Vec<u8>);

/// In each byte: its lowest bit, its highest bit.
const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// Whether none of eight bytes is escaped in JSON: no control character, quote or backslash.
fn is_plain(eight: u64) -> bool {
    let control = eight.wrapping_sub(ONES * 0x20);
    let quote = (eight ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslash = (eight ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (control | quote | backslash) & !eight & HIGHS == 0
}

impl Out {
    fn text(&mut self, text: &str) {
        let (eights, rest) = text.as_bytes().as_chunks::<8>();
        self.0.reserve(text.len().saturating_add(3));
        self.0.push(b'"');
        for eight in eights {
            if is_plain(u64::from_le_bytes(*eight)) {
                self.0.extend_from_slice(eight);
            } else {
                eight.iter().for_each(|byte| self.byte(*byte));
            }
        }
        rest.iter().for_each(|byte| self.byte(*byte));
        self.0.push(b'"');
    }

    fn byte(&mut self, byte: u8) {
        match byte {
            b'"' | b'\\' | 0..=0x1f => self.escaped(byte),
            _ => self.0.push(byte),
        }
    }

    #[cold]
    #[inline(never)]
    fn escaped(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => {
                let hex = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
                self.0.extend_from_slice(b"\\u00");
                self.0.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
                return;
            }
        };
        self.0.extend_from_slice(&[b'\\', short]);
    }

    /// Begins a variant with values.
    fn variant(&mut self, name: &str) {
        self.0.push(b'{');
        self.text(name);
        self.0.push(b':');
    }

    /// Writes JSON that is given as a text.
    fn raw<T: Serialize + ?Sized>(&mut self, text: &T) -> Result<(), Fault> {
        let from = self.0.len();
        text.serialize(&mut *self)?;
        let quoted = self.0.split_off(from);
        let quoted = std::str::from_utf8(&quoted).map_err(Fault::custom)?;
        let text: String = serde_json::from_str(quoted).map_err(Fault::custom)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            used += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
    }
}

/// An object or a list whose members are being written.
struct Members<'a> {
    out: &'a mut Out,
    is_empty: bool,
    end: &'static [u8],
}

impl<'a> Members<'a> {
    fn begin(out: &'a mut Out, begin: u8, end: &'static [u8]) -> Self {
        out.0.push(begin);
        Self { out, is_empty: true, end }
    }

    fn next(&mut self) {
        if !self.is_empty {
            self.out.0.push(b',');
        }
        self.is_empty = false;
    }

    fn close(self) {
        self.out.0.extend_from_slice(self.end);
    }
}

impl<'a> Serializer for &'a mut Out {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        self.text(text);
        Ok(())
    }
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_u64(self, number: u64) -> Result<(), Fault> {
        self.number(number);
        Ok(())
    }
    fn serialize_u8(self, number: u8) -> Result<(), Fault> {
        self.serialize_u64(number.into())
    }
    fn serialize_u16(self, number: u16) -> Result<(), Fault> {
        self.serialize_u64(number.into())
    }
    fn serialize_u32(self, number: u32) -> Result<(), Fault> {
        self.serialize_u64(number.into())
    }
    fn serialize_i64(self, number: i64) -> Result<(), Fault> {
        if number < 0 {
            self.0.push(b'-');
        }
        self.serialize_u64(number.unsigned_abs())
    }
    fn serialize_i8(self, number: i8) -> Result<(), Fault> {
        self.serialize_i64(number.into())
    }
    fn serialize_i16(self, number: i16) -> Result<(), Fault> {
        self.serialize_i64(number.into())
    }
    fn serialize_i32(self, number: i32) -> Result<(), Fault> {
        self.serialize_i64(number.into())
    }
    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        serde_json::to_writer(&mut self.0, &number).map_err(Fault::custom)
    }
    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        serde_json::to_writer(&mut self.0, &number).map_err(Fault::custom)
    }
    fn serialize_char(self, letter: char) -> Result<(), Fault> {
        self.text(letter.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        bytes.serialize(self)
    }
    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Fault> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.0.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Fault> {
        Ok(Members::begin(self, b'[', b"]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Fault> {
        Ok(Members::begin(self, b'[', b"]"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Fault> {
        Ok(Members::begin(self, b'[', b"]"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Fault> {
        self.variant(variant);
        Ok(Members::begin(self, b'[', b"]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Fault> {
        Ok(Members::begin(self, b'{', b"}"))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Fault> {
        if name == RAW {
            return Ok(Members { out: self, is_empty: true, end: b"" });
        }
        Ok(Members::begin(self, b'{', b"}"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Fault> {
        self.variant(variant);
        Ok(Members::begin(self, b'{', b"}}"))
    }
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.next();
        value.serialize(&mut *self.out)
    }
    fn end(self) -> Result<(), Fault> {
        self.close();
        Ok(())
    }
}

impl SerializeTuple for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.next();
        let from = self.out.0.len();
        key.serialize(&mut *self.out)?;
        match self.out.0.get(from) {
            Some(b'"') => {}
            Some(b'{' | b'[' | b'n') | None => return Err(Fault::custom("key must be a string")),
            // A number or a flag.
            Some(_) => {
                self.out.0.insert(from, b'"');
                self.out.0.push(b'"');
            }
        }
        self.out.0.push(b':');
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut *self.out)
    }
    fn end(self) -> Result<(), Fault> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        if name == RAW {
            return self.out.raw(value);
        }
        self.next();
        self.out.text(name);
        self.out.0.push(b':');
        value.serialize(&mut *self.out)
    }
    fn end(self) -> Result<(), Fault> {
        self.close();
        Ok(())
    }
}

impl SerializeTupleVariant for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeSeq::end(self)
    }
}

impl SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        SerializeStruct::serialize_field(self, name, value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeStruct::end(self)
    }
}

#[cfg(test)]
mod tests {
    use super::write;
    use serde::Serialize;
    use serde_json::{Value, json, value::RawValue};
    use std::collections::BTreeMap;

    #[track_caller]
    fn same<T: Serialize>(value: &T) {
        for bytes in [0, 1000] {
            assert_eq!(write(value, bytes).unwrap(), serde_json::to_string(value).unwrap());
        }
    }

    #[test]
    fn each_character_is_written_as_serde_json_writes_it_at_each_place() {
        for code in (0..0x300).chain([0x2028, 0xfffd, 0x1f600]) {
            let letter = char::from_u32(code).unwrap();
            for before in 0..10 {
                for after in [0, 1, 8] {
                    same(&format!("{}{letter}{}", "x".repeat(before), "y".repeat(after)));
                }
            }
        }
    }

    #[test]
    fn values_of_each_kind_are_written_as_serde_json_writes_them() {
        same(&json!({"a": [1, -7, 0, 2.5, 1e300, null, true, false, "", {}, []], "": {"b": "c"}}));
        for number in [i64::MIN, -1, 0, 9, 10, 99, 100, i64::MAX] {
            same(&number);
        }
        same(&(u64::MAX, 255_u8, -128_i8, 65_535_u16, -32_768_i16, u32::MAX, i32::MIN));
        same(&[0.1, -0.0, 1.0, 123_456_789.123_456_79, 5e-324, f64::MAX, f64::NAN]);
        same(&Value::from("text"));
        same(&Some(Some(1)));
        same(&());
    }

    #[derive(Serialize)]
    enum Odd {
        Unit,
        New(u8),
        Tuple(u8, u8),
        Struct { a: u8 },
    }

    #[derive(Serialize)]
    struct All<'a> {
        first: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<u8>,
        odd: &'a [Odd],
        raw: &'a RawValue,
        keys: BTreeMap<u8, char>,
    }

    #[test]
    fn unusual_values_are_written_as_serde_json_writes_them() {
        let odd = [Odd::Unit, Odd::New(1), Odd::Tuple(1, 2), Odd::Struct { a: 1 }];
        let raw = RawValue::from_string("{ \"a\" : 1 }".to_owned()).unwrap();
        let keys = BTreeMap::from([(1, 'a'), (2, '"')]);
        same(&All { first: None, second: None, odd: &odd[..1], raw: RawValue::NULL, keys });
        let keys = BTreeMap::new();
        same(&All { first: Some("\u{1}"), second: Some(2), odd: &odd, raw: &raw, keys });
        same(&BTreeMap::from([(true, 1.5_f32)]));
        same(&BTreeMap::from([(Some('a'), f32::MAX), (Some('\n'), 0.1)]));
        same(&BTreeMap::from([(-1, vec![&odd[1], &odd[2], &odd[3]])]));
        assert!(write(&BTreeMap::from([(None::<u8>, 3)]), 0).is_err());
        assert!(write(&BTreeMap::from([((1, 2), 3)]), 0).is_err());
    }
}
