//! `atsync top`: the figures of `/metrics` as a table, refreshed each second.
//!
//! It reads the API of a running `atsync serve` or `atsync run`: through the socket beside the
//! store, or at an address with the token of `ATSYNC_TOKEN`. [`figures`] reads `/metrics`, so that
//! the table and a dashboard show the same, and [`view`] makes lines of them; both are pure.
//!
//! Bounds: [`source`]; as many lines as the terminal has. Left out: keys; Ctrl-C ends it. A
//! terminal library would be dozens of crates for what `console` does here: the size, and whether
//! it is one.

mod figures;
mod screen;
mod source;
mod view;

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::signals::{Hangup, Stop};
use atsync::{Clock, SystemClock};
use screen::Screen;
use source::Source;
use std::path::Path;

/// How often the figures are read.
const REFRESH_MS: u64 = 1_000;

pub(super) async fn top(config: &Path, options: &cli::Top, output: &Output) -> Ended {
    let source = Source::of(config, options.url.as_ref())?;
    if options.once {
        let figures = source.read().await.map_err(Failure::new)?;
        let lines = view::lines(&figures, SystemClock.now_ms(), None, usize::MAX);
        lines.iter().for_each(|line| output.data(line));
        return Ok(DONE);
    }
    if !Screen::is_there() {
        return Err(Failure::new(
            "stdout is no terminal, so there is nothing to refresh; `atsync top --once` prints the \
             table once",
        ));
    }
    // Before the screen changes: a mistake is shown where it stays.
    let mut figures = source.read().await.map_err(Failure::new)?;
    let mut stop = Stop::listen(Hangup::Stops)?;
    let screen = Screen::enter()?;
    let mut problem: Option<String> = None;
    loop {
        let (rows, columns) = screen.size();
        let now_ms = SystemClock.now_ms();
        screen.show(&view::lines(&figures, now_ms, problem.as_deref(), columns), rows)?;
        let next = async {
            SystemClock.sleep(REFRESH_MS).await;
            source.read().await
        };
        tokio::select! {
            () = stop.came() => return Ok(DONE),
            read = next => match read {
                Ok(read) => (figures, problem) = (read, None),
                // The last figures stay, with the reason above them.
                Err(why) => problem = Some(why),
            },
        }
    }
}
