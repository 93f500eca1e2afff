//! What a relayed command does, as an act: the table has every command, so that a new one must say.

use super::act::Act;
use crate::cli::{Command, SecretsCommand, TokenCommand};

/// A command that changes something.
pub(in crate::serve) struct Order<'a> {
    pub(in crate::serve) what: Act,
    pub(in crate::serve) connection: Option<&'a str>,
    /// The key of a desired record.
    pub(in crate::serve) key: Option<&'a str>,
    /// What it is about, without data of a candidate.
    pub(in crate::serve) target: Option<String>,
}

/// The act of a command; none where it only reads, or is never relayed.
pub(in crate::serve) fn of(command: &Command) -> Option<Order<'_>> {
    let alone = |what| Order { what, connection: None, key: None, target: None };
    let at = |what, name| Order { connection: Some(name), ..alone(what) };
    let record = |what, name, key| Order { key: Some(key), ..at(what, name) };
    let named = |what, target: String| Order { target: Some(target), ..alone(what) };
    Some(match command {
        Command::Connect(one) => {
            at(Act::Connect, one.name.as_deref().unwrap_or(one.adapter.as_str()))
        }
        Command::Token(TokenCommand::Create { name, .. }) => named(Act::MakeToken, name.clone()),
        Command::Token(TokenCommand::Revoke { name }) => named(Act::RevokeToken, name.clone()),
        Command::Check(one) => at(Act::Check, &one.name),
        Command::Pull(one) => {
            Order { target: Some(one.kinds.join(",")), ..at(Act::Pull, &one.name) }
        }
        Command::Sweep(one) => {
            Order { target: Some(one.kinds.join(",")), ..at(Act::Sweep, &one.name) }
        }
        Command::Plan(one) => at(Act::Plan, &one.name),
        Command::Apply(one) => at(Act::Apply, &one.name),
        Command::Changes(one) => {
            let consumer = one.consumer.clone().filter(|_| one.ack)?;
            Order { target: Some(consumer), ..at(Act::Acknowledge, &one.name) }
        }
        Command::Resolve(one) => {
            Order { target: Some(one.intent.to_string()), ..at(Act::Resolve, &one.name) }
        }
        Command::Adopt(one) => record(Act::Adopt, &one.name, top(&one.path)),
        Command::Import(one) if one.declare => record(Act::Import, &one.name, &one.key),
        Command::Pause(one) => Order { key: one.key.as_deref(), ..at(Act::Pause, &one.name) },
        Command::Resume(one) => Order { key: one.key.as_deref(), ..at(Act::Resume, &one.name) },
        Command::Observe(one) => record(Act::Observe, &one.name, &one.key),
        Command::Abandon(one) => record(Act::Abandon, &one.name, &one.key),
        Command::Withdraw(one) if one.yes => record(Act::Withdraw, &one.name, &one.key),
        Command::Erase(one) if one.undo => {
            Order { key: one.key.as_deref(), ..at(Act::UndoErasure, &one.name) }
        }
        Command::Erase(one) => Order { key: one.key.as_deref(), ..at(Act::Erase, &one.name) },
        Command::ForgetConnection(one) if one.yes => at(Act::ForgetConnection, &one.name),
        Command::Trim(one) => at(Act::Trim, &one.name),
        Command::Receive(one) => at(Act::Receive, &one.name),
        Command::Backup(_) => alone(Act::Backup),
        Command::Secrets(SecretsCommand::Rekey) => alone(Act::Rekey),
        Command::Token(TokenCommand::List { .. })
        | Command::Import(_)
        | Command::Withdraw(_)
        | Command::ForgetConnection(_)
        | Command::Status(_)
        | Command::Get(_)
        | Command::Explain(_)
        | Command::Audit(_)
        | Command::Top(_)
        | Command::Demo(_)
        | Command::Compact(_)
        | Command::Schema
        | Command::Serve(_)
        | Command::Run(_)
        | Command::Config(_)
        | Command::Restore(_)
        | Command::Doctor(_)
        | Command::Adapter(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::CompileComponent => return None,
    })
}

/// The key of the record that a path leads into.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::cli::Cli;
    use crate::serve::audit::act::Act;
    use clap::Parser;

    #[test]
    fn a_command_that_changes_something_is_an_act_and_names_its_record_by_the_key_alone() {
        let of_line = |line: &str| {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            of(&cli.command).map(|order| {
                let owned = |text: Option<&str>| text.map(str::to_owned);
                (order.what, owned(order.connection), owned(order.key), order.target)
            })
        };
        let acme = || Some("acme".to_owned());
        let some = |text: &str| Some(text.to_owned());
        for (line, expected) in [
            ("atsync apply acme --yes", (Act::Apply, acme(), None, None)),
            ("atsync resolve acme 7 retry", (Act::Resolve, acme(), None, some("7"))),
            (
                "atsync adopt acme ada@a.example/notes/n candidates/1",
                (Act::Adopt, acme(), some("ada@a.example"), None),
            ),
            ("atsync erase acme --email ada@a.example --yes", (Act::Erase, acme(), None, None)),
            ("atsync pause acme", (Act::Pause, acme(), None, None)),
            ("atsync token create host", (Act::MakeToken, None, None, some("host"))),
        ] {
            assert_eq!(of_line(line), Some(expected), "{line}");
        }
        for line in [
            "atsync status",
            "atsync changes acme",
            "atsync token list",
            "atsync withdraw acme a",
            "atsync import acme 1 a",
        ] {
            assert!(of_line(line).is_none(), "{line}");
        }
    }
}
