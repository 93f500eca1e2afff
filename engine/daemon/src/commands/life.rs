//! Lifecycle commands of one record: `explain`, `resolve`, `adopt`, `import`, `pause`, `resume`,
//! `observe`, `abandon`, `withdraw`, `erase`, `trim`.
//!
//! Commands that use only the store need no credential. Commands that cannot be undone (`withdraw`,
//! `erase`) print what they would do, and do it only with `--yes`.

use super::render::show_plan;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::signals;
use crate::words::{commands_of, count};
use atsync::model::desired::definition::DEFINITION_PREFIX;
use atsync::model::kinds;
use atsync::{Connection, Imported, Keep, Person, RemoteRef, Resolution, WithdrawOptions};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Parses `KIND/ID`.
fn remote(text: &str) -> Result<RemoteRef, Failure> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(RemoteRef::new(kind, id)),
        _ => Err(Failure::new(format!(
            "{text:?} is not a record; write KIND/ID, as in candidates/123"
        ))),
    }
}

/// Finds the desired record of a kind and a key or id.
async fn key(connection: &Connection, kind: &str, name: &str) -> Result<String, Failure> {
    // A field or a user is known by what it defines: `custom_fields candidate.channel` is
    // `@custom_fields.candidate.channel`.
    let known = if kind == kinds::CANDIDATES || name.starts_with(DEFINITION_PREFIX) {
        name.to_owned()
    } else {
        format!("{DEFINITION_PREFIX}{kind}.{name}")
    };
    if connection.desired(&known).await?.is_some() {
        return Ok(known);
    }
    let links = connection.linked_to(&RemoteRef::new(kind, name)).await?;
    match links.first() {
        Some(link) => Ok(link.path.split('/').next().unwrap_or(&link.path).to_owned()),
        None => Err(Failure::new(format!(
            "{}: no desired record has the key {name:?} or is linked to {kind}/{name}; `atsync \
             get` shows what is observed",
            connection.name()
        ))),
    }
}

pub(super) async fn explain(place: &Place, options: &cli::Explain, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::StoreOnly).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.check_kind(&options.kind)?;
    let key = key(&connection, &options.kind, &options.key).await?;
    let explanation = connection.explain(&key).await?;
    if options.json {
        output.json(&explanation);
    } else {
        let words = explanation.words();
        let lines = words.lines().map(|line| commands_of(line, connection.name(), Some(&key)));
        lines.for_each(|line| output.data(&line));
    }
    Ok(DONE)
}

pub(super) async fn resolve(place: &Place, options: &cli::Resolve, output: &Output) -> Ended {
    let resolution = match &options.how {
        cli::ResolveHow::Adopt { record } => {
            Resolution::Adopt(record.as_deref().map(remote).transpose()?)
        }
        cli::ResolveHow::Retry => Resolution::Retry,
        cli::ResolveHow::Abandon { reason } => Resolution::Abandon(reason.clone()),
    };
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.verify_tenant().await?;
    // A write that the last process left open is now in doubt and can be resolved; a probe may
    // already settle it.
    connection.settle_without_sending().await?;
    let work = connection.resolve(options.intent, resolution);
    let intent = signals::effects(&connection, output, work).await??;
    output.end();
    output.data(&format!("intent {} of {}: {}", intent.id, intent.path, intent.state.word()));
    Ok(DONE)
}

pub(super) async fn adopt(place: &Place, options: &cli::Adopt, output: &Output) -> Ended {
    let found = remote(&options.record)?;
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.verify_tenant().await?;
    let link = connection.link(&options.path, &found).await?;
    output.end();
    output.data(&format!("{} is {}", link.path, link.remote));
    Ok(DONE)
}

pub(super) async fn import(place: &Place, options: &cli::Import, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.verify_tenant().await?;
    let Imported { record, left_out, .. } = connection.import(&options.id, &options.key).await?;
    output.end();
    output.json(&record);
    for what in left_out {
        output.note(&format!("left out: {what}"));
    }
    if options.declare {
        let report = connection.declare(&[record]).await?;
        if report.erased > 0 {
            return Err(Failure::new(format!(
                "{}: {} was erased and is not declared",
                options.name, options.key
            )));
        }
        connection.link(&options.key, &RemoteRef::new(kinds::CANDIDATES, &options.id)).await?;
        output.note("It is declared and linked.");
    }
    Ok(DONE)
}

/// A command on one desired record that uses only the store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Pause,
    Resume,
    Observe,
    Abandon,
}

pub(super) async fn deed(
    place: &Place,
    name: &str,
    key: &str,
    deed: Deed,
    output: &Output,
) -> Ended {
    let opened = place.open(Some(name), Use::StoreOnly).await?;
    let connection = opened.connect(name, output).await?;
    let said = match deed {
        Deed::Pause => connection.pause(key).await.map(|()| "is paused until it is resumed"),
        Deed::Resume => connection.resume(key).await.map(|()| "is planned and written again"),
        Deed::Observe => connection.observe_only(key).await.map(|()| "is observed only"),
        Deed::Abandon => connection
            .abandon(key)
            .await
            .map(|()| "is no longer managed; everything in the ATS stays as it is"),
    }?;
    output.data(&format!("{key} {said}."));
    Ok(DONE)
}

pub(super) async fn pause_writes(place: &Place, name: &str, output: &Output) -> Ended {
    let opened = place.open(Some(name), Use::StoreOnly).await?;
    opened.connect(name, output).await?.pause_writes().await?;
    output.data(&format!(
        "{name}: its writes are paused until `atsync resume {name}`; it is read as before."
    ));
    Ok(DONE)
}

pub(super) async fn resume_writes(place: &Place, name: &str, output: &Output) -> Ended {
    let opened = place.open(Some(name), Use::StoreOnly).await?;
    let were_paused = opened.connect(name, output).await?.resume_writes().await?;
    output.data(&match were_paused {
        true => format!("{name}: its writes are allowed again."),
        false => format!("{name}: its writes were not paused."),
    });
    Ok(DONE)
}

pub(super) async fn withdraw(place: &Place, options: &cli::Withdraw, output: &Output) -> Ended {
    let mut what = WithdrawOptions::default();
    what.tags = !options.keep_tags;
    what.contacts = !options.keep_contacts;
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.verify_tenant().await?;
    let planned = connection.plan_withdrawal(&options.key, what).await?;
    output.end();
    show_plan(&planned, output);
    if !options.yes {
        output.note("Nothing was changed; --yes applies it, then only observes the record.");
        return Ok(DONE);
    }
    let work = connection.withdraw(&options.key, what);
    let (plan, report) = signals::effects(&connection, output, work).await??;
    output.end();
    output.data(&format!(
        "{} of {} removed.",
        report.count("applied"),
        count(report.steps.len() as u64, "step")
    ));
    if report.is_complete() && plan.blocked().next().is_none() {
        Ok(DONE)
    } else {
        Err(Failure::Said)
    }
}

pub(super) async fn erase(place: &Place, options: &cli::Erase, output: &Output) -> Ended {
    let person = match (&options.key, &options.candidate, &options.email) {
        (Some(key), _, _) => Person::Key(key.clone()),
        (_, Some(id), _) => Person::Candidate(id.clone()),
        (_, _, Some(email)) => Person::Email(email.clone()),
        (None, None, None) => {
            return Err(Failure::new("name the candidate: --key, --candidate or --email"));
        }
    };
    if !options.yes && !options.undo {
        return Err(Failure::new(
            "what an erasure removes cannot be brought back, and it does not change the ATS: \
             delete the candidate there too. Add --yes to erase",
        ));
    }
    let opened = place.open(Some(&options.name), Use::StoreOnly).await?;
    let connection = opened.connect(&options.name, output).await?;
    if options.undo {
        let was = connection.undo_erasure(&person).await?;
        output.data(if was {
            "The re-import is allowed: pull with --full, or declare the candidate."
        } else {
            "No candidate was erased under that name."
        });
        return Ok(DONE);
    }
    let report = connection.erase(&person).await?;
    if (report.desired, report.observed, report.links, report.intents, report.changes)
        == (0, 0, 0, 0, 0)
    {
        let (whom, option, what) = match &person {
            Person::Key(key) => {
                (format!("the key {key:?}"), format!("--key {key}"), "A declaration of this key")
            }
            Person::Candidate(id) => {
                (format!("candidates/{id}"), format!("--candidate {id}"), "Their import")
            }
            Person::Email(email) => {
                (format!("the address {email}"), format!("--email {email}"), "Their import")
            }
        };
        output.data(&format!(
            "Nothing was stored under {whom}, so nothing was erased; is it misspelt? {what} is \
             blocked from now on all the same. If that was a mistake, `atsync erase {} {option} \
             --undo` allows it.",
            options.name
        ));
        return Ok(DONE);
    }
    output.data(&format!(
        "Erased: {} desired, {}, {}, the content of {} and of {}.",
        report.desired,
        count(report.observed, "observed record"),
        count(report.links, "link"),
        count(report.intents, "intent"),
        count(report.changes, "change"),
    ));
    if report.addresses_shared > 0 {
        let shared = count(report.addresses_shared, "address");
        output
            .note(&format!("{shared} also belong to another candidate here, and block no import."));
    }
    output.note(
        "Unused parts of the store's file may still hold the erased bytes until `atsync compact` \
         rewrites it.",
    );
    Ok(DONE)
}

pub(super) async fn trim(place: &Place, options: &cli::Trim, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::StoreOnly).await?;
    let connection = opened.connect(&options.name, output).await?;
    let keep = if options.unread_too { Keep::Nothing } else { Keep::Unacknowledged };
    let gone = connection.trim(u64::from(options.days).saturating_mul(DAY_MS), keep).await?;
    let first = connection.changes_first().await?;
    output.data(&format!("{} removed; the feed starts at {first}.", count(gone, "change")));
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::remote;

    #[test]
    fn a_record_is_named_by_kind_and_id() {
        assert_eq!(remote("candidates/12").unwrap().id, "12");
        for wrong in ["12", "/12", "candidates/", ""] {
            assert!(remote(wrong).unwrap_err().to_string().contains("KIND/ID"), "{wrong}");
        }
    }
}
