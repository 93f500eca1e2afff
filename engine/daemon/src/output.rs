//! Everything that is printed: data to stdout, progress and errors to stderr.
//!
//! On a terminal, progress is a bar or a spinner; elsewhere it is a few plain lines. A reader that
//! closes the pipe (`| head`) is no error.
//!
//! Output may quote the ATS, an adapter or a file. So one call prints one line of plain text
//! ([`plain`]): no text from outside controls the terminal or starts a line of its own. JSON keeps
//! its meaning and becomes one line of plain text too. Only [`Output::lines`] prints several lines,
//! for texts whose line breaks are the engine's. The log goes through [`PlainLog`]. Where the log
//! is JSON, every line on stderr is an object of the same form, but for the questions to a person.

use crate::cli::LogFormat;
use crate::failure::Failure;
use crate::questions::Questions;
use crate::relay::Said;
use crate::words::{commands, time, time_of_day};
use atsync::model::plain;
use atsync::{Clock, Progress, ProgressFn, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// The interval of a spinner.
const TICK: Duration = Duration::from_millis(100);
/// The number of pages of a kind per plain line. Arbitrary: a first pull of 100,000 candidates
/// prints ten lines.
const PAGES_PER_LINE: u64 = 20;
/// Waits before another probe that are reported.
const LOOK_WAIT_TOLD_MS: u64 = 4_000;

/// Where output goes. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    progress: Arc<Mutex<Shown>>,
    /// The process that relayed the command; none for this one's own stdout and stderr.
    to: Option<(mpsc::Sender<Said>, Arc<Questions>)>,
}

#[derive(Debug, Default)]
struct Shown {
    bar: Option<ProgressBar>,
    pages: BTreeMap<String, u64>,
    is_quiet: bool,
}

impl Output {
    /// Prints one line of data. Functions of the library are replaced by the commands that call
    /// them.
    pub(crate) fn data(&self, line: &str) {
        self.print(&commands(line));
    }

    /// Prints a text of several lines, whose line breaks are the engine's.
    pub(crate) fn lines(&self, text: &str) {
        text.split('\n').for_each(|line| self.data(line));
    }

    /// Prints the ATS's JSON as one line.
    pub(crate) fn raw_json(&self, text: &str) {
        // It is plain already and stays unchanged.
        self.print(&plain::json(text));
    }

    /// Prints a text of the program itself, which quotes nothing from outside, byte for byte.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(crate) fn script(&self, text: &[u8]) -> std::io::Result<()> {
        std::io::stdout().lock().write_all(text)
    }

    fn print(&self, line: &str) {
        let line = plain::line(line);
        if let Some((to, _)) = &self.to {
            return send(to, Said::Data(line.into_owned()));
        }
        self.suspended(|| write_line(&mut std::io::stdout().lock(), &line));
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json(&self, value: &impl serde::Serialize) {
        match serde_json::to_string(value) {
            // It contains records, which stay unchanged.
            Ok(line) => self.raw_json(&line),
            Err(error) => self.error(&format!("the result cannot be written as JSON: {error}")),
        }
    }

    /// Prints one line to stderr.
    pub(crate) fn note(&self, line: &str) {
        let line = commands(line);
        let line = plain::line(&line);
        if let Some((to, _)) = &self.to {
            return send(to, Said::Note(line.into_owned()));
        }
        self.suspended(|| write_note(&line));
    }

    /// Prints a line of data that another process wrote with [`Self::data`] or the like.
    pub(crate) fn relayed_data(&self, line: &str) {
        self.print(line);
    }

    /// Prints a line that another process wrote with [`Self::note`].
    pub(crate) fn relayed_note(&self, line: &str) {
        let line = plain::line(line);
        self.suspended(|| write_note(&line));
    }

    /// Asks a person who can answer, and returns whether they agreed.
    ///
    /// # Errors
    /// When the terminal fails, or the process that relayed the command left.
    pub(crate) async fn ask(&self, question: &str) -> std::io::Result<bool> {
        let Some((to, questions)) = &self.to else { return self.asked(question) };
        let (number, answer) = questions.ask();
        let left = |_| std::io::Error::other("the caller left and cannot answer");
        to.send(Said::Asked(number, question.to_owned())).await.map_err(|_| left(()))?;
        answer.await.map_err(|_| left(()))
    }

    /// Asks on this process's terminal.
    ///
    /// # Errors
    /// When the terminal fails.
    pub(crate) fn asked(&self, question: &str) -> std::io::Result<bool> {
        let mut out = std::io::stderr().lock();
        write!(out, "{} [y/N] ", plain::line(question))?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Completes when the process that relayed the command left.
    pub(crate) async fn left(&self) {
        match &self.to {
            Some((to, _)) => to.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Output to another process, which relayed a command.
    pub(crate) fn to(lines: mpsc::Sender<Said>, questions: Arc<Questions>) -> Self {
        Self { to: Some((lines, questions)), ..Self::default() }
    }

    /// Whether progress is drawn, not printed.
    fn is_drawn(&self) -> bool {
        self.to.is_none() && !is_json() && std::io::stderr().is_terminal()
    }

    /// Prints an error.
    pub(crate) fn error(&self, message: &str) {
        self.note(&format!("error: {message}"));
    }

    /// Prints why a command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Said => {}
            Failure::Several(lines) => {
                let (first, others) =
                    lines.split_first().map_or(("", &[][..]), |(first, others)| (first, others));
                self.error(first);
                others.iter().for_each(|line| self.note(line));
            }
            failure => self.error(&failure.to_string()),
        }
    }

    /// Turns progress off: `run` prints lines of its own.
    pub(crate) fn without_progress(self) -> Self {
        self.shown(|shown| shown.is_quiet = true);
        self
    }

    /// Starts a bar of known length, or none if stderr is no terminal.
    pub(crate) fn begin(&self, what: &str, steps: usize) {
        let bar =
            ProgressBar::with_draw_target(u64::try_from(steps).ok(), ProgressDrawTarget::stderr());
        bar.set_style(style("  {prefix} {bar:30} {pos}/{len} {msg}"));
        bar.set_prefix(what.to_owned());
        let is_drawn = self.is_drawn();
        self.shown(|shown| {
            if !shown.is_quiet && is_drawn {
                bar.enable_steady_tick(TICK);
                shown.bar = Some(bar);
            }
        });
    }

    /// Removes the bar or the spinner.
    pub(crate) fn end(&self) {
        self.shown(|shown| {
            if let Some(bar) = shown.bar.take() {
                bar.finish_and_clear();
            }
        });
    }

    /// The progress function of a connection.
    pub(crate) fn progress(&self) -> ProgressFn {
        let output = self.clone();
        Arc::new(move |progress| output.show(progress))
    }

    fn show(&self, progress: &Progress) {
        let is_drawn = self.is_drawn();
        let line = self.shown(|shown| shown.take(progress, is_drawn));
        if let Some(line) = line {
            self.note(&line);
        }
    }

    fn shown<T>(&self, act: impl FnOnce(&mut Shown) -> T) -> T {
        act(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn suspended(&self, act: impl FnOnce()) {
        let bar = self.shown(|shown| shown.bar.clone());
        match bar {
            Some(bar) => bar.suspend(act),
            None => act(),
        }
    }
}

impl Shown {
    /// Updates the bar, or returns a plain line.
    fn take(&mut self, progress: &Progress, is_drawn: bool) -> Option<String> {
        if self.is_quiet {
            return None;
        }
        if is_drawn {
            self.draw(progress);
            return None;
        }
        match progress {
            Progress::PullStarted { kind, resumed: true } => {
                Some(format!("  {kind}: resuming where an earlier run ended"))
            }
            Progress::Page { kind, records } => {
                let pages = self.pages.entry(kind.clone()).or_default();
                *pages += 1;
                pages
                    .is_multiple_of(PAGES_PER_LINE)
                    .then(|| format!("  {kind}: {records} records so far"))
            }
            Progress::Step { path, operation, end } => {
                Some(format!("  {end}: {operation} {}", plain::line(path)))
            }
            // Probes are frequent; only a long wait is reported.
            Progress::Looking { path, operation, why, wait_ms, until_ms }
                if *wait_ms >= LOOK_WAIT_TOLD_MS =>
            {
                Some(looking(path, operation, why, *wait_ms, *until_ms))
            }
            Progress::Settling { open, wait_ms } => {
                Some(format!("  {open} in doubt; probing again in {} s", wait_ms.div_ceil(1000)))
            }
            _ => None,
        }
    }

    fn draw(&mut self, progress: &Progress) {
        let is_steps = self.bar.as_ref().is_some_and(|bar| bar.length().is_some());
        match progress {
            Progress::PullStarted { kind, .. } if !is_steps => {
                let bar = self.spinner();
                bar.set_message(format!("reading {}", plain::line(kind)));
            }
            Progress::Page { kind, records } if !is_steps => {
                self.spinner()
                    .set_message(format!("reading {}: {records} records", plain::line(kind)));
            }
            Progress::PullDone { .. } if !is_steps => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
            }
            Progress::Step { path, operation, .. } => {
                if let Some(bar) = self.bar.as_ref() {
                    bar.inc(1);
                    // A second round may have more steps than the plan.
                    if bar.length().is_some_and(|steps| bar.position() > steps) {
                        bar.inc_length(1);
                    }
                    bar.set_message(plain::line(&format!("{operation} {path}")).into_owned());
                }
            }
            Progress::Settling { open, wait_ms } => {
                let message =
                    format!("{open} in doubt; probing again in {} s", wait_ms.div_ceil(1000));
                match self.bar.as_ref() {
                    Some(bar) => bar.set_message(message),
                    None => self.spinner().set_message(message),
                }
            }
            Progress::Looking { path, operation, why, wait_ms, until_ms }
                if *wait_ms >= LOOK_WAIT_TOLD_MS =>
            {
                if let Some(bar) = self.bar.as_ref() {
                    bar.set_message(looking(path, operation, why, *wait_ms, *until_ms));
                }
            }
            _ => {}
        }
    }

    fn spinner(&mut self) -> &ProgressBar {
        self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style("  {spinner} {msg}"));
            bar.enable_steady_tick(TICK);
            bar
        })
    }
}

/// Says what a create waits for, and until when.
fn looking(path: &str, operation: &str, why: &str, wait_ms: u64, until_ms: u64) -> String {
    format!(
        "  {operation} {}: waits until {} UTC at most, since {why}; probing again in {} s",
        plain::line(path),
        time_of_day(until_ms),
        wait_ms.div_ceil(1000)
    )
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Sends a line to another process, and waits for room. A command runs on a thread that may wait.
fn send(to: &mpsc::Sender<Said>, line: Said) {
    let sent = match to.try_send(line) {
        Err(mpsc::error::TrySendError::Full(line)) => {
            tokio::task::block_in_place(|| to.blocking_send(line)).is_ok()
        }
        tried => tried.is_ok(),
    };
    if !sent {
        tracing::debug!("a line could not be printed");
    }
}

fn write_line(out: &mut impl Write, line: &str) {
    // The reader closed the pipe; there is no one to report to.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("a line could not be printed");
    }
}

/// The form of stderr, which the command line sets once.
static FORM: OnceLock<LogFormat> = OnceLock::new();

/// Sets the form of stderr.
pub(crate) fn set_form(form: LogFormat) {
    // A second call of one process changes nothing.
    let _ = FORM.set(form);
}

fn is_json() -> bool {
    FORM.get() == Some(&LogFormat::Json)
}

/// Writes a plain line to stderr, as an event of the log where that is JSON.
fn write_note(line: &str) {
    let mut out = std::io::stderr().lock();
    if !is_json() {
        return write_line(&mut out, line);
    }
    let (level, line) = match line.strip_prefix("error: ") {
        Some(error) => ("ERROR", error),
        None => ("INFO", line),
    };
    let event = serde_json::json!({
        "timestamp": time(SystemClock.now_ms()),
        "level": level,
        "message": line,
        "target": "atsync_daemon",
    });
    write_line(&mut out, &plain::json(&event.to_string()));
}

/// The log's writer: stderr, each event as one line of plain text or of JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainLog;

impl Write for PlainLog {
    /// An event arrives as one piece, with its final line break.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let event = text.strip_suffix('\n').unwrap_or(&text);
        let line = if is_json() { plain::json(event).into() } else { plain::line(event) };
        writeln!(std::io::stderr().lock(), "{line}")?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Aligns columns of texts; the last one is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}", width = *width))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{looking, table};

    #[test]
    fn a_wait_before_a_create_names_the_record_the_reason_and_its_end() {
        let line = looking("ref-1", "candidates.create", "it may exist", 3_500, 1_778_507_624_000);
        assert_eq!(
            line,
            "  candidates.create ref-1: waits until 13:53:44 UTC at most, since it may exist; \
             probing again in 4 s"
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            vec![vec!["a".to_owned(), "long".to_owned()], vec!["bcd".to_owned(), "x".to_owned()]];
        assert_eq!(table(&rows), vec!["a    long", "bcd  x"]);
        assert_eq!(table(&[]), Vec::<String>::new());
    }
}
