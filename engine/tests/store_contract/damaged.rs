//! Damaged files: every value that is read is the value that was written, or reading reports that
//! the file is damaged.
//!
//! Method: a seed damages a store with rows in every table, closed cleanly or copied while it was
//! open: bits, runs of zeros, pages exchanged or copied over another, the end cut off. The test
//! compares everything that can be read from it with the contents of the whole file.
//! `ATSYNC_DAMAGED` sets the number of seeds (1,000 without it, some seconds).

use crate::erasing::a_life;
use crate::given::{ACME, applied, declare, intent, link, open, path, see, step};
use atsync::SystemEntropy;
use atsync::internals::entropy::Entropy;
use atsync::internals::store::Connections;
use atsync::internals::store::Desired;
use atsync::internals::store::Feed;
use atsync::internals::store::Journal;
use atsync::internals::store::Links;
use atsync::internals::store::Observed;
use atsync::internals::store::Scans;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Guard, StoreError};
use atsync::testing::SeededEntropy;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Everything that a reader sees.
async fn read(path: &Path) -> Result<String, StoreError> {
    let mut options = RedbOptions::default();
    options.inline = true;
    let store = RedbStore::open(path, options, &SystemEntropy)?;
    let mut seen = format!("{:?}\n", store.identity().await?);
    seen += &format!("{:?}\n", store.connection(ACME).await?);
    for kind in ["tags", "candidates"] {
        seen += &format!("{:?}\n", store.observed_page(ACME, kind, None, 1_000).await?);
        seen += &format!("{:?}\n", store.lookup(ACME, kind, "name", "tag 7", 9).await?);
        seen += &format!("{:?}\n", store.sweep_state(ACME, kind).await?);
    }
    seen += &format!("{:?}\n", store.observed_counts(ACME).await?);
    seen += &format!("{:?}\n", store.scan_states(ACME).await?);
    seen += &format!("{:?}\n", store.desired_page(ACME, None, 1_000).await?);
    seen += &format!("{:?}\n", store.dirty_page(ACME, None, 1_000).await?);
    seen += &format!("{:?}\n", store.links_of(ACME, "r1").await?);
    seen += &format!("{:?}\n", store.open_intents(ACME).await?);
    seen += &format!("{:?}\n", store.intents_of(ACME, "r1", 99).await?);
    seen += &format!("{:?}\n", store.intent_counts(ACME).await?);
    seen += &format!("{:?}\n", store.problems(ACME, None, 99).await?);
    let last = store.changes_last(ACME).await?;
    seen += &format!("{last} {:?}\n", store.changes(ACME, last.saturating_sub(50), 1_000).await?);
    Ok(seen)
}

/// Damages the bytes. Returns how.
fn damage(bytes: &mut Vec<u8>, chance: &dyn Entropy) -> String {
    let length = bytes.len();
    let below = |bound: usize| usize::try_from(chance.below(bound as u64)).unwrap();
    match chance.below(6) {
        0 => {
            let bits = 1 + below(8);
            for _ in 0..bits {
                bytes[below(length)] ^= 1 << below(8);
            }
            format!("{bits} bits")
        }
        1 => {
            let (at, run) = (below(length), [512, 4_096, 4_104, 65_536][below(4)]);
            bytes[at..length.min(at + run)].fill(0);
            format!("{run} zeros at {at}")
        }
        2 => {
            bytes.truncate(below(length));
            format!("cut to {}", bytes.len())
        }
        // Whole pages, as they lie on the disk.
        3 | 4 => {
            let pages = (length - 8_192) / 4_104;
            let (a, b) = (8_192 + below(pages) * 4_104, 8_192 + below(pages) * 4_104);
            let (first, second) = (bytes[a..a + 4_104].to_vec(), bytes[b..b + 4_104].to_vec());
            bytes[a..a + 4_104].copy_from_slice(&second);
            if chance.below(2) == 0 {
                bytes[b..b + 4_104].copy_from_slice(&first);
            }
            format!("the page at {b} in the place of {a}")
        }
        // One header or a bit of it: there are two.
        _ => {
            let at = below(8_192);
            bytes[at] ^= 1 << below(8);
            format!("a bit of the headers at {at}")
        }
    }
}

/// Counts the panics of this thread, caught or not.
fn counted_panics() -> Arc<AtomicU64> {
    let (counted, here) = (Arc::new(AtomicU64::new(0)), std::thread::current().id());
    let (count, shown) = (Arc::clone(&counted), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        count.fetch_add(u64::from(std::thread::current().id() == here), Ordering::Relaxed);
        shown(panic);
    }));
    counted
}

async fn lived(store: &RedbStore) {
    a_life(store).await;
    declare(store, &["r1", "r2"]).await;
    for round in 0..60_u64 {
        see(
            store,
            "tags",
            &round.to_string(),
            json!({"name": format!("tag {round}"), "text": "x".repeat(1_500)}),
        )
        .await;
    }
    store.put_links(&Guard::sole(ACME), vec![link("r1", "candidates", "7")]).await.unwrap();
    let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap();
    store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.unwrap();
    store.begin_intent(&Guard::sole(ACME), intent("r2", "o")).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_never_read_as_something_else() {
    let seeds: u64 = std::env::var("ATSYNC_DAMAGED").map_or(1_000, |seeds| seeds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let whole = path(&directory);
    let store = open(&whole);
    lived(&store).await;
    let killed = std::fs::read(&whole).unwrap();
    drop(store);
    let closed = std::fs::read(&whole).unwrap();
    let truth = read(&whole).await.unwrap();
    let panics = counted_panics();
    let (mut refused, mut same) = (0, 0);
    for seed in 0..seeds {
        let chance = SeededEntropy::new(seed);
        let mut bytes = if seed % 3 == 0 { killed.clone() } else { closed.clone() };
        let how = damage(&mut bytes, chance.as_ref());
        let place = directory.path().join(format!("{seed}.redb"));
        std::fs::write(&place, &bytes).unwrap();
        match read(&place).await {
            Ok(seen) => {
                assert!(seen == truth, "seed {seed}, {how}: something else was read");
                same += 1;
            }
            Err(StoreError::Unusable(_)) => refused += 1,
            Err(error) => panic!("seed {seed}, {how}: {error:?}"),
        }
        std::fs::remove_file(&place).unwrap();
    }
    assert_eq!(panics.load(Ordering::Relaxed), 0, "a panic of the database was shown");
    println!("{seeds} damaged files: {refused} refused, {same} read as they were");
    assert!(refused > seeds / 4 && same > 0);
}
