//! A unit's waveforms at the displacements that occur, ready to be added.

use ndarray::Array2;

/// Waveforms on a grid of displacements, for the contacts that see the unit at any of them.
#[derive(Debug, Clone)]
pub(crate) struct Bank {
    low_um: f64,
    step_um: f64,
    steps: usize,
    /// Contacts by their place in the probe.
    contacts: Vec<usize>,
    /// Samples of a waveform.
    pub(crate) samples: usize,
    /// Sample that falls on the time of the spike.
    pub(crate) n0: usize,
    /// `[steps, contacts, samples]`, µV.
    data: Vec<f32>,
}

impl Bank {
    /// No waveforms.
    pub(crate) fn empty() -> Self {
        Self {
            low_um: 0.0,
            step_um: 1.0,
            steps: 1,
            contacts: Vec::new(),
            samples: 0,
            n0: 0,
            data: Vec::new(),
        }
    }

    /// Waveforms for displacements within `range_um`, at most `step_um` apart.
    ///
    /// `footprint` gives `[near.len(), samples]` at a displacement; `near` are the places of its rows in the probe.
    /// Contacts on which no waveform reaches `least_uv` are left out.
    pub(crate) fn build(
        range_um: [f64; 2],
        step_um: f64,
        near: &[usize],
        n0: usize,
        least_uv: f32,
        footprint: impl Fn(f64) -> Array2<f32>,
    ) -> Self {
        let [low, high] = range_um;
        let steps = if high > low {
            ((high - low) / step_um).ceil() as usize + 1
        } else {
            1
        };
        let step_um = if steps > 1 {
            (high - low) / (steps - 1) as f64
        } else {
            1.0
        };
        let all: Vec<Array2<f32>> = (0..steps).map(|s| footprint(low + step_um * s as f64)).collect();
        let samples = all[0].ncols();
        let seen: Vec<usize> = (0..near.len())
            .filter(|&row| {
                all.iter()
                    .any(|w| w.row(row).iter().any(|v| v.abs() >= least_uv && *v != 0.0))
            })
            .collect();
        let mut data = Vec::with_capacity(steps * seen.len() * samples);
        for waveforms in &all {
            for &row in &seen {
                data.extend(waveforms.row(row).iter());
            }
        }
        Self {
            low_um: low,
            step_um,
            steps,
            contacts: seen.iter().map(|&row| near[row]).collect(),
            samples,
            n0,
            data,
        }
    }

    /// Contacts by their place in the probe.
    pub(crate) fn contacts(&self) -> &[usize] {
        &self.contacts
    }

    /// Displacements of the grid, µm.
    pub(crate) fn grid_um(&self) -> Vec<f64> {
        (0..self.steps).map(|s| self.low_um + self.step_um * s as f64).collect()
    }

    /// Waveforms at a grid point, `[contacts, samples]`, µV.
    pub(crate) fn at_step(&self, step: usize) -> &[f32] {
        let size = self.contacts.len() * self.samples;
        &self.data[step * size..(step + 1) * size]
    }

    /// Multiplies all waveforms.
    pub(crate) fn scale(&mut self, factor: f32) {
        self.data.iter_mut().for_each(|v| *v *= factor);
    }

    /// Grid point below a displacement, and the fraction of the way to the next; the ends are held.
    pub(crate) fn place(&self, displacement_um: f64) -> (usize, f32) {
        let last = (self.steps - 1) as f64;
        let place = ((displacement_um - self.low_um) / self.step_um).clamp(0.0, last);
        let step = (place as usize).min(self.steps.saturating_sub(2));
        (step, (place - step as f64) as f32)
    }

    /// The waveform of one contact (by its place in [`Bank::contacts`]) times `factor`, linear between grid points, into `out` of the
    /// same length.
    pub(crate) fn waveform(&self, (step, fraction): (usize, f32), contact: usize, factor: f32, out: &mut [f32]) {
        let size = self.contacts.len() * self.samples;
        let first = step * size + contact * self.samples;
        let a = &self.data[first..first + self.samples];
        if fraction == 0.0 {
            for (o, v) in out.iter_mut().zip(a) {
                *o = factor * v;
            }
            return;
        }
        let b = &self.data[first + size..first + size + self.samples];
        let (wa, wb) = (factor * (1.0 - fraction), factor * fraction);
        for ((o, v), w) in out.iter_mut().zip(a).zip(b) {
            *o = wa * v + wb * w;
        }
    }

    /// Peak to peak of the largest contact at a displacement, µV.
    pub(crate) fn peak_to_peak(&self, displacement_um: f64) -> f32 {
        let place = self.place(displacement_um);
        let mut row = vec![0f32; self.samples];
        (0..self.contacts.len())
            .map(|c| {
                self.waveform(place, c, 1.0, &mut row);
                range(&row)
            })
            .fold(0.0, f32::max)
    }

    /// Peak to peak on one contact of the probe at a displacement, µV; 0 where the unit is not seen.
    pub(crate) fn peak_to_peak_on(&self, contact: usize, displacement_um: f64) -> f32 {
        let Some(c) = self.contacts.iter().position(|&other| other == contact) else {
            return 0.0;
        };
        let mut row = vec![0f32; self.samples];
        self.waveform(self.place(displacement_um), c, 1.0, &mut row);
        range(&row)
    }
}

/// Largest minus smallest value.
pub(crate) fn range(row: &[f32]) -> f32 {
    let (low, high) = row.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
        (low.min(v), high.max(v))
    });
    if row.is_empty() { 0.0 } else { high - low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_grid_points_waveforms_are_linear_and_ends_are_held() {
        let bank = Bank::build([-3.0, 3.0], 2.0, &[4, 7], 0, 0.5, |d| {
            Array2::from_shape_fn((2, 3), |(c, t)| if c == 0 { 0.1 } else { d as f32 + t as f32 })
        });
        assert_eq!(bank.contacts(), [7], "contact 4 never reaches half a µV");
        assert_eq!(bank.grid_um(), [-3.0, -1.0, 1.0, 3.0]);
        let at = |d: f64| {
            let mut out = [0.0; 3];
            bank.waveform(bank.place(d), 0, 2.0, &mut out);
            out
        };
        assert_eq!(at(0.5), [1.0, 3.0, 5.0]);
        assert_eq!(at(3.0), [6.0, 8.0, 10.0]);
        assert_eq!(at(99.0), at(3.0));
        assert_eq!(at(-99.0), at(-3.0));
        assert_eq!((bank.peak_to_peak(0.0), bank.peak_to_peak_on(4, 0.0)), (2.0, 0.0));
    }

    #[test]
    fn a_still_unit_has_one_waveform() {
        let bank = Bank::build([0.0, 0.0], 2.0, &[0], 0, 0.0, |d| {
            Array2::from_elem((1, 2), d as f32 + 1.0)
        });
        assert_eq!((bank.grid_um(), bank.place(55.0)), (vec![0.0], (0, 0.0)));
    }
}
