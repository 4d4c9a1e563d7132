//! Recordings whose samples Python has: arrays, and objects that give arrays.

use ferrosort_core::{Error, Probe, Recording, Result, SampleType};
use ferrosort_formats::binary::{check_finite, decode as decode_samples};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A NumPy array `[samples, channels]`, read in place.
pub struct SampleArray {
    /// Keeps the memory at the address.
    _array: Py<PyAny>,
    address: *const u8,
    sample_type: SampleType,
    shape: [usize; 2],
    /// Bytes from one sample to the next, and from one channel to the next.
    strides: [isize; 2],
}

// SAFETY: the pointer is only read through, and `_array` keeps what it points to. Python code that writes to the array, or frees
// its memory by `resize(refcheck=False)`, while a call of this package reads it, breaks this; the documentation of the package forbids that.
unsafe impl Send for SampleArray {}
// SAFETY: as above; shared reads do not change anything.
unsafe impl Sync for SampleArray {}

impl SampleArray {
    /// Takes an array as it is.
    ///
    /// # Errors
    /// Anything but a NumPy array of two dimensions of int16, uint16, int32 or float32 in this machine's (little) byte order.
    pub fn new(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = array.py();
        // Other objects could describe memory that is not theirs.
        if !array.is_instance(&py.import("numpy")?.getattr("ndarray")?)? {
            return Err(PyTypeError::new_err("the samples are not a NumPy array"));
        }
        let description = array.getattr("__array_interface__")?;
        let shape: Vec<usize> = description.get_item("shape")?.extract()?;
        let &[samples, channels] = shape.as_slice() else {
            return Err(PyValueError::new_err(format!(
                "the array has {} dimensions; give one of shape [samples, channels]",
                shape.len()
            )));
        };
        let code: String = description.get_item("typestr")?.extract()?;
        let sample_type = sample_type(&code).ok_or_else(|| {
            PyValueError::new_err(format!(
                "the array is of type {code}; convert it to int16, uint16, int32 or float32, little-endian"
            ))
        })?;
        let (address, _): (usize, bool) = description.get_item("data")?.extract()?;
        let strides: [isize; 2] = array
            .getattr("strides")?
            .cast_into::<PyTuple>()?
            .extract::<(isize, isize)>()?
            .into();
        Ok(Self {
            _array: array.clone().unbind(),
            address: std::ptr::with_exposed_provenance(address),
            sample_type,
            shape: [samples, channels],
            strides,
        })
    }

    fn samples(&self) -> usize {
        self.shape[0]
    }

    /// Decodes samples from `first` on; `out` is whole frames that lie inside the array.
    fn decode(&self, first: usize, out: &mut [f32]) {
        let [_, channels] = self.shape;
        let width = self.sample_type.bytes();
        let row_bytes = channels * width;
        if self.strides[1] == width as isize {
            if self.strides[0] == row_bytes as isize {
                // SAFETY: rows of `channels` values follow each other without a gap; those from `first` on, of which there are
                // enough for `out`, are inside the array.
                let bytes = unsafe { std::slice::from_raw_parts(self.at(first, 0), out.len() * width) };
                decode_samples(bytes, self.sample_type, out);
                return;
            }
            for (row, frame) in out.chunks_exact_mut(channels).enumerate() {
                // SAFETY: the values of a row follow each other without a gap, and the row is inside the array.
                let bytes = unsafe { std::slice::from_raw_parts(self.at(first + row, 0), row_bytes) };
                decode_samples(bytes, self.sample_type, frame);
            }
            return;
        }
        let mut packed = vec![0; row_bytes];
        for (row, frame) in out.chunks_exact_mut(channels).enumerate() {
            for (channel, value) in packed.chunks_exact_mut(width).enumerate() {
                // SAFETY: the element is inside the array, and `width` bytes long.
                value.copy_from_slice(unsafe { std::slice::from_raw_parts(self.at(first + row, channel), width) });
            }
            decode_samples(&packed, self.sample_type, frame);
        }
    }

    /// Address of an element that is inside the array.
    fn at(&self, sample: usize, channel: usize) -> *const u8 {
        let offset = sample as isize * self.strides[0] + channel as isize * self.strides[1];
        self.address.wrapping_offset(offset)
    }
}

fn sample_type(code: &str) -> Option<SampleType> {
    match code {
        "<i2" => Some(SampleType::Int16),
        "<u2" => Some(SampleType::Uint16),
        "<i4" => Some(SampleType::Int32),
        "<f4" => Some(SampleType::Float32),
        _ => None,
    }
}

/// Where the samples come from.
pub enum Source {
    /// One array.
    Array(SampleArray),
    /// An object with a method `read(start, end)` that gives an array `[end - start, channels]`.
    Reader {
        /// The object.
        reader: Py<PyAny>,
        /// Its samples.
        samples: u64,
        /// Its channels.
        channels: usize,
    },
}

/// A recording of samples that Python has.
pub struct PythonRecording {
    name: String,
    source: Source,
    sample_rate: f64,
    gain_uv: Option<Vec<f64>>,
    probe: Option<Probe>,
}

impl PythonRecording {
    /// A recording of `sample_rate` Hz with `gain_uv` µV per count (one number for all channels or one for each); `name` is for messages.
    ///
    /// # Errors
    /// No channels, no rate, another number of gains than of channels.
    pub fn new(
        name: String,
        source: Source,
        sample_rate: f64,
        gain_uv: Option<Vec<f64>>,
        probe: Option<Probe>,
    ) -> PyResult<Self> {
        let mut made = Self {
            name,
            source,
            sample_rate,
            gain_uv: None,
            probe,
        };
        let (name, channels) = (&made.name, made.n_channels());
        let problem = if channels == 0 {
            Some(format!("{name} has no channels"))
        } else if !(sample_rate.is_finite() && sample_rate > 0.0) {
            Some(format!(
                "{name}: the sample rate is {sample_rate} Hz; it must be a finite number greater than 0"
            ))
        } else {
            match gain_uv.as_deref() {
                Some(gains) if gains.iter().any(|g| !g.is_finite() || *g == 0.0) => {
                    Some(format!("{name}: gains must be finite and not 0"))
                }
                Some(gains) if gains.len() != 1 && gains.len() != channels => Some(format!(
                    "{name}: there are {} gains for {channels} channels; give one, or one for each",
                    gains.len()
                )),
                None | Some(_) => None,
            }
        };
        if let Some(problem) = problem {
            return Err(PyValueError::new_err(problem));
        }
        made.gain_uv = gain_uv.map(|gains| match gains.as_slice() {
            &[one] => vec![one; channels],
            _ => gains,
        });
        Ok(made)
    }

    fn read_from(&self, start: u64, out: &mut [f32]) -> Result<()> {
        let frames = out.len() / self.n_channels();
        match &self.source {
            Source::Array(array) => array.decode(start as usize, out),
            Source::Reader { reader, channels, .. } => {
                let give = |py: Python<'_>| -> PyResult<SampleArray> {
                    let given = reader.bind(py).call_method1("read", (start, start + frames as u64))?;
                    let array = SampleArray::new(&given)?;
                    if array.shape == [frames, *channels] {
                        Ok(array)
                    } else {
                        Err(PyValueError::new_err(format!(
                            "{} samples of {} channels were given instead of {frames} of {channels}",
                            array.shape[0], array.shape[1]
                        )))
                    }
                };
                let array =
                    Python::attach(give).map_err(|e| Error::io("read", &self.name, std::io::Error::other(e)))?;
                array.decode(0, out);
            }
        }
        Ok(())
    }
}

impl Recording for PythonRecording {
    fn sample_rate(&self) -> f64 {
        self.sample_rate
    }
    fn n_channels(&self) -> usize {
        match &self.source {
            Source::Array(array) => array.shape[1],
            Source::Reader { channels, .. } => *channels,
        }
    }
    fn n_samples(&self) -> u64 {
        match &self.source {
            Source::Array(array) => array.samples() as u64,
            Source::Reader { samples, .. } => *samples,
        }
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        self.gain_uv.as_deref()
    }
    fn probe(&self) -> Option<&Probe> {
        self.probe.as_ref()
    }
    fn raw_file(&self) -> Option<&ferrosort_core::RawFile> {
        None
    }
    fn sample_type(&self) -> Option<SampleType> {
        match &self.source {
            Source::Array(array) => Some(array.sample_type),
            Source::Reader { .. } => None,
        }
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        let frames = (out.len() / self.n_channels()) as u64;
        if start.checked_add(frames).is_none_or(|end| end > self.n_samples()) {
            return Err(Error::input(format!(
                "samples {start} to {} are outside {}, which has {}",
                start.saturating_add(frames),
                self.name,
                self.n_samples()
            )));
        }
        self.read_from(start, out)?;
        check_finite(out, std::path::Path::new(&self.name), start, self.n_channels())
    }
}
