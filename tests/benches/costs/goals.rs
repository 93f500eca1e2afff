//! Every figure with its words, its unit, its goal and its first measurement.
//!
//! "The same cost" and "does not grow" have a tolerance here: a tree over a hundred times as many
//! records is a level or two deeper.

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    None,
    AtMost(f64),
    AtLeast(f64),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    /// The first measurement; empty where there was none.
    pub(crate) before: &'static str,
    /// No benchmark measures it.
    pub(crate) by_hand: bool,
}

impl Row {
    /// A value with the unit, to three digits.
    pub(crate) fn value(&self, value: f64) -> String {
        let digits = match value.abs() {
            small if small < 1.0 => 3,
            small if small < 10.0 => 2,
            small if small < 100.0 => 1,
            _ => 0,
        };
        format!("{value:.digits$} {}", self.unit).trim_end().to_owned()
    }

    /// The goal in words.
    pub(crate) fn goal_words(&self) -> String {
        match self.goal {
            Goal::None => String::new(),
            Goal::AtMost(most) => format!("at most {most} {}", self.unit).trim_end().to_owned(),
            Goal::AtLeast(least) => format!("at least {least} {}", self.unit).trim_end().to_owned(),
        }
    }
}

const fn row(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    goal: Goal,
    before: &'static str,
) -> Row {
    Row { name, what, unit, goal, before, by_hand: false }
}

use Goal::{AtLeast, AtMost};

/// The rows of the table, in its order.
pub(crate) const ROWS: &[Row] = &[
    Row {
        by_hand: true,
        ..row(
            "build.cpu_s",
            "first release build (`CARGO_TARGET_DIR=… cargo build --release`)",
            "s CPU",
            AtMost(700.0),
            "",
        )
    },
    row("call.us", "fresh instance of a component and a call", "µs", AtMost(25.0), "10.6, 12.0"),
    row("page.native_ms", "page of 500 rows, natively", "ms", Goal::None, "1.6"),
    row("page.component_ms", "page of 500 rows, component", "ms", Goal::None, "12"),
    row("page.component_to_native", "the component, in times of native", "", AtMost(1.3), "1.9"),
    row("page.megabytes_per_second", "the component's pace", "MB/s", AtLeast(120.0), ""),
    row("pull.cpu_s", "pull over HTTP into the store", "s CPU", Goal::None, "1.07 to 1.2"),
    row("pull.script_cpu_s", "the same by a script in Python", "s CPU", Goal::None, "0.83 to 1.05"),
    row("pull.cpu_to_script", "the pull, in times of the script", "", AtMost(0.4), "1.1 to 1.3"),
    row("pull.peak_mib", "the pull's peak of memory", "MiB", AtMost(40.0), "36 to 47"),
    row(
        "pull.file_bytes_each",
        "bytes of file a candidate",
        "bytes",
        AtMost(2048.0),
        "6,700 (134 MB for 20,000)",
    ),
    row("upkeep.plan.unchanged_ms", "plan, nothing changed", "ms", Goal::None, "2 to 23"),
    row("upkeep.plan.changed_ms", "plan, 100 records changed", "ms", Goal::None, "10 to 19"),
    row("upkeep.intents_per_second", "durable intents", "a second", Goal::None, "120; 8,500"),
    row("lasting.update.cpu_us", "one observed update", "µs CPU", Goal::None, ""),
    row("lasting.update.kib", "one observed update, written", "KiB", Goal::None, ""),
    row("lasting.update.cpu_times", "its CPU, in times of the small store", "", AtMost(1.25), ""),
    row("lasting.update.bytes_times", "its bytes, in times of it", "", AtMost(1.25), ""),
    row("lasting.declaration.cpu_us", "one declaration of a change", "µs CPU", Goal::None, ""),
    row("lasting.declaration.kib", "one declaration, written", "KiB", Goal::None, ""),
    row(
        "lasting.declaration.cpu_times",
        "its CPU, in times of the small store",
        "",
        AtMost(1.25),
        "",
    ),
    row("lasting.declaration.bytes_times", "its bytes, in times of it", "", AtMost(1.25), ""),
    row("lasting.erasure.cpu_us", "erasure of one candidate", "µs CPU", Goal::None, ""),
    row("lasting.erasure.kib", "erasure of one candidate, written", "KiB", Goal::None, ""),
    row("lasting.erasure.cpu_times", "its CPU, in times of the small store", "", AtMost(1.25), ""),
    row("lasting.erasure.bytes_times", "its bytes, in times of it", "", AtMost(1.25), ""),
    row("lasting.read_us", "cold read of one record", "µs", AtMost(30.0), ""),
    row("lasting.open_and_read_ms", "open the store and read one record", "ms", Goal::None, ""),
    row("lasting.peak_mib.status", "peak of `status`", "MiB", AtMost(40.0), ""),
    row("lasting.peak_mib.explain", "peak of `explain`", "MiB", AtMost(40.0), ""),
    row("lasting.peak_mib.get_one", "peak of `get` of one record", "MiB", AtMost(40.0), ""),
    row("lasting.peak_mib.get", "peak of `get` of all", "MiB", AtMost(40.0), ""),
    row("lasting.peak_mib.changes", "peak of `changes` from the first on", "MiB", AtMost(40.0), ""),
    row("lasting.churn.length_times", "the file's growth by churn", "times", AtMost(1.0), ""),
    row("lasting.churn.disk_times", "its growth on the disk", "times", AtMost(1.05), ""),
    row("connections.opened_s", "idle connections are opened in", "s", AtMost(5.0), "7.1"),
    row("connections.resident_mib", "resident with them", "MiB", AtMost(1024.0), "275"),
    row("connections.each_kib", "each beyond the first", "KiB", AtMost(20.0), "18.4"),
    row(
        "connections.last_to_average",
        "busy connections: the last end, in times of the average",
        "",
        AtMost(2.0),
        "1.15",
    ),
    row("saturation.least_percent", "use of the rate windows, at least", "%", AtLeast(98.0), ""),
    row(
        "reopen.worst_ms",
        "reopening after SIGKILL, the worst of three",
        "ms",
        AtMost(100.0),
        "43",
    ),
    row(
        "neighbours.times",
        "a good connection's calls beside hostile ones, in times of alone",
        "",
        AtMost(2.0),
        "1.69, 1.71, 1.78",
    ),
];
