//! References to secrets: the configuration says where a secret is, never what it is.
//!
//! `{ env = "NAME" }`, `{ file = "path" }` (relative to the configuration's directory) or `{ command = ["program", "argument"] }`. One line break at
//! the end is cut. A plain text is refused where it is read, without being repeated in the message.
//!
//! Bounds: [`SECRET_BYTES_MAX`], and [`COMMAND_MS_MAX`] for a command. Left out: watching a secret for a change; a new run reads it anew.

use atsync::{Clock, Secret, SystemClock};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::path::{Path, PathBuf};

/// Longer than any credential known; a file beyond it is not a secret but a mistake.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// How long a command may take. A password manager may ask a person first.
const COMMAND_MS_MAX: u64 = 60_000;
/// The forms, for messages.
const FORMS: &str = "{ env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// In what a program prints.
    Command(Vec<String>),
}

impl SecretRef {
    /// Reads the secret. `field` is where the configuration refers to it.
    ///
    /// # Errors
    /// A sentence that names field and source, never the secret.
    pub(crate) async fn resolve(&self, field: &str, directory: &Path) -> Result<Secret, String> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => {
                    format!("{field}: the environment variable {name} is not set; export it, or refer to a file or command instead")
                }
                std::env::VarError::NotUnicode(_) => format!("{field}: the environment variable {name} is not UTF-8"),
            })?,
            Self::File(path) => {
                let path = directory.join(path);
                let bytes = std::fs::read(&path).map_err(|error| {
                    format!("{field}: the file {} cannot be read ({error}); check path and permissions", path.display())
                })?;
                String::from_utf8(bytes).map_err(|_| format!("{field}: the file {} is not UTF-8", path.display()))?
            }
            Self::Command(words) => output_of(field, words, directory).await?,
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(format!("{field}: {} gives an empty secret", self.place()));
        }
        if text.len() > SECRET_BYTES_MAX {
            return Err(format!(
                "{field}: {} gives more than {SECRET_BYTES_MAX} bytes, which is no secret",
                self.place()
            ));
        }
        Ok(Secret::new(text))
    }

    fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable {name}"),
            Self::File(path) => format!("the file {}", path.display()),
            Self::Command(words) => format!("the command {}", words.first().map_or("", String::as_str)),
        }
    }
}

async fn output_of(field: &str, words: &[String], directory: &Path) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(format!("{field}: `command` is empty; name a program and its arguments"));
    };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let running = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(std::process::Stdio::inherit())
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::select! {
        output = running => output.map_err(|error| format!("{field}: the command {program} cannot be started: {error}"))?,
        () = SystemClock.sleep(COMMAND_MS_MAX) => {
            return Err(format!("{field}: the command {program} gave nothing within {} seconds", COMMAND_MS_MAX / 1000));
        }
    };
    if !output.status.success() {
        return Err(format!("{field}: the command {program} failed ({}); run it by hand to see why", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{field}: what the command {program} printed is not UTF-8"))
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference)
    }
}

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a reference to a secret: {FORMS}")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
        Err(E::custom(format!("a secret stands here in clear, and secrets come by reference: write {FORMS}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let Some(form) = map.next_key::<String>()? else {
            return Err(A::Error::custom(format!("the reference to a secret is empty: write {FORMS}")));
        };
        let reference = match form.as_str() {
            "env" => SecretRef::Env(map.next_value()?),
            "file" => SecretRef::File(map.next_value()?),
            "command" => SecretRef::Command(map.next_value()?),
            other => {
                let hint = crate::words::did_you_mean(other, ["env", "file", "command"]);
                return Err(A::Error::custom(format!("`{other}` is no way to refer to a secret{hint}; write {FORMS}")));
            }
        };
        match map.next_key::<String>()? {
            Some(second) => {
                Err(A::Error::custom(format!("a secret has one source, and `{second}` is a second one: write {FORMS}")))
            }
            None => Ok(reference),
        }
    }
}

/// A text that is no secret but may be kept beside one: given in clear, or by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextRef {
    /// In clear.
    Plain(String),
    /// By reference.
    Ref(SecretRef),
}

impl TextRef {
    /// Reads it; see [`SecretRef::resolve`].
    pub(crate) async fn resolve(&self, field: &str, directory: &Path) -> Result<String, String> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::Ref(reference) => Ok(reference.resolve(field, directory).await?.expose().to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for TextRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TextRef;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a text, or {FORMS}")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TextRef, E> {
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
mod tests {
    use super::SecretRef;
    use std::path::Path;

    fn read(text: &str) -> Result<SecretRef, String> {
        #[derive(Debug, serde::Deserialize)]
        struct Holder {
            secret: SecretRef,
        }
        toml::from_str::<Holder>(text).map(|holder| holder.secret).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_secret_in_clear_is_refused_with_a_hint_and_not_repeated() {
        let refusal = read("secret = \"hunter2\"").unwrap_err();
        assert!(refusal.contains("in clear") && refusal.contains("env = \"NAME\""), "{refusal}");
        assert!(!refusal.contains("hunter2"));
    }

    #[test]
    fn each_form_is_read_and_nothing_else() {
        assert_eq!(read("secret = { env = \"A\" }"), Ok(SecretRef::Env("A".into())));
        assert_eq!(read("secret = { file = \"a\" }"), Ok(SecretRef::File("a".into())));
        assert_eq!(read("secret = { command = [\"a\", \"b\"] }"), Ok(SecretRef::Command(vec!["a".into(), "b".into()])));
        assert!(read("secret = { evn = \"A\" }").unwrap_err().contains("did you mean `env`"));
        assert!(read("secret = { env = \"A\", file = \"b\" }").unwrap_err().contains("a second one"));
        assert!(read("secret = {}").unwrap_err().contains("is empty"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_named() {
        let here = Path::new("");
        let env = SecretRef::Env("ATSYNC_TEST_IS_NOT_SET".into()).resolve("auth.key", here).await.unwrap_err();
        assert!(env.starts_with("auth.key: the environment variable ATSYNC_TEST_IS_NOT_SET is not set"), "{env}");
        let file = SecretRef::File("/nowhere/at/all".into()).resolve("auth.key", here).await.unwrap_err();
        assert!(file.contains("/nowhere/at/all"), "{file}");
        let command = SecretRef::Command(vec!["false".into()]).resolve("auth.key", here).await.unwrap_err();
        assert!(command.contains("the command false failed"), "{command}");
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_is_no_part_of_the_secret() {
        let words = ["printf", "s3\\n"].map(str::to_owned).to_vec();
        let secret = SecretRef::Command(words).resolve("auth.key", Path::new("")).await.unwrap();
        assert_eq!(secret.expose(), "s3");
    }
}
