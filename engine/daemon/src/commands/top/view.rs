//! The lines of `atsync top`: a table of connections, what fails and why, and a table of webhook
//! endpoints. Pure.
//!
//! A terminal that is too narrow for every column shows the important ones, and a line that is too
//! long is cut. Connections that fail come first, since a terminal may be too short for all.

use super::figures::{Endpoint, Failing, Figures, Row};
use crate::output::table;
use crate::words::{count, time, time_of_day};
use atsync::model::plain;

/// Characters of a name.
const NAME_MAX: usize = 28;

/// The columns of connections, the most important one first.
const COLUMNS: [&str; 9] =
    ["CONNECTION", "STATE", "LAG", "BACKLOG", "IN DOUBT", "OLDEST", "BUDGET", "CALLS", "429"];

/// The lines, none longer than the columns of the terminal. `problem`: why the figures are old.
pub(super) fn lines(
    figures: &Figures,
    now_ms: u64,
    problem: Option<&str>,
    columns: usize,
) -> Vec<String> {
    let failing = figures.connections.values().filter(|row| !row.failing.is_empty()).count();
    let all = count(u64::try_from(figures.connections.len()).unwrap_or(u64::MAX), "connection");
    let mut lines = vec![format!("{}  {all}, {failing} failing", time(now_ms))];
    lines.extend(problem.map(|why| format!("the figures are old: {why}")));
    lines.push(String::new());
    lines.extend(connections(figures, columns));
    if !figures.failing.is_empty() {
        lines.push(String::new());
        lines.extend(figures.failing.iter().map(why));
    }
    if !figures.endpoints.is_empty() {
        lines.push(String::new());
        lines.extend(fitting(endpoints(figures), columns));
    }
    lines.iter().map(|line| cut(&plain::line(line), columns)).collect()
}

fn connections(figures: &Figures, columns: usize) -> Vec<String> {
    let mut all: Vec<(&String, &Row)> = figures.connections.iter().collect();
    all.sort_by_key(|(_, row)| row.failing.is_empty());
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    rows.extend(all.into_iter().map(|(name, row)| cells(name, row)));
    fitting(rows, columns)
}

/// The cells of a connection, one for each of [`COLUMNS`].
fn cells(name: &str, row: &Row) -> Vec<String> {
    let state = match row.failing.as_slice() {
        [] => "ok".to_owned(),
        [one] => format!("not {one}"),
        [first, rest @ ..] => format!("not {first} +{}", rest.len()),
    };
    let in_doubt = row.intents.get("in_doubt").copied();
    let oldest = row.oldest_in_doubt_s.filter(|_| in_doubt.is_some_and(|number| number > 0.0));
    vec![
        cut(&plain::line(name), NAME_MAX),
        state,
        span(row.lag_s),
        number(row.backlog),
        number(in_doubt),
        span(oldest),
        number(row.budget_left),
        number(row.requests),
        number(row.throttled),
    ]
}

fn endpoints(figures: &Figures) -> Vec<Vec<String>> {
    let head = ["ENDPOINT", "STATE", "OLDEST", "ACCEPTED", "FAILED", "GIVEN UP"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(figures.endpoints.iter().map(|(id, endpoint)| {
        let Endpoint { is_enabled, deliveries, waiting_s } = endpoint;
        let of = |outcome: &str| number(deliveries.get(outcome).copied());
        vec![
            cut(&plain::line(id), NAME_MAX),
            if *is_enabled == Some(false) { "disabled" } else { "ok" }.to_owned(),
            span(*waiting_s),
            of("accepted"),
            of("failed"),
            of("given_up"),
        ]
    }));
    rows
}

fn why(failing: &Failing) -> String {
    let Failing { connection, condition, since_ms, message } = failing;
    let since = since_ms.map_or_else(String::new, |at_ms| format!(" since {}", time_of_day(at_ms)));
    // Most messages begin with the name.
    let message = message.strip_prefix(&format!("{connection}: ")).unwrap_or(message);
    format!("{connection}: {condition} fails{since}: {message}")
}

/// A table without the last columns that do not fit.
fn fitting(mut rows: Vec<Vec<String>>, columns: usize) -> Vec<String> {
    loop {
        let lines = table(&rows);
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let is_least = rows.iter().all(|row| row.len() <= 2);
        if width <= columns || is_least {
            return lines;
        }
        rows.iter_mut().for_each(|row| drop(row.pop()));
    }
}

fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(columns.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.0}"))
}

/// A length of time in its largest unit.
fn span(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "m")];
    let unit = units.iter().find(|(length, _)| seconds >= 2.0 * length);
    unit.map_or_else(
        || format!("{:.0}s", seconds.floor()),
        |(length, name)| format!("{:.0}{name}", (seconds / length).floor()),
    )
}

#[cfg(test)]
mod tests {
    use super::{Failing, Figures, lines, span};

    const NOW_MS: u64 = 1_778_507_624_000;

    fn figures() -> Figures {
        let mut figures = Figures::of(
            r#"atsync_requests_total{connection="acme"} 1234
atsync_requests_throttled_total{connection="acme"} 0
atsync_condition{connection="acme",condition="writing"} 1
atsync_lag_seconds{connection="acme"} 61
atsync_desired_dirty{connection="acme"} 3
atsync_intents{connection="acme",state="in_doubt"} 0
atsync_budget_left{connection="acme",rule="a"} 50
atsync_requests_total{connection="zeta"} 7
atsync_condition{connection="zeta",condition="pulling"} 0
atsync_condition{connection="zeta",condition="writing"} 0
atsync_intents{connection="zeta",state="in_doubt"} 2
atsync_intents_in_doubt_oldest_seconds{connection="zeta"} 7300
atsync_deliveries_total{endpoint="e1",outcome="accepted"} 9
atsync_deliveries_oldest_waiting_seconds{endpoint="e1"} 4.0
"#,
        );
        figures.failing.push(Failing {
            connection: "zeta".to_owned(),
            condition: "Pulling".to_owned(),
            since_ms: Some(NOW_MS),
            message:
                "zeta: no answer came\u{1b}[2J\nat all, and the reason is a long sentence that no \
                      terminal of 80 columns shows whole"
                    .to_owned(),
        });
        figures
    }

    #[test]
    fn the_table_shows_each_connection_and_the_failing_ones_first() {
        let shown = lines(&figures(), NOW_MS, None, usize::MAX);
        let expected = [
            "2026-05-11T13:53:44Z  2 connections, 1 failing",
            "",
            "CONNECTION  STATE           LAG  BACKLOG  IN DOUBT  OLDEST  BUDGET  CALLS  429",
            "zeta        not pulling +1  -    -        2         2h      -       7      -",
            "acme        ok              61s  3        0         -       50      1234   0",
            "",
        ];
        assert_eq!(shown[..6], expected);
        assert!(shown[6].starts_with("zeta: Pulling fails since 13:53:44: no answer came"));
        let endpoints = [
            "",
            "ENDPOINT  STATE  OLDEST  ACCEPTED  FAILED  GIVEN UP",
            "e1        ok     4s      9         -       -",
        ];
        assert_eq!(shown[7..], endpoints);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_or_controls_it() {
        for columns in [80, 60, 40, 20, 10, 1] {
            for line in lines(&figures(), NOW_MS, Some("nothing listens"), columns) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
        let at_80 = lines(&figures(), NOW_MS, None, 80);
        assert!(at_80[2].ends_with("CALLS  429"), "{at_80:#?}");
        let at_40 = lines(&figures(), NOW_MS, None, 40);
        assert!(at_40[2].contains("BACKLOG") && !at_40[2].contains("CALLS"), "{at_40:#?}");
    }

    #[test]
    fn figures_that_are_old_say_so() {
        let shown = lines(&figures(), NOW_MS, Some("nothing listens"), 80);
        assert_eq!(shown[1], "the figures are old: nothing listens");
    }

    #[test]
    fn a_length_of_time_has_its_largest_unit() {
        let all = [None, Some(0.4), Some(119.0), Some(120.0), Some(7_200.0), Some(172_800.0)];
        assert_eq!(all.map(span), ["-", "0s", "119s", "2m", "2h", "2d"]);
    }
}
