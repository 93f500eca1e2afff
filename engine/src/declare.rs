//! Desired records as they arrive from a file or the host: parsed, checked, refused with their
//! place.
//!
//! A file is JSON Lines, one JSON array, or whole objects one after the other; [`Records`] reads it
//! as a stream. A batch is accepted as a whole or not at all, so a mistake in line 40 never leaves
//! 39 records behind. Bounds: [`atsync_model::desired::limits`] and [`RECORDS_MAX`]. Left out:
//! whether references resolve; that needs the observed state and belongs to the plan.

mod batch;
mod check;
mod entries;
mod read;
mod shape;
mod texts;
mod twice;

pub use crate::declaration::RECORDS_MAX;
pub use batch::{Declare, declarations};
pub use check::check;
pub use read::{Read1, Records, Refusal, TEXT_BYTES_MAX};

use crate::error::Error;
use atsync_model::desired::Desired;
use batch::input;

/// Parses the text of a desired file. `name` names it in messages. [`Records`] reads a stream.
///
/// # Errors
/// `ErrorKind::Input` with file, line and field of the first record that is refused.
pub fn parse(name: &str, text: &str) -> Result<Vec<Desired>, Error> {
    let mut records = Vec::new();
    for read in Records::new(text.as_bytes()) {
        // Reading text in memory does not fail.
        let read = read.map_err(|error| input(format!("{name}: {error}")))?;
        let (_, record) =
            read.map_err(|refusal| input(format!("{name}:{}: {}", refusal.line, refusal.problem)))?;
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::{declarations, parse};
    use atsync_model::desired::DesiredCandidate;

    fn refusal(text: &str) -> String {
        parse("r.jsonl", text).unwrap_err().to_string()
    }

    #[test]
    fn lines_and_arrays_are_read_alike() {
        let line = r#"{"key":"a","emails":["a@x.com"]}"#;
        assert_eq!(parse("f", line).unwrap(), parse("f", &format!("\n[{line}]")).unwrap());
        assert_eq!(parse("f", "\n\n").unwrap(), vec![]);
    }

    #[test]
    fn a_refusal_names_the_place_and_the_mistake() {
        let text = "{\"key\":\"a\"}\n{\"key\":\"b\",\"emial\":[]}";
        assert!(
            refusal(text).starts_with("r.jsonl:2: `emial` is no member of a candidate"),
            "{}",
            refusal(text)
        );
        assert!(
            refusal("{\"key\":1}")
                .starts_with("r.jsonl:1: `key` must be a text, and is the number 1")
        );
        assert!(
            refusal("[\n{\"key\":\"a\"},\n{\"kee\":1}]")
                .starts_with("r.jsonl:3: `kee` is no member")
        );
        assert!(refusal(r#"{"key":"a/b"}"#).contains("may not contain `/`"));
        assert!(
            refusal(r#"{"key":"a","applications":[{"key":"1"}]}"#).contains("applications[1].job")
        );
        assert!(refusal(r#"{"key":"a","policy":{"colour":"seed"}}"#).contains("\"colour\""));
    }

    #[test]
    fn each_limit_refuses() {
        let long = "x".repeat(70_000);
        assert!(refusal(&format!(r#"{{"key":"{long}"}}"#)).contains("1 to 200 bytes"));
        assert!(
            refusal(&format!(r#"{{"key":"a","notes":[{{"key":"n","body":"{long}"}}]}}"#))
                .contains("at most 65536")
        );
        let many =
            |entry: &dyn Fn(usize) -> String| (0..201).map(entry).collect::<Vec<_>>().join(",");
        let lists: [(&str, &dyn Fn(usize) -> String); 8] = [
            ("tags", &|n| format!(r#""t{n}""#)),
            ("emails", &|n| format!(r#""a{n}@x.com""#)),
            ("phones", &|n| format!(r#""+1{n:06}""#)),
            ("links", &|n| format!(r#""x.com/{n}""#)),
            ("notes", &|n| format!(r#"{{"key":"n{n}","body":"Note {n}"}}"#)),
            ("applications", &|n| format!(r#"{{"key":"a{n}","job":"Job {n}"}}"#)),
            ("educations", &|n| format!(r#"{{"school":"School {n}"}}"#)),
            ("employments", &|n| format!(r#"{{"company":"Company {n}"}}"#)),
        ];
        for (list, entry) in lists {
            let said = refusal(&format!(r#"{{"key":"a","{list}":[{}]}}"#, many(entry)));
            assert!(said.contains("at most 200"), "{list}: {said}");
        }
        let files = many(&|n| {
            format!(r#"{{"key":"f{n}","filename":"{n}","type":"other","url":"https://x.com/{n}"}}"#)
        });
        let application = format!(r#"{{"key":"1","job":"J","attachments":[{files}]}}"#);
        let said = refusal(&format!(r#"{{"key":"a","applications":[{application}]}}"#));
        assert!(said.contains("`applications[1].attachments` has 201 entries"), "{said}");
    }

    #[test]
    fn an_invalid_definition_is_refused() {
        let field = |members: &str| {
            refusal(&format!(
                r#"{{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"single"{members}}}"#
            ))
        };
        assert!(field(r#","options":["A","A"]"#).contains("`options` has \"A\" twice"));
        assert!(
            field(r#","policy":{"type":"seed"}"#).contains("name, private, description, options")
        );
        assert!(field(r#","optoins":[]"#).contains("`optoins` is no member of a custom field"));
        let text = r#"{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"text","options":["A"]}"#;
        assert!(refusal(text).contains("for fields of type single and multi"));
        let odd = r#"{"kind":"custom_fields","key":"x","applies_to":"person","type":"text"}"#;
        assert!(refusal(odd).contains("one of candidate, application, job, opening, offer"));
        let long = "x".repeat(190);
        let far = format!(
            r#"{{"kind":"custom_fields","key":"{long}","applies_to":"candidate","type":"text"}}"#
        );
        assert!(refusal(&far).contains("1 to 200 bytes"));
        assert!(
            refusal(r#"{"kind":"users","email":"ada"}"#)
                .contains("no plain e-mail address: it has no @")
        );
        assert!(
            refusal(r#"{"kind":"tags","key":"x"}"#)
                .contains("candidates, custom_fields and users can be declared")
        );
        assert!(refusal(r#"{"key":"@x"}"#).contains("begin with `~` or `@`"));
    }

    #[test]
    fn two_records_with_one_key_are_refused() {
        let records = parse("f", "{\"key\":\"a\"}\n{\"key\":\"a\"}").unwrap();
        assert!(
            declarations(&records).unwrap_err().to_string().contains("two records have this key")
        );
    }

    #[test]
    fn a_record_without_a_usable_key_is_named_by_its_number() {
        let of = |key: &str| DesiredCandidate {
            key: key.to_owned(),
            ..parse("f", "{\"key\":\"a\"}").unwrap()[0].candidate().unwrap().clone()
        };
        for key in [String::new(), "x".repeat(201)] {
            let refusal = declarations(&[of("a"), of(&key)]).unwrap_err().to_string();
            assert!(refusal.contains("record 2 of 2: `key` must have 1 to 200 bytes"), "{refusal}");
        }
    }

    #[test]
    fn a_type_outside_of_the_list_is_refused_with_the_list() {
        for member in ["emails", "phones", "links"] {
            for odd in ["WORK", "castle", ""] {
                let refusal = refusal(&format!(
                    r#"{{"key":"a","{member}":[{{"value":"a@x.com","type":"{odd}"}}]}}"#
                ));
                assert!(refusal.contains("personal, work, home, mobile"), "{refusal}");
            }
        }
        let file = |kind: &str| {
            format!(
                r#"{{"key":"a","applications":[{{"key":"1","job":"J","attachments":[{{"key":"f","filename":"f","type":"{kind}","url":"https://x/1"}}]}}]}}"#
            )
        };
        assert!(refusal(&file("cv")).contains("`applications[1].attachments[f].type`"));
        assert!(refusal(&file("Resume")).contains("resume, cover_letter, other"));
        assert!(parse("f", &file("cover_letter")).is_ok());
    }

    #[test]
    fn an_empty_or_blank_reference_is_refused_in_every_form() {
        for odd in [
            r#""""#,
            r#"" ""#,
            r#"{"id":""}"#,
            r#"{"name":" "}"#,
            r#"{"id":" 7 "}"#,
            r#"{"requisition_id":""}"#,
        ] {
            let refusal =
                refusal(&format!(r#"{{"key":"a","applications":[{{"key":"1","job":{odd}}}]}}"#));
            assert!(refusal.contains("`applications[1].job`"), "{odd}: {refusal}");
        }
    }

    #[test]
    fn a_text_that_breaks_its_format_is_refused_with_its_line_and_member() {
        let file = |members: &str| {
            format!(
                r#"{{"key":"a","applications":[{{"key":"1","job":"J","attachments":[{{"key":"f","type":"other",{members}}}]}}]}}"#
            )
        };
        let url = |url: &str| file(&format!(r#""filename":"f","url":"{url}""#));
        let member = |members: &str| format!(r#"{{"key":"a",{members}}}"#);
        for (record, place) in [
            (url("file:///etc/passwd"), "`applications[1].attachments[f].url`"),
            (url("x"), "`applications[1].attachments[f].url`"),
            (url(""), "`applications[1].attachments[f].url`"),
            (url(" "), "`applications[1].attachments[f].url`"),
            (url("https://files/a b"), "`applications[1].attachments[f].url`"),
            (url("https://files/a\\nb"), "`applications[1].attachments[f].url`"),
            (
                file(r#""filename":" ","url":"https://files/x""#),
                "`applications[1].attachments[f].filename`",
            ),
            (
                file(r#""filename":"a\nb","url":"https://files/x""#),
                "`applications[1].attachments[f].filename`",
            ),
            (member(r#""links":["javascript:alert(1)"]"#), "`links`"),
            (member(r#""links":[{"value":"not a url"}]"#), "`links`"),
            (member(r#""emails":["Ada <ada@x.com>"]"#), "`emails`"),
            (member(r#""emails":["a@x.com,b@x.com"]"#), "`emails`"),
            (member(r#""name":{"first":"  "}"#), "`name.first`"),
            (member(r#""name":{"last":"\t"}"#), "`name.last`"),
            (member(r#""company":" ""#), "`company`"),
            (member(r#""title":" ""#), "`title`"),
            (
                member(r#""applications":[{"key":"1","job":"J","referrer":{"email":"Sam"}}]"#),
                "`applications[1].referrer`",
            ),
            (
                member(r#""applications":[{"key":"1","job":"J","referrer":"Sam <s@x.com>"}]"#),
                "`applications[1].referrer`",
            ),
            (member(r#""emails":["a@x.com\u0000"]"#), "`emails`"),
            (
                r#"{"kind":"users","email":"a@x.com","name":{"first":" "}}"#.to_owned(),
                "`name.first`",
            ),
            (r#"{"kind":"users","email":"a@x.com","job_title":" "}"#.to_owned(), "`job_title`"),
        ] {
            let refusal = refusal(&format!("{{\"key\":\"before\"}}\n{record}"));
            assert!(
                refusal.starts_with("r.jsonl:2: ") && refusal.contains(place),
                "{record}: {refusal}"
            );
        }
        for fine in [
            url("https://files.example.com/cv.pdf?sig=1"),
            url("HTTP://files:8080/cv"),
            member(r#""links":["ada.dev","https://x.com/ada"],"company":"","name":{"first":""}"#),
        ] {
            assert!(parse("f", &fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn the_refusal_of_a_url_does_not_show_it() {
        let record = r#"{"key":"a","applications":[{"key":"1","job":"J","attachments":[{"key":"f","type":"other","filename":"f","url":"ftp://x/?sig=hunter2"}]}]}"#;
        assert!(!refusal(record).contains("hunter2"));
    }
}
