//! References to secrets: a configuration says where a secret is, never what it is.
//!
//! As text a reference is `{ env = "NAME" }`, `{ file = "path" }` (relative to a directory that the
//! reader gives), `{ credential = "NAME" }` (a credential that systemd passes to a service) or
//! `{ command = ["program", "argument"] }`, in any format that serde reads. One
//! line break at the end is cut. A plain text in its place is refused without being repeated in the
//! message. A reference is read once: read it again to find out whether the secret changed, and
//! pass the result to [`crate::Connection::replace_credential`].
//!
//! Bounds: [`limits`](super::limits). A file that others than its owner may read is read with a
//! warning in the log, as containers and some secret managers leave no choice. Left out: watching
//! for changes.

#![expect(clippy::disallowed_methods, reason = "reads a secret from a file, on a blocking thread")]

use super::Secret;
use super::command::{note, output_of};
use super::limits::{SECRET_BYTES_MAX, SECRET_MS_MAX};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::near::did_you_mean;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::path::{Path, PathBuf};

/// The forms, for messages.
const FORMS: &str = "{ env = \"NAME\" }, { file = \"path\" }, { credential = \"NAME\" } or \
    { command = [\"program\", \"argument\"] }";

/// The variable with the directory of the credentials that systemd passes to a service.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// In a credential that systemd passes to the service, by `LoadCredential=` or
    /// `SetCredential=`: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// In what a program prints: the program and its arguments. No shell is involved. At a terminal
    /// it keeps standard input and error, so that it may ask a person; elsewhere it is killed with
    /// its children at the time-out, and the refusal quotes its error output. It does not get the
    /// environment variables that references name.
    Command(Vec<String>),
}

impl SecretRef {
    /// Reads the secret. Relative paths are taken from `directory`, and commands run in it; an
    /// empty one is the current directory. A tokio runtime is needed for files and commands.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] with a sentence that names the place, never the secret: it is
    /// missing, cannot be read, is empty, is not UTF-8, is too long, or took too long.
    pub async fn read(&self, directory: impl AsRef<Path> + Send) -> Result<Secret, Error> {
        let directory = directory.as_ref().to_owned();
        let text = self.text(&directory).await.map_err(refused)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(refused(format!("{self} gives an empty secret")));
        }
        if text.len() > SECRET_BYTES_MAX {
            return Err(refused(self.too_long()));
        }
        Ok(Secret::new(text))
    }

    async fn text(&self, directory: &Path) -> Result<String, String> {
        let bytes = match self {
            Self::Env(name) => {
                note(name);
                return env(name);
            }
            Self::File(path) => {
                crate::runtime::required()?;
                let path = directory.join(path);
                self.of_file(path, Readers::Owner).await?
            }
            Self::Credential(name) => {
                crate::runtime::required()?;
                // Its directory is for the service alone; its mode has the mask of an access list.
                self.of_file(credential(name)?, Readers::OfDirectory).await?
            }
            Self::Command(words) => {
                crate::runtime::required()?;
                self.in_time(output_of(words, directory)).await??
            }
        };
        if bytes.len() > SECRET_BYTES_MAX + 2 {
            return Err(self.too_long());
        }
        String::from_utf8(bytes).map_err(|_| format!("{self} is not UTF-8"))
    }

    async fn of_file(&self, path: PathBuf, readers: Readers) -> Result<Vec<u8>, String> {
        let reading = tokio::task::spawn_blocking(move || file(&path, readers));
        let read = self.in_time(reading).await?;
        read.map_err(|error| format!("{self} cannot be read ({error})"))?
    }

    async fn in_time<T>(&self, reading: impl Future<Output = T>) -> Result<T, String> {
        tokio::select! {
            read = reading => Ok(read),
            () = SystemClock.sleep(SECRET_MS_MAX) => {
                Err(format!("{self} gave nothing within {} seconds", SECRET_MS_MAX / 1000))
            }
        }
    }

    fn too_long(&self) -> String {
        format!("{self} gives more than {SECRET_BYTES_MAX} bytes, which is no secret")
    }
}

/// The place of the secret; never the secret.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(name) => write!(f, "the systemd credential {name}"),
            Self::Command(words) => {
                write!(f, "the command {}", words.first().map_or("", String::as_str))
            }
        }
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

fn env(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => {
            format!(
                "the environment variable {name} is not set; export it, or refer to a file or \
                command instead"
            )
        }
        std::env::VarError::NotUnicode(_) => {
            format!("the environment variable {name} is not UTF-8")
        }
    })
}

/// The file of a credential. Its name is no path, so that it leads to no other file.
fn credential(name: &str) -> Result<PathBuf, String> {
    if name.is_empty() || name.contains(['/', '\\', '\0']) || matches!(name, "." | "..") {
        return Err(format!(
            "the systemd credential {name:?} has no possible name; write the name that \
             `LoadCredential=` gives it, without a path"
        ));
    }
    let Some(directory) = std::env::var_os(CREDENTIALS).filter(|path| !path.is_empty()) else {
        return Err(format!(
            "the systemd credential {name} is not passed, since {CREDENTIALS} is not set; start \
             the program as a service with `LoadCredential={name}:FILE`, or refer to a file, an \
             environment variable or a command instead"
        ));
    };
    Ok(PathBuf::from(directory).join(name))
}

/// Who may read a file with a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Its owner alone.
    Owner,
    /// Who may enter its directory.
    OfDirectory,
}

/// At most one byte more than a secret with its line break may have, so that a log does not fill
/// the memory. Opening does not wait for the other end of a pipe, and only a regular file is read.
fn file(path: &Path, readers: Readers) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let place = path.display();
    let unreadable = |error: std::io::Error| {
        format!("the file {place} cannot be read ({error}); check path and permissions")
    };
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        nix::fcntl::OFlag::O_NONBLOCK.bits(),
    );
    let file = options.open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(format!(
            "{place} is no regular file but a directory, a device or a pipe; write the secret into \
             a file, or name a `command` that prints it"
        ));
    }
    if readers == Readers::Owner && others_may_read(&found) {
        tracing::warn!(
            file = %place,
            "others than the owner may read this file, and it holds a secret; chmod 600 it"
        );
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(SECRET_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(3);
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(unix)]
fn others_may_read(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &std::fs::Metadata) -> bool {
    false
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference)
    }
}

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a reference to a secret: {FORMS}")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretRef, E> {
        Err(E::custom(format!(
            "a secret stands here in clear, and secrets come by reference: write {FORMS}"
        )))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        use serde::de::Error as _;
        let Some(form) = map.next_key::<String>()? else {
            return Err(A::Error::custom(format!(
                "the reference to a secret is empty: write {FORMS}"
            )));
        };
        let reference = match form.as_str() {
            "env" => {
                let name: String = map.next_value()?;
                note(&name);
                SecretRef::Env(name)
            }
            "file" => SecretRef::File(map.next_value()?),
            "credential" => SecretRef::Credential(map.next_value()?),
            "command" => SecretRef::Command(map.next_value()?),
            other => {
                let hint = did_you_mean(other, ["env", "file", "credential", "command"]);
                return Err(A::Error::custom(format!(
                    "`{other}` is no way to refer to a secret{hint}; write {FORMS}"
                )));
            }
        };
        match map.next_key::<String>()? {
            Some(second) => Err(A::Error::custom(format!(
                "a secret has one source, and `{second}` is a second one: write {FORMS}"
            ))),
            None => Ok(reference),
        }
    }
}

/// A text that is not secret but may be stored with one: given in clear, or by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextRef {
    /// In clear.
    Plain(String),
    /// By reference.
    Ref(SecretRef),
}

impl TextRef {
    /// Reads it; see [`SecretRef::read`].
    ///
    /// # Errors
    /// As for [`SecretRef::read`].
    pub async fn read(&self, directory: impl AsRef<Path> + Send) -> Result<String, Error> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::Ref(reference) => Ok(reference.read(directory).await?.expose().to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for TextRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TextRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a text, or {FORMS}")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TextRef, E> {
                Ok(TextRef::Plain(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextRef, A::Error> {
                Reference.visit_map(map).map(TextRef::Ref)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
