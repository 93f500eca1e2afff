//! Pages that link to each other in a circle.

use super::*;
use atsync::ErrorKind;
use atsync::internals::adapter::{Adapter, AdapterError};
use atsync::internals::reconcile::SweepOptions;
use atsync::model::contract::{Continuation, Failure, Field, Given, Outcome, Reply, Step, Task};
use atsync::model::manifest::Manifest;
use atsync_tests::BelowCandidates;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// Makes the lists of a collection a circle of this many pages: each page links to the next, the
/// last to the first of them.
fn circle(world: &World, collection: &str, length: usize) -> Arc<AtomicUsize> {
    let (path, pages) = (format!("/v3/{collection}"), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&pages);
    let mut first = Vec::new();
    world.wire.edit(move |request, response| {
        if request.url.path() != path {
            return;
        }
        count.fetch_add(1, Ordering::SeqCst);
        let at: usize = request
            .url
            .query_pairs()
            .find(|(name, _)| name == "at")
            .map_or(0, |(_, at)| at.parse().unwrap());
        if at == 0 {
            first = response.body.clone();
        } else {
            // The sandbox knows none of these cursors; the wire turns its refusal into a page.
            (response.status, response.body) = (200, first.clone());
        }
        let next =
            format!("<http://127.0.0.1:8099{path}?cursor=c&at={}>; rel=\"next\"", at % length + 1);
        response.headers.retain(|header| header.name != "link");
        response.headers.push(Field::new("link", next));
    });
    pages
}

#[test]
fn a_repeated_cursor_ends_the_pass_with_an_error_and_the_next_pass_starts_anew() {
    for length in [1, 2, 3, 7] {
        for full in [true, false] {
            let world = World::new(31, 20);
            let acme = world.connect();
            world.run(acme.pull("candidates")).unwrap();
            pass(&world, 60_000);
            let id = truth(&world, "candidates")[0].clone();
            rename(&world, &id, "Circled");
            let pages = circle(&world, "candidates", length);
            let pulled = async {
                if full {
                    acme.pull_full("candidates").await
                } else {
                    acme.pull("candidates").await
                }
            };
            let error = world.run(pulled).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Adapter, "{error}");
            let walked = pages.load(Ordering::SeqCst);
            assert!(walked <= length + 2, "{walked} pages of a circle of {length}");
            world.wire.spare();
            let report = world.run(acme.pull("candidates")).unwrap();
            assert!(!report.resumed, "a circle is no place to go on from");
            assert_eq!(last_name(&world, &acme, &id), "Circled");
        }
    }
}

#[test]
fn a_circle_of_pages_ends_a_sweep_without_suspects() {
    for length in [1, 2, 5] {
        let world = World::new(32, 20);
        let acme = world.connect();
        world.run(acme.pull("candidates")).unwrap();
        pass(&world, 600_000);
        let pages = circle(&world, "candidates", length);
        // A sweep reads a few pages at a time.
        let options = SweepOptions::default().pages_max(1);
        let ended =
            (0..length + 2).find_map(|_| world.run(acme.sweep("candidates", options)).err());
        let error = ended.expect("the circle ends it");
        assert_eq!(error.kind(), ErrorKind::Adapter, "{error}");
        assert!(pages.load(Ordering::SeqCst) <= length + 2);
        world.wire.spare();
        let report = world.run(acme.sweep("candidates", SweepOptions::default())).unwrap();
        assert!(report.complete && !report.resumed, "{report:?}");
        assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    }
}

#[test]
fn a_circle_of_pages_below_one_parent_blocks_no_other_parent() {
    let mut world = World::new(33, 12);
    world.adapter = BelowCandidates::wrap(native_greenhouse(), "notes");
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let notes = world.sandbox.rows("notes");
    let first = notes[0]["candidate_id"].to_string();
    let bad = first.clone();
    world.wire.edit(move |request, response| {
        let of = request
            .url
            .query_pairs()
            .find(|(name, _)| name == "candidate_ids")
            .map(|(_, id)| id.into_owned());
        let again = request.url.query_pairs().any(|(name, _)| name == "at");
        if request.url.path() == "/v3/notes" && (again || of.as_ref() == Some(&bad)) {
            if again {
                (response.status, response.body) = (200, b"[]".to_vec());
            }
            let next = format!(
                "<http://127.0.0.1:8099/v3/notes?cursor=c&candidate_ids={bad}&at=1>; rel=\"next\""
            );
            response.headers.retain(|header| header.name != "link");
            response.headers.push(Field::new("link", next));
        }
    });
    let error = world.run(acme.pull("notes")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Adapter, "{error}");
    let known = stored(&world, &acme, "notes");
    let parent = |note: &serde_json::Value| note["candidate_id"].to_string();
    let others = notes.iter().filter(|note| parent(note) != first).map(id_of);
    assert!(others.into_iter().all(|id| known.contains_key(&id)));
}

/// A Greenhouse whose pages of candidates never end: each is the first one again, and links to a
/// next cursor, always the same or always another.
#[derive(Debug)]
struct Endless {
    inner: Arc<dyn Adapter>,
    new_cursors: bool,
    cured: AtomicBool,
    pages: AtomicUsize,
    scanning: AtomicBool,
}

impl Adapter for Endless {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, mut task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let hostile = !self.cured.load(Ordering::SeqCst);
        if let Task::Scan(scan) = &mut task {
            let candidates = scan.kind == "candidates" && hostile;
            self.scanning.store(candidates, Ordering::SeqCst);
            if candidates {
                scan.cursor = None;
            }
        } else {
            self.scanning.store(false, Ordering::SeqCst);
        }
        self.inner.start(task, given)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let mut step = self.inner.resume(state, given, reply)?;
        if let (true, Ok(Step::Done(Outcome::Page(page)))) =
            (self.scanning.load(Ordering::SeqCst), &mut step)
        {
            let pages = self.pages.fetch_add(1, Ordering::SeqCst);
            (page.complete, page.checkpoint) = (false, None);
            page.next = Some(if self.new_cursors {
                pages.to_be_bytes().to_vec()
            } else {
                b"again".to_vec()
            });
        }
        Ok(step)
    }
}

#[test]
fn a_cursor_that_makes_no_progress_ends_the_pass_in_three_pages_and_the_kind_still_syncs() {
    for new_cursors in [false, true] {
        let mut world = World::new(31, 20);
        let endless = Arc::new(Endless {
            inner: Arc::clone(&world.adapter),
            new_cursors,
            cured: AtomicBool::new(false),
            pages: AtomicUsize::new(0),
            scanning: AtomicBool::new(false),
        });
        world.adapter = endless.clone();
        let acme = world.connect();
        for _ in 0..3 {
            endless.pages.store(0, Ordering::SeqCst);
            let error = world.run(acme.pull("candidates")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Adapter, "{error}");
            let pages = endless.pages.load(Ordering::SeqCst);
            assert!(pages <= 3, "{pages} pages, new cursors: {new_cursors}");
            // Another kind is read meanwhile.
            world.run(acme.pull("jobs")).unwrap();
            pass(&world, 60_000);
        }
        endless.cured.store(true, Ordering::SeqCst);
        world.run(acme.pull("candidates")).unwrap();
        for id in truth(&world, "candidates") {
            assert!(world.run(acme.observed_one("candidates", &id)).unwrap().is_some(), "{id}");
        }
    }
}
