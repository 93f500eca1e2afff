//! The figures of the benchmarks that criterion runs, from its files below `target/criterion`.

use super::figures::Figure;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The figures of a benchmark: none for one that prints them itself. None when a file is missing.
pub(crate) fn figures(bench: &str) -> Option<Vec<Figure>> {
    match bench {
        "page" => {
            let mut found = Vec::new();
            for kind in ["candidates", "applications"] {
                found.extend(page(kind)?);
            }
            Some(found)
        }
        "adapter_call" => {
            let call = |word: &str| {
                let ns = median_ns(&format!("{word}/epochs"))?;
                Some(figure("call.us", ns / 1e3, &format!("`{word}`")))
            };
            Some(vec![call("start")?, call("resume")?])
        }
        _ => Some(Vec::new()),
    }
}

fn page(kind: &str) -> Option<Vec<Figure>> {
    let group = format!("page of 500 {kind}");
    let native = median_ns(&format!("{group}/native"))?;
    let component = median_ns(&format!("{group}/component"))?;
    let known = read(&folder(&format!("{group}/component")).join("benchmark.json"))?;
    let bytes = known.get("throughput")?.get("Bytes")?.as_f64()?;
    Some(vec![
        figure("page.native_ms", native / 1e6, kind),
        figure("page.component_ms", component / 1e6, kind),
        figure("page.component_to_native", component / native, kind),
        // Bytes in a nanosecond are gigabytes in a second.
        figure("page.megabytes_per_second", bytes / component * 1e3, kind),
    ])
}

fn figure(name: &str, value: f64, at: &str) -> Figure {
    Figure { name: name.to_owned(), value, at: at.to_owned() }
}

fn median_ns(name: &str) -> Option<f64> {
    read(&folder(name).join("estimates.json"))?.get("median")?.get("point_estimate")?.as_f64()
}

/// The folder of the newest run. Criterion writes `start/epochs` as one name.
fn folder(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let nested = target.join(name).join("new");
    if nested.is_dir() { nested } else { target.join(name.replace('/', "_")).join("new") }
}

fn read(file: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(file).ok();
    if text.is_none() {
        println!("criterion wrote no {}", file.display());
    }
    serde_json::from_str(&text?).ok()
}
