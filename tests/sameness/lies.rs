//! False answers of an adapter about its own write.

use super::*;

/// How an adapter lies about a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// It reports that there was nothing to send.
    Unneeded,
    /// It names no record.
    NamesNothing,
    /// It names a record of another kind.
    AnotherKind,
    /// It names the record under another role.
    AnotherRole,
    /// It names the record twice, under two ids.
    Twice,
    /// It names another record than the one that it changed.
    AnotherTarget,
}

/// Greenhouse's adapter, lying about one operation.
#[derive(Debug)]
struct Liar {
    inner: Arc<dyn Adapter>,
    operation: &'static str,
    lie: Lie,
}

impl Liar {
    fn twist(&self, step: Step) -> Step {
        let Step::Done(Outcome::Written(Written::Applied(mut applied))) = step else { return step };
        let is_ours = applied
            .links
            .iter()
            .any(|link| link.role == "subject" && self.operation.starts_with(&link.kind));
        if is_ours {
            match self.lie {
                Lie::NamesNothing => applied.links.clear(),
                Lie::AnotherKind => {
                    applied.links.iter_mut().for_each(|link| link.kind = "jobs".into())
                }
                Lie::AnotherRole => {
                    applied.links.iter_mut().for_each(|link| link.role = "main".into())
                }
                Lie::Twice => {
                    let mut other = applied.links[0].clone();
                    other.id = "1".into();
                    applied.links.push(other);
                }
                Lie::AnotherTarget => {
                    applied.links.iter_mut().for_each(|link: &mut Link| link.id = "1".into())
                }
                Lie::Unneeded => {}
            }
        }
        Step::Done(Outcome::Written(Written::Applied(applied)))
    }
}

impl Adapter for Liar {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        if let Task::Write(write) = &task
            && write.operation.name == self.operation
            && self.lie == Lie::Unneeded
        {
            let applied = Applied { links: Vec::new(), deduplicated: false, warnings: Vec::new() };
            return Ok(Ok(Step::Done(Outcome::Written(Written::Unneeded(applied)))));
        }
        self.inner.start(task, given)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        Ok(self.inner.resume(state, given, reply)?.map(|step| self.twist(step)))
    }
}

fn lying(operation: &'static str, lie: Lie) -> World {
    let mut world = world();
    world.adapter = Arc::new(Liar { inner: native_greenhouse(), operation, lie });
    world
}

#[test]
fn a_difference_that_the_adapter_calls_none_is_reported_once_and_recorded() {
    let mut world = world();
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({"company": "Acme", "phones": ["1234"]})));
    world.restart();
    world.adapter = Arc::new(Liar {
        inner: native_greenhouse(),
        operation: "candidates.update",
        lie: Lie::Unneeded,
    });
    let acme = world.connect();
    let changed = ada(
        &json!({"company": "Acme Ltd", "phones": ["5678"], "custom_fields": {"external_ref": "x"}}),
    );
    let report = bring(&world, &acme, &changed);
    assert_eq!(report.count("unneeded"), 1);
    assert!(
        report.steps[0]
            .warnings
            .iter()
            .any(|said| said.contains("company") && said.contains("the same")),
        "{report:?}"
    );
    assert_eq!(report.not_in_step, 0);
    world.restart();
    let acme = world.connect();
    let again = plan(&world, &acme);
    assert!(again.is_empty(), "the record is durable");
    let report = apply(&world, &acme, &again);
    assert!(report.steps.is_empty() && report.not_in_step == 0);
    // Another declaration, or another value in the ATS, is another pair.
    declare(
        &world,
        &acme,
        &ada(&json!({"company": "Acme Inc", "phones": ["5678"],
                "custom_fields": {"external_ref": "x"}})),
    );
    assert!(!plan(&world, &acme).is_empty());
}

#[test]
fn a_create_whose_answer_names_no_record_is_blocked_and_never_sent_again() {
    for lie in [Lie::NamesNothing, Lie::AnotherKind, Lie::AnotherRole, Lie::Twice] {
        println!("== {lie:?}");
        let world = lying("candidates.create", lie);
        let acme = world.connect();
        let report = bring(&world, &acme, &ada(&json!({})));
        assert_eq!(report.count("in_doubt"), 1, "{report:?}");
        for _ in 0..4 {
            let planned = plan(&world, &acme);
            apply(&world, &acme, &planned);
            world.run(acme.settle()).unwrap();
        }
        the_ada(&world);
        let posts = world
            .sandbox
            .requests()
            .iter()
            .filter(|request| request.method == "POST" && request.path == "/v3/candidates")
            .count();
        assert_eq!(posts, 1);
        let open = world.run(acme.open_intents()).unwrap();
        let said = format!("{open:?}");
        assert!(
            said.contains("broke a promise of its manifest") && said.contains("candidates.create"),
            "{said}"
        );
        assert!(said.contains("greenhouse"), "{said}");
    }
}

#[test]
fn an_update_whose_answer_names_another_record_is_not_accepted() {
    let mut world = world();
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({"company": "Acme"})));
    world.restart();
    world.adapter = Arc::new(Liar {
        inner: native_greenhouse(),
        operation: "candidates.update",
        lie: Lie::AnotherTarget,
    });
    let acme = world.connect();
    let report = bring(&world, &acme, &ada(&json!({"company": "Acme Ltd"})));
    assert!(report.steps.iter().any(|step| step.end == StepEnd::InDoubt), "{report:?}");
    let open = world.run(acme.open_intents()).unwrap();
    assert!(format!("{open:?}").contains("broke a promise"), "{open:?}");
}
