//! A part of a comparison, or the reason why it could not be made.

use serde::Serialize;

/// A result, or one sentence that says which input is missing or does not fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part<T> {
    /// The result.
    Available(T),
    /// Why there is none.
    NotAvailable(String),
}

impl<T> Part<T> {
    /// No result, for this reason.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::NotAvailable(reason.into())
    }

    /// The result, if there is one.
    pub fn available(&self) -> Option<&T> {
        match self {
            Self::Available(value) => Some(value),
            Self::NotAvailable(_) => None,
        }
    }

    /// Why there is no result.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Available(_) => None,
            Self::NotAvailable(reason) => Some(reason),
        }
    }

    /// The result of `f`, or the same reason.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Self::Available(value) => Part::Available(f(value)),
            Self::NotAvailable(reason) => Part::NotAvailable(reason),
        }
    }
}

/// An error is a reason: its sentence says what, where and what to do.
impl<T> From<ferrosort_core::Result<T>> for Part<T> {
    fn from(result: ferrosort_core::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Available(value),
            Err(error) => Self::NotAvailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_its_sentence() {
        let part: Part<u8> = Err(ferrosort_core::Error::input("no batches in x; sort again")).into();
        assert_eq!(part.reason(), Some("no batches in x; sort again"));
        assert_eq!(part.available(), None);
        assert_eq!(Part::Available(2).map(|v| v + 1).available(), Some(&3));
    }
}
