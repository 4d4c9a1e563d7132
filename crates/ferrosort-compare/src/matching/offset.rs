//! A constant delay between two sortings.

use crate::merged::merge;

/// Samples by which the spikes of `b` are late against those of `a`, whatever their units; `None` without coincidences.
///
/// Counts all differences `t_b - t_a` of at most `reach` samples, and takes the centroid of the three counts around the
/// largest (the first of equal ones).
pub fn estimate_offset(a: &[Vec<i64>], b: &[Vec<i64>], reach: i64) -> Option<f64> {
    let (merged_a, merged_b) = (merge(a), merge(b));
    let mut counts = vec![0_u64; 2 * reach.max(0) as usize + 1];
    let mut start = 0;
    for spike in &merged_a {
        while merged_b
            .get(start)
            .is_some_and(|other| other.sample < spike.sample - reach)
        {
            start += 1;
        }
        for other in merged_b[start..]
            .iter()
            .take_while(|other| other.sample <= spike.sample + reach)
        {
            counts[(other.sample - spike.sample + reach) as usize] += 1;
        }
    }
    let most = *counts.iter().max()?;
    let peak = counts.iter().position(|&count| count == most && most > 0)?;
    let around = peak.saturating_sub(1)..(peak + 2).min(counts.len());
    let total: u64 = counts[around.clone()].iter().sum();
    let moment: f64 = around.map(|lag| (lag as i64 - reach) as f64 * counts[lag] as f64).sum();
    Some(moment / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centroid_lies_between_two_delays() {
        let a = vec![vec![100, 200, 300], vec![400]];
        // Three spikes one sample late, one two samples late.
        let b = vec![vec![101, 201, 301, 402]];
        assert_eq!(estimate_offset(&a, &b, 60), Some(1.25));
        assert_eq!(estimate_offset(&b, &a, 60), Some(-1.25));
    }

    #[test]
    fn without_coincidences_there_is_no_offset() {
        assert_eq!(estimate_offset(&[vec![0]], &[vec![1000]], 60), None);
    }
}
