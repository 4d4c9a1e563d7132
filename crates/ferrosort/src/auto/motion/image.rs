//! Images of the spikes of time bins: depth against the logarithm of the amplitude.

use rayon::prelude::*;

use super::Event;

/// Rows of an image.
const AMPLITUDES: usize = 12;
/// Standard deviation of the smoothing along depth, µm.
const SMOOTHING_UM: f64 = 4.0;

/// Where events lie in an image.
pub(super) struct Grid {
    pub start_um: f64,
    pub bin_um: f64,
    /// Depth bins.
    pub depths: usize,
    low: f64,
    high: f64,
    kernel: Vec<f32>,
}

impl Grid {
    /// Amplitudes from the 5th percentile to the largest.
    pub fn new(events: &[Event], range_um: [f64; 2], bin_um: f64) -> Self {
        let mut logs: Vec<f64> = events.iter().map(|e| libm::log(f64::from(e.amplitude))).collect();
        logs.sort_by(f64::total_cmp);
        let low = logs.get(logs.len() / 20).copied().unwrap_or(0.0);
        let reach = (3.0 * SMOOTHING_UM / bin_um).ceil() as i64;
        let raw: Vec<f64> = (-reach..=reach)
            .map(|k| libm::exp(-0.5 * (k as f64 * bin_um / SMOOTHING_UM).powi(2)))
            .collect();
        let sum: f64 = raw.iter().sum();
        Self {
            start_um: range_um[0],
            bin_um,
            depths: ((range_um[1] - range_um[0]) / bin_um).ceil() as usize + 1,
            low,
            high: logs.last().copied().unwrap_or(0.0),
            kernel: raw.iter().map(|k| (k / sum) as f32).collect(),
        }
    }

    /// Depth of an event in bins.
    fn depth(&self, event: &Event) -> f64 {
        ((event.depth_um - self.start_um) / self.bin_um).clamp(0.0, (self.depths - 1) as f64)
    }

    /// The image of these events, `[amplitudes, depths]`: each row has mean 0.
    fn image(&self, events: &[Event]) -> Vec<f32> {
        let mut counts = vec![0.0_f32; AMPLITUDES * self.depths];
        for event in events {
            let span = (self.high - self.low).max(1e-6);
            let level = (libm::log(f64::from(event.amplitude)) - self.low) / span * (AMPLITUDES - 1) as f64;
            let level = level.clamp(0.0, (AMPLITUDES - 1) as f64);
            let depth = self.depth(event);
            let (row, column) = (level.floor(), depth.floor());
            for (r, part) in [(row, 1.0 - (level - row)), (row + 1.0, level - row)] {
                for (c, share) in [(column, 1.0 - (depth - column)), (column + 1.0, depth - column)] {
                    if part * share > 0.0 {
                        counts[r as usize * self.depths + c as usize] += (part * share) as f32;
                    }
                }
            }
        }
        let reach = self.kernel.len() / 2;
        let mut image = vec![0.0_f32; counts.len()];
        for (from, to) in counts.chunks(self.depths).zip(image.chunks_mut(self.depths)) {
            for (d, &count) in from.iter().enumerate().filter(|(_, c)| **c > 0.0) {
                let first = d.saturating_sub(reach);
                for (k, value) in to[first..(d + reach + 1).min(self.depths)].iter_mut().enumerate() {
                    *value += count * self.kernel[first + k + reach - d];
                }
            }
            let mut sum = 0.0;
            for value in to.iter_mut() {
                *value = value.sqrt();
                sum += *value;
            }
            let mean = sum / self.depths as f32;
            for v in to.iter_mut() {
                *v -= mean;
            }
        }
        image
    }
}

/// Images of some time bins.
pub(super) struct Images {
    pub depths: usize,
    pub bin_um: f64,
    /// The time bins.
    pub bins: Vec<usize>,
    /// `[amplitudes, depths]` of each.
    pub pixels: Vec<Vec<f32>>,
    /// Events at each depth bin, of each.
    pub counts: Vec<Vec<f32>>,
}

impl Images {
    /// Images of `bins`; the events are sorted by time.
    pub fn of(events: &[Event], bins: &[usize], bin_s: f64, grid: &Grid) -> Self {
        let in_bin = |bin: usize| {
            let first = events.partition_point(|e| e.time_s < bin as f64 * bin_s);
            let last = events.partition_point(|e| e.time_s < (bin + 1) as f64 * bin_s);
            &events[first..last]
        };
        let counted = |bin: usize| {
            let mut counts = vec![0.0; grid.depths];
            for event in in_bin(bin) {
                counts[grid.depth(event) as usize] += 1.0;
            }
            counts
        };
        Self {
            depths: grid.depths,
            bin_um: grid.bin_um,
            bins: bins.to_vec(),
            pixels: bins.par_iter().map(|&bin| grid.image(in_bin(bin))).collect(),
            counts: bins.par_iter().map(|&bin| counted(bin)).collect(),
        }
    }

    /// Moves every image back by its displacement (µm, of all time bins), rounded to depth bins; what it was moved by, µm.
    pub fn move_back(&mut self, displacement_um: &[f64]) -> Vec<f64> {
        let (depths, bin_um) = (self.depths, self.bin_um);
        let mut moved = vec![0.0; displacement_um.len()];
        for ((image, counts), &bin) in self.pixels.iter_mut().zip(&mut self.counts).zip(&self.bins) {
            let by = (displacement_um[bin] / bin_um).round();
            moved[bin] = by * bin_um;
            for row in image.chunks_mut(depths).chain([counts.as_mut_slice()]) {
                move_row(row, by as i64);
            }
        }
        moved
    }

    /// For every odd image, its correlation with the mean of the even ones. `None` for other images and where events are few.
    pub fn likeness(&self, min_events: f64) -> Vec<Option<f32>> {
        let mut mean = vec![0.0_f32; self.pixels.first().map_or(0, Vec::len)];
        for image in self.pixels.iter().step_by(2) {
            mean.iter_mut().zip(image).for_each(|(m, v)| *m += v);
        }
        let size = dot(&mean, &mean).sqrt();
        let likeness = |(k, image): (usize, &Vec<f32>)| {
            let enough = f64::from(self.counts[k].iter().sum::<f32>()) >= min_events;
            let norm = size * dot(image, image).sqrt();
            (k % 2 == 1 && enough && norm > 0.0).then(|| dot(image, &mean) / norm)
        };
        self.pixels.par_iter().enumerate().map(likeness).collect()
    }
}

/// `row[d] = row[d + by]`, 0 from outside.
fn move_row(row: &mut [f32], by: i64) {
    let n = row.len();
    let size = (by.unsigned_abs() as usize).min(n);
    if by >= 0 {
        row.copy_within(size.., 0);
        row[n - size..].fill(0.0);
    } else {
        row.copy_within(..n - size, size);
        row[..size].fill(0.0);
    }
}

/// Sum of products, in eight parts so that it is fast, in the same order always.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}
