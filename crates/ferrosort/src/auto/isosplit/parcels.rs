//! The many small clusters that ISO-SPLIT starts from.

use super::Points;

/// Splits the largest parcel in two until there are `wanted`; none has fewer than `least` points unless all points are fewer.
pub(super) fn parcels(points: &Points, wanted: usize, least: usize) -> Vec<Vec<u32>> {
    let mut open: Vec<Vec<u32>> = vec![(0..points.n as u32).collect()];
    let mut closed: Vec<Vec<u32>> = Vec::new();
    while open.len() + closed.len() < wanted {
        let largest = (0..open.len()).fold(0, |best, i| if open[i].len() > open[best].len() { i } else { best });
        if largest >= open.len() {
            break;
        }
        let parcel = std::mem::take(&mut open[largest]);
        if let Some((low, high)) = halves(points, &parcel, least.max(1)) {
            open[largest] = low;
            open.push(high);
        } else {
            open.swap_remove(largest);
            closed.push(parcel);
        }
    }
    open.append(&mut closed);
    open
}

/// Two means, started from the mean along the widest axis; the median there if that leaves too few on one side.
fn halves(points: &Points, parcel: &[u32], least: usize) -> Option<(Vec<u32>, Vec<u32>)> {
    if parcel.len() < 2 * least {
        return None;
    }
    let d = points.d;
    let mean = points.mean(parcel);
    let mut spread = vec![0.0; d];
    for &i in parcel {
        for (s, (x, m)) in spread.iter_mut().zip(points.row(i).iter().zip(&mean)) {
            *s += (f64::from(*x) - m).powi(2);
        }
    }
    let axis = (0..d).fold(0, |best, i| if spread[i] > spread[best] { i } else { best });
    if spread[axis] <= 0.0 {
        return None;
    }
    let along = |i: u32| points.row(i)[axis];
    let (mut low, mut high): (Vec<u32>, Vec<u32>) = parcel.iter().partition(|&&i| f64::from(along(i)) < mean[axis]);
    for _ in 0..5 {
        if low.is_empty() || high.is_empty() {
            break;
        }
        let (a, b) = (points.mean(&low), points.mean(&high));
        let middle: Vec<f64> = a.iter().zip(&b).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        let is_low = |i: u32| {
            let side: f64 = (0..d)
                .map(|k| (f64::from(points.row(i)[k]) - middle[k]) * (b[k] - a[k]))
                .sum();
            side < 0.0
        };
        let before = low.len();
        (low, high) = parcel.iter().partition(|&&i| is_low(i));
        if low.len() == before {
            break;
        }
    }
    if low.len().min(high.len()) < least {
        low = parcel.to_vec();
        low.sort_by(|&i, &j| along(i).total_cmp(&along(j)).then(i.cmp(&j)));
        high = low.split_off(parcel.len() / 2);
    }
    Some((low, high))
}
