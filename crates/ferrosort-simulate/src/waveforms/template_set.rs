//! Footprints frozen in a file, so that a benchmark does not change with the generator (docs/waveforms.md 6).

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::npy::{NpyArray, Npz};
use ndarray::{Array, Array0, Array1, Array2, Array4, ArrayD, Axis, Dimension, Ix0, IxDyn};
use ndarray_npy::{NpzWriter, WriteNpzError};

use super::{Neuron, NeuronClass};
use crate::geometry::SimContact;

/// Footprints of several neurons on one probe, at several displacements along it.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateSet {
    /// `[units, displacements, samples, contacts]`, µV.
    pub templates_uv: Array4<f32>,
    /// Displacement along y of each, `[displacements]`, µm.
    pub displacements_um: Array1<f64>,
    /// Sample of the trough on each unit's best contact, `[units]`.
    pub n0: Array1<i64>,
    /// Hz.
    pub sample_rate_hz: f64,
    /// Places of the contacts, `[contacts, 2]`, µm.
    pub contacts_um: Array2<f64>,
    /// Places of the units at zero displacement, `[units, 3]`, µm.
    pub units_um: Array2<f64>,
    /// Kind of each unit, `[units]`.
    pub classes: Vec<NeuronClass>,
}

const CLASSES: [NeuronClass; 5] = [
    NeuronClass::RegularSpiking,
    NeuronClass::FastSpiking,
    NeuronClass::Axonal,
    NeuronClass::Parametric,
    NeuronClass::Library,
];

impl TemplateSet {
    /// The footprints of these neurons on these contacts at these displacements along y (µm).
    ///
    /// # Errors
    /// Neurons with windows of different lengths.
    pub fn of_neurons(
        neurons: &[Neuron],
        contacts: &[SimContact],
        displacements_um: &[f64],
        sample_rate_hz: f64,
    ) -> Result<Self> {
        let n_samples = neurons.first().map_or(0, Neuron::n_samples);
        if neurons.iter().any(|n| n.n_samples() != n_samples) {
            return Err(Error::input(
                "templates of different lengths cannot be in one file; use one window for all units",
            ));
        }
        let shape = (neurons.len(), displacements_um.len(), n_samples, contacts.len());
        let mut templates_uv = Array4::zeros(shape);
        for (u, neuron) in neurons.iter().enumerate() {
            for (d, &along) in displacements_um.iter().enumerate() {
                let footprint = neuron.footprint([0.0, along, 0.0], contacts);
                templates_uv
                    .index_axis_mut(Axis(0), u)
                    .index_axis_mut(Axis(0), d)
                    .assign(&footprint.t());
            }
        }
        let place = |i: usize, axis: usize| [contacts[i].x_um, contacts[i].y_um][axis];
        Ok(Self {
            templates_uv,
            displacements_um: displacements_um.to_vec().into(),
            n0: neurons.iter().map(|n| n.n0() as i64).collect(),
            sample_rate_hz,
            contacts_um: Array2::from_shape_fn((contacts.len(), 2), |(i, axis)| place(i, axis)),
            units_um: Array2::from_shape_fn((neurons.len(), 3), |(u, axis)| neurons[u].position_um()[axis]),
            classes: neurons.iter().map(Neuron::class).collect(),
        })
    }

    /// Writes an `.npz` file with the arrays `templates` (f32), `displacements`, `n0` (i64), `fs`, `positions`,
    /// `unit_positions` and `classes` (u8: 0 RS, 1 FS, 2 AX, 3 parametric, 4 library); f64 where no type is named.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write(&self, path: &Path) -> Result<()> {
        let classes: Array1<u8> = self.classes.iter().map(|c| code(*c)).collect();
        let file = BufWriter::new(File::create(path).map_err(|e| Error::io("create", path, e))?);
        let write = || -> std::result::Result<BufWriter<File>, WriteNpzError> {
            let mut npz = NpzWriter::new(file);
            npz.add_array("templates", &self.templates_uv)?;
            npz.add_array("displacements", &self.displacements_um)?;
            npz.add_array("n0", &self.n0)?;
            npz.add_array("fs", &Array0::from_elem((), self.sample_rate_hz))?;
            npz.add_array("positions", &self.contacts_um)?;
            npz.add_array("unit_positions", &self.units_um)?;
            npz.add_array("classes", &classes)?;
            npz.finish()
        };
        let mut file = write().map_err(|e| Error::io("write", path, std::io::Error::other(e)))?;
        file.flush().map_err(|e| Error::io("write", path, e))
    }

    /// Reads what [`TemplateSet::write`] writes. `templates` may also be `[units, samples, contacts]`, without
    /// `displacements`.
    ///
    /// # Errors
    /// A file that cannot be read, an array that is missing or of another type, or sizes that do not fit each other.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |what: String| Error::input(format!("{} is not a file of templates: {what}", path.display()));
        let mut npz = Npz::open(path)?;
        let mut templates = npz.require("templates")?;
        let displacements_um = match templates.shape.as_slice() {
            [units, samples, contacts] => {
                templates.shape = vec![*units, 1, *samples, *contacts];
                Array1::zeros(1)
            }
            _ => array(&mut npz, "displacements", NpyArray::into_f64).map_err(refuse)?,
        };
        let classes: Array1<i64> = array(&mut npz, "classes", NpyArray::into_i64).map_err(refuse)?;
        let class = |&code: &i64| CLASSES.get(usize::try_from(code).ok()?).copied();
        let set = Self {
            templates_uv: shaped(templates, "templates", NpyArray::into_f32).map_err(refuse)?,
            displacements_um,
            n0: array(&mut npz, "n0", NpyArray::into_i64).map_err(refuse)?,
            sample_rate_hz: array::<_, Ix0>(&mut npz, "fs", NpyArray::into_f64)
                .map_err(refuse)?
                .into_scalar(),
            contacts_um: array(&mut npz, "positions", NpyArray::into_f64).map_err(refuse)?,
            units_um: array(&mut npz, "unit_positions", NpyArray::into_f64).map_err(refuse)?,
            classes: (classes.iter().map(class).collect::<Option<_>>())
                .ok_or_else(|| refuse("a class is not from 0 to 4".to_owned()))?,
        };
        set.check().map_err(refuse)?;
        Ok(set)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let (units, displacements, samples, contacts) = self.templates_uv.dim();
        let fit = self.displacements_um.len() == displacements
            && self.n0.len() == units
            && self.classes.len() == units
            && self.units_um.dim() == (units, 3)
            && self.contacts_um.dim() == (contacts, 2);
        if !fit {
            return Err(format!(
                "its arrays do not fit templates of {units} units, {displacements} displacements and {contacts} contacts"
            ));
        }
        if !self.n0.iter().all(|&n0| (0..samples as i64).contains(&n0)) {
            return Err(format!("a trough (n0) is not within the {samples} samples"));
        }
        Ok(())
    }
}

fn code(class: NeuronClass) -> u8 {
    CLASSES.iter().position(|c| *c == class).unwrap_or(0) as u8
}

/// The array of this name with this type of values and number of axes.
fn array<T, D: Dimension>(
    npz: &mut Npz,
    name: &str,
    values: impl Fn(NpyArray) -> Option<Vec<T>>,
) -> std::result::Result<Array<T, D>, String> {
    let array = npz.require(name).map_err(|e| e.to_string())?;
    shaped(array, name, values)
}

fn shaped<T, D: Dimension>(
    array: NpyArray,
    name: &str,
    values: impl Fn(NpyArray) -> Option<Vec<T>>,
) -> std::result::Result<Array<T, D>, String> {
    let shape = IxDyn(&array.shape);
    values(array)
        .and_then(|values| ArrayD::from_shape_vec(shape, values).ok())
        .and_then(|array| array.into_dimensionality().ok())
        .ok_or_else(|| format!("array '{name}' has another type or number of axes"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::SimProbe;
    use crate::waveforms::{Biophysical, BiophysicalParams, Parametric, ParametricParams, Window};

    fn set() -> TemplateSet {
        let probe = SimProbe::by_name("np2-8").unwrap();
        let window = Window::of_spike(30_000.0);
        let place = [30.0, 20.0, 25.0];
        let soma = BiophysicalParams::random(NeuronClass::FastSpiking, place, 1, 0);
        let axon = ParametricParams::random_axon(place, 1, 1);
        let neurons = [
            Neuron::Biophysical(Biophysical::new(&soma, window, &probe.contacts, 1.9).unwrap()),
            Neuron::Parametric(Parametric::new(&axon, window).unwrap()),
        ];
        TemplateSet::of_neurons(&neurons, &probe.contacts, &[-5.0, 0.0, 5.0], 30_000.0).unwrap()
    }

    #[test]
    fn a_set_reads_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("templates.npz");
        let set = set();
        assert_eq!(set.templates_uv.dim(), (2, 3, 82, 8));
        let first = set.templates_uv.index_axis(Axis(0), 0);
        let at_rest = first.index_axis(Axis(0), 1);
        let lowest = at_rest.indexed_iter().min_by(|a, b| a.1.total_cmp(b.1));
        assert_eq!(lowest.unwrap().0.0, 30);
        set.write(&path).unwrap();
        assert_eq!(TemplateSet::read(&path).unwrap(), set);
        let first = std::fs::read(&path).unwrap();
        set.write(&path).unwrap();
        assert!(
            std::fs::read(&path).unwrap() == first,
            "the same templates are the same bytes"
        );
    }

    #[test]
    fn sets_without_displacements_read_and_bad_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("templates.npz");
        let mut set = set();
        let write = |set: &TemplateSet, classes: [u8; 2]| {
            let mut npz = NpzWriter::new(File::create(&path).unwrap());
            npz.add_array("templates", &set.templates_uv.index_axis(Axis(1), 1))
                .unwrap();
            npz.add_array("n0", &set.n0).unwrap();
            npz.add_array("fs", &Array0::from_elem((), set.sample_rate_hz)).unwrap();
            npz.add_array("positions", &set.contacts_um).unwrap();
            npz.add_array("unit_positions", &set.units_um).unwrap();
            npz.add_array("classes", &Array1::from(classes.to_vec())).unwrap();
            npz.finish().unwrap();
            TemplateSet::read(&path)
        };
        let read = write(&set, [1, 2]).unwrap();
        assert_eq!(
            (read.templates_uv.dim(), read.displacements_um.to_vec()),
            ((2, 1, 82, 8), vec![0.0])
        );
        let message = |e: Result<TemplateSet>| e.unwrap_err().to_string();
        assert!(message(write(&set, [1, 9])).contains("class is not"));
        set.n0[1] = 82;
        assert!(message(write(&set, [1, 2])).contains("not within the 82 samples"));
        set.n0 = Array1::zeros(3);
        assert!(message(write(&set, [1, 2])).contains("do not fit"));
        std::fs::write(&path, b"no archive").unwrap();
        assert!(message(TemplateSet::read(&path)).contains("not a NumPy pack"));
    }
}
