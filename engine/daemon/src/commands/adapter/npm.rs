//! Builds an adapter in TypeScript or JavaScript: the folder of a package of npm, with the programs
//! of its own `package.json`.
//!
//! The packages are installed when they never were, or when `package.json` or the lock file is
//! newer; their install scripts do not run. `main` names the component that `npm run build` makes.
//! What npm prints goes to standard error, which leaves standard output to the command's own lines.
//! Left out: other package managers; their users build by themselves and name the component.

#![expect(clippy::disallowed_methods, reason = "reads the author's folder and runs npm in it")]

use super::source::text;
use crate::failure::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

const PACKAGE: &str = "package.json";
const LOCK: &str = "package-lock.json";
/// What npm writes when it has installed all packages.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// What is read of a `package.json`.
#[derive(Debug, Deserialize)]
struct Package {
    main: Option<String>,
    #[serde(default)]
    scripts: BTreeMap<String, String>,
}

/// Whether a folder is one of npm and not of cargo.
pub(super) fn is_package(folder: &Path) -> bool {
    folder.join(PACKAGE).is_file() && !folder.join("Cargo.toml").exists()
}

/// The component that a folder builds to.
pub(super) fn build(folder: &Path) -> Result<Vec<u8>, Failure> {
    let file = folder.join(PACKAGE);
    let failed = |why: String| Failure::new(format!("{}: {why}", file.display()));
    let package: Package = serde_json::from_str(&text(&file)?)
        .map_err(|error| failed(format!("cannot be read: {error}")))?;
    if !package.scripts.contains_key("build") {
        return Err(failed("it has no script `build`, which makes the component".to_owned()));
    }
    let main = package.main.filter(|main| main.ends_with(".wasm")).ok_or_else(|| {
        failed("`main` must name the component that `npm run build` makes, a .wasm file".to_owned())
    })?;
    if !is_installed(folder) {
        let install = if folder.join(LOCK).is_file() { "ci" } else { "install" };
        npm(folder, &[install, "--ignore-scripts", "--no-audit", "--no-fund"])?;
    }
    npm(folder, &["run", "--silent", "build"])?;
    let made = folder.join(main);
    std::fs::read(&made).map_err(|error| {
        Failure::new(format!(
            "`npm run build` ended well, and {}, which `main` of {} names, cannot be read: {error}",
            made.display(),
            file.display()
        ))
    })
}

/// Whether what the package needs was installed after it was written.
fn is_installed(folder: &Path) -> bool {
    let written = |file: &str| -> Option<SystemTime> {
        std::fs::metadata(folder.join(file)).ok()?.modified().ok()
    };
    let Some(installed) = written(INSTALLED) else { return false };
    [PACKAGE, LOCK].into_iter().filter_map(written).all(|at| at <= installed)
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let what = format!("npm {}", arguments.join(" "));
    let ran = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status();
    match ran {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!(
            "`{what}` in {} failed ({status}); see its output above",
            folder.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(format!(
            "{} is a package of npm, and there is no `{program}` on the PATH: install Node 20 or \
             later, or build it elsewhere and name the component's file",
            folder.display()
        ))),
        Err(error) => Err(Failure::new(format!("`{what}` cannot be started: {error}"))),
    }
}
