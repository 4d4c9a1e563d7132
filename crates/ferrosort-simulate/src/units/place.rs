//! Where units lie.

use crate::geometry::SimProbe;
use crate::random::{Draws, Key, Stream};
use crate::settings::Placement;

/// Draws of a place until it is far enough from the others.
const ROUNDS: usize = 100;

/// x and y range of one shank's contacts, µm.
#[derive(Debug, Clone, Copy)]
struct Extent {
    x_um: [f64; 2],
    y_um: [f64; 2],
}

fn extents(probe: &SimProbe) -> Vec<Extent> {
    let mut shanks: Vec<(i64, Extent)> = Vec::new();
    for c in probe.connected() {
        let grow = |[low, high]: [f64; 2], v: f64| [low.min(v), high.max(v)];
        match shanks.iter_mut().find(|(shank, _)| *shank == c.shank) {
            Some((_, e)) => {
                e.x_um = grow(e.x_um, c.x_um);
                e.y_um = grow(e.y_um, c.y_um);
            }
            None => shanks.push((
                c.shank,
                Extent {
                    x_um: [c.x_um; 2],
                    y_um: [c.y_um; 2],
                },
            )),
        }
    }
    shanks.into_iter().map(|(_, e)| e).collect()
}

/// Places of `n` units, `[x, y, z]` in µm, and how many of them are closer to another than was asked for.
pub(crate) fn place(placement: Placement, probe: &SimProbe, n: usize, seed: u64) -> (Vec<[f64; 3]>, usize) {
    let mut draws = Key::new(seed, Stream::Placement, 0).draws();
    let shanks = extents(probe);
    match placement {
        Placement::Uniform {
            margin_x_um,
            margin_y_um,
            z_um,
            spacing_um,
        } => spaced(n, spacing_um, &mut draws, |draws| {
            let e = shanks[draws.below(shanks.len())];
            let [x, y] = [
                draws.between(e.x_um[0] - margin_x_um, e.x_um[1] + margin_x_um),
                draws.between(e.y_um[0] - margin_y_um, e.y_um[1] + margin_y_um),
            ];
            [x, y, draws.between(z_um[0], z_um[1])]
        }),
        Placement::Layers {
            n: layers,
            margin_x_um,
            z_um,
            spacing_um,
        } => spaced(n, spacing_um, &mut draws, |draws| {
            let e = shanks[draws.below(shanks.len())];
            let x = draws.between(e.x_um[0] - margin_x_um, e.x_um[1] + margin_x_um);
            let step = (e.y_um[1] - e.y_um[0]) / (layers + 1) as f64;
            let centre = e.y_um[0] + step * (1 + draws.below(layers.max(1))) as f64;
            let y = centre + step / 5.0 * draws.normal();
            [x, y.clamp(e.y_um[0], e.y_um[1]), draws.between(z_um[0], z_um[1])]
        }),
        Placement::MidLine { z_um } => {
            let e = whole(&shanks);
            let at = |draws: &mut Draws| {
                let y = draws.between(e.y_um[0], e.y_um[1]);
                [0.5 * (e.x_um[0] + e.x_um[1]), y, draws.between(z_um[0], z_um[1])]
            };
            ((0..n).map(|_| at(&mut draws)).collect(), 0)
        }
        Placement::Pairs { distance_um, z_um } => (in_pairs(n, distance_um, z_um, whole(&shanks), &mut draws), 0),
    }
}

fn whole(shanks: &[Extent]) -> Extent {
    let fold = |f: fn(&Extent) -> [f64; 2]| {
        shanks.iter().map(f).fold([f64::INFINITY, f64::NEG_INFINITY], |a, b| {
            [a[0].min(b[0]), a[1].max(b[1])]
        })
    };
    Extent {
        x_um: fold(|e| e.x_um),
        y_um: fold(|e| e.y_um),
    }
}

fn spaced(
    n: usize,
    spacing_um: f64,
    draws: &mut Draws,
    mut draw: impl FnMut(&mut Draws) -> [f64; 3],
) -> (Vec<[f64; 3]>, usize) {
    let mut placed: Vec<[f64; 3]> = Vec::with_capacity(n);
    let mut close = 0;
    for _ in 0..n {
        let crowded = |p: &[f64; 3], placed: &[[f64; 3]]| {
            placed
                .iter()
                .any(|q| p.iter().zip(q).map(|(a, b)| (a - b).powi(2)).sum::<f64>() < spacing_um * spacing_um)
        };
        let mut here = draw(draws);
        for _ in 1..ROUNDS {
            if !crowded(&here, &placed) {
                break;
            }
            here = draw(draws);
        }
        close += usize::from(crowded(&here, &placed));
        placed.push(here);
    }
    (placed, close)
}

/// Pairs on the mid-line: units in random order, two a pair, centres equally spaced, an odd last unit alone.
fn in_pairs(n: usize, distance_um: f64, z_um: [f64; 2], e: Extent, draws: &mut Draws) -> Vec<[f64; 3]> {
    const MARGIN_UM: f64 = 50.0;
    let n_centres = n.div_ceil(2);
    let first = e.y_um[0] + MARGIN_UM + 0.5 * distance_um;
    let step = (e.y_um[1] - e.y_um[0] - distance_um - 2.0 * MARGIN_UM) / n_centres.saturating_sub(1).max(1) as f64;
    let mut order: Vec<usize> = (0..n).collect();
    draws.shuffle(&mut order);
    let mut placed = vec![[0.0; 3]; n];
    for (i, unit) in order.into_iter().enumerate() {
        let centre = first + step * (i / 2) as f64;
        let side = match (i % 2, i + 1 == n) {
            (0, true) => 0.0,
            (0, false) => -0.5,
            _ => 0.5,
        };
        let x = 0.5 * (e.x_um[0] + e.x_um[1]);
        placed[unit] = [x, centre + side * distance_um, draws.between(z_um[0], z_um[1])];
    }
    placed
}

/// A place at a distance from the axis of a random shank, in front of the probe, and no nearer to any other shank.
pub(crate) fn around_axis(probe: &SimProbe, distance_um: [f64; 2], draws: &mut Draws) -> [f64; 3] {
    /// Shanks may leave no room at that distance.
    const TRIES: usize = 50;
    let shanks = extents(probe);
    let clear = |[x, _, z]: [f64; 3]| {
        shanks
            .iter()
            .all(|e| libm::hypot(x - 0.5 * (e.x_um[0] + e.x_um[1]), z) >= 0.99 * distance_um[0])
    };
    let mut position = around_some_axis(&shanks, distance_um, draws);
    for _ in 0..TRIES {
        if shanks.len() == 1 || clear(position) {
            break;
        }
        position = around_some_axis(&shanks, distance_um, draws);
    }
    position
}

fn around_some_axis(shanks: &[Extent], distance_um: [f64; 2], draws: &mut Draws) -> [f64; 3] {
    const BEYOND_UM: f64 = 100.0;
    let e = shanks[draws.below(shanks.len())];
    let width = e.x_um[1] - e.x_um[0];
    let y = draws.between(e.y_um[0] - BEYOND_UM, e.y_um[1] + BEYOND_UM);
    let distance = draws.between(distance_um[0], distance_um[1]);
    let angle = std::f64::consts::PI * draws.uniform();
    let across = distance * libm::cos(angle);
    // A shank has an axis; a wide array has a plane, and the distance is that from the plane.
    if width > 2.0 * distance_um[1] {
        return [draws.between(e.x_um[0] - BEYOND_UM, e.x_um[1] + BEYOND_UM), y, distance];
    }
    [
        0.5 * (e.x_um[0] + e.x_um[1]) + across,
        y,
        (distance * libm::sin(angle)).max(5.0),
    ]
}

/// Pairs of units close to each other: the closest two first, each unit in one pair at most, within `most_um`.
pub(crate) fn pairs(positions_um: &[[f64; 3]], most_um: f64) -> Vec<(usize, usize)> {
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for b in 0..positions_um.len() {
        for a in 0..b {
            let d2: f64 = (0..3).map(|k| (positions_um[a][k] - positions_um[b][k]).powi(2)).sum();
            if d2 <= most_um * most_um {
                all.push((d2, a, b));
            }
        }
    }
    all.sort_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
    let mut taken = vec![false; positions_um.len()];
    let mut chosen = Vec::new();
    for (_, a, b) in all {
        if !taken[a] && !taken[b] {
            taken[a] = true;
            taken[b] = true;
            chosen.push((a, b));
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn uniform_units_keep_their_distance_and_their_region() {
        let probe = SimProbe::by_name("np1-64").unwrap();
        let (placed, close) = place(Placement::default(), &probe, 40, 1);
        assert_eq!(close, 0);
        for (i, a) in placed.iter().enumerate() {
            assert!((6.0..64.0).contains(&a[0]) && (10.0..45.0).contains(&a[2]), "{a:?}");
            for b in &placed[..i] {
                assert!(a.iter().zip(b).map(|(p, q)| (p - q).powi(2)).sum::<f64>() >= 324.0);
            }
        }
        let (_, close) = place(Placement::default(), &SimProbe::by_name("tetrode").unwrap(), 400, 1);
        assert!(close > 100, "a tetrode has no room for 400 units");
    }

    #[test]
    fn emouse_units_lie_on_the_mid_line() {
        let probe = SimProbe::by_name("emouse-3b-64").unwrap();
        let (placed, _) = place(Placement::MidLine { z_um: [20.0, 20.0] }, &probe, 74, 101);
        assert!(placed.iter().all(|p| p[0] == 35.0 && (20.0..640.0).contains(&p[1])));
        let mean = placed.iter().map(|p| p[1]).sum::<f64>() / 74.0;
        assert!((mean - 330.0).abs() < 70.0, "{mean}");
    }

    #[test]
    fn pairs_are_equally_spaced_and_an_odd_unit_is_alone() {
        let probe = SimProbe::by_name("emouse-3b-64").unwrap();
        let pairs = Placement::Pairs {
            distance_um: 50.0,
            z_um: [20.0, 20.0],
        };
        let (placed, _) = place(pairs, &probe, 5, 101);
        let mut y: Vec<f64> = placed.iter().map(|p| p[1]).collect();
        y.sort_by(f64::total_cmp);
        // Centres from 20 + 50 + 25 = 95 in steps of (620 - 50 - 100) / 2 = 235.
        assert_eq!(y, [70.0, 120.0, 305.0, 355.0, 565.0]);
    }

    #[test]
    fn neighbours_are_paired_once() {
        let at = |y: f64| [0.0, y, 0.0];
        let found = super::pairs(&[at(0.0), at(10.0), at(15.0), at(500.0)], 100.0);
        assert_eq!(found, [(1, 2)], "0 is left over, 3 is too far");
    }
}
