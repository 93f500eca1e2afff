//! The folder of adapters while the server runs: files are added, replaced, broken and removed.
//!
//! The versions are the bundled component with a section that nothing reads, so they have other
//! bytes and the same abilities; a lesser one has the name of a kind replaced in its manifest. What
//! runs is known by the SHA-256 that the API shows.

use crate::cli_support::Site;
use crate::serve_support::{ADA, Answer, SEAL, Served};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The table of a server that makes connections at run time.
const MAKES: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";
const KIND: &str = "close_reasons";

/// A version of the Greenhouse adapter: the component with a custom section of this name.
fn version(name: &str) -> Vec<u8> {
    let mut bytes = atsync_adapters_bundled::GREENHOUSE.to_vec();
    let length = u8::try_from(name.len()).unwrap();
    bytes.extend([0, length + 1, length]);
    bytes.extend(name.as_bytes());
    bytes
}

/// A version that does not read a kind.
fn lesser() -> Vec<u8> {
    let mut bytes = version("lesser");
    let found: Vec<usize> = (0..bytes.len() - KIND.len())
        .filter(|at| &bytes[*at..*at + KIND.len()] == KIND.as_bytes())
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at + KIND.len() - 1] = b'z';
    }
    bytes
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a file into the folder as a whole.
fn put(site: &Site, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(site.path("adapters")).unwrap();
    let part = site.path("adapters/.part");
    std::fs::write(&part, bytes).unwrap();
    std::fs::rename(part, site.path(&format!("adapters/{name}"))).unwrap();
}

fn config(site: &Site) -> String {
    let config = site.config().replace("adapter = \"greenhouse\"", "adapter = \"gh\"");
    format!("adapters = \"adapters\"\n{config}")
}

/// A server whose connection `acme` has the adapter `gh` of the folder.
async fn started(bytes: &[u8], serve: &str) -> Served {
    let site = Site::start().await;
    put(&site, "gh.wasm", bytes);
    let config = config(&site);
    Served::start_with(site, &config, serve).await
}

/// A connection as soon as it is open.
async fn connection(served: &Served, name: &str) -> Value {
    loop {
        let answer = served.get(&format!("/v1/connections/{name}")).await;
        if answer.status != 503 {
            return answer.json();
        }
    }
}

async fn reload(served: &Served) -> Value {
    let answer: Answer = served.post("/v1/reload", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn adapter(served: &Served, name: &str) -> Option<Value> {
    let all = served.get("/v1/adapters").await.json();
    all["adapters"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned()
}

#[tokio::test]
async fn a_component_is_replaced_while_a_write_is_under_way_and_nothing_is_lost_or_sent_twice() {
    let (one, two) = (version("one"), version("two"));
    let beta = |site: &Site| {
        let config = site.config();
        let (_, table) = config.split_once("[connections.acme]").unwrap();
        format!("\n[connections.beta]{table}")
    };
    let site = Site::start().await;
    put(&site, "gh.wasm", &one);
    let both = config(&site) + &beta(&site);
    let served = Served::start_with(site, &both, "").await;
    let since = |of: &Value| of["conditions"][0]["since_ms"].as_u64().unwrap();
    let before = connection(&served, "acme").await;
    let other = connection(&served, "beta").await;
    assert_eq!(before["component"], hash(&one));
    let held = FaultKind::Slow { delay_ms: 3_000 };
    served.site.sandbox().faults().add(Fault::once("POST", "/v3/candidates", held));
    served.put("/v1/connections/acme/desired/a", ADA).await;
    let is_create = |logged: &atsync_greenhouse_sandbox::Logged| {
        logged.method == "POST" && logged.path == "/v3/candidates"
    };
    // The schedules send it; a request to apply would do the same.
    while !served.site.sandbox().requests().iter().any(is_create) {
        tokio::task::yield_now().await;
    }
    put(&served.site, "gh.wasm", &two);
    assert_eq!(reload(&served).await["refused"], json!({}));
    let after = connection(&served, "acme").await;
    assert_eq!(after["component"], hash(&two));
    assert!(since(&after) > since(&before), "begun anew");
    let untouched = connection(&served, "beta").await;
    assert_eq!(
        (since(&untouched), &untouched["component"]),
        (since(&other), &other["component"]),
        "the other one runs on"
    );
    assert_eq!(served.site.sandbox().writes().len(), 1, "sent once");
    let story = served.get("/v1/connections/acme/desired/a/explanation").await.json();
    let first = &story["intents"][0];
    assert_eq!(
        (&first["state"], &first["planned_by"], &first["sent_by"]),
        (&json!("applied"), &json!(hash(&one)), &json!(hash(&one))),
        "{first}"
    );
    let page = format!("/console/connections/acme/intents/{}", first["id"]);
    let page = served.get(&page).await;
    assert!(page.body.contains(&hash(&one)) && page.body.contains("Sent by"), "{page:?}");
    // The next write is the new one's.
    let changed = ADA.replace("\"Ada\"", "\"Adah\"");
    served.put("/v1/connections/acme/desired/a", &changed).await;
    served.post("/v1/connections/acme/apply", "").await;
    let story = served.get("/v1/connections/acme/desired/a/explanation").await.json();
    assert_eq!(story["intents"][0]["sent_by"], hash(&two), "{}", story["intents"]);
    let said = served.site.run(&["explain", "acme", "candidates", "a"]).await;
    assert!(said.out.contains(&format!("component {}", hash(&one))), "{said:?}");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_version_that_lacks_what_is_in_use_is_refused_by_name_until_it_is_accepted() {
    let (one, less) = (version("one"), lesser());
    let served = started(&one, "").await;
    // Nothing of it was read, so nothing is lost.
    put(&served.site, "gh.wasm", &less);
    assert_eq!(reload(&served).await["refused"], json!({}));
    assert_eq!(connection(&served, "acme").await["component"], hash(&less));
    put(&served.site, "gh.wasm", &one);
    reload(&served).await;
    let pulled = format!("{{\"kinds\":[\"{KIND}\"]}}");
    let pulled = served.post("/v1/connections/acme/pull", &pulled).await;
    assert_eq!(pulled.status, 200, "{pulled:?}");
    put(&served.site, "gh.wasm", &less);
    let refused = reload(&served).await;
    let why = refused["refused"]["acme"].as_str().unwrap();
    assert!(why.contains(&format!("it does not read the kind {KIND}")), "{why}");
    assert_eq!(refused["adapters"], json!({}), "the file is an adapter: {refused}");
    let acme = connection(&served, "acme").await;
    assert_eq!((&acme["component"], &acme["healthy"]), (&json!(hash(&one)), &json!(true)));
    assert_eq!(acme["refused_adapter"]["why"], why);
    let listed = adapter(&served, "gh").await.unwrap();
    assert_eq!(listed["component"], hash(&less), "what a new connection would get");
    assert_eq!(listed["used_by"][0]["component"], hash(&one), "{listed}");
    assert_eq!(listed["used_by"][0]["refusal"]["why"], why);
    // The commands of the command line use what runs.
    let status = served.site.run(&["status"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.out.contains("another version of its adapter is refused since"), "{status:?}");
    let pull = served.site.run(&["pull", "acme", "--kinds", KIND]).await;
    assert_eq!(pull.code, 0, "{pull:?}");
    // The operator accepts exactly that.
    let token = why.split("accept = \"").nth(1).unwrap().trim_end_matches('"');
    let config = std::fs::read_to_string(served.site.path("acme.toml")).unwrap();
    let with = |token: &str| {
        config.replace("adapter = \"gh\"", &format!("adapter = \"gh\"\naccept = \"{token}\""))
    };
    served.site.write("acme.toml", &with("0123"));
    assert!(reload(&served).await["refused"]["acme"].is_string());
    served.site.write("acme.toml", &with(token));
    assert_eq!(reload(&served).await["refused"], json!({}));
    let acme = connection(&served, "acme").await;
    assert_eq!((&acme["component"], &acme["refused_adapter"]), (&json!(hash(&less)), &json!(null)));
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn the_loss_is_refused_as_well_when_the_file_was_replaced_between_two_runs() {
    let (one, less) = (version("one"), lesser());
    let served = started(&one, "").await;
    let pulled = format!("{{\"kinds\":[\"{KIND}\"]}}");
    served.post("/v1/connections/acme/pull", &pulled).await;
    let (code, site) = served.ended().await;
    assert_eq!(code, 0);
    put(&site, "gh.wasm", &less);
    let ran = site.run(&["pull", "acme", "--kinds", "jobs"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.error().contains(&format!("it does not read the kind {KIND}")), "{ran:?}");
    put(&site, "gh.wasm", &one);
    let ran = site.run(&["pull", "acme", "--kinds", "jobs"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn the_folder_is_watched_and_a_half_written_file_is_tried_again_when_it_changes() {
    let (one, two) = (version("one"), version("two"));
    let served = started(&one, "").await;
    let file = served.site.path("adapters/gh.wasm");
    std::fs::write(&file, &two[..two.len() / 2]).unwrap();
    // No reload is asked for: the folder is watched.
    let refused = loop {
        let acme = connection(&served, "acme").await;
        if acme["refused_adapter"].is_object() {
            break acme;
        }
    };
    assert_eq!((&refused["component"], &refused["healthy"]), (&json!(hash(&one)), &json!(true)));
    let why = refused["refused_adapter"]["why"].as_str().unwrap();
    assert!(why.contains("gh.wasm"), "{why}");
    let pulled = served.post("/v1/connections/acme/pull", "{\"kinds\":[\"jobs\"]}").await;
    assert_eq!(pulled.status, 200, "it goes on: {pulled:?}");
    std::fs::write(&file, &two).unwrap();
    while connection(&served, "acme").await["component"] != hash(&two) {}
    assert_eq!(connection(&served, "acme").await["refused_adapter"], Value::Null);
    // A touch, or the same bytes again, changes nothing.
    let since = connection(&served, "acme").await["conditions"].clone();
    put(&served.site, "gh.wasm", &two);
    reload(&served).await;
    let acme = connection(&served, "acme").await;
    assert_eq!(acme["conditions"][0]["since_ms"], since[0]["since_ms"], "{acme}");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn files_are_added_and_removed_and_what_is_no_adapter_is_refused_and_harms_no_other() {
    let (one, two) = (version("one"), version("two"));
    let served = started(&one, MAKES).await;
    put(&served.site, "other.wasm", &two);
    put(&served.site, "broken.wasm", b"not a component");
    put(&served.site, "huge.wasm", &vec![0; 16 * 1024 * 1024 + 1]);
    put(&served.site, "greenhouse.wasm", &two);
    put(&served.site, "notes.txt", b"no adapter, and no fault");
    served.site.write("secret", "outside");
    let outside = served.site.path("secret");
    std::os::unix::fs::symlink(outside, served.site.path("adapters/link.wasm")).unwrap();
    let read = reload(&served).await;
    assert_eq!(read["refused"], json!({}));
    let faults = read["adapters"].as_object().unwrap();
    for (name, why) in [
        ("broken", "is no WebAssembly component"),
        ("huge", "is larger than"),
        ("greenhouse", "the program has an adapter of this name"),
        ("link", "leads out of the folder"),
    ] {
        assert!(faults[name].as_str().unwrap().contains(why), "{name}: {faults:?}");
    }
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(adapter(&served, "broken").await.unwrap()["version"], Value::Null);
    assert_eq!(adapter(&served, "greenhouse").await.unwrap()["source"], "built_in");
    // `config check` says the same, and `adapter list` lists them.
    let check = served.site.command(&["config", "check"]).env("SEAL", SEAL).output().await.unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert!(said.contains("link.wasm: it leads out of the folder"), "{said}");
    let list = served.site.run(&["adapter", "list"]).await;
    assert_eq!(list.code, 0, "{list:?}");
    assert!(list.out.contains(&hash(&one)[..12]) && list.out.contains("larger than"), "{list:?}");
    // A connection that is made at run time can use one of the folder.
    let url = served.site.running.base_url();
    let beta = json!({
        "adapter": "other",
        "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret" },
        "origins": { "api": url, "auth": url },
        "allow_private_network": true,
    });
    let made = served.put("/v1/connections/beta", &beta.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(connection(&served, "beta").await["component"], hash(&two));
    // Origins are the operator's.
    let mut without = beta.clone();
    without["origins"] = json!({});
    let refused = served.put("/v1/connections/gamma", &without.to_string()).await;
    assert_eq!(refused.problem(), "invalid", "{refused:?}");
    assert!(refused.body.contains("did not ship with this program"), "{refused:?}");
    // Removed: who uses it goes on, and what none uses is forgotten.
    for name in ["gh", "broken", "huge", "greenhouse", "link"] {
        std::fs::remove_file(served.site.path(&format!("adapters/{name}.wasm"))).unwrap();
    }
    let read = reload(&served).await;
    assert!(read["refused"]["acme"].as_str().unwrap().contains("there is no adapter \"gh\""));
    assert_eq!((read["refused"].as_object().unwrap().len(), &read["adapters"]), (1, &json!({})));
    assert_eq!(connection(&served, "acme").await["component"], hash(&one));
    assert!(adapter(&served, "broken").await.is_none());
    let gh = adapter(&served, "gh").await.unwrap();
    assert!(gh["used_by"][0]["refusal"]["why"].is_string(), "{gh}");
    let pulled = served.post("/v1/connections/acme/pull", "{\"kinds\":[\"jobs\"]}").await;
    assert_eq!(pulled.status, 200, "{pulled:?}");
    put(&served.site, "gh.wasm", &one);
    assert_eq!(reload(&served).await["refused"], json!({}));
    assert_eq!(connection(&served, "acme").await["refused_adapter"], Value::Null);
    assert_eq!(served.end().await, 0);
}
