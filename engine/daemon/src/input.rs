//! Desired records from a file or from stdin, in bounded memory.
//!
//! A file is read twice. The first pass checks every record and reports every bad one, with its
//! line, before anything is opened; a file with a bad record is not used at all. A file of at most
//! [`PART_RECORDS`] records is kept in memory and used as a whole. Of a longer one only the keys,
//! the custom fields and the users stay in memory, and it is read again in parts, definitions
//! first. Large input from a pipe is kept in an unnamed temporary file.
//!
//! Bounds: [`PART_RECORDS`], [`REFUSALS_SHOWN`], and [`Connection::DECLARED_RECORDS_MAX`] records.
//! Left out: a file that changes while it is read; the second pass checks each record again.

#![expect(clippy::disallowed_methods, reason = "reads the file of desired records")]

use crate::failure::Failure;
use crate::place::Place;
use atsync::{Connection, Desired, DesiredRecords, DesiredRefusal};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Records in memory at once: at some kilobytes each, with their plan, tens of megabytes.
pub(crate) const PART_RECORDS: usize = 5_000;
/// Bad records that are reported one by one; the others are counted.
const REFUSALS_SHOWN: usize = 20;
/// Bytes of a pipe that are kept in memory.
const PIPE_BYTES_KEPT: usize = 16 * 1024 * 1024;

/// A desired file whose every record was checked.
#[derive(Debug)]
pub(crate) struct DesiredFile {
    name: String,
    source: Source,
    records: usize,
    /// All records, if the file is short enough.
    whole: Vec<Desired>,
    /// Custom fields and users, which candidates of every part may reference.
    definitions: Vec<Desired>,
}

#[derive(Debug)]
enum Source {
    File(std::fs::File),
    Pipe(tempfile::SpooledTempFile),
}

impl Read for &mut Source {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Source::File(file) => file.read(into),
            Source::Pipe(file) => file.read(into),
        }
    }
}

impl Source {
    fn open(place: &Place, path: &Path) -> std::io::Result<Self> {
        if let Some(sent) = place.sent() {
            return Ok(Self::Pipe(sent));
        }
        if path == Path::new("-") {
            return Self::kept(std::io::stdin().lock());
        }
        let file = std::fs::File::open(path)?;
        if file.metadata()?.is_file() { Ok(Self::File(file)) } else { Self::kept(file) }
    }

    fn kept(mut pipe: impl Read) -> std::io::Result<Self> {
        let mut file = tempfile::SpooledTempFile::new(PIPE_BYTES_KEPT);
        std::io::copy(&mut pipe, &mut file)?;
        Ok(Self::Pipe(file))
    }

    fn begin(&mut self) -> std::io::Result<u64> {
        match self {
            Self::File(file) => file.seek(SeekFrom::Start(0)),
            Self::Pipe(file) => file.seek(SeekFrom::Start(0)),
        }
    }
}

/// Reads and checks a whole file.
///
/// # Errors
/// One message, with a line for each bad record. A file without a record is an error too, so that
/// an empty export is not mistaken for one with nothing to do.
pub(crate) fn desired(place: &Place, path: &Path) -> Result<DesiredFile, Failure> {
    let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
    let unreadable =
        |error: std::io::Error| Failure::new(format!("{name} cannot be read: {error}"));
    let mut source = Source::open(place, path).map_err(unreadable)?;
    source.begin().map_err(unreadable)?;
    let mut refusals = Refusals { name: &name, told: Vec::new(), untold: 0 };
    let mut keys: HashMap<String, u64> = HashMap::new();
    let (mut records, mut whole, mut definitions) = (0_usize, Vec::new(), Vec::new());
    for read in DesiredRecords::new(&mut source) {
        let (line, record) = match read.map_err(unreadable)? {
            Ok(read) => read,
            Err(refusal) => {
                refusals.add(refusal.line, &refusal.problem);
                continue;
            }
        };
        records += 1;
        let key = record.key();
        match keys.get(&key) {
            Some(first) => refusals.add(
                line,
                &format!("{key}: two records have this key; the other one is on line {first}"),
            ),
            None => drop(keys.insert(key, line)),
        }
        if records > Connection::DECLARED_RECORDS_MAX {
            let max = Connection::DECLARED_RECORDS_MAX;
            return Err(Failure::new(format!(
                "{name} has more than {max} records; declare them in parts"
            )));
        }
        if record.candidate().is_none() && definitions.len() <= PART_RECORDS {
            definitions.push(record.clone());
        }
        if records <= PART_RECORDS {
            whole.push(record);
        } else {
            whole = Vec::new();
        }
    }
    refusals.none()?;
    if records == 0 {
        return Err(Failure::new(format!(
            "{name} has no desired record, so there is nothing to plan or to declare; check \
             whether the export that wrote it is empty"
        )));
    }
    if definitions.len() > PART_RECORDS && records > definitions.len() {
        return Err(Failure::new(format!(
            "{name} has more than {PART_RECORDS} custom fields and users beside other records; \
             put those into a file of their own and declare it first"
        )));
    }
    Ok(DesiredFile { name, source, records, whole, definitions })
}

impl DesiredFile {
    /// The records, if the file is used as a whole.
    pub(crate) fn whole(&self) -> Option<&[Desired]> {
        (self.records <= PART_RECORDS).then_some(self.whole.as_slice())
    }

    /// The number of records.
    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// The file part by part, each record once: first the custom fields and users, then the others.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub(crate) fn parts(&mut self) -> Result<Parts<'_>, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::new(format!("{} cannot be read again: {error}", self.name))
        };
        self.source.begin().map_err(unreadable)?;
        // If a file has definitions only, they are split into parts like other records.
        let is_definitions_only = self.definitions.len() > PART_RECORDS;
        Ok(Parts {
            name: &self.name,
            definitions: if is_definitions_only { &[] } else { &self.definitions },
            records: DesiredRecords::new(&mut self.source),
            takes_definitions: is_definitions_only,
            begun: false,
        })
    }
}

/// A desired file in parts; see [`DesiredFile::parts`].
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    name: &'a str,
    definitions: &'a [Desired],
    records: DesiredRecords<&'a mut Source>,
    takes_definitions: bool,
    begun: bool,
}

impl Parts<'_> {
    fn read(&mut self) -> Result<Option<Vec<Desired>>, Failure> {
        if !std::mem::replace(&mut self.begun, true) && !self.definitions.is_empty() {
            return Ok(Some(self.definitions.to_vec()));
        }
        let mut records = Vec::new();
        while records.len() < PART_RECORDS {
            let Some(read) = self.records.next() else { break };
            let read = read.map_err(|error| {
                Failure::new(format!("{} cannot be read again: {error}", self.name))
            })?;
            let (_, record) = read.map_err(|refusal| {
                let DesiredRefusal { line, problem, .. } = refusal;
                Failure::new(format!(
                    "{}:{line}: {problem}; the file was changed while it was read",
                    self.name
                ))
            })?;
            if self.takes_definitions || record.candidate().is_some() {
                records.push(record);
            }
        }
        Ok((!records.is_empty()).then_some(records))
    }
}

impl Iterator for Parts<'_> {
    type Item = Result<Vec<Desired>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The bad records of a file.
#[derive(Debug)]
struct Refusals<'a> {
    name: &'a str,
    told: Vec<String>,
    untold: usize,
}

impl Refusals<'_> {
    fn add(&mut self, line: u64, problem: &str) {
        if self.told.len() < REFUSALS_SHOWN {
            self.told.push(format!("{}:{line}: {problem}", self.name));
        } else {
            self.untold += 1;
        }
    }

    fn none(mut self) -> Result<(), Failure> {
        if self.told.is_empty() {
            return Ok(());
        }
        let refused = self.told.len() + self.untold;
        if refused > 1 {
            let more = if self.untold > 0 {
                format!(" ({} more like these)", self.untold)
            } else {
                String::new()
            };
            self.told.push(format!(
                "{}: {refused} records are refused{more}, so none of the file is used",
                self.name
            ));
        }
        Err(Failure::Several(self.told.iter().map(|line| crate::words::commands(line)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{DesiredFile, PART_RECORDS, Place, REFUSALS_SHOWN, desired};
    use std::io::Write;

    fn read(lines: impl IntoIterator<Item = String>) -> Result<DesiredFile, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        let name = file.path().display().to_string();
        let place = Place::Alone(std::path::PathBuf::new());
        desired(&place, file.path()).map_err(|error| error.to_string().replace(&name, "r"))
    }

    fn person(key: usize) -> String {
        format!(r#"{{"key":"{key}"}}"#)
    }

    #[test]
    fn every_bad_line_is_reported_with_its_number_up_to_a_limit() {
        let lines = (0..50).map(|n| if n % 2 == 0 { person(n) } else { r#"{"kee":1}"#.to_owned() });
        let told = read(lines).unwrap_err();
        let told: Vec<&str> = told.lines().collect();
        assert!(
            told[0].starts_with("r:2: `kee` is no member of a candidate")
                && told[1].starts_with("r:4: "),
            "{told:?}"
        );
        assert_eq!(told.len(), REFUSALS_SHOWN + 1);
        assert_eq!(
            told[REFUSALS_SHOWN],
            "r: 25 records are refused (5 more like these), so none of the file is used"
        );
        assert!(
            !read([r#"{"kee":1}"#.to_owned()]).unwrap_err().contains('\n'),
            "one alone is one line"
        );
    }

    #[test]
    fn a_file_without_a_record_is_an_error_that_names_it() {
        for empty in [Vec::new(), vec![String::new()], vec!["[]".to_owned()]] {
            assert!(read(empty).unwrap_err().starts_with("r has no desired record"));
        }
    }

    #[test]
    fn two_records_with_one_key_are_reported_with_both_lines() {
        let told = read([person(1), person(2), person(1)]).unwrap_err();
        assert_eq!(told, "r:3: 1: two records have this key; the other one is on line 1");
    }

    #[test]
    fn a_long_file_comes_in_parts_and_what_others_may_name_comes_first() {
        let field = r#"{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"text"}"#;
        let lines = (0..PART_RECORDS + 10).map(person).chain([field.to_owned()]);
        let mut file = read(lines).unwrap();
        assert!(file.whole().is_none() && file.records() == PART_RECORDS + 11);
        let shapes = |file: &mut DesiredFile| {
            let parts =
                file.parts().unwrap().map(|part| part.map_err(|error| error.to_string()).unwrap());
            parts.map(|part| part.len()).collect::<Vec<_>>()
        };
        assert_eq!(shapes(&mut file), [1, PART_RECORDS, 10]);
        assert_eq!(
            shapes(&mut file),
            [1, PART_RECORDS, 10],
            "it is read as often as it is asked for"
        );
        let mut few = read((0..3).map(person)).unwrap();
        assert_eq!(few.whole().map(<[_]>::len), Some(3));
        assert_eq!(shapes(&mut few), [3]);
    }
}
