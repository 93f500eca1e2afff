//! Builds an adapter crate with cargo, from inside a build script or a test.
//!
//! The inner cargo gets a target directory of its own, because the outer one holds the lock on its own for as long as it runs, and
//! an environment without the flags and wrappers that were meant for the outer build. When the compilation target is missing it is added
//! with rustup; where there is no rustup the error says in one line what to type.

use crate::{Error, wrap};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The only compilation target of adapters: no operating system, hence no imports.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The workspace's profile for adapters.
const PROFILE: &str = "adapter";

/// What cargo and its wrappers hand down that was meant for the outer build. `CARGO_MAKEFLAGS` stays: it is the shared job server.
const MEANT_FOR_THE_OUTER_BUILD: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The adapter's package, for example `atsync-greenhouse`; its library has the crate type `cdylib`.
    pub package: &'a str,
    /// A directory of the workspace that the package belongs to.
    pub workspace: &'a Path,
    /// A target directory that no running cargo holds.
    pub target_dir: &'a Path,
}

/// Builds a package and wraps what comes out as a component.
///
/// # Errors
/// When the target is missing and cannot be added, when the crate does not compile, or as for [`wrap`].
pub fn build(order: Order<'_>) -> Result<Vec<u8>, Error> {
    ensure_target(order.workspace)?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(order.workspace);
    for name in MEANT_FOR_THE_OUTER_BUILD {
        command.env_remove(name);
    }
    // `rustc --crate-type cdylib`: an adapter's library is an rlib too, for native tests, and that would forbid link-time optimisation.
    command.args(["rustc", "--quiet", "--locked", "--lib", "--crate-type", "cdylib"]);
    command.args(["--package", order.package, "--target", TARGET, "--profile", PROFILE, "--target-dir"]);
    command.arg(order.target_dir);
    run(command, &format!("building the adapter {}", order.package))?;
    let file = module_file(order);
    let core = std::fs::read(&file).map_err(|error| {
        Error::new(format!(
            "{} was built but {} cannot be read ({error}); has its [lib] the crate-type \"cdylib\"?",
            order.package,
            file.display()
        ))
    })?;
    wrap(&core).map_err(|error| Error::new(format!("{}: {error}; does it call export_adapter!?", order.package)))
}

fn module_file(order: Order<'_>) -> PathBuf {
    let name = format!("{}.wasm", order.package.replace('-', "_"));
    order.target_dir.join(TARGET).join(PROFILE).join(name)
}

/// Adds the compilation target when the toolchain lacks it.
fn ensure_target(workspace: &Path) -> Result<(), Error> {
    if target_is_there(workspace) {
        return Ok(());
    }
    let added = Command::new("rustup").current_dir(workspace).args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) && target_is_there(workspace) {
        return Ok(());
    }
    Err(Error::new(format!("adapters need the compilation target {TARGET}; type: rustup target add {TARGET}")))
}

fn target_is_there(workspace: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc)
        .current_dir(workspace)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let Ok(answer) = answer else { return false };
    let directory = String::from_utf8_lossy(&answer.stdout);
    answer.status.success() && Path::new(directory.trim()).is_dir()
}

fn run(mut command: Command, what: &str) -> Result<(), Error> {
    let status = command.status().map_err(|error| Error::new(format!("{what}: cargo cannot be started: {error}")))?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("{what} failed; cargo's words stand above"))) }
}
