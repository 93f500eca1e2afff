//! The terminal of `atsync top`: its alternate screen, which is left again however the command
//! ends.

use console::Term;
use std::io::Write as _;

/// The alternate screen, and the cursor hidden.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
/// The cursor shown, and the screen as it was.
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// To the first line.
const HOME: &str = "\u{1b}[H";
/// Clears the rest of the line, and goes to the next one.
const NEXT: &str = "\u{1b}[K\r\n";
/// Clears the rest of the screen.
const REST: &str = "\u{1b}[J";

/// The screen, until it is dropped.
pub(super) struct Screen(Term);

impl Screen {
    /// Whether stdout is a terminal.
    pub(super) fn is_there() -> bool {
        Term::stdout().is_term()
    }

    /// Changes to the alternate screen.
    pub(super) fn enter() -> std::io::Result<Self> {
        let mut screen = Self(Term::stdout());
        screen.0.write_all(ENTER.as_bytes())?;
        Ok(screen)
    }

    /// Rows and columns; 24 and 80 where the terminal does not say.
    pub(super) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.0.size_checked().unwrap_or((24, 80));
        (usize::from(rows), usize::from(columns))
    }

    /// Shows the first lines, as many as there are rows.
    pub(super) fn show(&self, lines: &[String], rows: usize) -> std::io::Result<()> {
        let mut text = HOME.to_owned();
        let is_cut = lines.len() >= rows;
        let shown = if is_cut { rows.saturating_sub(2) } else { lines.len() };
        for line in lines.iter().take(shown) {
            text.push_str(line);
            text.push_str(NEXT);
        }
        if is_cut {
            let more = lines.len().saturating_sub(shown);
            text.push_str(&format!("and {more} more lines: `atsync top --once`"));
            text.push_str(NEXT);
        }
        text.push_str(REST);
        (&self.0).write_all(text.as_bytes())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = self.0.write_all(LEAVE.as_bytes());
    }
}
