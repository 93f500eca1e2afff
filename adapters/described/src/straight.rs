//! Straight expressions: paths, literals and helpers, joined by `~`, `==`, `!=`, `not`, `and`,
//! `or`, `is none`, `is defined` and `if … else`. They are what mappings consist of, and are
//! evaluated in the row as it was parsed. Their results are those of minijinja, which a test
//! compares. Anything else is no straight expression, and is left to minijinja.

use crate::expression::{Scope, TEXT_BYTES_MAX, to_value};
use crate::helpers::{self, Helper};
use crate::json::{ABSENT, Json};
use std::borrow::Cow;

/// Levels of one expression.
const DEPTH_MAX: usize = 32;

/// A straight expression.
pub(crate) enum Straight {
    Pipe(Operand, Vec<(Helper, Vec<Operand>)>),
    Join(Box<Straight>, Box<Straight>),
    Same(Box<Straight>, Box<Straight>, bool),
    Not(Box<Straight>),
    And(Box<Straight>, Box<Straight>),
    Or(Box<Straight>, Box<Straight>),
    /// Condition, value, and the value otherwise.
    If(Box<Straight>, Box<Straight>, Option<Box<Straight>>),
    /// Whether it is none (or defined), or is not.
    IsNone(Box<Straight>, bool),
    IsDefined(Box<Straight>, bool),
}

impl Straight {
    /// Reads an expression; `None` for one that is not straight.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut rest = Reader(text.trim(), DEPTH_MAX);
        let made = rest.choice()?;
        rest.0.is_empty().then_some(made)
    }

    /// The paths that it reads, each up to its first index.
    pub(crate) fn reads(&self) -> Vec<Cow<'_, [String]>> {
        let mut reads = Vec::new();
        self.each(&mut |operand| reads.extend(operand.read()));
        reads
    }

    /// The paths that it reads, with their indexes.
    pub(crate) fn paths(&self) -> Vec<Cow<'_, [String]>> {
        let mut paths = Vec::new();
        self.each(&mut |operand| {
            if let Operand::Path(parts, _) = operand {
                paths.push(Cow::Borrowed(parts.as_slice()));
            }
        });
        paths
    }

    fn each<'e>(&'e self, visit: &mut dyn FnMut(&'e Operand)) {
        match self {
            Self::Pipe(from, helpers) => {
                let arguments = helpers.iter().flat_map(|(_, arguments)| arguments);
                std::iter::once(from).chain(arguments).for_each(visit);
            }
            Self::Join(one, other)
            | Self::Same(one, other, _)
            | Self::And(one, other)
            | Self::Or(one, other) => {
                one.each(visit);
                other.each(visit);
            }
            Self::Not(one) | Self::IsNone(one, _) | Self::IsDefined(one, _) => one.each(visit),
            Self::If(when, then, other) => {
                when.each(visit);
                then.each(visit);
                if let Some(other) = other {
                    other.each(visit);
                }
            }
        }
    }

    /// The texts that it can yield as they stand in it.
    #[cfg(feature = "host")]
    pub(crate) fn literals(&self) -> Vec<&str> {
        match self {
            Self::Pipe(Operand::Literal(Json::Text(text)), helpers) if helpers.is_empty() => {
                vec![text]
            }
            Self::If(_, then, other) => {
                let mut all = then.literals();
                all.extend(other.iter().flat_map(|other| other.literals()));
                all
            }
            Self::Or(one, other) => [one.literals(), other.literals()].concat(),
            _ => Vec::new(),
        }
    }

    /// Evaluates it as an id: each part of one that is joined is a text or a number.
    pub(crate) fn id<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, String> {
        if let Self::Join(one, other) = self {
            one.is_part(scope)?;
            other.is_part(scope)?;
        }
        self.eval(scope)
    }

    fn is_part(&self, scope: Scope<'_, '_>) -> Result<(), String> {
        if let Self::Join(one, other) = self {
            one.is_part(scope)?;
            return other.is_part(scope);
        }
        match &*self.eval(scope)? {
            part if part.is_empty() => Err("a part of the id is empty".to_owned()),
            Json::Text(_) | Json::Int(_) | Json::Big(_) => Ok(()),
            part => Err(format!("a part of the id is {}", part.shape())),
        }
    }

    /// Evaluates it.
    pub(crate) fn eval<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, String> {
        let flag = |flag: bool| Ok(Cow::Owned(Json::Bool(flag)));
        match self {
            Self::Pipe(from, helpers) => {
                let mut value = from.eval(scope);
                for (helper, arguments) in helpers {
                    let arguments: Vec<Json<'a>> = arguments
                        .iter()
                        .map(|argument| argument.eval(scope).into_owned())
                        .collect();
                    value = Cow::Owned(helper(&value, &arguments)?);
                }
                Ok(value)
            }
            Self::Join(one, other) => {
                let (one, other) =
                    (printed(one.eval(scope)?.as_ref()), printed(other.eval(scope)?.as_ref()));
                if one.len().saturating_add(other.len()) > TEXT_BYTES_MAX {
                    return Err(format!("its result has more than {TEXT_BYTES_MAX} bytes of text"));
                }
                Ok(Cow::Owned(Json::text(one + &other)))
            }
            Self::Same(one, other, wanted) => {
                flag(is_same(one.eval(scope)?.as_ref(), other.eval(scope)?.as_ref()) == *wanted)
            }
            Self::Not(one) => flag(!one.eval(scope)?.is_true()),
            Self::And(one, other) => {
                let one = one.eval(scope)?;
                if one.is_true() { other.eval(scope) } else { Ok(one) }
            }
            Self::Or(one, other) => {
                let one = one.eval(scope)?;
                if one.is_true() { Ok(one) } else { other.eval(scope) }
            }
            Self::If(when, then, other) => match (when.eval(scope)?.is_true(), other) {
                (true, _) => then.eval(scope),
                (false, Some(other)) => other.eval(scope),
                (false, None) => Ok(Cow::Borrowed(&ABSENT)),
            },
            Self::IsNone(one, wanted) => flag(matches!(*one.eval(scope)?, Json::Null) == *wanted),
            Self::IsDefined(one, wanted) => {
                flag(!matches!(*one.eval(scope)?, Json::Absent) == *wanted)
            }
        }
    }
}

/// A value as text, as minijinja prints it.
fn printed(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.clone().into_owned(),
        Json::Int(number) => number.to_string(),
        Json::Absent => String::new(),
        other => to_value(other).to_string(),
    }
}

/// Whether two values are equal, as minijinja compares them.
fn is_same(one: &Json<'_>, other: &Json<'_>) -> bool {
    match (one, other) {
        (Json::Text(one), Json::Text(other)) => one == other,
        (Json::Int(one), Json::Int(other)) => one == other,
        (Json::Null, Json::Null) | (Json::Absent, Json::Absent) => true,
        (Json::Null | Json::Absent, Json::Text(_)) | (Json::Text(_), Json::Null | Json::Absent) => {
            false
        }
        _ => to_value(one) == to_value(other),
    }
}

/// A literal, or a path.
pub(crate) enum Operand {
    Literal(Json<'static>),
    /// The first part is a name of the scope; a part of digits in brackets is an index.
    Path(Vec<String>, Vec<Option<usize>>),
}

impl Operand {
    fn eval<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Cow<'s, Json<'a>> {
        match self {
            Self::Literal(literal) => Cow::Owned(literal.clone()),
            Self::Path(parts, indexes) => {
                let mut parts = parts.iter().zip(indexes);
                let root = parts.next().map(|(name, _)| name.as_str()).unwrap_or_default();
                let value =
                    parts.fold(scope.get(root), |value, (name, index)| match (value, index) {
                        (Json::List(entries), Some(index)) => {
                            entries.get(*index).unwrap_or(&ABSENT)
                        }
                        (_, Some(_)) => &ABSENT,
                        (value, None) => value.get(name),
                    });
                Cow::Borrowed(value)
            }
        }
    }

    fn read(&self) -> Option<Cow<'_, [String]>> {
        match self {
            Self::Literal(_) => None,
            Self::Path(parts, indexes) => {
                let named = indexes.iter().take_while(|index| index.is_none()).count();
                Some(Cow::Borrowed(parts.get(..named).unwrap_or_default()))
            }
        }
    }
}

/// Reads a straight expression from the left, down to so many levels.
struct Reader<'t>(&'t str, usize);

/// Words that mean something else than a name.
const KEYWORDS: &[&str] = &[
    "and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True",
];

impl<'t> Reader<'t> {
    /// Takes a word, if it comes next.
    fn word(&mut self, word: &str) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_') => {
                self.0 = rest.trim_start();
                true
            }
            _ => false,
        }
    }

    /// Takes an operator of two signs, if it comes next.
    fn sign(&mut self, sign: &str) -> bool {
        match self.0.strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn choice(&mut self) -> Option<Straight> {
        self.1 = self.1.checked_sub(1)?;
        let value = self.or()?;
        let made = if self.word("if") {
            let when = self.or()?;
            let other = if self.word("else") { Some(Box::new(self.choice()?)) } else { None };
            Straight::If(Box::new(when), Box::new(value), other)
        } else {
            value
        };
        self.1 = self.1.saturating_add(1);
        Some(made)
    }

    fn or(&mut self) -> Option<Straight> {
        let mut made = self.and()?;
        while self.word("or") {
            made = Straight::Or(Box::new(made), Box::new(self.and()?));
        }
        Some(made)
    }

    fn and(&mut self) -> Option<Straight> {
        let mut made = self.not()?;
        while self.word("and") {
            made = Straight::And(Box::new(made), Box::new(self.not()?));
        }
        Some(made)
    }

    fn not(&mut self) -> Option<Straight> {
        if self.word("not") {
            self.1 = self.1.checked_sub(1)?;
            let made = Straight::Not(Box::new(self.not()?));
            self.1 = self.1.saturating_add(1);
            return Some(made);
        }
        let one = self.joined()?;
        let wanted = if self.sign("==") {
            true
        } else if self.sign("!=") {
            false
        } else {
            return Some(one);
        };
        let other = self.joined()?;
        // A chain of comparisons means something else.
        let is_chain = self.0.starts_with("==") || self.0.starts_with("!=");
        (!is_chain).then(|| Straight::Same(Box::new(one), Box::new(other), wanted))
    }

    fn joined(&mut self) -> Option<Straight> {
        let mut made = self.part()?;
        while self.take('~') {
            made = Straight::Join(Box::new(made), Box::new(self.part()?));
        }
        Some(made)
    }

    fn part(&mut self) -> Option<Straight> {
        let mut made = if self.take('(') {
            let made = self.choice()?;
            // Something behind the bracket, such as a member or a filter, is not straight.
            if !self.take(')') || self.0.starts_with(['.', '[', '|', '(']) {
                return None;
            }
            made
        } else {
            self.pipe()?
        };
        if self.word("is") {
            let wanted = !self.word("not");
            made = if self.word("none") {
                Straight::IsNone(Box::new(made), wanted)
            } else if self.word("defined") {
                Straight::IsDefined(Box::new(made), wanted)
            } else {
                return None;
            };
        }
        Some(made)
    }

    fn pipe(&mut self) -> Option<Straight> {
        let from = self.operand()?;
        let mut helpers = Vec::new();
        while self.take('|') {
            let name = self.name()?;
            let (_, helper) = helpers::ALL.iter().find(|(known, _)| *known == name)?;
            let mut arguments = Vec::new();
            if self.take('(') && !self.take(')') {
                loop {
                    arguments.push(self.operand()?);
                    if self.take(')') {
                        break;
                    }
                    if !self.take(',') {
                        return None;
                    }
                }
            }
            self.0 = self.0.trim_start();
            helpers.push((*helper, arguments));
        }
        Some(Straight::Pipe(from, helpers))
    }

    fn take(&mut self, sign: char) -> bool {
        match self.0.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        let end = self
            .0
            .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
            .unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at_checked(end)?;
        let is_name = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
        self.0 = rest;
        is_name.then_some(name)
    }

    fn quoted(&mut self) -> Option<&'t str> {
        let quote = self.0.chars().next().filter(|sign| matches!(sign, '\'' | '"'))?;
        let (text, rest) = self.0.get(1..)?.split_once(quote)?;
        self.0 = rest;
        (!text.contains('\\')).then_some(text)
    }

    fn digits(&mut self) -> Option<&'t str> {
        let end = self.0.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!digits.is_empty() && digits.len() < 19).then_some(digits)
    }

    fn operand(&mut self) -> Option<Operand> {
        let first = self.0.chars().next()?;
        if matches!(first, '\'' | '"') {
            let text = self.quoted()?.to_owned();
            self.0 = self.0.trim_start();
            return Some(Operand::Literal(Json::text(text)));
        }
        if first.is_ascii_digit() {
            let number = self.digits()?.parse().ok()?;
            if self.0.starts_with(['.', '_'])
                || self.0.starts_with(|sign: char| sign.is_ascii_alphabetic())
            {
                return None;
            }
            self.0 = self.0.trim_start();
            return Some(Operand::Literal(Json::Int(number)));
        }
        let root = self.name()?;
        let literal = match root {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            "none" => Some(Json::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            self.0 = self.0.trim_start();
            return Some(Operand::Literal(literal));
        }
        if KEYWORDS.contains(&root) {
            return None;
        }
        let (mut parts, mut indexes) = (vec![root.to_owned()], vec![None]);
        loop {
            if let Some(rest) = self.0.strip_prefix('.') {
                self.0 = rest;
                parts.push(self.name()?.to_owned());
                indexes.push(None);
            } else if let Some(rest) = self.0.strip_prefix('[') {
                self.0 = rest;
                if self.0.starts_with(['\'', '"']) {
                    parts.push(self.quoted()?.to_owned());
                    indexes.push(None);
                } else {
                    let digits = self.digits()?;
                    parts.push(digits.to_owned());
                    indexes.push(Some(digits.parse().ok()?));
                }
                self.0 = self.0.strip_prefix(']')?;
            } else {
                break;
            }
        }
        self.0 = self.0.trim_start();
        Some(Operand::Path(parts, indexes))
    }
}
