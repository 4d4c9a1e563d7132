//! Python tokens: numbers, strings, names, punctuation and the ends of logical lines.

use super::parser::Problem;

/// A token and the line it starts on, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Text(String),
    Name(String),
    /// One of `{}[]():,=-+`.
    Mark(char),
    /// The end of a line outside all brackets.
    LineEnd,
}

/// Splits a source text; the last token is a [`Kind::LineEnd`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    Lexer {
        chars: text.chars().collect(),
        at: 0,
        line: 1,
        depth: 0,
    }
    .run()
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    /// Open brackets: lines do not end inside them.
    depth: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn problem<T>(&self, what: impl Into<String>) -> Result<T, Problem> {
        Err(Problem {
            line: self.line,
            what: what.into(),
        })
    }

    fn run(mut self) -> Result<Vec<Token>, Problem> {
        let mut tokens = Vec::new();
        while let Some(c) = self.peek(0) {
            let line = self.line;
            let kind = match c {
                '\n' => {
                    self.at += 1;
                    self.line += 1;
                    if self.depth > 0 {
                        continue;
                    }
                    Kind::LineEnd
                }
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                    continue;
                }
                '\\' if self.peek(1) == Some('\n') || (self.peek(1) == Some('\r') && self.peek(2) == Some('\n')) => {
                    self.at += if self.peek(1) == Some('\n') { 2 } else { 3 };
                    self.line += 1;
                    continue;
                }
                _ if c.is_whitespace() => {
                    self.at += 1;
                    continue;
                }
                '"' | '\'' => Kind::Text(self.string(c, false)?),
                _ if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|d| d.is_ascii_digit())) => {
                    Kind::Number(self.number()?)
                }
                _ if c.is_alphabetic() || c == '_' => self.name_or_prefixed_string()?,
                _ => self.mark(c)?,
            };
            tokens.push(Token { line, kind });
        }
        tokens.push(Token {
            line: self.line,
            kind: Kind::LineEnd,
        });
        Ok(tokens)
    }

    fn mark(&mut self, c: char) -> Result<Kind, Problem> {
        match c {
            '{' | '[' | '(' => self.depth += 1,
            '}' | ']' | ')' => self.depth = self.depth.saturating_sub(1),
            ':' | ',' | '=' | '-' | '+' => {}
            _ => return self.problem(format!("'{c}' cannot be understood")),
        }
        self.at += 1;
        Ok(Kind::Mark(c))
    }

    fn name_or_prefixed_string(&mut self) -> Result<Kind, Problem> {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        match self.peek(0) {
            Some(quote @ ('"' | '\'')) if name.eq_ignore_ascii_case("u") => Ok(Kind::Text(self.string(quote, false)?)),
            Some(quote @ ('"' | '\'')) if name.eq_ignore_ascii_case("r") => Ok(Kind::Text(self.string(quote, true)?)),
            _ => Ok(Kind::Name(name)),
        }
    }

    fn number(&mut self) -> Result<f64, Problem> {
        let start = self.at;
        while let Some(c) = self.peek(0) {
            let sign_of_exponent = matches!(c, '+' | '-') && matches!(self.chars[self.at - 1], 'e' | 'E');
            if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || (sign_of_exponent && self.at > start)) {
                break;
            }
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().filter(|c| **c != '_').collect();
        // Rust also reads "inf" and "nan", but those start with a letter.
        text.parse()
            .or_else(|_| self.problem(format!("'{text}' is not a number")))
    }

    /// A string in single, double or triple quotes. Escapes of quotes, backslashes and code points are undone, others
    /// stay as written; in a raw string all stay.
    fn string(&mut self, quote: char, raw: bool) -> Result<String, Problem> {
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        self.at += if triple { 3 } else { 1 };
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            match c {
                '\n' if !triple => break,
                '\\' if raw && self.peek(1).is_some_and(|next| next != '\n') => {
                    text.push(c);
                    text.extend(self.peek(1));
                    self.at += 2;
                    continue;
                }
                '\\' if self.peek(1).is_some_and(|next| next == quote || next == '\\') => {
                    text.extend(self.peek(1));
                    self.at += 2;
                    continue;
                }
                '\\' if let Some((code_point, length)) = self.code_point() => {
                    text.push(code_point);
                    self.at += length;
                    continue;
                }
                _ if c == quote && !triple => {
                    self.at += 1;
                    return Ok(text);
                }
                _ if c == quote && self.peek(1) == Some(quote) && self.peek(2) == Some(quote) => {
                    self.at += 3;
                    return Ok(text);
                }
                '\n' => self.line += 1,
                _ => {}
            }
            text.push(c);
            self.at += 1;
        }
        self.problem("a string does not end")
    }

    /// The character of `\xNN`, `\uNNNN` or `\UNNNNNNNN` here, and the length of the escape.
    fn code_point(&self) -> Option<(char, usize)> {
        let digits = match self.peek(1)? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let text: String = (2..2 + digits).map(|i| self.peek(i)).collect::<Option<_>>()?;
        let code = u32::from_str_radix(&text, 16).ok()?;
        Some((char::from_u32(code)?, 2 + digits))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).unwrap().into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn numbers_strings_and_comments() {
        assert_eq!(
            kinds("a = .5 # b\n1e-3"),
            [
                Kind::Name("a".into()),
                Kind::Mark('='),
                Kind::Number(0.5),
                Kind::LineEnd,
                Kind::Number(1e-3),
                Kind::LineEnd
            ]
        );
        assert_eq!(kinds(r"'it\'s'")[0], Kind::Text("it's".into()));
        assert_eq!(kinds("u\"x\"")[0], Kind::Text("x".into()));
        assert_eq!(kinds("'''a\n'b'''")[0], Kind::Text("a\n'b".into()));
        assert_eq!(kinds("''")[0], Kind::Text(String::new()));
        assert_eq!(
            kinds(r"'\xe9\u8111\U0001f9e0\n\xzz'")[0],
            Kind::Text("é脑🧠\\n\\xzz".into())
        );
        assert_eq!(kinds(r"r'C:\new\x41'")[0], Kind::Text(r"C:\new\x41".into()));
    }

    #[test]
    fn lines_are_counted_through_brackets_and_strings() {
        let tokens = tokens("(\n\n1,\n'''x\ny''',\n2)").unwrap();
        let lines: Vec<usize> = tokens.iter().map(|t| t.line).collect();
        assert_eq!(lines, [1, 3, 3, 4, 5, 6, 6, 6]);
    }

    #[test]
    fn what_is_not_python_is_named_with_its_line() {
        for (text, line, part) in [
            ("\n$", 2, "'$'"),
            ("1x", 1, "'1x'"),
            ("\n\n'abc\n'", 3, "does not end"),
            ("a\n.b", 2, "'.'"),
        ] {
            let problem = tokens(text).unwrap_err();
            assert_eq!(problem.line, line, "{text}");
            assert!(problem.what.contains(part), "{}", problem.what);
        }
    }
}
