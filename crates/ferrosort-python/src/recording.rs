//! Recordings for Python.

use std::path::PathBuf;

use ferrosort_core::{Contact, Error, Probe, SampleType};
use ferrosort_formats::{OpenOptions, choose_probe, open_recording, parse_sample_type, parse_time_range, read_probe};
use ndarray::Array2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{to_numpy, vec_to_numpy};
use crate::errors::exception;
use crate::samples::{PythonRecording, SampleArray, Source};
use crate::sort::Settings;

/// An opened recording.
#[pyclass(frozen, module = "ferrosort._ferrosort")]
pub struct Recording {
    pub(crate) recording: Box<dyn ferrosort_core::Recording>,
    /// Files and folders behind it.
    pub(crate) paths: Vec<PathBuf>,
}

/// What the caller says about a recording, by the names of the Python functions.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Described {
    channels: Option<usize>,
    sample_rate: Option<f64>,
    dtype: Option<String>,
    gain_uv: Option<Vec<f64>>,
    offset: Option<u64>,
    time_range: Option<String>,
    stream: Option<String>,
}

impl Described {
    /// As the readers of formats want it.
    pub fn options(self) -> ferrosort_core::Result<OpenOptions> {
        Ok(OpenOptions {
            n_channels: self.channels,
            sample_rate: self.sample_rate,
            sample_type: self.dtype.as_deref().map(parse_sample_type).transpose()?,
            gain_uv: self.gain_uv,
            offset_bytes: self.offset,
            time_range: self.time_range.as_deref().map(parse_time_range).transpose()?,
            stream: self.stream,
        })
    }
}

/// Columns, x (µm), y (µm) and shanks of contacts.
pub type Contacts = (Vec<usize>, Vec<f64>, Vec<f64>, Vec<i64>);

/// A probe from columns of equal length.
fn probe_of((channels, x_um, y_um, shanks): Contacts, name: &str) -> Probe {
    let contact = |(((channel, x_um), y_um), shank)| Contact {
        channel,
        x_um,
        y_um,
        shank,
    };
    Probe {
        name: name.to_owned(),
        contacts: channels
            .into_iter()
            .zip(x_um)
            .zip(y_um)
            .zip(shanks)
            .map(contact)
            .collect(),
    }
}

/// Where the contacts are.
#[derive(FromPyObject)]
pub enum GivenProbe {
    /// A file.
    Path(PathBuf),
    /// Positions.
    Contacts(Contacts),
}

impl Recording {
    /// The contacts to sort, with what messages call them, and what the user should know about them.
    pub fn contacts(&self, given: Option<GivenProbe>, pitch_um: f64) -> Result<(Probe, Vec<String>), Error> {
        let given = match given {
            Some(GivenProbe::Path(path)) => Some((read_probe(&path)?, path.display().to_string())),
            Some(GivenProbe::Contacts(columns)) => Some((probe_of(columns, ""), "of the call".to_owned())),
            None => None,
        };
        let mut warnings = self.recording.notes().to_vec();
        let probe = choose_probe(&*self.recording, given, pitch_um, &mut warnings)?;
        Ok((probe, warnings))
    }
}

#[pymethods]
impl Recording {
    /// Opens files or a folder; `settings` can say of it what parameters of the original programs say.
    #[staticmethod]
    fn open(py: Python<'_>, paths: Vec<PathBuf>, described: Described, settings: Option<&Settings>) -> PyResult<Self> {
        let open = || {
            let mut options = described.options()?;
            if let Some(settings) = settings {
                options = settings.resolved.recording.complete(options)?;
            }
            open_recording(&paths, &options)
        };
        let recording = py.detach(open).map_err(|e| exception(&e))?;
        Ok(Self { recording, paths })
    }

    /// An array `[samples, channels]`.
    #[staticmethod]
    fn of_array(array: &Bound<'_, PyAny>, sample_rate: f64, gain_uv: Option<Vec<f64>>) -> PyResult<Self> {
        let source = Source::Array(SampleArray::new(array)?);
        Self::of_python("array in memory".to_owned(), source, sample_rate, gain_uv, None)
    }

    /// An object with a method `read(start, end)`.
    #[staticmethod]
    fn of_reader(
        name: String,
        reader: Py<PyAny>,
        samples: u64,
        channels: usize,
        sample_rate: f64,
        gain_uv: Option<Vec<f64>>,
        contacts: Option<Contacts>,
    ) -> PyResult<Self> {
        let source = Source::Reader {
            reader,
            samples,
            channels,
        };
        let probe = contacts.map(|columns| probe_of(columns, ""));
        Self::of_python(name, source, sample_rate, gain_uv, probe)
    }

    /// What messages call it, usually its path.
    #[getter]
    fn name(&self) -> &str {
        self.recording.name()
    }

    #[getter]
    fn sample_rate(&self) -> f64 {
        self.recording.sample_rate()
    }

    #[getter]
    fn n_channels(&self) -> usize {
        self.recording.n_channels()
    }

    #[getter]
    fn n_samples(&self) -> u64 {
        self.recording.n_samples()
    }

    #[getter]
    fn dtype(&self) -> Option<&'static str> {
        self.recording.sample_type().map(SampleType::numpy_name)
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.recording.notes().to_vec()
    }

    #[getter]
    fn gain_uv<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.recording
            .gain_uv()
            .map(|gains| vec_to_numpy(py, gains.to_vec()))
            .transpose()
    }

    /// Columns, positions `[contacts, 2]` and shanks of the contacts, if the recording has them.
    #[getter]
    fn contacts_known<'py>(&self, py: Python<'py>) -> PyResult<Option<[Bound<'py, PyAny>; 3]>> {
        self.recording
            .probe()
            .map(|probe| contacts_to_numpy(py, probe))
            .transpose()
    }

    /// Samples `[end - start, channels]` as float32.
    fn traces<'py>(&self, py: Python<'py>, start: u64, end: u64) -> PyResult<Bound<'py, PyAny>> {
        let (all, channels) = (self.recording.n_samples(), self.recording.n_channels());
        if start > end || end > all {
            return Err(PyValueError::new_err(format!(
                "samples {start} to {end} are outside the recording, which has {all}"
            )));
        }
        let mut samples = Array2::zeros(((end - start) as usize, channels));
        let out = samples.as_slice_mut().unwrap_or_default();
        py.detach(|| self.recording.read(start, out))
            .map_err(|e| exception(&e))?;
        to_numpy(py, samples)
    }
}

impl Recording {
    fn of_python(
        name: String,
        source: Source,
        sample_rate: f64,
        gain_uv: Option<Vec<f64>>,
        probe: Option<Probe>,
    ) -> PyResult<Self> {
        let recording = PythonRecording::new(name, source, sample_rate, gain_uv, probe)?;
        Ok(Self {
            recording: Box::new(recording),
            paths: Vec::new(),
        })
    }
}

/// Columns of the file, positions `[contacts, 2]` (µm) and shanks.
pub fn contacts_to_numpy<'py>(py: Python<'py>, probe: &Probe) -> PyResult<[Bound<'py, PyAny>; 3]> {
    let contacts = &probe.contacts;
    let positions = Array2::from_shape_fn((contacts.len(), 2), |(i, axis)| match axis {
        0 => contacts[i].x_um,
        _ => contacts[i].y_um,
    });
    Ok([
        vec_to_numpy(py, contacts.iter().map(|c| c.channel as i64).collect())?,
        to_numpy(py, positions)?,
        vec_to_numpy(py, contacts.iter().map(|c| c.shank).collect())?,
    ])
}
