//! The figures of a benchmark, as lines that `costs` reads.
//!
//! A line is `figure: NAME = VALUE` with, where it helps, ` at NOTE` behind: the size or the case
//! that was measured. `costs/goals.rs` has each name with its words, unit and goal, so that a
//! benchmark states none of them twice.

/// The start of the line of a figure.
pub(crate) const FIGURE: &str = "figure: ";
const BETWEEN: &str = " = ";
const AT: &str = " at ";

/// One measured figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// The size or the case that was measured; empty for none.
    pub(crate) at: String,
}

impl Figure {
    /// Reads a line of a benchmark's output. None for a line for people.
    #[allow(dead_code, reason = "`costs` alone reads lines")]
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.trim().strip_prefix(FIGURE)?.split_once(BETWEEN)?;
        let (value, at) = rest.split_once(AT).unwrap_or((rest, ""));
        Some(Self { name: name.to_owned(), value: value.parse().ok()?, at: at.to_owned() })
    }
}

/// Prints a figure.
#[allow(dead_code, reason = "`costs` alone does not print any")]
pub(crate) fn figure(name: &str, value: f64, at: &str) {
    let at = if at.is_empty() { String::new() } else { format!("{AT}{at}") };
    println!("{FIGURE}{name}{BETWEEN}{value:.4}{at}");
}

/// A number with its thousands apart, as the notes have it.
#[allow(dead_code, reason = "not every benchmark has sizes")]
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
