//! Where a secret is stored: reading it, bounding it, and refusing it with a message that does not
//! repeat it.

use super::{SecretRef, TextRef};
use crate::secret::limits::SECRET_BYTES_MAX;

fn parsed(json: &str) -> Result<SecretRef, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn command(words: &[&str]) -> SecretRef {
    SecretRef::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn a_secret_in_clear_is_refused_with_a_hint_and_not_repeated() {
    let refusal = parsed("\"hunter2\"").unwrap_err();
    assert!(refusal.contains("in clear") && refusal.contains("env = \"NAME\""), "{refusal}");
    assert!(!refusal.contains("hunter2"));
}

#[test]
fn each_form_is_read_and_nothing_else() {
    assert_eq!(parsed(r#"{"env":"A"}"#), Ok(SecretRef::Env("A".into())));
    assert_eq!(parsed(r#"{"file":"a"}"#), Ok(SecretRef::File("a".into())));
    assert_eq!(parsed(r#"{"command":["a","b"]}"#), Ok(command(&["a", "b"])));
    assert_eq!(parsed(r#"{"credential":"a"}"#), Ok(SecretRef::Credential("a".into())));
    assert!(parsed(r#"{"evn":"A"}"#).unwrap_err().contains("did you mean `env`"));
    assert!(parsed(r#"{"env":"A","file":"b"}"#).unwrap_err().contains("a second one"));
    assert!(parsed("{}").unwrap_err().contains("is empty"));
    let text: TextRef = serde_json::from_str("\"id-7\"").unwrap();
    assert_eq!(text, TextRef::Plain("id-7".into()));
}

#[tokio::test]
async fn a_missing_secret_source_is_named() {
    let text =
        |reference: SecretRef| async move { reference.read("").await.unwrap_err().to_string() };
    let env = text(SecretRef::Env("ATSYNC_TEST_IS_NOT_SET".into())).await;
    assert!(env.starts_with("the environment variable ATSYNC_TEST_IS_NOT_SET is not set"), "{env}");
    let file = text(SecretRef::File("/nowhere/at/all".into())).await;
    assert!(file.contains("/nowhere/at/all"), "{file}");
    let credential = text(SecretRef::Credential("gh".into())).await;
    assert!(credential.contains("LoadCredential=gh:FILE"), "{credential}");
    for path in ["", ".", "..", "../shadow", "/etc/shadow", "a\\b"] {
        let refused = text(SecretRef::Credential(path.into())).await;
        assert!(refused.contains("no possible name"), "{path}: {refused}");
    }
    let failed = text(command(&["false"])).await;
    assert!(failed.contains("the command false failed"), "{failed}");
    let absent = text(command(&["/nowhere/at/all"])).await;
    assert!(absent.contains("cannot be started"), "{absent}");
    assert!(text(command(&[])).await.contains("`command` is empty"));
    assert!(text(command(&["true"])).await.contains("an empty secret"));
}

#[tokio::test]
async fn one_trailing_line_break_is_not_part_of_the_secret() {
    let secret = command(&["printf", "s3\\n"]).read("").await.unwrap();
    assert_eq!(secret.expose(), "s3");
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key"), "s4\r\n").unwrap();
    let secret = SecretRef::File("key".into()).read(directory.path()).await.unwrap();
    assert_eq!(secret.expose(), "s4");
}

#[tokio::test]
async fn an_endless_source_is_cut_off_and_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("long"), vec![b'a'; SECRET_BYTES_MAX + 1]).unwrap();
    std::fs::write(directory.path().join("fits"), vec![b'a'; SECRET_BYTES_MAX]).unwrap();
    let long = SecretRef::File("long".into()).read(directory.path()).await.unwrap_err();
    assert!(long.to_string().contains("which is no secret"), "{long}");
    assert!(SecretRef::File("fits".into()).read(directory.path()).await.is_ok());
    let refusal = command(&["yes"]).read("").await.unwrap_err();
    assert!(refusal.to_string().contains("which is no secret"), "{refusal}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_device_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for place in [pipe, "/dev/zero".into(), directory.path().to_owned()] {
        let refusal = SecretRef::File(place).read("").await.unwrap_err();
        assert!(refusal.to_string().contains("is no regular file"), "{refusal}");
    }
}

/// As if there were no terminal, wherever the test runs.
#[cfg(unix)]
async fn unattended(
    script: &str,
    directory: impl AsRef<std::path::Path>,
) -> Result<Vec<u8>, String> {
    let words = ["sh", "-c", script].map(str::to_owned);
    super::super::command::run(&words, directory.as_ref(), false).await
}

#[cfg(unix)]
#[tokio::test]
async fn the_output_of_a_failed_command_is_reported_plainly_and_bounded() {
    let script = "printf 'no \\033[31mkey\\n' >&2; yes x | head -c 100000 >&2; exit 3";
    let refusal = unattended(script, "").await.unwrap_err();
    assert!(refusal.contains("it said: no") && !refusal.contains('\u{1b}'), "{refusal}");
    assert!(refusal.len() < 10_000, "{} bytes", refusal.len());
}

/// A command that times out is killed with its children: the child holds the writing end of a pipe,
/// and its reader sees the end.
#[cfg(unix)]
#[tokio::test]
async fn a_command_that_times_out_is_killed_with_its_children() {
    use std::io::Read;
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::File::open(pipe).unwrap().read_to_end(&mut Vec::new()).unwrap()
    });
    // The shell opens the pipe before anything is printed, so the reader always has its writer.
    let script = "exec 3>pipe; sleep 1000 >&3 2>/dev/null & yes";
    let printed = unattended(script, directory.path()).await.unwrap();
    assert!(printed.len() > SECRET_BYTES_MAX);
    assert_eq!(reader.join().unwrap(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_does_not_get_the_variables_that_hold_other_secrets() {
    // Cargo sets both for tests.
    let shown = || async {
        command(&["sh", "-c", "echo ${CARGO_PKG_NAME:-none}${CARGO_PKG_VERSION:-none}"])
            .read("")
            .await
    };
    let before = shown().await.unwrap();
    assert!(before.expose().starts_with("atsync"), "{}", before.expose());
    parsed(r#"{"env":"CARGO_PKG_VERSION"}"#).unwrap();
    assert_eq!(shown().await.unwrap().expose(), "atsyncnone");
}
