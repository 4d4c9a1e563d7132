//! Templates against golden arrays (docs/kilosort2.md 4.2 to 4.4, 4.7, 4.9) and properties of the documented remedies.
#![allow(clippy::unwrap_used)]

use ferrosort::neighbours::Neighbours;
use ferrosort::settings::Compat;
use ferrosort::templates::Templates;
use ferrosort::templates::align::AlignmentKernels;
use ferrosort::templates::decompose::{RANK, decompose, main_channels};
use ferrosort::templates::similarity::{
    Overlaps, best_lag_similarity, lagged_similarity, most_similar, zero_lag_similarity,
};
use ferrosort::templates::triage::triage;
use ferrosort_golden::{Golden, max_abs_difference, open};
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
    let Some(mut g) = open("kilosort2/stage3_kernels.npz") else {
        return;
    };
    let kernels = AlignmentKernels::new(61, 20);
    let ka: Array2<f64> = g.f64("Ka");
    let kb: Array3<f64> = g.f64("Kb");
    assert!(max_abs_difference(&ka, &kernels.ka) < 1e-12);
    assert!(max_abs_difference(kb.permuted_axes([2, 0, 1]).iter(), &kernels.kb) < 1e-12);
}

#[test]
fn decompositions_match() {
    let Some(mut g) = open("kilosort2/stage3_decompose.npz") else {
        return;
    };
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

#[test]
fn similarities_match() {
    let Some(mut g) = open("kilosort2/stage3_similarity.npz") else {
        return;
    };
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

#[test]
fn triage_matches() {
    let Some(mut g) = open("kilosort2/stage3_triage.npz") else {
        return;
    };
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
