//! Recursive descent over the literal subset.
//!
//! ```text
//! file    = { [ NAME "=" value | STRING ] LINE_END }
//! value   = ["-" | "+"] NUMBER | STRING | NAME | "[" list "]" | "(" list ")" | "{" pairs "}" | call
//! call    = "range" "(" list ")" | ("list" | "tuple") "(" [ value ] ")"
//! ```

use super::lexer::{Kind, Token, tokens};

/// Deepest nesting of brackets; real files have four levels.
const MAX_DEPTH: usize = 32;
/// Most values a file may make, counting each use of a name and each entry of a range.
const MAX_VALUES: usize = 1 << 20;

/// What is wrong, and in which line, from 1.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A Python value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Text(String),
    /// `True` or `False`.
    Flag(bool),
    /// `None`.
    Nothing,
    /// A list, tuple or range.
    List(Vec<Value>),
    /// Entries in the order written; later ones win.
    Dict(Vec<(Value, Value)>),
}

impl Value {
    /// The number, if it is one; strings of digits count, as in JSON-made group ids.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse::<i64>().ok().map(|n| n as f64),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// All entries of a list of numbers.
    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::List(list) => list.iter().map(Self::number).collect(),
            _ => None,
        }
    }

    /// The last entry of a dictionary under this text.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Dict(entries) => entries
                .iter()
                .rev()
                .find(|(k, _)| matches!(k, Self::Text(text) if text == key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value in a message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("'{text}'"),
            _ => "with an unusual id".to_owned(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::List(list) => 1 + list.iter().map(Self::count).sum::<usize>(),
            Self::Dict(entries) => 1 + entries.iter().map(|(k, v)| k.count() + v.count()).sum::<usize>(),
            _ => 1,
        }
    }
}

/// The assignments of a file, in order.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, Value)>, Problem> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        variables: Vec::new(),
        values_left: MAX_VALUES,
    };
    while parser.at < parser.tokens.len() {
        parser.statement()?;
    }
    Ok(parser.variables)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    variables: Vec<(String, Value)>,
    values_left: usize,
}

impl Parser {
    /// The next token, which there always is: the last one is a line end, and only [`Parser::statement`] steps over it.
    fn peek(&self) -> &Kind {
        &self.tokens[self.at.min(self.tokens.len() - 1)].kind
    }

    fn line(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len() - 1)].line
    }

    fn problem<T>(&self, what: impl Into<String>) -> Result<T, Problem> {
        Err(Problem {
            line: self.line(),
            what: what.into(),
        })
    }

    /// Steps over this mark if it is next.
    fn take(&mut self, mark: char) -> bool {
        let found = *self.peek() == Kind::Mark(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), Problem> {
        if self.take(mark) {
            return Ok(());
        }
        self.problem(format!("'{mark}' was expected here"))
    }

    /// Counts values made, so that a small file cannot make a large one.
    fn spend(&mut self, values: usize) -> Result<(), Problem> {
        match self.values_left.checked_sub(values) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => self.problem(format!("there are more than {MAX_VALUES} values")),
        }
    }

    fn statement(&mut self) -> Result<(), Problem> {
        match self.peek().clone() {
            Kind::LineEnd => {}
            Kind::Text(_) => self.at += 1,
            Kind::Name(name) => {
                self.at += 1;
                if !self.take('=') {
                    return self.problem(format!("'{name}' is not followed by '=' and a value"));
                }
                let value = self.value(0)?;
                self.variables.push((name, value));
            }
            _ => return self.problem("a line must assign a value to a name"),
        }
        if *self.peek() != Kind::LineEnd {
            return self.problem("something follows the value");
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        if depth > MAX_DEPTH {
            return self.problem(format!("brackets are nested more than {MAX_DEPTH} deep"));
        }
        self.spend(1)?;
        match self.peek().clone() {
            Kind::Number(number) => {
                self.at += 1;
                Ok(Value::Number(number))
            }
            Kind::Mark(sign @ ('-' | '+')) => {
                self.at += 1;
                let Kind::Number(number) = *self.peek() else {
                    return self.problem(format!("'{sign}' must stand before a number"));
                };
                self.at += 1;
                Ok(Value::Number(if sign == '-' { -number } else { number }))
            }
            Kind::Text(text) => {
                self.at += 1;
                Ok(Value::Text(text))
            }
            Kind::Mark(open @ ('[' | '(')) => {
                self.at += 1;
                self.sequence(open, depth)
            }
            Kind::Mark('{') => {
                self.at += 1;
                self.dict(depth)
            }
            Kind::Name(name) => {
                self.at += 1;
                self.named(&name, depth)
            }
            Kind::Mark(_) | Kind::LineEnd => self.problem("a value was expected here"),
        }
    }

    /// What follows `[` or `(`. Parentheses around one value without a comma are just parentheses.
    fn sequence(&mut self, open: char, depth: usize) -> Result<Value, Problem> {
        let close = if open == '[' { ']' } else { ')' };
        let mut list = Vec::new();
        let mut comma = false;
        while !self.take(close) {
            list.push(self.value(depth + 1)?);
            comma = self.take(',');
            if !comma {
                self.expect(close)?;
                break;
            }
        }
        match (open, comma, list.len()) {
            ('(', false, 1) => Ok(list.swap_remove(0)),
            _ => Ok(Value::List(list)),
        }
    }

    /// What follows `{`.
    fn dict(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries = Vec::new();
        while !self.take('}') {
            let key = self.value(depth + 1)?;
            self.expect(':')?;
            entries.push((key, self.value(depth + 1)?));
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        Ok(Value::Dict(entries))
    }

    /// A constant, a call of `range`, `list` or `tuple`, or a name assigned before.
    fn named(&mut self, name: &str, depth: usize) -> Result<Value, Problem> {
        if *self.peek() == Kind::Mark('(') {
            return self.call(name, depth);
        }
        match name {
            "None" => return Ok(Value::Nothing),
            "True" | "False" => return Ok(Value::Flag(name == "True")),
            _ => {}
        }
        let assigned = self.variables.iter().rev().find(|(n, _)| n == name);
        let Some(value) = assigned.map(|(_, value)| value.clone()) else {
            return self.problem(format!("'{name}' was not assigned before"));
        };
        self.spend(value.count())?;
        Ok(value)
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Value, Problem> {
        if !matches!(name, "range" | "list" | "tuple") {
            return self.problem(format!("'{name}(...)' is a call, which is not executed"));
        }
        self.expect('(')?;
        let mut arguments = Vec::new();
        while !self.take(')') {
            arguments.push(self.value(depth + 1)?);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        if name == "range" {
            return self.range(&Value::List(arguments));
        }
        match arguments.pop() {
            None => Ok(Value::List(Vec::new())),
            Some(Value::List(list)) if arguments.is_empty() => Ok(Value::List(list)),
            Some(_) => self.problem(format!("{name}() takes one list or range")),
        }
    }

    fn range(&mut self, arguments: &Value) -> Result<Value, Problem> {
        let numbers = arguments.numbers().unwrap_or_default();
        let (start, stop, step) = match *numbers.as_slice() {
            [stop] => (0.0, stop, 1.0),
            [start, stop] => (start, stop, 1.0),
            [start, stop, step] => (start, stop, step),
            _ => return self.problem("range() takes one to three whole numbers"),
        };
        let whole = [start, stop, step]
            .iter()
            .all(|n: &f64| n.fract() == 0.0 && n.abs() < 2e9);
        if !whole || step == 0.0 {
            return self.problem("range() takes one to three whole numbers, and no step of 0");
        }
        let n = ((stop - start) / step).ceil().max(0.0) as usize;
        self.spend(n)?;
        Ok(Value::List(
            (0..n).map(|i| Value::Number(start + i as f64 * step)).collect(),
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<f64> {
        parse(&format!("x = {text}")).unwrap()[0].1.numbers().unwrap()
    }

    #[test]
    fn ranges_count_as_in_python() {
        assert_eq!(numbers("range(3)"), [0.0, 1.0, 2.0]);
        assert_eq!(numbers("list(range(2, 7, 2))"), [2.0, 4.0, 6.0]);
        assert_eq!(numbers("tuple(range(2, -2, -3))"), [2.0, -1.0]);
        assert_eq!(numbers("range(3, 1)"), [0.0; 0]);
        assert_eq!(numbers("list()"), [0.0; 0]);
    }

    #[test]
    fn sequences_and_parentheses() {
        assert_eq!(numbers("(1,)"), [1.0]);
        assert_eq!(numbers("[-1, +2.5, (3)]"), [-1.0, 2.5, 3.0]);
        assert_eq!(numbers("()"), [0.0; 0]);
        assert_eq!(parse("a = (3)").unwrap()[0].1, Value::Number(3.0));
    }

    #[test]
    fn names_stand_for_earlier_values() {
        let variables = parse("\"\"\"notes\"\"\"\nn = [1, 2]\nm = {'a': n, 'a': None}\nt = True\n").unwrap();
        assert_eq!(variables[1].1.get("a"), Some(&Value::Nothing));
        assert_eq!(variables[2].1, Value::Flag(true));
    }

    #[test]
    fn everything_else_is_refused_with_its_line() {
        for (text, line, part) in [
            ("import os", 1, "'import'"),
            ("a = 1\nb = os.system('x')", 2, "'.'"),
            ("a = open('x')", 1, "'open(...)'"),
            ("a = 1\n\nfor i in range(3):\n  pass", 3, "'for'"),
            ("a = [i for i in range(3)]", 1, "not assigned"),
            ("a = 1 + 2", 1, "follows"),
            ("a = {1: 2", 1, "'}'"),
            ("a = 1; b = 2", 1, "';'"),
            ("a =", 1, "value was expected"),
            ("a = range(1, 2, 0)", 1, "step of 0"),
            ("a = range(2000000)", 1, "more than"),
            ("a = -[1]", 1, "before a number"),
            ("{}", 1, "assign"),
            ("a[0] = 3", 1, "'a'"),
        ] {
            let problem = parse(text).unwrap_err();
            assert_eq!(problem.line, line, "{text}");
            assert!(problem.what.contains(part), "{text}: {}", problem.what);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(parse(&deep).unwrap_err().what.contains("nested"));
        let mut doubling = "a = [1, 2]\n".to_owned();
        for _ in 0..64 {
            doubling.push_str("a = [a, a]\n");
        }
        assert!(parse(&doubling).unwrap_err().what.contains("more than"));
    }
}
