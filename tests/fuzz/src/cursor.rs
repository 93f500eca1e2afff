//! The scan's cursor: bytes that came from the ATS once and come back from the store.
//!
//! Input: a line with a kind, a line with the cursor (empty: none), a line that becomes the `Link`
//! header, then the page's body. For any input, the adapter's requests go to the ATS, and the URL
//! builder refuses a link that leads elsewhere.

use crate::grant::{given, greenhouse, stays};
use atsync::internals::adapter::{Adapter as _, TaskGuard};
use atsync::model::contract::{Field, Outcome, Reply, Response, Scan, Since, Step, Task};

/// See the module.
pub fn cursor(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let kind = String::from_utf8_lossy(part()).into_owned();
    let cursor = Some(part()).filter(|cursor| !cursor.is_empty()).map(<[u8]>::to_vec);
    let link = Field::new("link", String::from_utf8_lossy(part()));
    let reply = Response { status: 200, headers: vec![link], body: part().to_vec() };
    let Some(next) = page(&kind, cursor, &reply) else { return };
    // The next page: the link of this page is now the cursor. A page that links to itself ends the
    // walk.
    if let Some(further) = page(&kind, Some(next.clone()), &reply) {
        assert_ne!(further, next, "a page does not name itself as the next");
    }
}

/// Requests one page and reads it; returns the cursor of the next.
fn page(kind: &str, cursor: Option<Vec<u8>>, reply: &Response) -> Option<Vec<u8>> {
    let scan = Scan {
        kind: kind.to_owned(),
        parent: None,
        since: Since::Everything,
        cursor,
        page_size: 100,
    };
    let task = Task::Scan(scan);
    let mut guard = TaskGuard::new(&task);
    let step = greenhouse().start(task, given()).expect("a scan begins or is refused").ok()?;
    guard.step(&step, None).expect("the first step belongs to the task");
    let Step::Send(send) = step else { panic!("a scan asks before it answers") };
    stays(&send);
    let step = greenhouse().resume(send.state, given(), Reply::Response(reply.clone()));
    let step = step.expect("a page is read or refused").ok()?;
    guard.step(&step, Some(reply)).expect("the answer belongs to the task");
    match step {
        Step::Done(Outcome::Page(page) | Outcome::FlawedPage((page, _))) => page.next,
        other => panic!("a scan ends with a page and not with {other:?}"),
    }
}
