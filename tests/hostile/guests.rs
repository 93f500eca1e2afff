//! Faults at the boundary of the component: the `.wat` files, each as the adapter of a connection.

use super::*;
use atsync::Secret;
use frame::{Guest, HONEST};
use std::time::Duration;

/// Manifest with one kind and one origin, so that a pull calls `start`.
const MANIFEST: &str = r#"{"name":"hostile","version":"1.0.0","title":"Hostile",
    "contract":"ats:adapter@0.1.0","auth":[{"scheme":"bearer"}],
    "origins":[{"name":"api","base":{"how":"fixed","url":"https://ats.example"}}],
    "kinds":[{"name":"jobs","scan":{"how":"list"},"page_max":100,"fields":["title"]}]}"#;

/// A scene whose hostile connection has this `start`.
fn scene(start: &str) -> (Scene, Connection) {
    let scene = Scene::new("none");
    let component = Guest { manifest: MANIFEST, start, ..HONEST }.component();
    let adapter = Arc::new(host().load("hostile", &component).unwrap().vouched());
    let key = atsync::Credential::Key(Secret::new("key"));
    let options = atsync::ConnectionOptions::new("mallory", adapter, key);
    let mallory = scene.world.run(scene.world.engine().connect(options)).unwrap();
    (scene, mallory)
}

macro_rules! guests {
    ($($name:literal: $class:expr,)*) => {
        [$(($name, include_str!(concat!($name, ".wat")), $class),)*]
    };
}

#[test]
fn each_guest_fails_its_own_call_by_class_and_the_neighbour_works_on() {
    let guests = guests! {
        "endless_loop": Class::Limit,
        "deep_calls": Class::Limit,
        "memory_bomb": Class::Limit,
        "memory_creep": Class::Limit,
        "memory_in_use": Class::Limit,
        "table_bomb": Class::Limit,
        "table_creep": Class::Limit,
        "answer_of_48_mib": Class::Limit,
        "list_of_one_text": Class::Limit,
        "answer_of_4_gib": Class::Contract,
        "giant_list": Class::Contract,
        "crooked_pointer": Class::Contract,
        "outside_pointer": Class::Contract,
        "not_utf8": Class::Contract,
        "unknown_case": Class::Contract,
        "empty_request": Class::Contract,
        "memory_of_last_call": Class::Contract,
        "trap": Class::Crash,
    };
    for (name, start, expected) in guests {
        println!("== {name}");
        let (scene, mallory) = scene(start);
        let error = scene.beside(mallory.pull("jobs")).unwrap_err();
        assert_eq!(class(&error), expected, "{name}: {error}");
        // The second call gives the same: nothing is left of the first.
        let again = scene.world.run(mallory.pull("jobs")).unwrap_err();
        assert_eq!(class(&again), expected, "{name}: {again}");
    }
}

/// The bytes that this process has in memory, as far as the system says.
fn resident() -> usize {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[test]
fn memory_and_tables_that_grow_in_many_calls_at_once_leave_the_host_and_a_neighbour_alive() {
    let mut options = HostOptions::default();
    options.limits.guest_time_max = Duration::from_secs(10);
    let host = ComponentHost::new(options).unwrap();
    let load = |start: &str| {
        let guest = Guest { manifest: MANIFEST, start, ..HONEST };
        host.load("hostile", &guest.component()).unwrap()
    };
    let hostile = [
        load(include_str!("memory_in_use.wat")),
        load(include_str!("memory_creep.wat")),
        load(include_str!("table_creep.wat")),
        load(include_str!("list_of_one_text.wat")),
    ];
    let good = host.load("greenhouse", atsync_adapters_bundled::GREENHOUSE).unwrap();
    let task = || {
        atsync::model::contract::Task::Scan(atsync::model::contract::Scan {
            kind: "jobs".into(),
            parent: None,
            since: atsync::model::contract::Since::Everything,
            cursor: None,
            page_size: 100,
        })
    };
    let given = || atsync::model::contract::Given {
        now_ms: atsync_tests::BEGIN_MS,
        settings: "{}".into(),
        tenant: None,
        mark: None,
        grant: None,
    };
    let before = resident();
    let most = std::sync::atomic::AtomicUsize::new(0);
    let calls = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..32)
            .map(|number| {
                let adapter = &hostile[number % hostile.len()];
                scope.spawn(move || {
                    for _ in 0..4 {
                        let error = adapter.start(task(), given()).unwrap_err();
                        assert!(matches!(error, AdapterError::Limit(_)), "{error:?}");
                    }
                })
            })
            .collect();
        let mut calls = 0;
        while !callers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            good.start(task(), given()).unwrap().unwrap();
            most.fetch_max(resident(), std::sync::atomic::Ordering::Relaxed);
            calls += 1;
        }
        calls
    });
    let grown = most.into_inner().saturating_sub(before);
    println!("{calls} good calls beside 128 hostile ones; {} MiB more at most", grown >> 20);
    assert!(calls > 0);
    // A share of the machine's cores for each of the four, at 64 MiB, and what an answer copies.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    assert!(grown < cores * 4 * (64 << 20) + (256 << 20), "{} MiB", grown >> 20);
    good.start(task(), given()).unwrap().unwrap();
}

#[test]
fn a_guest_that_misbehaves_while_it_is_loaded_is_refused_by_class_and_the_neighbour_works_on() {
    use atsync::internals::adapter::LoadError;
    let scene = Scene::new("none");
    let load = |guest: Guest<'_>| host().load("hostile", &guest.component()).unwrap_err();
    let honest = Guest { manifest: MANIFEST, ..HONEST };
    let described = |describe: &'static str| match load(Guest { describe, ..honest }) {
        LoadError::Describe { error, .. } => error,
        other => panic!("{other}"),
    };
    assert!(matches!(described("(unreachable)"), AdapterError::Trap(_)));
    let spin = "(loop $again (br $again)) (unreachable)";
    assert!(matches!(described(spin), AdapterError::Limit(_)));
    let giant = "(i32.store (i32.const 1028) (i32.const -1)) (i32.const 1024)";
    assert!(matches!(described(giant), AdapterError::Contract(_)));
    let no_text = "(i32.store8 (i32.const 4096) (i32.const 0xff)) (i32.const 1024)";
    assert!(matches!(described(no_text), AdapterError::Contract(_)));
    for manifest in [
        "",
        "{}",
        &"[".repeat(100_000),
        &MANIFEST.replace("0.1.0\"", "9.9.9\""),
        &MANIFEST.replace("\"page_max\":100", "\"page_max\":1e999"),
        &MANIFEST.replace("https://ats.example", "https://user:word@ats.example"),
        &MANIFEST.replace("https://ats.example", "https://ats.example\\u001b[2J"),
        &MANIFEST.replace("\"kinds\"", "\"trust_me\":true,\"kinds\""),
    ] {
        let error = load(Guest { manifest, ..honest });
        let start = &manifest[..manifest.len().min(40)];
        assert!(matches!(error, LoadError::Manifest { .. }), "{start}: {error}");
    }
    let start = "(func $forever (loop $again (br $again))) (start $forever)";
    let error = load(Guest { more: start, ..honest });
    assert!(matches!(error, LoadError::Describe { error: AdapterError::Limit(_), .. }), "{error}");
    let imports = wat::parse_str(r#"(component (import "now" (func (result u64))))"#).unwrap();
    let error = host().load("hostile", &imports).unwrap_err();
    assert!(matches!(&error, LoadError::Imports { imports, .. } if imports == &["now"]), "{error}");
    // The contract of another version is another interface.
    let other = String::from_utf8_lossy(&honest.component()).contains("ats:adapter/adapter@0.1.0");
    assert!(other, "the version stands in the component");
    let mut component = honest.component();
    let old = b"ats:adapter/adapter@0.1.0";
    while let Some(at) = component.windows(old.len()).position(|found| found == old) {
        component[at..at + old.len()].copy_from_slice(b"ats:adapter/adapter@0.9.0");
    }
    let error = host().load("hostile", &component).unwrap_err();
    assert!(matches!(error, LoadError::Version { is_newer: true, .. }), "{error}");
    scene.beside(std::future::ready(()));
}

#[test]
fn a_bomb_for_the_compiler_is_refused_before_it_is_compiled_and_the_neighbour_works_on() {
    use atsync::internals::adapter::LoadError;
    let scene = Scene::new("none");
    let long = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(90_000);
    let bombs = [
        format!("(func (param i32) {long})"),
        "(func)".repeat(40_001),
        format!("(func (local {}))", "i64 ".repeat(4_001)),
    ];
    for more in &bombs {
        let component = Guest { manifest: MANIFEST, more, ..HONEST }.component();
        let error = scene.beside(async { host().load("hostile", &component).unwrap_err() });
        assert!(matches!(error, LoadError::TooMuch { .. }), "{error}");
    }
}
