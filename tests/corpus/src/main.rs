//! `corpus unpack` and `corpus pack`: the archives of `fuzz/corpus` as directories of
//! `fuzz/unpacked`, and back.
//!
//! A target whose directory does not exist keeps its archive as it is.

#![allow(clippy::print_stdout, reason = "a program says what it did")]

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let corpora = atsync_fuzz_corpus::directory();
    let unpacked = corpora.with_file_name("unpacked");
    let deed: fn(&Path, &Path) -> io::Result<usize> = match env::args().nth(1).as_deref() {
        Some("unpack") => atsync_fuzz_corpus::unpack,
        Some("pack") => |archive, directory| match directory.is_dir() {
            true => atsync_fuzz_corpus::pack(directory, archive),
            false => atsync_fuzz_corpus::archived(archive).map(|inputs| inputs.len()),
        },
        _ => return Err(io::Error::other("usage: corpus unpack|pack")),
    };
    let mut targets = Vec::new();
    for entry in fs::read_dir(&corpora)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        targets.extend(name.strip_suffix(".tar.gz").map(str::to_owned));
    }
    targets.sort();
    for target in targets {
        let archive = atsync_fuzz_corpus::archive(&corpora, &target);
        let count = deed(&archive, &unpacked.join(&target))?;
        println!("{target:<8} {count:>5} inputs");
    }
    Ok(())
}
