//! Which batches of two runs are compared with each other, and where they are in the order of each.

use ferrosort_core::SortingRun;

/// The batches on which two runs can be compared: all of the run that has fewer, each with the batch of the other that starts nearest.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonBatches {
    /// Batches of A, ascending.
    pub a: Vec<usize>,
    /// The batch of B for each.
    pub b: Vec<usize>,
    /// Start of each, s; its number when the rate or the length of batches is unknown.
    pub times_s: Vec<f64>,
    /// Time from one batch to the next, s, when known.
    pub batch_s: Option<f64>,
    /// What the reader should know, one sentence each.
    pub notes: Vec<String>,
    order_a: Option<Vec<usize>>,
    order_b: Option<Vec<usize>>,
}

impl CommonBatches {
    /// Finds them.
    ///
    /// # Errors
    /// A run without batches, or different numbers of batches without the times to match them, in a sentence.
    pub fn new(a: &SortingRun, b: &SortingRun) -> Result<Self, String> {
        let count = |run: &SortingRun, side: &str| {
            let matrix = run.intermediates.ccb.as_ref().map(ndarray::ArrayBase::nrows);
            let order = run.intermediates.order.as_ref().map(Vec::len);
            matrix
                .or(order)
                .ok_or_else(|| format!("{side} has neither a dissimilarity nor an order of batches"))
        };
        let (n_a, n_b) = (count(a, "A")?, count(b, "B")?);
        let length = |run: &SortingRun| {
            let samples = run.intermediates.batch_samples.filter(|&s| s > 0)? as f64;
            let rate = run.sample_rate.filter(|r| r.is_finite() && *r > 0.0)?;
            Some(samples / rate)
        };
        let (length_a, length_b) = (length(a), length(b));
        let mut notes = Vec::new();
        let (of_a, of_b) = match (length_a, length_b) {
            _ if n_a == n_b => ((0..n_a).collect(), (0..n_a).collect()),
            (Some(length_a), Some(length_b)) => {
                notes.push(format!(
                    "There are {n_a} batches in A and {n_b} in B; they are compared on a common time axis, nearest batch by start time."
                ));
                let nearest =
                    |k: usize, own: f64, other: f64, n: usize| ((k as f64 * own / other).round() as usize).min(n - 1);
                if n_a < n_b {
                    let partners = (0..n_a).map(|k| nearest(k, length_a, length_b, n_b)).collect();
                    ((0..n_a).collect(), partners)
                } else {
                    let partners = (0..n_b).map(|k| nearest(k, length_b, length_a, n_a)).collect();
                    (partners, (0..n_b).collect())
                }
            }
            _ => {
                return Err(format!(
                    "there are {n_a} batches in A and {n_b} in B, and the length of a batch is not known on both sides"
                ));
            }
        };
        if n_a == n_b
            && let (Some(x), Some(y)) = (length_a, length_b)
            && (x - y).abs() > 1e-9 * x
        {
            notes.push(format!(
                "Batches last {x:.4} s in A and {y:.4} s in B; they are compared by number."
            ));
        }
        let a_numbers: &Vec<usize> = &of_a;
        Ok(Self {
            times_s: a_numbers.iter().map(|&k| k as f64 * length_a.unwrap_or(1.0)).collect(),
            batch_s: length_a,
            a: of_a,
            b: of_b,
            notes,
            order_a: a.intermediates.order.clone(),
            order_b: b.intermediates.order.clone(),
        })
    }

    /// Number of them.
    pub fn len(&self) -> usize {
        self.a.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.a.is_empty()
    }

    /// Place of each in A's order, among them; `None` without an order that names every batch once.
    pub fn places_a(&self) -> Option<Vec<usize>> {
        places(self.order_a.as_ref()?, &self.a)
    }

    /// Place of each in B's order, among them.
    pub fn places_b(&self) -> Option<Vec<usize>> {
        places(self.order_b.as_ref()?, &self.b)
    }
}

fn places(order: &[usize], batches: &[usize]) -> Option<Vec<usize>> {
    let mut place_of = vec![None; order.len()];
    for (place, &batch) in order.iter().enumerate() {
        let entry = place_of.get_mut(batch)?;
        if entry.replace(place).is_some() {
            return None;
        }
    }
    let own: Option<Vec<usize>> = batches
        .iter()
        .map(|&batch| place_of.get(batch).copied().flatten())
        .collect();
    Some(inverse(&sorted_by(&own?)))
}

fn sorted_by(keys: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&k| keys[k]);
    order
}

/// Place of each entry of an order.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, &k) in order.iter().enumerate() {
        places[k] = place;
    }
    places
}
