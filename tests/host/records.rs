//! Records: paged with a cursor, filtered by an indexed field, typed and owned.

use atsync::model::desired::DesiredCandidate;
use atsync::model::kinds;
use atsync::model::unified::{Application, Candidate, Job, Named};
use atsync::{Connection, ErrorKind, Filter};
use atsync_tests::World;
use futures_util::TryStreamExt;
use std::collections::BTreeSet;

fn pulled(kinds: &[&str]) -> (World, Connection) {
    let world = World::new(3, 60);
    let acme = world.connect();
    for kind in kinds {
        world.run(acme.pull(kind)).unwrap();
    }
    (world, acme)
}

/// All ids, page by page.
fn walk(world: &World, acme: &Connection, kind: &str, filter: &Filter, rows: usize) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = acme.observed_page(kind, filter, cursor.as_deref(), rows);
        let page = world.run(page).unwrap();
        assert!(page.rows.len() <= rows && (page.next.is_none() || page.rows.len() == rows));
        ids.extend(page.rows.into_iter().map(|row| row.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return ids,
        }
    }
}

#[test]
fn pages_of_any_size_give_every_record_once_in_one_order() {
    let (world, acme) = pulled(&["candidates"]);
    let all: Vec<_> = world.run(acme.observed("candidates").try_collect::<Vec<_>>()).unwrap();
    let all: Vec<String> = all.into_iter().map(|row| row.id).collect();
    assert_eq!(all.len(), 60);
    for rows in [1, 7, 59, 60, 61, Connection::PAGE_ROWS_MAX] {
        assert_eq!(
            walk(&world, &acme, "candidates", &Filter::All, rows),
            all,
            "{rows} rows a page"
        );
    }
}

#[test]
fn a_filter_returns_what_the_index_holds_page_by_page() {
    let (world, acme) = pulled(&["candidates", "applications", "jobs", "stages"]);
    let rows: Vec<_> = world.run(acme.observed("stages").try_collect::<Vec<_>>()).unwrap();
    let of_job = |body: &str| {
        let stage: Named<'_> = serde_json::from_str(body).unwrap();
        stage.parent.and_then(|job| job.id).map(|id| id.into_owned())
    };
    let jobs: BTreeSet<String> = rows.iter().filter_map(|row| of_job(&row.body)).collect();
    let (job, most) = jobs
        .iter()
        .map(|job| (job, rows.iter().filter(|row| of_job(&row.body).as_ref() == Some(job)).count()))
        .max_by_key(|(_, count)| *count)
        .unwrap();
    assert!(most >= 3, "the company has stages to page through");
    for page in [1, 2, 100] {
        let found = walk(&world, &acme, "stages", &Filter::Parent(job.clone()), page);
        assert_eq!(found.len(), most);
    }
    let candidates: Vec<_> =
        world.run(acme.observed("candidates").try_collect::<Vec<_>>()).unwrap();
    let (id, email) = candidates
        .iter()
        .find_map(|row| {
            let candidate: Candidate<'_> = serde_json::from_str(&row.body).unwrap();
            Some((row.id.clone(), candidate.emails.first()?.value.clone().into_owned()))
        })
        .unwrap();
    let loud = Filter::Email(format!(" {} ", email.to_uppercase()));
    assert!(walk(&world, &acme, "candidates", &loud, 10).contains(&id));
    let of = Filter::Candidate(id);
    for id in walk(&world, &acme, "applications", &of, 1) {
        let one = acme.observed_one_as::<Application<'_>>("applications", &id);
        let application = world.run(one).unwrap().unwrap();
        assert!(
            matches!(&of, Filter::Candidate(id) if application.record.candidate.id.as_deref() == Some(id))
        );
    }
    assert!(
        walk(&world, &acme, "candidates", &Filter::Email("nobody@example.com".into()), 5)
            .is_empty()
    );
}

#[test]
fn an_impossible_page_request_is_refused_with_a_message() {
    let (world, acme) = pulled(&["candidates"]);
    let refusal = |kind: &str, filter: Filter, cursor: Option<&str>, rows: usize| {
        let error = world.run(acme.observed_page(kind, &filter, cursor, rows)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        error.to_string()
    };
    assert!(refusal("candidats", Filter::All, None, 5).contains("candidates"));
    let text = refusal("jobs", Filter::Email("a@b.c".into()), None, 5);
    assert!(text.contains("name, key"), "{text}");
    assert!(refusal("jobs", Filter::All, None, 0).contains("1 to 1000"));
    assert!(refusal("jobs", Filter::All, None, Connection::PAGE_ROWS_MAX + 1).contains("1001"));
    let next = world.run(acme.observed_page("candidates", &Filter::All, None, 5)).unwrap().next;
    let next = next.unwrap();
    for (kind, filter, cursor) in [
        ("jobs", Filter::All, next.as_str()),
        ("candidates", Filter::Email("a@b.c".into()), &next),
        ("candidates", Filter::All, "no cursor"),
        ("candidates", Filter::All, ""),
        ("candidates", Filter::All, &next[..next.len() / 2]),
        ("candidates", Filter::All, &"A".repeat(10_000)),
    ] {
        assert!(refusal(kind, filter, Some(cursor), 5).contains("another question"), "{cursor}");
    }
    let text = world.run(acme.desired_page(Some(&next), 5)).unwrap_err().to_string();
    assert!(text.contains("another question"), "{text}");
}

#[test]
fn desired_records_are_listed_by_pages() {
    let world = World::new(3, 10);
    let acme = world.connect();
    let records: Vec<DesiredCandidate> = (0..25)
        .map(|number| {
            let text = format!(r#"{{"key":"r{number:02}","emails":["r{number}@example.com"]}}"#);
            serde_json::from_str(&text).unwrap()
        })
        .collect();
    world.run(acme.declare(&records)).unwrap();
    let (mut keys, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = world.run(acme.desired_page(cursor.as_deref(), 10)).unwrap();
        keys.extend(page.rows.into_iter().map(|row| row.key));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(keys, (0..25).map(|number| format!("r{number:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn typed_records_are_owned_and_go_to_another_task() {
    let (_, acme) = pulled(&["candidates", "jobs"]);
    let read = acme.observed_as::<Candidate<'_>>("candidates").unwrap();
    let candidates = tokio::spawn(read.try_collect::<Vec<_>>()).await.unwrap().unwrap();
    assert_eq!(candidates.len(), 60);
    // The records borrow nothing from the store.
    let kept: Vec<Candidate<'static>> =
        candidates.into_iter().map(|candidate| candidate.record).collect();
    let names = tokio::spawn(async move {
        kept.iter().filter(|candidate| candidate.name.first.is_some()).count()
    });
    assert!(names.await.unwrap() > 0);
    let error = acme.observed_as::<Job<'_>>("candidates").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.to_string().contains("the type is for jobs"), "{error}");
}

#[test]
fn every_kind_that_an_adapter_reads_has_a_type_that_fits_what_it_reads() {
    use atsync::model::unified as u;
    fn all<T: u::Unified>(world: &World, acme: &Connection) -> Vec<&'static str> {
        for kind in T::KINDS {
            // A record that does not fit its type is an error, and so is a kind that the adapter
            // cannot read.
            world.run(acme.pull(kind)).unwrap();
            let read = acme.observed_as::<T>(kind).unwrap();
            world.run(read.try_collect::<Vec<_>>()).unwrap();
        }
        T::KINDS.to_vec()
    }
    let (world, acme) = pulled(&[]);
    let mut covered = BTreeSet::new();
    macro_rules! cover {
        ($($record:ident),*) => { $(covered.extend(all::<u::$record<'static>>(&world, &acme));)* };
    }
    cover!(
        Candidate,
        Application,
        Job,
        Named,
        CustomField,
        CustomFieldOption,
        Note,
        AppliedTag,
        Education,
        Employment,
        Posting,
        Opening,
        ApplicationStage,
        Rejection,
        User,
        UserEmail,
        Attachment,
        Pool,
        PoolPlacement,
        TeamMember
    );
    // Raw kinds have one type, and tests of their own (`tests/raw.rs`).
    let unified = acme.manifest().kinds.iter().filter(|rule| !rule.raw);
    let known: BTreeSet<&str> = unified.map(|rule| rule.name.as_str()).collect();
    assert_eq!(covered, known);
    assert!(covered.contains(kinds::CANDIDATES));
}
