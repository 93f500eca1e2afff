//! An adapter that panics, in a different way for each kind that it is asked to scan: most in a
//! task that it does by hand, one while the SDK reads a row with it.

use atsync_adapter::kit::*;

pub struct Panicking;

atsync_adapter::adapter!(Panicking);

impl Adapter for Panicking {
    const ABOUT: About = About::new("panicking", "1.0.0")
        .origins(&[Origin::fixed("api", "https://panicking.example")])
        .kinds(&[Kind::of::<Office>("offices").fields(&["name"]).list(List::get("/offices"))]);

    fn start_by_hand(task: &Task, _: &Given) -> Option<Result<Step, Failure>> {
        let Task::Scan(scan) = task else { return Some(Err(Failure::Bug("only scans".into()))) };
        atsync_adapter::log("about to panic");
        Some(Err(match scan.kind.as_str() {
            "offices" => return None,
            "text" => panic!("the stage {:?} is not known\nand never was", "Offer"), // named
            "index" => Failure::Bug(scan.kind.as_bytes()[scan.kind.len()].to_string()),
            "none" => Failure::Bug(scan.parent.clone().unwrap().id),
            "value" => std::panic::panic_any(7_u32),
            "long" => panic!("{}", "x".repeat(100_000)),
            _ => Failure::Bug("no panic for this one".into()),
        }))
    }
}

#[derive(serde::Deserialize)]
struct Office {
    id: Id,
}

impl Row for Office {
    fn record(self, _: &Source<'_>) -> Record {
        panic!("the office {} is closed", self.id) // in a row
    }
}
