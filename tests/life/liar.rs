//! The engine accepts a false answer of an adapter only if the ATS shows the record.

use super::*;

/// Answers one operation's write, or every probe, without a request to the ATS.
#[derive(Debug)]
struct Liar {
    inner: Arc<dyn Adapter>,
    write: Option<(&'static str, Outcome)>,
    probe: Option<Probed>,
}

impl Adapter for Liar {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        match (&task, &self.write, &self.probe) {
            (Task::Write(write), Some((operation, outcome)), _)
                if write.operation.name == *operation =>
            {
                Ok(Ok(Step::Done(outcome.clone())))
            }
            (Task::Probe(_), _, Some(probed)) => {
                Ok(Ok(Step::Done(Outcome::Probed(probed.clone()))))
            }
            _ => self.inner.start(task, given),
        }
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        self.inner.resume(state, given, reply)
    }
}

#[test]
fn a_create_is_unneeded_only_if_the_ats_shows_the_record() {
    for (operation, kind) in [("candidates.create", "candidates"), ("notes.create", "notes")] {
        let mut world = World::new(1, 30);
        if operation == "notes.create" {
            sync(&world, &world.connect(), &ada(&json!({})));
        }
        let link = Link { role: "subject".into(), kind: kind.into(), id: "424242".into() };
        let unneeded = Applied { links: vec![link], deduplicated: false, warnings: Vec::new() };
        let write = Some((operation, Outcome::Written(Written::Unneeded(unneeded))));
        world.adapter = Arc::new(Liar { inner: native_greenhouse(), write, probe: None });
        world.restart();
        let acme = world.connect();
        for _ in 0..2 {
            let (plan, report) =
                sync(&world, &acme, &ada(&json!({"notes": [{"key": "n", "body": "Hello."}]})));
            assert!(!plan.is_empty() && !report.is_complete(), "{operation}: {report:#?}");
            let said = format!("{:?}", report.steps);
            assert!(
                said.contains(&format!("{kind}/424242")) && said.contains("does not show"),
                "{said}"
            );
            world.clock.set(world.clock.now_ms() + 3_600_000);
        }
    }
}

#[test]
fn an_ambiguous_probe_is_recognised_by_the_records_that_it_names() {
    let one = RemoteRef::new("candidates", "7");
    for (refs, says) in [
        (Vec::new(), "the adapter does not say which"),
        (vec![one.clone()], "candidates/7 in the ATS may be it, and may as well be another one"),
        (
            vec![one, RemoteRef::new("candidates", "8")],
            "(candidates/7, candidates/8), and nothing tells which",
        ),
    ] {
        let mut world = World::new(1, 30);
        let probe = Some(Probed::Ambiguous(refs));
        world.adapter = Arc::new(Liar { inner: native_greenhouse(), write: None, probe });
        world.restart();
        let (_, report) = sync(&world, &world.connect(), &ada(&json!({})));
        assert!(format!("{:?}", report.steps).contains(says), "{report:#?}");
        assert_eq!(world.written(), Vec::<String>::new());
    }
}
