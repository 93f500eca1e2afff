//! An adapter that panics, in a different way for each kind that it is asked to scan.

use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_adapter::{Manifest, PureAdapter};

pub struct Panicking;

atsync_adapter::export_adapter!(Panicking);

impl PureAdapter for Panicking {
    fn describe() -> Manifest {
        let text = r#"{"name": "panicking", "version": "1.0.0", "title": "Panicking", "contract": "ats:adapter@0.1.0",
            "origins": [], "auth": [], "kinds": []}"#;
        serde_json::from_str(text).unwrap()
    }

    fn start(task: Task, _: &Given) -> Result<Step, Failure> {
        let Task::Scan(scan) = task else { return Err(Failure::Bug("only scans".into())) };
        atsync_adapter::log("about to panic");
        match scan.kind.as_str() {
            "text" => panic!("the stage {:?} is not known\nand never was", "Offer"), // named
            "index" => return Err(Failure::Bug(scan.kind.as_bytes()[scan.kind.len()].to_string())),
            "none" => return Err(Failure::Bug(scan.parent.unwrap().id)),
            "value" => std::panic::panic_any(7_u32),
            "long" => panic!("{}", "x".repeat(100_000)),
            _ => Err(Failure::Bug("no panic for this one".into())),
        }
    }

    fn resume(_: Continuation, _: &Given, _: Reply) -> Result<Step, Failure> {
        Err(Failure::Bug("never".into()))
    }
}
