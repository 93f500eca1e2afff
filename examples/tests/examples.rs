//! The examples do what they say. The first one is also run as a doc-test of the library, the way a
//! host would copy it.

#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../load_component.rs"]
mod load_component;

use std::path::Path;

#[tokio::test]
async fn the_component_made_of_the_minimal_adapter_is_loaded_from_its_file_and_lists_jobs() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("adapters");
    let order = atsync_componentize::Order {
        package: "atsync-adapter-minimal",
        workspace,
        target_dir: &target_dir,
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.wasm");
    std::fs::write(&file, atsync_componentize::build(order).unwrap()).unwrap();
    let lines = load_component::run(&file).await.unwrap();
    let expected = [
        concat!("plainlist ", env!("CARGO_PKG_VERSION"), ": Plainlist (imaginary)"),
        "kind jobs: title, state, updated_at",
        "kind candidates: name, emails, company, created_at, updated_at",
        "kind notes: candidate, body, type, visibility, created_at",
        "2 jobs read",
        r#"job 7: {"title":"Baker","state":{"value":"open","source":"live"},"updated_at":"2026-05-11T13:53:44Z"}"#,
        r#"job 9: {"title":"Miller","state":{"value":"closed","source":"closed"},"updated_at":"2026-05-12T08:00:00Z"}"#,
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("holiday.wasm");
    std::fs::write(&file, b"not a component").unwrap();
    let error = load_component::run(&file).await.unwrap_err().to_string();
    assert!(error.contains("holiday.wasm"), "{error}");
}
