//! Small words: commands for the library's functions, plurals, times.

/// The library's functions in messages of the engine, and the commands that call them. The engine
/// serves hosts without a command line too.
const COMMANDS: [(&str, &str); 6] = [
    ("`Connection::link`", "`atsync adopt`"),
    ("`Connection::resolve`", "`atsync resolve`"),
    ("`Connection::resume`", "`atsync resume`"),
    ("`Connection::undo_erasure`", "`atsync erase --undo`"),
    ("`SweepOptions::force`", "`--force`"),
    ("`atsync::model::desired`", "`atsync schema`"),
];

/// A text of the engine, for a user of the command line.
pub(crate) fn commands(text: &str) -> String {
    COMMANDS.iter().fold(text.to_owned(), |text, (function, command)| {
        if text.contains(function) { text.replace(function, command) } else { text }
    })
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A time as people read it, UTC, to the second.
pub(crate) fn time(time_ms: u64) -> String {
    let Ok(time_ms) = i64::try_from(time_ms) else { return "never".to_owned() };
    jiff::Timestamp::from_millisecond(time_ms)
        .map_or_else(|_| "never".to_owned(), |time| format!("{time:.0}"))
}

/// The time of day of a moment, UTC, to the second.
pub(crate) fn time_of_day(time_ms: u64) -> String {
    let whole = time(time_ms);
    whole.split_once('T').map_or(whole.clone(), |(_, day)| day.trim_end_matches('Z').to_owned())
}

#[cfg(test)]
mod tests {
    use super::{count, time, time_of_day};

    #[test]
    fn the_librarys_functions_are_named_as_commands() {
        let text = super::commands("it is paused; take it up again with `Connection::resume`");
        assert_eq!(text, "it is paused; take it up again with `atsync resume`");
    }

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(
            (count(1_u64, "call").as_str(), count(0_u64, "call").as_str()),
            ("1 call", "0 calls")
        );
        assert_eq!(time(1_778_507_624_000), "2026-05-11T13:53:44Z");
        assert_eq!(time_of_day(1_778_507_624_000), "13:53:44");
    }
}
