//! Errors as Python exceptions, with the sentence that the command line prints.

use ferrosort_core::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyValueError};
use pyo3::{PyErr, Python};

/// `ValueError` for unusable input and too little memory, `OSError` for reads and writes, `KeyboardInterrupt`. An exception that Python raised while it
/// gave samples is the cause of the `OSError`.
pub fn exception(error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Input(_) | Error::Memory(_) => PyValueError::new_err(message),
        Error::Interrupted => PyKeyboardInterrupt::new_err(message),
        Error::Io { source, .. } => {
            let raised = PyOSError::new_err(message);
            if let Some(cause) = source.get_ref().and_then(|inner| inner.downcast_ref::<PyErr>()) {
                Python::attach(|py| raised.set_cause(py, Some(cause.clone_ref(py))));
            }
            raised
        }
    }
}
