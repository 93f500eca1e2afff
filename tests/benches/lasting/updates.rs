//! One update, one declaration, one erasure: CPU time and bytes written, in an open store.
//!
//! Each sample is a transaction of its own, so it has the whole cost of a commit. Another record
//! each time, spread over the tree, so that no page is at hand because the last sample had it.

use super::copies::Copies;
use super::figures::{figure, grouped};
use super::process::{cpu_us, median, written_bytes};
use atsync::internals::store::Guard;
use atsync::model::desired::DesiredCandidate;
use atsync::{Connection, Engine, Person};
use serde_json::{Value, json};
use std::time::Instant;

/// Updates and declarations that are measured.
const SAMPLES: usize = 300;
/// Erasures that are measured.
const ERASURES: usize = 9;
/// The step from one record to the next: a prime, so that it meets each record once.
const STEP: usize = 7_919;

/// The median cost of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu_us: f64,
    pub(crate) bytes: f64,
    pub(crate) wall_us: f64,
}

/// What the operations cost at one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    pub(crate) update: Cost,
    pub(crate) declaration: Cost,
    pub(crate) erasure: Cost,
}

impl Costs {
    pub(crate) fn print(&self, size: usize) {
        let at = format!("{} records", grouped(size));
        for (name, cost) in
            [("update", self.update), ("declaration", self.declaration), ("erasure", self.erasure)]
        {
            println!("{size} records, {name}: {:.0} µs by the clock", cost.wall_us);
            figure(&format!("lasting.{name}.cpu_us"), cost.cpu_us, &at);
            figure(&format!("lasting.{name}.kib"), cost.bytes / 1024.0, &at);
        }
    }
}

/// The samples of one operation.
#[derive(Default)]
struct Samples {
    cpu_us: Vec<f64>,
    bytes: Vec<f64>,
    wall_us: Vec<f64>,
}

impl Samples {
    async fn take<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (cpu, bytes, began) = (cpu_us(), written_bytes(), Instant::now());
        let done = work.await;
        self.wall_us.push(began.elapsed().as_secs_f64() * 1e6);
        self.cpu_us.push(cpu_us() - cpu);
        self.bytes.push(written_bytes() - bytes);
        done
    }

    fn cost(self) -> Cost {
        Cost {
            cpu_us: median(self.cpu_us),
            bytes: median(self.bytes),
            wall_us: median(self.wall_us),
        }
    }
}

/// Measures the three operations on a store with so many copies.
pub(crate) async fn measure(
    engine: &Engine,
    acme: &Connection,
    copies: &Copies,
    copied: usize,
) -> Costs {
    let store = engine.store();
    let number = |at: usize| at * STEP % copied;
    let mut update = Samples::default();
    for at in 0..SAMPLES {
        let mut write = copies.write(number(at));
        let mut body: Value = serde_json::from_str(&write.body).unwrap();
        body["title"] = json!(format!("Promoted {at}"));
        (write.body, write.version) = (body.to_string(), Some(format!("changed-{at}")));
        let page = copies.page(vec![write]);
        let report = update.take(store.commit_page(&Guard::sole("acme"), page)).await.unwrap();
        assert_eq!(report.updated, 1);
    }
    let mut declaration = Samples::default();
    for at in 0..SAMPLES {
        let mut record = serde_json::to_value(copies.desired(number(at))).unwrap();
        record["title"] = json!(format!("Declared {at}"));
        let record: DesiredCandidate = serde_json::from_value(record).unwrap();
        let records = [record];
        let report = declaration.take(acme.declare(&records)).await.unwrap();
        assert_eq!(report.changed, 1);
    }
    copies.put_in_step(store.as_ref()).await;
    let mut erasure = Samples::default();
    for at in 0..ERASURES {
        // Apart from the records that changed above.
        let key = Copies::key(copied - 1 - at);
        let report = erasure.take(acme.erase(&Person::Key(key))).await.unwrap();
        assert_eq!((report.desired, report.observed), (1, 1));
    }
    Costs { update: update.cost(), declaration: declaration.cost(), erasure: erasure.cost() }
}
