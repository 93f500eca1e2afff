//! The elements of a JSON array, each with its place in the text.
//!
//! The engine holds the reply already, so a record names its raw JSON by offset and length instead of copying it back.

use crate::contract::Span;
use serde_json::value::RawValue;

/// One element of the array.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// Where the text lies in the body.
    pub span: Span,
}

/// Splits a body that is a JSON array into its elements.
///
/// # Errors
/// When the body is not a JSON array, with serde's words for it.
pub fn split(body: &[u8]) -> Result<Vec<Row<'_>>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_slice(body)?;
    Ok(elements.into_iter().map(|element| row(body, element)).collect())
}

/// One element's text and its place. The element must have been read from `body`.
pub fn row<'a>(body: &'a [u8], element: &'a RawValue) -> Row<'a> {
    let text = element.get();
    let offset = (text.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    let span = Span {
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        length: u32::try_from(text.len()).unwrap_or(u32::MAX),
    };
    Row { text, span }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_row_is_found_again_by_its_span() {
        let body = br#" [ {"id":1}, {"id": 2} ]"#;
        let rows = super::split(body).unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows {
            let start = row.span.offset as usize;
            assert_eq!(&body[start..start + row.span.length as usize], row.text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_array_is_refused() {
        assert!(super::split(b"{\"message\":\"x\"}").is_err());
        assert!(super::split(b"<html>").is_err());
    }
}
