//! One file per command. Each returns an exit code, or an error that says what, where and what to
//! do.

mod adapter;
mod apply;
mod changes;
mod check;
mod compact;
mod demo;
mod get;
mod life;
mod parts;
mod plan;
mod pull;
mod receive;
mod render;
mod run;
mod schema;
mod status;
mod sweep;

use crate::cli::{Cli, Command};
use crate::failure::Ended;
use crate::output::Output;

/// Runs the command.
pub(crate) async fn run(cli: Cli, output: &Output) -> Ended {
    let config = cli.config.as_path();
    match cli.command {
        Command::Demo(options) => demo::demo(&options, output).await,
        Command::Check(options) => check::check(config, &options, output).await,
        Command::Pull(options) => pull::pull(config, &options, output).await,
        Command::Plan(options) => plan::plan(config, &options, output).await,
        Command::Apply(options) => apply::apply(config, &options, output).await,
        Command::Status(options) => status::status(config, &options, output).await,
        Command::Get(options) => get::get(config, &options, output).await,
        Command::Changes(options) => changes::changes(config, &options, output).await,
        Command::Explain(options) => life::explain(config, &options, output).await,
        Command::Resolve(options) => life::resolve(config, &options, output).await,
        Command::Adopt(options) => life::adopt(config, &options, output).await,
        Command::Import(options) => life::import(config, &options, output).await,
        Command::Pause(options) => life::deed(config, &options, life::Deed::Pause, output).await,
        Command::Resume(options) => life::deed(config, &options, life::Deed::Resume, output).await,
        Command::Observe(options) => {
            life::deed(config, &options, life::Deed::Observe, output).await
        }
        Command::Abandon(options) => {
            life::deed(config, &options, life::Deed::Abandon, output).await
        }
        Command::Withdraw(options) => life::withdraw(config, &options, output).await,
        Command::Erase(options) => life::erase(config, &options, output).await,
        Command::Trim(options) => life::trim(config, &options, output).await,
        Command::Compact(options) => compact::compact(config, &options, output).await,
        Command::Receive(options) => receive::receive(config, &options, output).await,
        Command::Sweep(options) => sweep::sweep(config, &options, output).await,
        Command::Schema => schema::schema(output),
        Command::Run(options) => run::run(config, &options, output).await,
        Command::Serve(options) => run::serve(config, &options, output).await,
        Command::Adapter(command) => adapter::adapter(&command, output),
        Command::CompileComponent => Ok(atsync::CompilerProgram::serve()),
    }
}
