//! Makes an adapter's texts for people plain, as they are received.
//!
//! An adapter's text may quote the ATS, and it reaches errors, conditions, intents, logs and the
//! terminals of hosts. So each such text becomes one plain line here, where all answers pass, and
//! no later code has to do it. Texts for machines (ids, bodies, cursors, states) stay as they are:
//! later checks refuse invalid ones.

use atsync_model::contract::{
    Applied, Failure, Outcome, Probed, Problem, Registration, Step, Written,
};
use atsync_model::plain;
use std::borrow::Cow;

/// Makes every text for people in an answer one plain line.
pub(super) fn plainly(given: &mut Result<Step, Failure>) {
    match given {
        Ok(Step::Done(done)) => outcome(done),
        Ok(Step::Send(_) | Step::Verify(_) | Step::Transfer(_)) => {}
        Err(found) => failure(found),
    }
}

fn line(text: &mut String) {
    if let Cow::Owned(made) = plain::line(text) {
        *text = made;
    }
}

fn outcome(outcome: &mut Outcome) {
    match outcome {
        Outcome::FlawedPage((_, problems)) | Outcome::FlawedFetched((_, problems)) => {
            problems.iter_mut().for_each(problem)
        }
        Outcome::Written(found) => written(found),
        Outcome::Probed(Probed::Blind(why)) => line(why),
        Outcome::Checked(checked) => line(&mut checked.detail),
        Outcome::Registration(Registration::Refused(found)) => failure(found),
        Outcome::Registration(Registration::Unclear(why)) => line(why),
        Outcome::Page(_)
        | Outcome::Fetched(_)
        | Outcome::Probed(Probed::Found(_) | Probed::Absent(_) | Probed::Ambiguous(_))
        | Outcome::Hooked(_)
        | Outcome::Tenant(_)
        | Outcome::Registration(_) => {}
    }
}

fn problem(problem: &mut Problem) {
    problem.field.iter_mut().for_each(line);
    line(&mut problem.message);
}

fn written(written: &mut Written) {
    match written {
        Written::Applied(Applied { warnings, .. })
        | Written::Unneeded(Applied { warnings, .. }) => {
            warnings.iter_mut().for_each(line);
        }
        Written::Refused(found) => failure(found),
        Written::Unclear(why) => line(why),
        Written::Pending(_) => {}
    }
}

fn failure(failure: &mut Failure) {
    match failure {
        Failure::Auth(text)
        | Failure::NotFound(text)
        | Failure::Gone(text)
        | Failure::Conflict(text)
        | Failure::Misconfigured(text)
        | Failure::Unavailable(text)
        | Failure::Protocol(text)
        | Failure::Bug(text) => line(text),
        Failure::Denied(denied) => line(&mut denied.message),
        Failure::Misread(misread) => line(&mut misread.message),
        Failure::Invalid(errors) => errors.iter_mut().for_each(|error| {
            line(&mut error.field);
            line(&mut error.message);
        }),
        Failure::Moved(_) | Failure::Restart(_) | Failure::Throttled(_) | Failure::Quota(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::plainly;
    use atsync_model::contract::{
        Applied, Checked, Denied, Failure, Fetched, FieldError, Misread, Outcome, Page, Probed,
        Problem, Registration, Step, Verdict, Written,
    };
    use atsync_model::plain::is_plain;

    #[test]
    fn whatever_an_adapter_says_is_one_plain_line() {
        let text = || "a\u{1b}]0;x\u{7}\nerror: forged\u{9b}2J\u{202e}\u{200b}\u{2028}z".to_owned();
        let denied = Denied { permission: String::new(), message: text() };
        let field = FieldError { field: text(), message: text() };
        let failures = [
            Failure::Auth(text()),
            Failure::Denied(denied),
            Failure::NotFound(text()),
            Failure::Gone(text()),
            Failure::Conflict(text()),
            Failure::Misread(Misread { message: text(), reading: "date".to_owned() }),
            Failure::Invalid(vec![field]),
            Failure::Misconfigured(text()),
            Failure::Unavailable(text()),
            Failure::Protocol(text()),
            Failure::Bug(text()),
        ];
        let problem = || {
            vec![Problem::field("jobs", "1", text(), text()), Problem::row("jobs", None, text())]
        };
        let applied = || Applied { links: Vec::new(), warnings: vec![text()], deduplicated: false };
        let page = Page {
            items: Vec::new(),
            masks: Vec::new(),
            next: None,
            checkpoint: None,
            complete: true,
        };
        let fetched = Fetched { items: Vec::new(), masks: Vec::new(), missing: Vec::new() };
        let outcomes = [
            Outcome::page(page, problem()),
            Outcome::fetched(fetched, problem()),
            Outcome::Written(Written::Applied(applied())),
            Outcome::Written(Written::Unneeded(applied())),
            Outcome::Written(Written::Unclear(text())),
            Outcome::Written(Written::Refused(Failure::Protocol(text()))),
            Outcome::Probed(Probed::Blind(text())),
            Outcome::Checked(Checked { verdict: Verdict::Unknown, detail: text() }),
            Outcome::Registration(Registration::Unclear(text())),
            Outcome::Registration(Registration::Refused(Failure::Protocol(text()))),
        ];
        let all = failures
            .into_iter()
            .map(Err)
            .chain(outcomes.into_iter().map(|outcome| Ok(Step::Done(outcome))));
        for mut given in all {
            // Debug escapes what is not plain, so it is found by its escape.
            assert!(format!("{given:?}").contains("\\u{202e}"));
            plainly(&mut given);
            let shown = format!("{given:?}");
            assert!(
                shown.chars().all(is_plain) && !shown.contains("\\u{") && !shown.contains("\\n"),
                "{shown}"
            );
        }
    }
}
