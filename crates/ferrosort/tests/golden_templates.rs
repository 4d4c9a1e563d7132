//! Templates against golden arrays (docs/kilosort2.md 4.2 to 4.4, 4.7, 4.9) and properties of the documented remedies.
#![allow(clippy::unwrap_used)]

use ferrosort::neighbours::Neighbours;
use ferrosort::settings::Compat;
use ferrosort::templates::Templates;
use ferrosort::templates::align::AlignmentKernels;
use ferrosort::templates::decompose::{Decomposition, RANK, decompose, main_channels};
use ferrosort::templates::similarity::{
    Overlaps, best_lag_similarity, lagged_similarity, most_similar, zero_lag_similarity,
};
use ferrosort::templates::triage::triage;
use ferrosort_golden::{Golden, max_abs_difference, open_all};
use ndarray::{Array1, Array2, Array3, Axis};

/// `[samples, x, templates]` as stored to `[templates, x, samples]`.
fn template_first(a: Array3<f64>) -> Array3<f64> {
    a.permuted_axes([2, 1, 0]).as_standard_layout().into_owned()
}

/// `[samples or channels, templates, 3]` as stored to `[templates, 3, samples or channels]`.
fn components(a: Array3<f64>) -> Array3<f64> {
    a.permuted_axes([1, 2, 0]).as_standard_layout().into_owned()
}

fn neighbours(g: &mut Golden, name: &str) -> Neighbours {
    let lists: Array2<f64> = g.f64(name);
    Neighbours::from_lists(lists.t().iter().map(|&v| v as u32).collect(), lists.nrows())
}

fn templates(g: &mut Golden, set: &str) -> Templates {
    let w = components(g.f64(&format!("W_{set}")));
    let mu = if g.has(&format!("mu_{set}")) {
        g.f64::<ndarray::Ix1>(&format!("mu_{set}")).to_vec()
    } else {
        vec![1.0; w.dim().0]
    };
    Templates {
        w,
        u: components(g.f64(&format!("U_{set}"))),
        mu,
    }
}

/// `sum_q W_q U_q'`, `[channels, samples]`.
fn shape(t: &Templates, n: usize) -> Array2<f64> {
    t.u.index_axis(Axis(0), n).t().dot(&t.w.index_axis(Axis(0), n))
}

#[test]
fn kernels_match() {
    for mut g in open_all("kilosort2/stage3_kernels.npz") {
        let kernels = AlignmentKernels::new(61, 20);
        let ka: Array2<f64> = g.f64("Ka");
        let kb: Array3<f64> = g.f64("Kb");
        assert!(max_abs_difference(&ka, &kernels.ka) < 1e-12);
        assert!(max_abs_difference(kb.permuted_axes([2, 0, 1]).iter(), &kernels.kb) < 1e-12);
    }
}

#[test]
fn decompositions_match() {
    for mut g in open_all("kilosort2/stage3_decompose.npz") {
        let kernels = AlignmentKernels::new(61, 20);
        for set in ["a", "b", "c"] {
            let mean = template_first(g.f64(&format!("dWU_{set}")));
            let start = components(g.f64(&format!("W_in_{set}")));
            let near = neighbours(&mut g, &format!("iC_{set}"));
            let main = g.usize(&format!("iW_{set}"));
            if set != "c" {
                // One crafted waveform is so late that another channel is louder at the trough sample.
                assert_eq!(main_channels(&mean, 20), main);
            }
            let d = decompose(&mean, &start, &near, &main, &kernels, &Compat::kilosort2_2_0_2());
            assert_eq!(d.jmax, g.usize(&format!("jmax_{set}")), "{set}");
            assert_eq!(d.ustar, g.usize(&format!("ustar_{set}")), "{set}");
            let expected = templates(&mut g, set);
            for n in 0..expected.len() {
                assert!((d.templates.mu[n] / expected.mu[n] - 1.0).abs() < 1e-8, "{set} {n}");
                assert!(
                    max_abs_difference(&shape(&d.templates, n), &shape(&expected, n)) < 1e-8,
                    "{set} {n}"
                );
                // The later components of crafted waveforms are degenerate; their sum is compared above.
                for q in 0..if set == "c" { 1 } else { RANK } {
                    let of = |a: &Array3<f64>| a.index_axis(Axis(0), n).row(q).to_vec();
                    assert!(
                        max_abs_difference(&of(&d.templates.w), &of(&expected.w)) < 1e-8,
                        "{set} {n} {q}"
                    );
                    assert!(
                        max_abs_difference(&of(&d.templates.u), &of(&expected.u)) < 1e-8,
                        "{set} {n} {q}"
                    );
                }
            }
        }
    }
}

#[test]
fn similarities_match() {
    for mut g in open_all("kilosort2/stage3_similarity.npz") {
        for set in ["a", "b"] {
            let t = templates(&mut g, set);
            let count = t.len();
            let cc: Array2<f64> = g.f64(&format!("cc0_{set}"));
            assert!(max_abs_difference(&cc, &zero_lag_similarity(&t)) < 1e-9, "{set}");
            let best = best_lag_similarity(&t);
            let expected: Array2<f64> = g.f64(&format!("simScore_{set}"));
            assert!(max_abs_difference(&expected, &best) < 1e-9, "{set}");
            let near: Array2<f64> = g.f64(&format!("iNeigh_{set}"));
            let similar = most_similar(best.view(), near.nrows(), false);
            assert_eq!(similar.mapv(f64::from), near.t(), "{set}");
            let lag: Array2<f64> = g.f64(&format!("lag_{set}"));
            let all: Option<Array3<f64>> = g.has(&format!("WtW_{set}")).then(|| g.f64(&format!("WtW_{set}")));
            for m in 0..count {
                for n in 0..count {
                    let lags = lagged_similarity(&t, m, n);
                    let at = lag[[m, n]] as usize;
                    assert!(lags.iter().all(|&v| v <= lags[at] + 1e-12), "{set} {m} {n}");
                    if let Some(all) = &all {
                        assert!(max_abs_difference(&lags, &all.slice(ndarray::s![m, n, ..]).to_vec()) < 1e-9);
                    }
                }
            }
        }
        for set in ["a", "b", "w"] {
            let main = g.usize(&format!("iW_{set}"));
            let near = neighbours(&mut g, &format!("iC_{set}"));
            let overlaps = Overlaps::new(&main, &near);
            let expected: Array2<f64> = g.f64(&format!("UtU_{set}"));
            for ((m, n), v) in expected.indexed_iter() {
                assert_eq!(overlaps.contains(m, n), *v > 0.0, "{set} {m} {n}");
            }
        }
    }
}

#[test]
fn triage_matches() {
    for mut g in open_all("kilosort2/stage3_triage.npz") {
        for set in ["a", "b"] {
            let t = templates(&mut g, set);
            let rates: Array1<f64> = g.f64(&format!("nsp_{set}"));
            let out = triage(&t, &rates.to_vec(), g.scalar(&format!("m0_{set}")));
            assert_eq!(out.kept, g.usize(&format!("kept_{set}")), "{set}");
            assert_eq!(
                [out.silent, out.doubles].to_vec(),
                g.usize(&format!("ndropped_{set}")),
                "{set}"
            );
        }
    }
}

/// A smooth spike whose trough is at sample `centre`, with a slower tail, on four channels.
fn spike(centre: f64, amplitude: f64) -> Array3<f64> {
    Array3::from_shape_fn((1, 4, 61), |(_, c, t)| {
        let x = t as f64 - centre - 0.1 * c as f64;
        let trough = -(-0.5 * (x / 2.5).powi(2)).exp();
        let tail = 0.4 * (-0.5 * ((x - 9.0) / 6.0).powi(2)).exp();
        amplitude * (trough + tail) / (1.0 + c as f64)
    })
}

fn decomposed(mean: &Array3<f64>, compat: &Compat) -> Decomposition {
    let near = Neighbours::nearest(&[[0.0, 0.0], [0.0, 20.0], [0.0, 40.0], [0.0, 60.0]], 4);
    let start = Array3::from_shape_fn((1, RANK, 61), |(_, q, t)| ((t * (q + 2)) as f64 * 0.13).sin());
    decompose(mean, &start, &near, &[0], &AlignmentKernels::new(61, 20), compat)
}

/// Position of the extremum of a waveform near sample 19, by trigonometric interpolation.
fn extremum(w: &[f64]) -> f64 {
    let len = w.len() as f64;
    let at = |x: f64| -> f64 {
        let kernel = |d: f64| {
            let half = std::f64::consts::PI * d;
            if d == 0.0 {
                1.0
            } else {
                half.sin() / (len * (half / len).sin())
            }
        };
        w.iter().enumerate().map(|(t, v)| v * kernel(x - t as f64)).sum()
    };
    let fine = (17 * 200..22 * 200).map(|i| f64::from(i) / 200.0);
    fine.max_by(|&a, &b| at(a).abs().total_cmp(&at(b).abs())).unwrap()
}

#[test]
fn troughs_of_shifted_copies_come_to_one_place() {
    for step in 0..40 {
        let centre = 15.0 + 0.13 * f64::from(step);
        let w = |compat: &Compat| {
            let d = decomposed(&spike(centre, 30.0), compat);
            (d.templates.w.index_axis(Axis(0), 0).row(0).to_vec(), d.ustar[0])
        };
        let (fixed, _) = w(&Compat::default());
        // Half a step of the search, and a little because the search smooths.
        assert!((extremum(&fixed) - 19.0).abs() < 0.06, "{centre}: {}", extremum(&fixed));
        let norm: f64 = fixed.iter().map(|v| v * v).sum();
        assert!((norm - 1.0).abs() < 1e-6);
        let (original, ustar) = w(&Compat::kilosort2_2_0_2());
        assert_eq!(ustar, 9, "the sub-sample search never reaches the extremum");
        assert!(
            (19.0..20.2).contains(&extremum(&original)),
            "{centre}: {}",
            extremum(&original)
        );
        let norm: f64 = original.iter().map(|v| v * v).sum();
        assert!(norm < 0.995, "the interpolation shrinks");
    }
}

#[test]
fn aligned_templates_stay_where_they_are() {
    let rebuilt = |d: &Decomposition| (shape(&d.templates, 0) * d.templates.mu[0]).insert_axis(Axis(0));
    let mut mean = rebuilt(&decomposed(&spike(22.3, 30.0), &Compat::default()));
    for _ in 0..5 {
        let d = decomposed(&mean, &Compat::default());
        assert_eq!((d.jmax[0], d.ustar[0]), (19, 5));
        let again = rebuilt(&d);
        assert!(max_abs_difference(&again, &mean) < 1e-6);
        mean = again;
    }
}

#[test]
fn a_template_with_an_opposite_lobe_at_the_trough_keeps_its_sign() {
    // Largest magnitude positive and late, while the trough sample is negative: the original turns W but not U.
    let mean = spike(40.0, -30.0) + spike(20.0, 10.0);
    let correlation = |compat: &Compat| {
        let d = decomposed(&mean, compat);
        // Undo the shift: the largest sample of the first component was at jmax.
        let mut moved = mean.index_axis(Axis(0), 0).to_owned();
        for mut row in moved.rows_mut() {
            row.as_slice_mut().unwrap().rotate_left(d.jmax[0] - 19);
        }
        let rebuilt = shape(&d.templates, 0);
        (&moved * &rebuilt).sum()
            / (moved.iter().map(|v| v * v).sum::<f64>() * rebuilt.iter().map(|v| v * v).sum::<f64>()).sqrt()
    };
    assert!(correlation(&Compat::default()) > 0.98);
    let original = Compat {
        component_sign: true,
        ..Compat::default()
    };
    assert!(correlation(&original) < 0.0);
}

#[test]
fn silent_templates_decompose_to_nothing() {
    let d = decomposed(&Array3::zeros((1, 4, 61)), &Compat::default());
    assert!(d.templates.w.iter().chain(&d.templates.u).all(|v| v.is_finite()));
    assert!((d.templates.mu[0] - 1e-7_f64.sqrt()).abs() < 1e-12);
}
