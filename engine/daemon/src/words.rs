//! Small words: commands for the library's functions, plurals, times.

/// The library's functions in messages of the engine, and the commands that call them. The engine
/// serves hosts without a command line too.
const COMMANDS: [(&str, &str); 7] = [
    ("`Connection::link`", "`atsync adopt NAME PATH KIND/ID`"),
    ("`Connection::resolve`", "`atsync resolve NAME INTENT adopt|retry|abandon`"),
    ("`Connection::resume`", "`atsync resume NAME KEY`"),
    ("`Connection::resume_writes`", "`atsync resume NAME`"),
    ("`Connection::undo_erasure`", "`atsync erase NAME --key KEY --undo`"),
    ("`SweepOptions::force`", "`--force`"),
    ("`atsync::model::desired`", "`atsync schema`"),
];

/// A text of the engine, for a user of the command line.
pub(crate) fn commands(text: &str) -> String {
    COMMANDS.iter().fold(text.to_owned(), |text, (function, command)| {
        if text.contains(function) { text.replace(function, command) } else { text }
    })
}

/// The same, with the connection and the key where they are known. A key that a shell would read
/// otherwise stays `KEY`.
pub(crate) fn commands_of(text: &str, name: &str, key: Option<&str>) -> String {
    let is_plain = |word: &&str| {
        let may = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
        !word.is_empty() && !word.starts_with('-') && word.chars().all(may)
    };
    COMMANDS.iter().fold(text.to_owned(), |text, (function, command)| {
        if !text.contains(function) {
            return text;
        }
        let mut command = (*command).to_owned();
        for (place, word) in [(" NAME", Some(name)), (" KEY", key)] {
            if let Some(word) = word.filter(is_plain) {
                command = command.replace(place, &format!(" {word}"));
            }
        }
        text.replace(function, &command)
    })
}

/// The beginning of a component's SHA-256, which tells versions apart for people.
pub(crate) fn brief_of(component: &str) -> &str {
    component.get(..12).unwrap_or(component)
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
        assert_eq!(text, "it is paused; take it up again with `atsync resume NAME KEY`");
        let of = |key| super::commands_of("`Connection::undo_erasure` allows it", "acme", key);
        assert_eq!(of(Some("ref-1")), "`atsync erase acme --key ref-1 --undo` allows it");
        assert_eq!(of(Some("a b")), "`atsync erase acme --key KEY --undo` allows it");
        assert_eq!(of(None), of(Some("$(x)")));
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
