//! The parameters of an OAuth request: each at most once, and an empty one counts as absent, as
//! RFC 6749 §3.1 says.

use crate::query::pairs;

/// A parameter that a request has more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated;

/// The decoded parameters of one request.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads parameters from urlencoded texts: a query, a form, or both.
    #[must_use]
    pub fn read(texts: &[&str]) -> Self {
        Self(texts.iter().flat_map(|text| pairs(text)).collect())
    }

    /// Returns the value of a parameter.
    ///
    /// # Errors
    /// When the request has it more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Repeated),
            None => Ok(first.map(String::as_str).filter(|value| !value.is_empty())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_is_absent() {
        let params = Params::read(&["a=1&b=&c=x+y", "a=2"]);
        assert_eq!(params.one("a"), Err(Repeated));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Ok(Some("x y")));
    }
}
