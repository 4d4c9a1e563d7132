//! Python source as data: assignments of plain values are understood, nothing is executed.
//!
//! Numbers, strings, lists, tuples, dictionaries, `range(...)`, `list(range(...))`, `True`, `False`, `None` and names
//! assigned before. Probe files (`.prb`), phy's `params.py` and the headers of NumPy files are written in it.

mod lexer;
mod parser;

pub(crate) use parser::{Value, parse};
