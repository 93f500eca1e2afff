//! Where each member of a file stands: JSON pointers with their lines.

use serde_saphyr::granit_parser::{Event, Parser};
use std::collections::BTreeMap;

/// The lines of a file's members, by JSON pointer (RFC 6901).
pub(super) type Lines = BTreeMap<String, usize>;

/// A container that is open while the file is read.
enum Open {
    /// An object, with the name that the next value belongs to.
    Map(String, Option<(String, usize)>),
    /// A list, with the number of the next entry.
    List(String, usize),
}

/// Reads the lines of a file; of one that cannot be parsed, those before the fault.
pub(super) fn lines(text: &str) -> Lines {
    let mut lines = Lines::new();
    let mut open: Vec<Open> = Vec::new();
    let mut parser = Parser::new_from_str(text);
    while let Some(Ok((event, span))) = parser.next_event() {
        let line = span.start.line();
        match event {
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
            }
            Event::Scalar(name, ..) if matches!(open.last(), Some(Open::Map(_, None))) => {
                if let Some(Open::Map(_, next)) = open.last_mut() {
                    *next = Some((name.into_owned(), line));
                }
            }
            Event::Scalar(..) | Event::Alias(_) => {
                let (pointer, line) = place(&mut open, line);
                lines.insert(pointer, line);
            }
            Event::MappingStart(..) => {
                let (pointer, line) = place(&mut open, line);
                lines.insert(pointer.clone(), line);
                open.push(Open::Map(pointer, None));
            }
            Event::SequenceStart(..) => {
                let (pointer, line) = place(&mut open, line);
                lines.insert(pointer.clone(), line);
                open.push(Open::List(pointer, 0));
            }
            Event::DocumentEnd | Event::StreamEnd => break,
            _ => {}
        }
    }
    lines
}

/// The pointer of the value that begins here, and the line of its name.
fn place(open: &mut [Open], line: usize) -> (String, usize) {
    match open.last_mut() {
        None => (String::new(), line),
        Some(Open::Map(of, next)) => match next.take() {
            Some((name, line)) => (format!("{of}/{}", escaped(&name)), line),
            None => (of.clone(), line),
        },
        Some(Open::List(of, at)) => {
            let pointer = format!("{of}/{at}");
            *at = at.saturating_add(1);
            (pointer, line)
        }
    }
}

/// A name as a part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The line of the member, or of the nearest one that holds it.
pub(super) fn line_of(lines: &Lines, pointer: &str) -> Option<usize> {
    let mut at = pointer;
    loop {
        if let Some(line) = lines.get(at) {
            return Some(*line);
        }
        at = at.rsplit_once('/')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::{line_of, lines};

    #[test]
    fn a_member_is_found_by_its_pointer_in_block_and_flow_notation() {
        let text =
            "a: 1\nb:\n  - c: {d: 2,\n         e: 3}\n  - x\nf/g: |\n  text\nh: {i: [1,\n  2]}\n";
        let lines = lines(text);
        for (pointer, line) in [
            ("/a", 1),
            ("/b", 2),
            ("/b/0/c", 3),
            ("/b/0/c/e", 4),
            ("/b/1", 5),
            ("/f~1g", 6),
            ("/h/i/1", 9),
        ] {
            assert_eq!(lines.get(pointer), Some(&line), "{pointer}: {lines:?}");
        }
        assert_eq!(line_of(&lines, "/b/0/c/missing"), Some(3));
    }
}
