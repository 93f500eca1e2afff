//! Expressions: pure, and bounded in steps and in size.
//!
//! The language is minijinja's. Most expressions of a mapping are *straight*: paths, literals and
//! helpers with the usual operators between them (`crate::straight`). Those are evaluated in the
//! row as it was parsed, without minijinja; a test holds both ways to the same results. Any other
//! expression is compiled by minijinja, and only the members that it reads are converted. A fresh
//! instance runs each call, so nothing is compiled that the task does not use, and minijinja's
//! environment is made when the first expression needs it.
//!
//! Bounds: [`FUEL`] steps of an evaluation, [`NODES_MAX`] values and [`TEXT_BYTES_MAX`] bytes of
//! text in its result, [`DEPTH_MAX`] levels. A fault never quotes a value, which may be personal
//! data. Left out: macros, loops, includes, clock and randomness: expressions have none.

use crate::helpers::{self, Helper};
use crate::json::{ABSENT, Json};
use crate::straight::Straight;
use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests};
use std::borrow::Cow;
use std::cell::OnceCell;

/// Steps of one evaluation. A mapping takes some tens.
pub const FUEL: u64 = 20_000;
/// Values in one result.
pub const NODES_MAX: usize = 20_000;
/// Bytes of all texts in one result. A record's body may have a mebibyte.
pub const TEXT_BYTES_MAX: usize = 512 * 1024;
/// Levels of one result.
pub const DEPTH_MAX: usize = 32;
/// Bytes of one expression.
pub const EXPRESSION_BYTES_MAX: usize = 4 * 1024;

/// A function of an adapter in Rust that expressions can call: by the name that the description
/// lists under `escapes`.
pub type Escape = (&'static str, fn(&[serde_json::Value]) -> Result<serde_json::Value, String>);

/// Why an expression yields no value. Its text quotes the expression and never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub(crate) String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// What compiles expressions, and the functions that they can call.
pub struct Engine {
    environment: OnceCell<Environment<'static>>,
    escapes: &'static [Escape],
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with these escapes.
    #[must_use]
    pub fn new(escapes: &'static [Escape]) -> Self {
        Self { environment: OnceCell::new(), escapes }
    }

    fn environment(&self) -> &Environment<'static> {
        self.environment.get_or_init(|| environment(self.escapes))
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// When it is not one, or is too long.
    pub fn compile(&self, text: &str) -> Result<Compiled<'_>, Fault> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(Fault(format!(
                "an expression of {} bytes; {EXPRESSION_BYTES_MAX} are allowed",
                text.len()
            )));
        }
        if let Some(straight) = Straight::of(text) {
            return Ok(Compiled { text: text.to_owned(), program: Program::Straight(straight) });
        }
        self.general(text)
    }

    /// Compiles an expression by minijinja, even a straight one.
    pub(crate) fn general(&self, text: &str) -> Result<Compiled<'_>, Fault> {
        // minijinja does not list what a slice reads (`compiler/meta.rs` of 3.1).
        if has_slice(text) {
            return Err(Fault(format!("`{text}`: a slice (`[from:to]`) is not offered")));
        }
        let expression = self
            .environment()
            .compile_expression_owned(text.to_owned())
            .map_err(|error| Fault(format!("`{text}` is no expression: {}", syntax(&error))))?;
        let mut reads: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
        reads.retain(|read| !self.escapes.iter().any(|(name, _)| name == read));
        reads.sort_unstable();
        let reads =
            reads.into_iter().map(|read| read.split('.').map(str::to_owned).collect()).collect();
        Ok(Compiled {
            text: text.to_owned(),
            program: Program::General(Box::new(expression), reads),
        })
    }
}

/// Whether a colon stands directly in brackets.
fn has_slice(text: &str) -> bool {
    let (mut quote, mut open) = (None, Vec::new());
    for byte in text.bytes() {
        match (quote, byte) {
            (Some(sign), byte) if sign == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'[' | b'{' | b'(') => open.push(byte),
            (None, b']' | b'}' | b')') => {
                open.pop();
            }
            (None, b':') if open.last() == Some(&b'[') => return true,
            _ => {}
        }
    }
    false
}

/// The words of a syntax error, which quotes the expression's own text alone.
fn syntax(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// What the names in an expression stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'s, 'a> {
    /// What all evaluations of a task share.
    pub shared: &'s [(&'s str, &'s Json<'a>)],
    /// What this evaluation adds; looked up first.
    pub own: &'s [(&'s str, &'s Json<'a>)],
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(crate) fn get(&self, name: &str) -> &'s Json<'a> {
        let find = |names: &'s [(&'s str, &'s Json<'a>)]| {
            names.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        find(self.own).or_else(|| find(self.shared)).unwrap_or(&ABSENT)
    }
}

/// A compiled expression.
pub struct Compiled<'e> {
    text: String,
    program: Program<'e>,
}

impl std::fmt::Debug for Compiled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Compiled").field(&self.text).finish()
    }
}

enum Program<'e> {
    Straight(Straight),
    General(Box<minijinja::Expression<'e, 'static>>, Vec<Vec<String>>),
}

impl Compiled<'_> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The paths that it reads, each beginning with a name of the scope.
    pub fn reads(&self) -> Vec<Cow<'_, [String]>> {
        match &self.program {
            Program::Straight(straight) => straight.reads(),
            Program::General(_, reads) => {
                reads.iter().map(|read| Cow::Borrowed(read.as_slice())).collect()
            }
        }
    }

    /// As [`Compiled::reads`], with the indexes of lists where it is known which.
    pub(crate) fn paths(&self) -> Vec<Cow<'_, [String]>> {
        match &self.program {
            Program::Straight(straight) => straight.paths(),
            Program::General(..) => self.reads(),
        }
    }

    /// The texts that it can yield as they stand in it.
    #[cfg(feature = "host")]
    pub(crate) fn literals(&self) -> Vec<&str> {
        match &self.program {
            Program::Straight(straight) => straight.literals(),
            Program::General(..) => Vec::new(),
        }
    }

    /// Whether it is a path with helpers.
    #[cfg(test)]
    pub(crate) fn is_straight(&self) -> bool {
        matches!(self.program, Program::Straight(_))
    }

    /// Evaluates it as an id: as [`Compiled::eval`], and each part of a joined one is a text or a
    /// number.
    pub(crate) fn id<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, Fault> {
        match &self.program {
            Program::Straight(straight) => {
                straight.id(scope).map_err(|fault| Fault(format!("`{}`: {fault}", self.text)))
            }
            Program::General(..) => self.eval(scope),
        }
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// When it fails, or exceeds a bound.
    pub fn eval<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, Fault> {
        match &self.program {
            Program::Straight(straight) => {
                straight.eval(scope).map_err(|fault| Fault(format!("`{}`: {fault}", self.text)))
            }
            Program::General(expression, reads) => {
                let value = expression.eval(context(reads, scope)).map_err(|error| {
                    let what = match error.kind() {
                        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
                        // The words of a helper are its own, and quote no value.
                        _ if helpers::is_own(&error) => syntax(&error),
                        kind => kind.to_string(),
                    };
                    Fault(format!("`{}` cannot be evaluated: {what}", self.text))
                })?;
                let mut budget = Budget { nodes: NODES_MAX, bytes: TEXT_BYTES_MAX };
                budget
                    .json(&value, DEPTH_MAX)
                    .map(Cow::Owned)
                    .map_err(|what| Fault(format!("`{}`: {what}", self.text)))
            }
        }
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// As for [`Compiled::eval`].
    pub fn is_true(&self, scope: Scope<'_, '_>) -> Result<bool, Fault> {
        self.eval(scope).map(|value| value.is_true())
    }
}

/// The values that an expression reads, converted for minijinja.
fn context(reads: &[Vec<String>], scope: Scope<'_, '_>) -> Value {
    let mut names: Vec<(&str, Value)> = Vec::new();
    for read in reads {
        let Some(root) = read.first() else { continue };
        if names.iter().any(|(known, _)| known == root) {
            continue;
        }
        let value = scope.get(root);
        let same = || reads.iter().filter(|other| other.first() == Some(root));
        let is_whole = same().any(|other| other.len() < 2) || !matches!(value, Json::Map(_));
        let value = if is_whole {
            to_value(value)
        } else {
            let members =
                same().filter_map(|other| other.get(1)).filter_map(|name| match value.get(name) {
                    Json::Absent => None,
                    member => Some((name.as_str(), to_value(member))),
                });
            Value::from_pairs(members)
        };
        if !value.is_undefined() {
            names.push((root, value));
        }
    }
    Value::from_pairs(names)
}

/// Converts for minijinja.
pub(crate) fn to_value(json: &Json<'_>) -> Value {
    match json {
        Json::Absent => Value::UNDEFINED,
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Int(number) => Value::from(*number),
        Json::Big(number) => Value::from(*number),
        Json::Float(number) => Value::from(*number),
        Json::Text(text) => Value::from(text.as_ref()),
        Json::List(entries) => Value::from(entries.iter().map(to_value).collect::<Vec<Value>>()),
        Json::Map(members) => {
            Value::from_pairs(members.iter().map(|(name, value)| (name.as_ref(), to_value(value))))
        }
    }
}

/// What a result may still hold.
struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    fn json(&mut self, value: &Value, depth: usize) -> Result<Json<'static>, String> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| format!("its result has more than {DEPTH_MAX} levels"))?;
        self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or_else(|| format!("its result has more than {NODES_MAX} values"))?;
        Ok(match value.kind() {
            ValueKind::Undefined => Json::Absent,
            ValueKind::None => Json::Null,
            ValueKind::Bool => Json::Bool(value.is_true()),
            ValueKind::Number => number(value)?,
            ValueKind::String => Json::text(self.text(value.as_str().unwrap_or_default())?),
            ValueKind::Map => {
                let mut members = Vec::new();
                for name in value.try_iter().map_err(|error| error.kind().to_string())? {
                    let member = value.get_item(&name).map_err(|error| error.kind().to_string())?;
                    let name = name.as_str().ok_or("its result has a member without a name")?;
                    members.push((Cow::Owned(self.text(name)?), self.json(&member, depth)?));
                }
                Json::Map(members)
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let mut entries = Vec::new();
                for entry in value.try_iter().map_err(|error| error.kind().to_string())? {
                    entries.push(self.json(&entry, depth)?);
                }
                Json::List(entries)
            }
            _ => return Err("its result is no JSON".to_owned()),
        })
    }

    fn text(&mut self, text: &str) -> Result<String, String> {
        self.bytes = self
            .bytes
            .checked_sub(text.len())
            .ok_or_else(|| format!("its result has more than {TEXT_BYTES_MAX} bytes of text"))?;
        Ok(text.to_owned())
    }
}

fn number(value: &Value) -> Result<Json<'static>, String> {
    if let Ok(number) = i64::try_from(value.clone()) {
        return Ok(Json::Int(number));
    }
    if let Ok(number) = u64::try_from(value.clone()) {
        return Ok(Json::Big(number));
    }
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_finite() => Ok(Json::Float(number)),
        _ => Err("its result is a number without end".to_owned()),
    }
}

/// The filters of minijinja that expressions have beside the helpers.
#[cfg(feature = "host")]
pub(crate) const FILTERS: &[&str] = &[
    "default",
    "int",
    "items",
    "length",
    "map",
    "rejectattr",
    "replace",
    "selectattr",
    "sort",
    "split",
    "string",
    "unique",
];

/// The tests that expressions have behind `is`.
#[cfg(feature = "host")]
pub(crate) const TESTS: &[&str] = &[
    "defined",
    "endingwith",
    "eq",
    "equalto",
    "false",
    "in",
    "mapping",
    "ne",
    "none",
    "number",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// minijinja with the filters that a mapping needs: its own, then the helpers, which replace those
/// of the same name.
fn environment(escapes: &'static [Escape]) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("default", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("split", filters::split);
    environment.add_filter("map", filters::map);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("rejectattr", filters::rejectattr);
    environment.add_filter("unique", filters::unique);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("items", filters::items);
    environment.add_filter("int", filters::int);
    environment.add_filter("string", filters::string);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("string", tests::is_string);
    environment.add_test("number", tests::is_number);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("in", tests::is_in);
    environment.add_test("eq", tests::is_eq);
    environment.add_test("equalto", tests::is_eq);
    environment.add_test("==", tests::is_eq);
    environment.add_test("ne", tests::is_ne);
    environment.add_test("!=", tests::is_ne);
    environment.add_test("true", tests::is_true);
    environment.add_test("false", tests::is_false);
    for (name, helper) in helpers::ALL {
        let helper = *helper;
        environment.add_filter(*name, move |value: &Value, arguments: Rest<Value>| {
            call(helper, value, &arguments)
        });
    }
    for (name, escape) in escapes {
        let escape = *escape;
        environment.add_function(*name, move |arguments: Rest<Value>| -> Result<Value, Error> {
            let mut budget = Budget { nodes: NODES_MAX, bytes: TEXT_BYTES_MAX };
            let json = |value: &Value| {
                let json = budget.json(value, DEPTH_MAX).map_err(helpers::own)?;
                serde_json::to_value(&json)
                    .map_err(|_| helpers::own("an argument is no JSON".into()))
            };
            let arguments = arguments.iter().map(json).collect::<Result<Vec<_>, Error>>()?;
            escape(&arguments).map(|value| to_value(&Json::from(&value))).map_err(helpers::own)
        });
    }
    environment
}

fn call(helper: Helper, value: &Value, arguments: &[Value]) -> Result<Value, Error> {
    let mut budget = Budget { nodes: NODES_MAX, bytes: TEXT_BYTES_MAX };
    let value = budget.json(value, DEPTH_MAX).map_err(helpers::own)?;
    let arguments = arguments
        .iter()
        .map(|argument| budget.json(argument, DEPTH_MAX).map_err(helpers::own))
        .collect::<Result<Vec<_>, Error>>()?;
    helper(&value, &arguments).map(|value| to_value(&value)).map_err(helpers::own)
}
