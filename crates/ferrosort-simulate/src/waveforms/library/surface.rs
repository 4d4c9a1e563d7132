//! A measured footprint between its measured positions.

use ferrosort_core::{Error, Result};

use super::makima::{Piece, slope};
use super::read::MeasuredUnit;
use super::triangles::Triangles;

/// A waveform for every place in the box of the measured positions.
#[derive(Debug, Clone)]
pub(super) struct Surface {
    /// Smallest and largest `[x, y]` of the positions, relative to the unit, µm.
    pub(super) box_um: [[f64; 2]; 2],
    n_samples: usize,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Grid(Grid),
    Scattered { triangles: Triangles, waves: Vec<f64> },
}

/// Values and slopes along y on a full grid, `[rows, columns, samples]`.
#[derive(Debug, Clone)]
struct Grid {
    x_um: Vec<f64>,
    y_um: Vec<f64>,
    values: Vec<f64>,
    slopes: Vec<f64>,
}

impl Surface {
    /// Of waveforms `[positions, samples]`.
    ///
    /// # Errors
    /// Two positions at one place, or too many that do not form a grid.
    pub(super) fn new(unit: &MeasuredUnit, waves: Vec<f64>) -> Result<Self> {
        let n_samples = unit.n_samples();
        let (x_um, y_um) = (distinct(&unit.x_um), distinct(&unit.y_um));
        let box_um = [[x_um[0], y_um[0]], [x_um[x_um.len() - 1], y_um[y_um.len() - 1]]];
        let kind = if let Some(places) = places_on_grid(unit, &x_um, &y_um) {
            Kind::Grid(Grid::new(x_um, y_um, &places, &waves, n_samples))
        } else {
            let points: Vec<[f64; 2]> = unit.x_um.iter().zip(&unit.y_um).map(|(&x, &y)| [x, y]).collect();
            let triangles = Triangles::new(points).map_err(|reason| {
                Error::input(format!("measured unit {} cannot be interpolated: {reason}", unit.label))
            })?;
            Kind::Scattered { triangles, waves }
        };
        Ok(Self {
            box_um,
            n_samples,
            kind,
        })
    }

    /// Within the box of the measured positions, edges included.
    pub(super) fn contains(&self, [dx, dy]: [f64; 2]) -> bool {
        let [low, high] = self.box_um;
        (low[0]..=high[0]).contains(&dx) && (low[1]..=high[1]).contains(&dy)
    }

    /// Adds `gain` times the waveform at this place, which must be inside, to `out`, `[samples]`.
    pub(super) fn add(&self, place: [f64; 2], gain: f64, out: &mut [f64]) {
        match &self.kind {
            Kind::Grid(grid) => grid.add(place, gain, out),
            Kind::Scattered { triangles, waves } => {
                for (point, weight) in triangles.weights(place) {
                    let wave = &waves[point * self.n_samples..][..self.n_samples];
                    for (o, w) in out.iter_mut().zip(wave) {
                        *o += gain * weight * w;
                    }
                }
            }
        }
    }
}

/// The values in ascending order, each once.
fn distinct(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted
}

/// For each place of the grid (row by row) the position that is there, if every place has one and there are at least
/// two rows and two columns.
fn places_on_grid(unit: &MeasuredUnit, x_um: &[f64], y_um: &[f64]) -> Option<Vec<usize>> {
    let n = unit.x_um.len();
    if x_um.len() < 2 || y_um.len() < 2 || x_um.len() * y_um.len() != n {
        return None;
    }
    let mut places = vec![None; n];
    for position in 0..n {
        let column = x_um.iter().position(|x| *x == unit.x_um[position])?;
        let row = y_um.iter().position(|y| *y == unit.y_um[position])?;
        places[row * x_um.len() + column] = Some(position);
    }
    places.into_iter().collect()
}

impl Grid {
    fn new(x_um: Vec<f64>, y_um: Vec<f64>, places: &[usize], waves: &[f64], n: usize) -> Self {
        let columns = x_um.len();
        let values: Vec<f64> = (places.iter().flat_map(|p| &waves[p * n..(p + 1) * n]))
            .copied()
            .collect();
        let mut slopes = vec![0.0; values.len()];
        for (i, s) in slopes.iter_mut().enumerate() {
            let (place, t) = (i / n, i % n);
            let along = |row: usize| values[(row * columns + place % columns) * n + t];
            *s = slope(&y_um, along, place / columns);
        }
        Self {
            x_um,
            y_um,
            values,
            slopes,
        }
    }

    /// Along y in every column first, then along x.
    fn add(&self, [dx, dy]: [f64; 2], gain: f64, out: &mut [f64]) {
        let (columns, n) = (self.x_um.len(), out.len());
        let along_y = Piece::at(&self.y_um, dy);
        let along_x = Piece::at(&self.x_um, dx);
        let rows = [along_y.left, along_y.left + 1];
        let mut at_y = vec![0.0; columns];
        for (t, o) in out.iter_mut().enumerate() {
            for (column, value) in at_y.iter_mut().enumerate() {
                let ends = rows.map(|row| (row * columns + column) * n + t);
                *value = along_y.value(ends.map(|i| self.values[i]), ends.map(|i| self.slopes[i]));
            }
            let ends = [along_x.left, along_x.left + 1];
            let slopes = ends.map(|i| slope(&self.x_um, |k| at_y[k], i));
            *o += gain * along_x.value(ends.map(|i| at_y[i]), slopes);
        }
    }
}
