//! The checks of every request of the Greenhouse adapter, whatever caused it.

use atsync::NativeAdapter;
use atsync::internals::transport::url::build_url;
use atsync::model::contract::{Given, Grant, Mark, Send, Target};
use atsync_greenhouse::Greenhouse;
use std::sync::OnceLock;
use url::Url;

/// The adapter, called natively: its panic is `AdapterError::Trap`, and libFuzzer sees it before
/// that.
pub(crate) fn greenhouse() -> &'static NativeAdapter {
    static ADAPTER: OnceLock<NativeAdapter> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        NativeAdapter::of::<Greenhouse>().expect("the Greenhouse manifest is valid")
    })
}

/// The engine's clock: 2026-11-24T06:00:00Z, as in the adapter's own tests, whose exchanges are the
/// corpus.
pub(crate) const NOW_MS: u64 = 1_795_500_000_000;

/// The context that the engine passes.
pub(crate) fn given() -> Given {
    Given {
        now_ms: NOW_MS,
        settings: "{}".to_owned(),
        tenant: None,
        mark: Some(Mark { text: "atsync-42".to_owned(), time_ms: NOW_MS }),
        grant: Some(Grant { scopes: None, actor: None }),
    }
}

/// The request goes to the ATS, and the URL builder keeps it there.
pub(crate) fn stays(send: &Send) {
    assert_eq!(send.request.origin, "api", "the adapter sends to the ATS alone");
    let origin = Url::parse("https://harvest.greenhouse.io").expect("it is a URL");
    match build_url(&origin, &send.request.target) {
        Ok(url) => crate::url::within(&origin, &url),
        Err(why) => {
            let link = matches!(send.request.target, Target::Link(_));
            assert!(
                link || why.to_string().contains("bytes long"),
                "a path of the adapter's own making is refused: {why}"
            );
        }
    }
}
