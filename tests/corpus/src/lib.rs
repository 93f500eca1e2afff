//! The corpora of the fuzz targets.
//!
//! Each target has a directory of named seeds, one per kind of input and one per failure that was
//! found (`fuzz/corpus/<target>/`), and an archive of the inputs that libFuzzer found, named by
//! their hash (`fuzz/corpus/<target>.tar.gz`). Thousands of tiny files would drown the repository's
//! other files in every listing and search; a selection of 300 loses almost half of the edges of
//! the target `adapter`.
//!
//! The archive does not depend on the machine or the time of packing: names are sorted, and owner,
//! mode and time are fixed. The program `corpus` unpacks and packs it (`just corpus-unpack`, `just
//! corpus-pack`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The largest input that is read; libFuzzer's default bound is 4096.
pub const INPUT_BYTES_MAX: u64 = 1 << 20;

/// The directory of all corpora, `fuzz/corpus`.
pub fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
}

/// The archive of a target in a directory of corpora.
pub fn archive(corpora: &Path, target: &str) -> PathBuf {
    corpora.join(format!("{target}.tar.gz"))
}

/// Reads every input of a target, named and archived, by name.
pub fn inputs(corpora: &Path, target: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut inputs = named(&corpora.join(target))?;
    for (name, input) in archived(&archive(corpora, target))? {
        if inputs.insert(name.clone(), input).is_some() {
            return Err(invalid(format!("{target}: {name} is a named seed and archived too")));
        }
    }
    Ok(inputs)
}

/// Reads the files of a directory, by name.
pub fn named(directory: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut inputs = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| invalid(format!("{} is no text", path.display())))?;
        inputs.insert(name.to_owned(), bounded(name, fs::File::open(&path)?)?);
    }
    Ok(inputs)
}

/// Reads the inputs of an archive, by name.
pub fn archived(archive: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut inputs = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(fs::File::open(archive)?)).entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        // An input's name is one plain name, so unpacking writes nowhere else.
        let name = path.to_str().filter(|name| path.file_name().is_some_and(|last| last == *name));
        let name = name.ok_or_else(|| invalid(format!("{} is no plain name", path.display())))?;
        let input = bounded(name, entry)?;
        if inputs.insert(name.to_owned(), input).is_some() {
            return Err(invalid(format!("{} holds {name} twice", archive.display())));
        }
    }
    Ok(inputs)
}

/// Packs a directory of inputs into an archive, which is replaced. Returns how many there are.
pub fn pack(directory: &Path, archive: &Path) -> io::Result<usize> {
    let inputs = named(directory)?;
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (name, input) in &inputs {
        let mut header = tar::Header::new_ustar();
        header.set_size(input.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, name, input.as_slice())?;
    }
    fs::write(archive, tar.into_inner()?.finish()?)?;
    Ok(inputs.len())
}

/// Unpacks an archive into a directory, which is made. Returns how many inputs there are.
pub fn unpack(archive: &Path, directory: &Path) -> io::Result<usize> {
    let inputs = archived(archive)?;
    fs::create_dir_all(directory)?;
    for (name, input) in &inputs {
        fs::write(directory.join(name), input)?;
    }
    Ok(inputs.len())
}

fn bounded(name: &str, from: impl Read) -> io::Result<Vec<u8>> {
    let mut input = Vec::new();
    from.take(INPUT_BYTES_MAX + 1).read_to_end(&mut input)?;
    if input.len() as u64 > INPUT_BYTES_MAX {
        return Err(invalid(format!("{name} is larger than {INPUT_BYTES_MAX} bytes")));
    }
    Ok(input)
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(archive: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        GzDecoder::new(fs::File::open(archive).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn an_archive_does_not_depend_on_who_packs_it() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("url");
        let packed = archive(folder.path(), "url");
        let tracked = archive(&directory(), "url");
        unpack(&tracked, &unpacked).unwrap();
        pack(&unpacked, &packed).unwrap();
        assert_eq!(tar_of(&packed), tar_of(&tracked));
    }

    #[test]
    fn an_archive_with_a_name_that_leads_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evil.tar.gz");
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        tar.append_data(&mut header, "below/input", [].as_slice()).unwrap();
        fs::write(&path, tar.into_inner().unwrap().finish().unwrap()).unwrap();
        let error = unpack(&path, folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "below/input is no plain name");
    }

    #[test]
    fn an_input_beyond_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("large");
        fs::create_dir(&unpacked).unwrap();
        fs::write(unpacked.join("input"), vec![0; (1 << 20) + 1]).unwrap();
        let error = pack(&unpacked, &archive(folder.path(), "large")).unwrap_err();
        assert_eq!(error.to_string(), "input is larger than 1048576 bytes");
    }
}
