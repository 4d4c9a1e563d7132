//! Removing spikes that were found twice, with two templates (docs/kilosort2.md 6.5).

/// Spikes closer than this in time are simultaneous, s.
const SIMULTANEOUS_S: f64 = 0.0005;
/// Main channels closer than this may see one spike, µm.
const NEAR_UM: f64 = 100.0;

/// Where and how large a unit's template is, in the recording rather than in whitened space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TemplateExtent {
    /// Position of the channel of largest peak-to-peak, `[x, y]`, µm.
    pub position_um: [f64; 2],
    /// That peak-to-peak, in any one unit.
    pub size: f64,
}

/// Which spikes to keep: of two within 0.5 ms and 100 µm, the one with the larger template (the earlier on ties).
///
/// `times` (samples) and `labels` are per spike, in any order. Spikes `d` apart in the order of time are compared for
/// `d` = 1, 2, ... until no two are simultaneous; a spike that was removed still counts as a neighbour.
pub fn without_duplicates(times: &[i64], labels: &[u32], templates: &[TemplateExtent], sample_rate: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&i| times[i]);
    let mut keep = vec![true; times.len()];
    for d in 1..times.len() {
        let mut any = false;
        for pair in order.windows(d + 1) {
            let (i, j) = (pair[0], pair[d]);
            if (times[j] - times[i]) as f64 >= SIMULTANEOUS_S * sample_rate {
                continue;
            }
            any = true;
            let (a, b) = (&templates[labels[i] as usize], &templates[labels[j] as usize]);
            let [dx, dy] = [0, 1].map(|k| a.position_um[k] - b.position_um[k]);
            if dx.hypot(dy) < NEAR_UM {
                keep[if a.size < b.size { i } else { j }] = false;
            }
        }
        if !any {
            break;
        }
    }
    keep
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents() -> [TemplateExtent; 3] {
        let at = |y: f64, size: f64| TemplateExtent {
            position_um: [0.0, y],
            size,
        };
        [at(0.0, 50.0), at(99.0, 80.0), at(200.0, 10.0)]
    }

    #[test]
    fn the_larger_of_two_simultaneous_neighbours_stays() {
        let keep = |times: &[i64], labels: &[u32]| without_duplicates(times, labels, &extents(), 30000.0);
        assert_eq!(keep(&[100, 114], &[0, 1]), [false, true]);
        assert_eq!(keep(&[114, 100], &[1, 0]), [true, false]);
        assert_eq!(
            keep(&[100, 115], &[0, 1]),
            [true, true],
            "0.5 ms apart is not simultaneous"
        );
        assert_eq!(keep(&[100, 100], &[0, 2]), [true, true], "200 µm apart");
        assert_eq!(keep(&[100, 105], &[0, 0]), [true, false], "the earlier of equals stays");
        assert!(keep(&[], &[]).is_empty());
        assert_eq!(keep(&[3], &[2]), [true]);
    }

    #[test]
    fn pairs_further_apart_in_the_list_are_found() {
        let keep = without_duplicates(&[0, 1, 2, 40], &[0, 2, 1, 1], &extents(), 30000.0);
        assert_eq!(keep, [false, true, true, true]);
    }
}
