//! Reads desired records from a stream, one in memory at a time.
//!
//! The input is JSON Lines, one JSON array, or whole objects one after the other over any number of
//! lines. A record ends where its brackets close. A refused record does not end the reading, so
//! that every bad line is reported at once, and a line of JSON Lines that ends early does not
//! swallow the next one: a line that begins like a record begins a record.
//!
//! Bounds: [`TEXT_BYTES_MAX`] for one record in the file. Left out: rules between records, such as
//! keys that occur twice; the caller that collects them checks those.

use super::batch::declarations;
use super::check::check;
use super::shape::{self, Tree};
use atsync_model::desired::Desired;
use std::io::{BufReader, Read};

/// Most bytes of one record in a file, blanks included. Arbitrary; several times the limit of a
/// record.
pub const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A refused record, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// A record and the line that it begins on, or its refusal.
pub type Read1 = Result<(u64, Desired), Refusal>;

/// Reads desired records from a stream.
///
/// Each item is a record, checked by itself, or its refusal. An error of the stream ends the
/// iteration.
#[derive(Debug)]
pub struct Records<R> {
    bytes: Bytes<R>,
    /// The reader is inside the brackets of an array.
    in_array: bool,
    /// The array has ended, or the rest cannot be split into records.
    over: bool,
    began: bool,
}

impl<R: Read> Records<R> {
    /// Creates a reader.
    pub fn new(source: R) -> Self {
        Self { bytes: Bytes::new(source), in_array: false, over: false, began: false }
    }

    /// Reads the text of the next record, with the line that it begins on.
    fn next_text(&mut self) -> std::io::Result<Option<Text>> {
        if !self.began {
            self.began = true;
            self.bytes.skip_byte_order_mark()?;
            if self.bytes.ahead(2)?.contains(&0) {
                self.bytes.drain()?;
                return Ok(Some(Text::broken(
                    1,
                    "the file is not UTF-8, but UTF-16 or no text; write it as UTF-8",
                )));
            }
        }
        loop {
            self.bytes.skip_blank()?;
            let line = self.bytes.line;
            let Some(byte) = self.bytes.peek()? else {
                let is_open = std::mem::take(&mut self.in_array);
                return Ok(
                    is_open.then(|| Text::broken(line, "the array does not end: a `]` is missing"))
                );
            };
            match byte {
                _ if self.over => {
                    let problem = "there is more after the end of the array";
                    self.bytes.drain()?;
                    return Ok(Some(Text::broken(line, problem)));
                }
                b'[' if !self.in_array => {
                    self.bytes.next()?;
                    self.in_array = true;
                }
                b']' if self.in_array => {
                    self.bytes.next()?;
                    self.in_array = false;
                    self.over = true;
                }
                b',' if self.in_array => {
                    self.bytes.next()?;
                }
                b',' => {
                    self.bytes.next()?;
                    let problem = "there is a comma between records; one record per line (JSON \
                        Lines) has none, and a JSON array begins with `[` and ends with `]`";
                    return Ok(Some(Text::broken(line, problem)));
                }
                // Each part of a joined file may begin with its own mark.
                0xEF => {
                    if !self.bytes.skip_byte_order_mark()? {
                        return self.rest_of_line(line).map(Some);
                    }
                }
                b'{' => return self.object(line).map(Some),
                _ => return self.rest_of_line(line).map(Some),
            }
        }
    }

    /// Reads what is no object: up to the end of the line, or of the element.
    fn rest_of_line(&mut self, line: u64) -> std::io::Result<Text> {
        let mut text = Vec::new();
        while let Some(byte) = self.bytes.peek()? {
            if byte == b'\n' || (self.in_array && matches!(byte, b',' | b']')) {
                break;
            }
            self.bytes.next()?;
            text.push(byte);
            if text.len() > TEXT_BYTES_MAX {
                return self.too_long(line);
            }
        }
        Ok(Text { line, bytes: text, problem: None })
    }

    /// Reads an object, up to the bracket that closes it.
    fn object(&mut self, line: u64) -> std::io::Result<Text> {
        let mut text = Vec::new();
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        while let Some(byte) = self.bytes.next()? {
            text.push(byte);
            if text.len() > TEXT_BYTES_MAX {
                return self.too_long(line);
            }
            match byte {
                // No text spans lines: this one lacks its quotation mark.
                b'\n' if in_string => return Ok(Text::cut(line)),
                // A record on one line that ends early, before the next one begins.
                b'\n' if text.len() > 2 && self.begins_a_record(depth)? => {
                    return Ok(Text::cut(line));
                }
                _ if in_string => match (escaped, byte) {
                    (true, _) => escaped = false,
                    (false, b'\\') => escaped = true,
                    (false, b'"') => in_string = false,
                    (false, _) => {}
                },
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(Text { line, bytes: text, problem: None });
                    }
                }
                _ => {}
            }
        }
        let problem = "the file ends within this record: a bracket or a quotation mark is missing, \
            or the end of the file; a desired file has one record per line (JSON Lines), or is one \
            JSON array";
        Ok(Text::broken(line, problem))
    }

    /// Whether the next line begins a record, although one is open.
    fn begins_a_record(&mut self, depth: usize) -> std::io::Result<bool> {
        let ahead = self.bytes.ahead(3)?;
        Ok(ahead.starts_with(b"{\"k") || (depth == 1 && ahead.starts_with(b"{")))
    }

    fn too_long(&mut self, line: u64) -> std::io::Result<Text> {
        self.bytes.skip_line()?;
        Ok(Text::broken(line, format!("a record with more than {TEXT_BYTES_MAX} bytes")))
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = std::io::Result<Read1>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.next_text().transpose()?;
        Some(text.map(Text::record))
    }
}

/// The text of one record.
#[derive(Debug)]
struct Text {
    line: u64,
    bytes: Vec<u8>,
    /// A mistake that is known without parsing.
    problem: Option<String>,
}

impl Text {
    fn broken(line: u64, problem: impl Into<String>) -> Self {
        Self { line, bytes: Vec::new(), problem: Some(problem.into()) }
    }

    /// Returns the refusal of a line that ends early.
    fn cut(line: u64) -> Self {
        Self::broken(
            line,
            "the line ends within its record: a bracket or a quotation mark is missing",
        )
    }

    fn record(self) -> Read1 {
        let Self { line, bytes, problem } = self;
        let refused = |line: u64, problem: String| Refusal { line, problem };
        if let Some(problem) = problem {
            return Err(refused(line, problem));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            refused(
                line,
                format!(
                    "byte {} of the line is not UTF-8; write the file as UTF-8",
                    error.valid_up_to()
                ),
            )
        })?;
        let at = |error: &serde_json::Error| {
            line.saturating_add(u64::try_from(error.line().saturating_sub(1)).unwrap_or_default())
        };
        let tree: Tree =
            serde_json::from_str(text).map_err(|error| refused(at(&error), reason(&error)))?;
        let read = Desired::from_json(text);
        // The shape names the mistake, and serde the line of it.
        shape::check(&tree)
            .map_err(|problem| refused(read.as_ref().map_or_else(at, |_| line), problem))?;
        let record = read.map_err(|error| refused(at(&error), reason(&error)))?;
        check(&record).map_err(|problem| refused(line, problem))?;
        declarations(std::slice::from_ref(&record))
            .map_err(|error| refused(line, error.to_string()))
            .map(|_| (line, record))
    }
}

/// Returns serde's message with the column, without its line number, which counts from the
/// beginning of the record.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cut = text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text);
    let hint = if error.is_eof() || error.is_syntax() {
        "; a desired file has one record per line (JSON Lines), or is one JSON array, or has whole \
         objects one after the other"
    } else {
        ""
    };
    format!("{cut} (column {}){hint}", error.column())
}

/// A stream read byte by byte, with the current line.
#[derive(Debug)]
struct Bytes<R> {
    source: BufReader<R>,
    ahead: Vec<u8>,
    at: usize,
    line: u64,
}

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

impl<R: Read> Bytes<R> {
    fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(CHUNK_BYTES, source),
            ahead: Vec::new(),
            at: 0,
            line: 1,
        }
    }

    /// Returns up to this many of the next bytes.
    fn ahead(&mut self, bytes: usize) -> std::io::Result<&[u8]> {
        while self.ahead.len().saturating_sub(self.at) < bytes {
            self.ahead.drain(..self.at);
            self.at = 0;
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = match self.source.read(&mut chunk) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            self.ahead.extend(chunk.into_iter().take(read));
        }
        let left = self.ahead.get(self.at..).unwrap_or_default();
        Ok(left.get(..bytes).unwrap_or(left))
    }

    fn peek(&mut self) -> std::io::Result<Option<u8>> {
        if let Some(byte) = self.ahead.get(self.at) {
            return Ok(Some(*byte));
        }
        Ok(self.ahead(1)?.first().copied())
    }

    fn next(&mut self) -> std::io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    fn skip_blank(&mut self) -> std::io::Result<()> {
        while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.next()?;
        }
        Ok(())
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> std::io::Result<bool> {
        let is_mark = self.ahead(3)? == [0xEF, 0xBB, 0xBF];
        self.at += if is_mark { 3 } else { 0 };
        Ok(is_mark)
    }

    fn drain(&mut self) -> std::io::Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Read1, Records};
    use std::io::Read;

    /// A source that gives few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let into = into.get_mut(..3).unwrap();
            self.0.read(into)
        }
    }

    fn read(text: &[u8]) -> Vec<Read1> {
        let slowly: Vec<Read1> = Records::new(Slow(text)).map(Result::unwrap).collect();
        let at_once: Vec<Read1> = Records::new(text).map(Result::unwrap).collect();
        assert_eq!(slowly, at_once, "how the bytes come in makes no difference");
        at_once
    }

    /// `3 a` for a record, `3!` for a refusal.
    fn shape(text: &str) -> Vec<String> {
        read(text.as_bytes())
            .into_iter()
            .map(|read| match read {
                Ok((line, record)) => format!("{line} {}", record.key()),
                Err(refusal) => format!("{}!", refusal.line),
            })
            .collect()
    }

    #[test]
    fn lines_arrays_and_whole_objects_are_read_alike() {
        assert_eq!(shape("{\"key\":\"a\"}\n\n{\"key\":\"b\"}"), ["1 a", "3 b"]);
        assert_eq!(shape("\u{feff}{\"key\":\"a\"}\r\n\u{feff}{\"key\":\"b\"}\r\n"), ["1 a", "2 b"]);
        assert_eq!(shape("[\n{\"key\":\"a\"},\n{\"key\":\n\"b\"}\n]\n"), ["2 a", "3 b"]);
        assert_eq!(
            shape("{\n  \"key\": \"a\",\n  \"tags\": [\n    \"x]\\\"}\"\n  ]\n}\n{\"key\": \"b\"}"),
            ["1 a", "7 b"]
        );
        assert!(shape("").is_empty() && shape("\n \n").is_empty() && shape("[]").is_empty());
    }

    #[test]
    fn a_bad_line_is_refused_alone_and_every_bad_line_is_reported() {
        assert_eq!(
            shape("{\"key\":1}\n{\"key\":\"b\"}\nfoo\n{\"key\":\"d\"}"),
            ["1!", "2 b", "3!", "4 d"]
        );
        // Lines that end early, within an object, a list and a text.
        assert_eq!(shape("{\"key\":\"a\"\n{\"key\":\"b\"}"), ["1!", "2 b"]);
        assert_eq!(shape("{\"key\":\"a\",\"tags\":[\"x\"\n{\"key\":\"b\"}"), ["1!", "2 b"]);
        assert_eq!(shape("{\"key\":\"a\n{\"key\":\"b\"}"), ["1!", "2 b"]);
        assert_eq!(shape("{\"key\":\"a\"}}\n{\"key\":\"b\"}"), ["1 a", "1!", "2 b"]);
        assert_eq!(shape("[{\"key\":\"a\"},\n7,\n{\"key\":\"c\"}]"), ["1 a", "2!", "3 c"]);
    }

    #[test]
    fn the_line_of_a_refusal_is_that_of_the_mistake() {
        assert_eq!(
            shape("{\n  \"key\": \"a\",\n  \"emial\": []\n}\n{\"key\":\"b\"}"),
            ["3!", "5 b"]
        );
    }

    #[test]
    fn input_that_ends_early_or_continues_is_refused_with_a_hint() {
        let problem = |text: &str| read(text.as_bytes()).pop().unwrap().unwrap_err().problem;
        assert!(problem("{\n\"key\": \"a\",\n").contains("the file ends within this record"));
        assert!(problem("{\"key\": \"a").contains("the file ends within this record"));
        assert!(problem("{\"key\": \"a\"},\n").contains("a comma between records"));
        assert!(problem("{\0\"\0k\0").contains("not UTF-8"));
        assert!(problem("{\"key\": \"a\n{\"key\": \"b\"").contains("ends within"));
        assert!(problem("[{\"key\":\"a\"}").contains("a `]` is missing"));
        assert!(
            problem("[{\"key\":\"a\"}]\n{\"key\":\"b\"}").contains("after the end of the array")
        );
        assert!(
            read(b"{\"key\":\"\xff\"}").pop().unwrap().unwrap_err().problem.contains("not UTF-8")
        );
    }
}
