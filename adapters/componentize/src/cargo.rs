//! Builds an adapter crate with cargo, from inside a build script or a test.
//!
//! The inner cargo gets its own target directory, because the outer cargo locks its own while it
//! runs, and an environment without the flags and wrappers of the outer build. When the compilation
//! target is missing, rustup adds it; without rustup the error says in one line what to type.
//!
//! The same sources give the same bytes on every machine: no local path gets into the module, and
//! the user's own cargo configuration (flags, linker, profile) has no effect, since the command
//! line and the environment override it. Bounds: the compiler's version and `RUSTC_WRAPPER` still
//! count. If the outer build is offline, the inner one is too.

use crate::{Error, wrap};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The only compilation target of adapters: no operating system, hence no imports.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The profile that adapters are compiled with.
const PROFILE: &str = "adapter";

/// Settings of that profile, given on the command line so that a workspace need not define it:
/// small and quick.
const PROFILE_SETTINGS: &[&str] = &[
    "profile.adapter.inherits=\"release\"",
    "profile.adapter.opt-level=3",
    "profile.adapter.lto=\"fat\"",
    "profile.adapter.codegen-units=1",
    "profile.adapter.panic=\"abort\"",
    "profile.adapter.strip=\"debuginfo\"",
    "profile.adapter.debug=false",
    // A user's own settings of `release` would be inherited.
    "profile.adapter.debug-assertions=false",
    "profile.adapter.overflow-checks=false",
    "profile.adapter.incremental=false",
    "profile.adapter.split-debuginfo=\"off\"",
    "profile.adapter.rpath=false",
    "target.wasm32-unknown-unknown.linker=\"rust-lld\"",
];

/// The separator of flags in `CARGO_ENCODED_RUSTFLAGS`.
const FLAG_ENDS: &str = "\u{1f}";

/// The variables of the outer build that the inner one must not see. `CARGO_MAKEFLAGS` stays: it is
/// the shared job server.
const MEANT_FOR_THE_OUTER_BUILD: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

/// A package to build.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The adapter's package, for example `atsync-greenhouse`; its library has the crate type
    /// `cdylib`.
    pub package: &'a str,
    /// A directory of the workspace that the package belongs to.
    pub workspace: &'a Path,
    /// A target directory that no running cargo holds.
    pub target_dir: &'a Path,
}

/// Builds a package and wraps the result as a component.
///
/// # Errors
/// When the target is missing and cannot be added, when the crate does not compile, or as for
/// [`wrap`].
pub fn build(order: Order<'_>) -> Result<Vec<u8>, Error> {
    compile(order, Lock::Kept)
}

/// Builds the crate of a directory, which may lie outside of any workspace, and wraps the result as
/// a component. What is compiled stays in its `target/adapter`.
///
/// # Errors
/// As for [`build`], and when the directory has no `Cargo.toml` with a package.
pub fn build_crate(directory: &Path) -> Result<Vec<u8>, Error> {
    let file = directory.join("Cargo.toml");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Error::new(format!("{} cannot be read: {error}", file.display())))?;
    let package = package_name(&text)
        .ok_or_else(|| Error::new(format!("{} names no package", file.display())))?;
    let target_dir = directory.join("target/adapter");
    let order = Order { package, workspace: directory, target_dir: &absolute(&target_dir) };
    compile(order, Lock::Completed)
}

/// The path as a program in another directory reads it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The name of the package in a `Cargo.toml`.
fn package_name(manifest: &str) -> Option<&str> {
    let (_, package) = manifest.split_once("[package]")?;
    let name = package.lines().take_while(|line| !line.starts_with('[')).find_map(|line| {
        let (member, value) = line.split_once('=')?;
        (member.trim() == "name").then(|| value.trim())
    });
    name.map(|name| name.trim_matches('"'))
}

/// An adapter package that was published, or was unpacked to be verified: it has no workspace.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// The adapter's package; it calls `export_adapter!`.
    pub package: &'a str,
    /// Its version, for the registry.
    pub version: &'a str,
    /// The directory of its source, if it is available locally; otherwise cargo downloads it.
    pub source: Option<&'a Path>,
    /// Name and directory of the packages that replace those of the registry.
    pub patches: &'a [(&'a str, &'a Path)],
    /// A `Cargo.lock` with the versions to prefer.
    pub lock: Option<&'a Path>,
    /// A directory for the generated workspace.
    pub directory: &'a Path,
    /// A target directory that no running cargo holds.
    pub target_dir: &'a Path,
}

/// Builds a published adapter from its source and wraps the result as a component.
///
/// Cargo reads the registry for the adapter's dependencies unless they are downloaded already.
///
/// # Errors
/// As for [`build`], and when the workspace cannot be written.
pub fn build_published(order: Published<'_>) -> Result<Vec<u8>, Error> {
    let package = format!("{}-component", order.package);
    let unwritable = |error: std::io::Error| {
        Error::new(format!(
            "a workspace cannot be written to {}: {error}",
            order.directory.display()
        ))
    };
    std::fs::create_dir_all(order.directory).map_err(unwritable)?;
    let from = match order.source {
        Some(source) => format!("path = {}", quoted(&source.display().to_string())),
        None => format!("version = {}", quoted(&format!("={}", order.version))),
    };
    let mut manifest = format!(
        "[package]\nname = {}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [lib]\npath = \"lib.rs\"\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nadapter = {{ package = {}, {} }}\n",
        quoted(&package),
        quoted(order.package),
        from,
    );
    if !order.patches.is_empty() {
        manifest.push_str("\n[patch.crates-io]\n");
    }
    for (name, directory) in order.patches {
        manifest.push_str(&format!(
            "{name} = {{ path = {} }}\n",
            quoted(&directory.display().to_string())
        ));
    }
    // Naming the adapter's crate is enough: its exports are linked too.
    let library = "extern crate adapter as _;\n";
    for (name, text) in [("Cargo.toml", manifest.as_str()), ("lib.rs", library)] {
        std::fs::write(order.directory.join(name), text).map_err(unwritable)?;
    }
    if let Some(lock) = order.lock.filter(|lock| lock.is_file()) {
        std::fs::copy(lock, order.directory.join("Cargo.lock")).map_err(unwritable)?;
    }
    let inner =
        Order { package: &package, workspace: order.directory, target_dir: order.target_dir };
    compile(inner, Lock::Completed)
}

/// Quotes a text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// The changes that cargo may make to `Cargo.lock`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// None: the build fails if the lock file does not fit.
    Kept,
    /// Adding missing packages.
    Completed,
}

fn compile(order: Order<'_>, lock: Lock) -> Result<Vec<u8>, Error> {
    ensure_target(order.workspace)?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(order.workspace);
    for name in MEANT_FOR_THE_OUTER_BUILD {
        command.env_remove(name);
    }
    // This variable overrides `RUSTFLAGS` and every `rustflags` of a configuration.
    command.env("CARGO_ENCODED_RUSTFLAGS", nameless(order.workspace).join(FLAG_ENDS));
    // `rustc --crate-type cdylib`: an adapter's library is an rlib too, for native tests, and that
    // would forbid link-time optimisation.
    command.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib"]);
    if lock == Lock::Kept {
        command.arg("--locked");
    }
    if outer_is_offline() {
        command.arg("--offline");
    }
    for setting in PROFILE_SETTINGS {
        command.args(["--config", setting]);
    }
    command.args([
        "--package",
        order.package,
        "--target",
        TARGET,
        "--profile",
        PROFILE,
        "--target-dir",
    ]);
    command.arg(order.target_dir);
    run(command, &format!("building the adapter {}", order.package))?;
    let file = module_file(order);
    let core = std::fs::read(&file).map_err(|error| {
        Error::new(format!(
            "{} was built but {} cannot be read ({error}); has its [lib] the \
             crate-type \"cdylib\"?",
            order.package,
            file.display()
        ))
    })?;
    wrap(&core).map_err(|error| {
        Error::new(format!("{}: {error}; does it call export_adapter!?", order.package))
    })
}

/// Returns the flags that remove this machine's paths from the compiled module.
fn nameless(workspace: &Path) -> Vec<String> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = |name: &str| {
        variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| home.join(name))
    };
    // A package may be two directories below the root of its workspace, with its dependencies
    // beside it.
    let root = workspace
        .ancestors()
        .find(|directory| directory.join("Cargo.lock").is_file())
        .unwrap_or(workspace);
    let sysroot = rustc(workspace, &["--print", "sysroot"])
        .map(|path| Path::new(&path).join("lib/rustlib/src/rust"));
    let version = rustc(workspace, &["-vV"]).unwrap_or_default();
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown")
        .to_owned();
    let places = [
        (variable("CARGO_HOME").or_else(|| home(".cargo")), "/cargo".to_owned()),
        (root.canonicalize().ok(), "/atsync".to_owned()),
        (
            workspace
                .parent()
                .and_then(|unpacked| unpacked.canonicalize().ok())
                .filter(|_| root == workspace),
            "/atsync".to_owned(),
        ),
        (sysroot, format!("/rustc/{commit}")),
    ];
    let flag = |(from, to): (Option<PathBuf>, String)| {
        Some(format!("--remap-path-prefix={}={to}", from?.display()))
    };
    places.into_iter().filter_map(flag).collect()
}

/// Whether the outer cargo runs offline. Cargo passes on the environment variable but no option, so
/// this also reads the command line of the parent process.
fn outer_is_offline() -> bool {
    let is_set = std::env::var("CARGO_NET_OFFLINE").is_ok_and(|value| value == "true");
    is_set
        || outer_arguments()
            .iter()
            .any(|argument| argument == "--offline" || argument == "--frozen")
}

#[cfg(unix)]
fn outer_arguments() -> Vec<String> {
    let outer = std::os::unix::process::parent_id().to_string();
    if let Ok(arguments) = std::fs::read(format!("/proc/{outer}/cmdline")) {
        return arguments
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
    }
    let answer = Command::new("ps").args(["-o", "args=", "-p", &outer]).output();
    let words = answer
        .map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned())
        .unwrap_or_default();
    words.split_whitespace().map(str::to_owned).collect()
}

#[cfg(not(unix))]
fn outer_arguments() -> Vec<String> {
    Vec::new()
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
    let added =
        Command::new("rustup").current_dir(workspace).args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) && target_is_there(workspace) {
        return Ok(());
    }
    Err(Error::new(format!(
        "adapters need the compilation target {TARGET}; type: rustup target add {TARGET}"
    )))
}

fn target_is_there(workspace: &Path) -> bool {
    let directory = rustc(workspace, &["--print", "target-libdir", "--target", TARGET]);
    directory.is_some_and(|directory| Path::new(&directory).is_dir())
}

/// Runs the compiler and returns its output; `None` when that fails.
fn rustc(workspace: &Path, arguments: &[&str]) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.current_dir(workspace).env_remove("RUSTC_WORKSPACE_WRAPPER").args(arguments);
    let answer = command.output().ok().filter(|answer| answer.status.success())?;
    Some(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

fn run(mut command: Command, what: &str) -> Result<(), Error> {
    let status = command
        .status()
        .map_err(|error| Error::new(format!("{what}: cargo cannot be started: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(format!("{what} failed; see cargo's output above")))
    }
}
