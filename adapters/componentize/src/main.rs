//! `atsync-componentize`: makes an adapter component on the command line.

use atsync_componentize::{Order, build, wrap};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
atsync-componentize --package NAME OUT.wasm   build a package of this workspace and write its \
component
atsync-componentize IN.wasm OUT.wasm          wrap a core module that was built with the SDK";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = match arguments.as_slice() {
        ["--package", package, out] => {
            from_package(package).and_then(|component| write(out, &component))
        }
        [module, out] => std::fs::read(module)
            .map_err(|error| format!("{module} cannot be read: {error}"))
            .and_then(|core| wrap(&core).map_err(|error| format!("{module}: {error}")))
            .and_then(|component| write(out, &component)),
        _ => Err(USAGE.to_owned()),
    };
    match made {
        Ok(line) => say(&line, ExitCode::SUCCESS),
        Err(line) => say(&line, ExitCode::FAILURE),
    }
}

/// Prints one line to the error stream, since the result is a file.
#[allow(clippy::print_stderr, reason = "a command line speaks to its terminal")]
fn say(line: &str, code: ExitCode) -> ExitCode {
    eprintln!("{line}");
    code
}

fn from_package(package: &str) -> Result<Vec<u8>, String> {
    let here = std::env::current_dir()
        .map_err(|error| format!("there is no current directory: {error}"))?;
    let order = Order { package, workspace: &here, target_dir: Path::new("target/adapters") };
    build(order).map_err(|error| error.to_string())
}

fn write(out: &str, component: &[u8]) -> Result<String, String> {
    std::fs::write(out, component).map_err(|error| format!("{out} cannot be written: {error}"))?;
    Ok(format!("{out}: an adapter component of {} bytes without imports", component.len()))
}
