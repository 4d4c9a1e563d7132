//! The compiled part of the Python package `ferrosort`: what `python/ferrosort` calls. Nothing here is for users of Python.
//!
//! Every call computes on threads of its own and leaves none behind, so that processes can be forked between calls.

mod arrays;
mod call;
mod compare;
mod errors;
mod export;
mod recording;
mod results;
mod samples;
mod simulate;
mod sort;

/// Functions and classes that the package wraps.
#[pyo3::pymodule]
mod _ferrosort {
    #[pymodule_export]
    use crate::arrays::Memory;
    #[pymodule_export]
    use crate::compare::compare;
    #[pymodule_export]
    use crate::export::export;
    #[pymodule_export]
    use crate::recording::Recording;
    #[pymodule_export]
    use crate::results::read;
    #[pymodule_export]
    use crate::simulate::simulate;
    #[pymodule_export]
    use crate::sort::{Settings, parameters, sort};

    /// Version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
