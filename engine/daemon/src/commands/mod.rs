//! One file per command. Each returns an exit code, or an error that says what, where and what to
//! do.

mod adapter;
mod apply;
mod audit;
mod backup;
mod changes;
mod check;
mod compact;
mod config;
mod connect;
mod demo;
mod doctor;
mod forget;
mod get;
mod life;
mod manual;
mod parts;
mod plan;
mod pull;
mod receive;
mod render;
mod restore;
mod schema;
mod secrets;
mod status;
mod sweep;
mod token;
mod top;

pub(crate) use apply::outcome;

use crate::cli::{self, AdapterCommand, Cli, Command};
#[cfg(unix)]
use crate::client;
use crate::failure::{Ended, Failure};
use crate::output::Output;
use crate::place::Place;

/// Runs a command, unless it is one of those that run until they are stopped. One that works on the
/// store runs within the process that holds it, if there is one that takes commands.
pub(crate) async fn run(cli: &Cli, arguments: Vec<String>, output: &Output) -> Ended {
    match &cli.command {
        Command::Demo(options) => return demo::demo(options, output).await,
        Command::Schema => return schema::schema(output),
        Command::Config(cli::ConfigCommand::Check) => {
            return config::check(&cli.config, output).await;
        }
        Command::Adapter(AdapterCommand::Inspect { adapter, json }) => {
            return adapter::inspect(&cli.config, adapter, *json, output).await;
        }
        Command::Adapter(
            command @ (AdapterCommand::New(_)
            | AdapterCommand::Build(_)
            | AdapterCommand::Test(_)
            | AdapterCommand::Trace(_)
            | AdapterCommand::Record(_)),
        ) => return Box::pin(adapter::author(&cli.config, command, output)).await,
        Command::Restore(options) => return restore::restore(&cli.config, options, output).await,
        Command::Doctor(options) => return doctor::doctor(&cli.config, options, output).await,
        Command::Top(options) => return top::top(&cli.config, options, output).await,
        Command::Completions { shell } => return manual::completions(*shell, output),
        Command::Man { directory } => return manual::pages(directory, output),
        Command::CompileComponent => return Ok(atsync::CompilerProgram::serve()),
        _ => {}
    }
    #[cfg(unix)]
    if let Some(ended) = client::relayed(cli, arguments, output).await {
        return ended;
    }
    #[cfg(not(unix))]
    drop(arguments);
    on_store(&cli.command, &Place::Alone(cli.config.clone()), output).await
}

/// Runs a command that another process relayed.
pub(crate) async fn relayed(cli: &Cli, place: &Place, output: &Output) -> Ended {
    on_store(&cli.command, place, output).await
}

async fn on_store(command: &Command, place: &Place, output: &Output) -> Ended {
    match command {
        Command::Connect(options) => connect::connect(place, options, output).await,
        Command::Token(command) => token::token(place, command, output).await,
        Command::Check(options) => check::check(place, options, output).await,
        Command::Pull(options) => pull::pull(place, options, output).await,
        Command::Plan(options) => plan::plan(place, options, output).await,
        Command::Apply(options) => apply::apply(place, options, output).await,
        Command::Status(options) => status::status(place, options, output).await,
        Command::Get(options) => get::get(place, options, output).await,
        Command::Audit(options) => audit::audit(place, options, output).await,
        Command::Changes(options) => changes::changes(place, options, output).await,
        Command::Explain(options) => life::explain(place, options, output).await,
        Command::Resolve(options) => life::resolve(place, options, output).await,
        Command::Adopt(options) => life::adopt(place, options, output).await,
        Command::Import(options) => life::import(place, options, output).await,
        Command::Pause(options) => match &options.key {
            Some(key) => life::deed(place, &options.name, key, life::Deed::Pause, output).await,
            None => life::pause_writes(place, &options.name, output).await,
        },
        Command::Resume(options) => match &options.key {
            Some(key) => life::deed(place, &options.name, key, life::Deed::Resume, output).await,
            None => life::resume_writes(place, &options.name, output).await,
        },
        Command::Observe(options) => {
            life::deed(place, &options.name, &options.key, life::Deed::Observe, output).await
        }
        Command::Abandon(options) => {
            life::deed(place, &options.name, &options.key, life::Deed::Abandon, output).await
        }
        Command::Withdraw(options) => life::withdraw(place, options, output).await,
        Command::Erase(options) => life::erase(place, options, output).await,
        Command::ForgetConnection(options) => forget::forget(place, options, output).await,
        Command::Trim(options) => life::trim(place, options, output).await,
        Command::Backup(options) => backup::backup(place, options, output).await,
        Command::Secrets(cli::SecretsCommand::Rekey) => secrets::rekey(place, output).await,
        Command::Compact(options) => compact::compact(place, options, output).await,
        Command::Receive(options) => receive::receive(place, options, output).await,
        Command::Sweep(options) => sweep::sweep(place, options, output).await,
        Command::Adapter(AdapterCommand::List { json }) => {
            adapter::list(place, *json, output).await
        }
        Command::Demo(_)
        | Command::Run(_)
        | Command::Serve(_)
        | Command::Schema
        | Command::Adapter(_)
        | Command::Config(_)
        | Command::Restore(_)
        | Command::Doctor(_)
        | Command::Top(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::CompileComponent => {
            Err(Failure::new("this command does not work on an open store"))
        }
    }
}
