//! Arrays from Rust to NumPy without a copy.

use ndarray::{Array, Dimension};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Numbers that NumPy knows.
pub trait Number: Clone + Send + Sync + 'static {
    /// NumPy's code of the type, little-endian.
    const CODE: &'static str;
}

macro_rules! numbers {
    ($($type:ty: $code:literal),*) => { $(impl Number for $type { const CODE: &'static str = $code; })* };
}
numbers!(u8: "|u1", u32: "<u4", i64: "<i8", f32: "<f4", f64: "<f8");

/// Memory that NumPy looks at: `numpy.asarray` of it is a view, and keeps it alive.
#[pyclass(frozen, module = "ferrosort._ferrosort")]
pub struct Memory {
    address: usize,
    shape: Vec<usize>,
    code: &'static str,
    /// Owns what is at the address.
    _owner: Box<dyn std::any::Any + Send + Sync>,
}

#[pymethods]
impl Memory {
    /// NumPy's description of the memory.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let description = PyDict::new(py);
        description.set_item("version", 3)?;
        description.set_item("shape", pyo3::types::PyTuple::new(py, &self.shape)?)?;
        description.set_item("typestr", self.code)?;
        // Nobody else looks at it, so that NumPy may write to it.
        description.set_item("data", (self.address, false))?;
        Ok(description)
    }
}

/// The array as a NumPy array of the same shape, without a copy where it is contiguous already.
pub fn to_numpy<T: Number, D: Dimension>(py: Python<'_>, array: Array<T, D>) -> PyResult<Bound<'_, PyAny>> {
    let shape = array.shape().to_vec();
    let (mut values, offset) = if array.is_standard_layout() {
        array.into_raw_vec_and_offset()
    } else {
        array.as_standard_layout().into_owned().into_raw_vec_and_offset()
    };
    let memory = Memory {
        address: values[offset.unwrap_or(0)..].as_mut_ptr() as usize,
        shape,
        code: T::CODE,
        _owner: Box::new(values),
    };
    py.import("numpy")?.call_method1("asarray", (Bound::new(py, memory)?,))
}

/// The same for one dimension.
pub fn vec_to_numpy<T: Number>(py: Python<'_>, values: Vec<T>) -> PyResult<Bound<'_, PyAny>> {
    to_numpy(py, ndarray::Array1::from_vec(values))
}
