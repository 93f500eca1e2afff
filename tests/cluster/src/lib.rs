//! A PostgreSQL cluster of a test's own: made by the installed `initdb` in a temporary folder,
//! reached by a socket there, gone with the process that started it.
//!
//! A test of the store in PostgreSQL asks for a database ([`database`]). Where the programs are not
//! installed it gets none, prints what to install and ends; with `ATSYNC_POSTGRES=required`, as in
//! `.ci/run`, it fails, so that these tests are never left out there.
//!
//! PostgreSQL refuses to run as root: a test that root runs starts it as the user `postgres`, who
//! comes with the package, or as `nobody`.
//!
//! Bounds: one cluster a process, without `fsync`: nothing here outlives the test. Left out: the
//! laws that need a durable cluster; they start one by [`Cluster::start`].

#![allow(clippy::disallowed_methods, reason = "it starts programs and makes folders, for tests")]
#![allow(clippy::print_stderr, reason = "it says why a test is left out")]

use nix::unistd::{Gid, Uid, User, chown};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where Debian, Red Hat and Homebrew keep the programs, besides the search path.
const PLACES: [&str; 4] =
    ["/usr/lib/postgresql", "/usr/pgsql-15", "/opt/homebrew/opt", "/usr/local/opt"];

/// Settings of a cluster that need not outlive its machine.
const QUICK: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// What to do where the programs are missing.
const MISSING: &str = "PostgreSQL is not installed, so the tests of the store in PostgreSQL are \
    left out; install it: apt-get install postgresql";

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    server: Child,
    /// The server ends when this is closed, by us or because this process died.
    lifeline: Option<ChildStdin>,
    databases: AtomicU64,
}

/// The address of a new, empty database in this process's cluster. None where PostgreSQL is not
/// installed.
///
/// # Panics
/// When the cluster does not start, or when PostgreSQL is missing and `ATSYNC_POSTGRES` is
/// `required`.
#[allow(clippy::panic, reason = "a test cannot go on")]
pub fn database() -> Option<String> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| match Cluster::start(&QUICK) {
        Ok(cluster) => cluster,
        Err(error) => panic!("the cluster does not start: {error}"),
    });
    match cluster {
        Some(cluster) => match cluster.database() {
            Ok(address) => Some(address),
            Err(error) => panic!("no database is made: {error}"),
        },
        None => {
            let is_required =
                std::env::var_os("ATSYNC_POSTGRES").is_some_and(|value| value == "required");
            assert!(!is_required, "{MISSING}");
            eprintln!("{MISSING}");
            None
        }
    }
}

/// The programs that a cluster needs.
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "pg_isready", "createdb"];

/// Finds the folder that has all of them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for place in PLACES {
        folders.push(Path::new(place).join("bin"));
        let versions = std::fs::read_dir(place).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    let has_all = |folder: &PathBuf| PROGRAMS.iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(has_all)
}

/// The user that runs the server: none for this one.
fn other_user() -> Option<(Uid, Gid)> {
    if !Uid::effective().is_root() {
        return None;
    }
    let known = ["postgres", "nobody"].into_iter();
    let mut known = known.filter_map(|name| User::from_name(name).ok().flatten());
    known.next().map(|user| (user.uid, user.gid))
}

fn command(program: &Path, user: Option<(Uid, Gid)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user {
        command.uid(user.as_raw()).gid(group.as_raw());
    }
    command.env("LC_ALL", "C.UTF-8").current_dir("/");
    command
}

fn done(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?}: {said}")))
}

impl Cluster {
    /// Starts a cluster with these settings. None where PostgreSQL is not installed.
    ///
    /// # Errors
    /// When a program fails.
    pub fn start(settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        // The path of a socket has at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("atsync-pg").tempdir_in("/tmp")?;
        let user = other_user();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        done(
            command(&programs.join("initdb"), user)
                .args(["--username=atsync", "--auth=trust", "--encoding=UTF8", "--locale=C"])
                .args(["--no-sync", "--pgdata"])
                .arg(&data),
        )?;
        let (server, lifeline) = Self::serve(&programs, folder.path(), settings)?;
        let cluster = Self { folder, programs, server, lifeline, databases: AtomicU64::new(0) };
        cluster.wait()?;
        Ok(Some(cluster))
    }

    /// Starts the server. The shell ends it when its own standard input is closed.
    fn serve(
        programs: &Path,
        folder: &Path,
        settings: &[&str],
    ) -> io::Result<(Child, Option<ChildStdin>)> {
        let mut shell = command(Path::new("/bin/sh"), other_user());
        shell.arg("-c").arg(
            "program=$1; shift; \"$program\" \"$@\" </dev/null & server=$!; cat >/dev/null; \
             kill -QUIT $server; wait $server",
        );
        shell.arg("sh").arg(programs.join("postgres")).arg("-D").arg(folder.join("data"));
        shell.arg("-k").arg(folder).args(["-h", "", "-c", "max_connections=300"]);
        for setting in settings {
            shell.arg("-c").arg(setting);
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::null());
        shell.stderr(std::fs::File::create(folder.join("log"))?);
        let mut server = shell.spawn()?;
        let lifeline = server.stdin.take();
        Ok((server, lifeline))
    }

    /// Waits until the server accepts connections.
    fn wait(&self) -> io::Result<()> {
        let ready = self.programs.join("pg_isready");
        done(
            command(Path::new("/bin/sh"), other_user()).arg("-c").arg(
                "for i in $(seq 600); do \"$1\" -q -h \"$2\" && exit 0; sleep 0.05; done; exit 1",
            )
            .arg("sh")
            .arg(ready)
            .arg(self.folder.path()),
        )
    }

    /// Makes an empty database. Returns its address.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn database(&self) -> io::Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        done(
            command(&self.programs.join("createdb"), other_user())
                .args(["--username=atsync", "--host"])
                .arg(self.folder.path())
                .arg(&name),
        )?;
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        Ok(format!("postgres://atsync@{host}/{name}"))
    }

    /// The folder with the cluster's data, socket and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.server.wait();
    }
}
