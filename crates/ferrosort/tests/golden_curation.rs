//! Merges, splits and cutoffs against golden arrays (docs/kilosort2.md 6.1 to 6.4).
#![allow(clippy::unwrap_used)]

use ferrosort::curation::bisect::{Bisection, SplitCriteria, bisect};
use ferrosort::curation::ccg::{Binning, Correlogram};
use ferrosort::curation::cutoff::{UnitCutoff, cutoffs, unit_cutoff};
use ferrosort::curation::detrend::{RunningAverage, centred};
use ferrosort::curation::merge::merge;
use ferrosort::curation::mixture::principal_direction;
use ferrosort::curation::split::{FeatureSource, SplitContext, SplitDecision, SplitStart, SplitState, split_pass};
use ferrosort::neighbours::Neighbours;
use ferrosort::settings::Compat;
use ferrosort::templates::Templates;
use ferrosort::templates::align::AlignmentKernels;
use ferrosort_golden::{Golden, max_abs_difference, open_all, open_shared};
use ndarray::{Array1, Array2, Array3};

const FS: f64 = 30000.0;
/// A thirtieth of the pairs lies on the edges of bins; the golden numbers put them by rounding error, we outward.
const HALF_BIN: f64 = 0.05;

/// `[samples, channels, templates]` as stored to `[templates, channels, samples]`.
fn template_first(a: Array3<f64>) -> Array3<f64> {
    a.permuted_axes([2, 1, 0]).as_standard_layout().into_owned()
}

/// `[samples or channels, templates, 3]` as stored to `[templates, 3, samples or channels]`.
fn components(a: Array3<f64>) -> Array3<f64> {
    a.permuted_axes([1, 2, 0]).as_standard_layout().into_owned()
}

fn times(g: &mut Golden, name: &str) -> Vec<i64> {
    g.f64::<ndarray::Ix1>(name).iter().map(|&v| v as i64).collect()
}

/// Equal up to `tolerance`, relative to the larger; infinities and NaN equal themselves.
fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn correlograms_match() {
    for mut g in open_all("kilosort2/stage4_ccg.npz") {
        let (s1, off1) = (times(&mut g, "s1"), g.usize("off1"));
        let (s2, off2) = (times(&mut g, "s2"), g.usize("off2"));
        let counts: Array2<f64> = g.f64("K_int");
        let in_seconds: Array2<f64> = g.f64("K");
        let by_width: [Array2<f64>; 2] = [g.f64("Qi_int"), g.f64("Ri_int")];
        let single: [Array1<f64>; 4] = ["Q00_int", "Q01_int", "Q_int", "R_int"].map(|n| g.f64(n));
        for case in 0..off1.len() - 1 {
            let (a, b) = (&s1[off1[case]..off1[case + 1]], &s2[off2[case]..off2[case + 1]]);
            let correlogram = Correlogram::new(a, b, FS, Binning::Samples);
            let expected: Vec<u64> = counts.row(case).iter().map(|&v| v as u64).collect();
            assert_eq!(correlogram.counts(), expected, "case {case}");
            let test = correlogram.refractory();
            for (i, (q, r)) in test.q_by_width.iter().zip(test.r_by_width).enumerate() {
                assert!(close(*q, by_width[0][[case, i]], 1e-12), "case {case} {i}");
                assert!(close(r, by_width[1][[case, i]], 1e-12), "case {case} {i}");
            }
            for (value, expected) in [test.far, test.near, test.q, test.r].iter().zip(&single) {
                assert!(
                    close(*value, expected[case], 1e-12),
                    "case {case}: {value} {}",
                    expected[case]
                );
            }
            // Floating-point seconds move only pairs that lie on the edge of a bin, to the bin next to it.
            let mut moved = 0.0;
            for (bin, (&in_seconds, &in_samples)) in in_seconds.row(case).iter().zip(counts.row(case)).enumerate() {
                moved += in_seconds - in_samples;
                let edge = (bin as i64 - 500) * 30 + 15;
                if moved != 0.0 {
                    let on_edge: usize = a.iter().map(|x| b.iter().filter(|&y| y - x == edge).count()).sum();
                    assert!(moved.abs() <= on_edge as f64, "case {case} bin {bin}");
                }
            }
        }
    }
}

#[test]
fn merges_match() {
    for mut g in open_all("kilosort2/stage4_merge.npz") {
        let labels: Vec<u32> = g.usize("label").iter().map(|&l| l as u32).collect();
        let similarity: Array2<f64> = g.f64("simScore");
        let m = merge(
            &times(&mut g, "time"),
            &labels,
            similarity.view(),
            FS,
            &Compat::kilosort2_2_0_2(),
        );
        assert_eq!(
            m.labels.iter().map(|&l| l as usize).collect::<Vec<_>>(),
            g.usize("label_out")
        );
        let pairs: Vec<usize> = m.tests.iter().flat_map(|t| [t.from, t.into]).collect();
        assert_eq!(pairs, g.usize("tested"));
        assert_eq!(
            m.tests.iter().map(|t| usize::from(t.merged)).collect::<Vec<_>>(),
            g.usize("merged")
        );
        let (q, r): (Array1<f64>, Array1<f64>) = (g.f64("tested_Q"), g.f64("tested_R"));
        for (t, (q, r)) in m.tests.iter().zip(q.iter().zip(&r)) {
            assert!(close(t.q, *q, HALF_BIN) && close(t.r, *r, HALF_BIN), "{t:?} {q} {r}");
        }
    }
}

#[test]
fn cutoffs_match() {
    for mut g in open_all("kilosort2/stage4_cutoff.npz") {
        let (t, off, trace_off) = (times(&mut g, "t"), g.usize("off"), g.usize("trace_off"));
        let [vexp, thresholds, contamination]: [Array1<f64>; 3] = ["vexp", "Ths", "contam"].map(|n| g.f64(n));
        let (good, kept) = (g.usize("good"), g.usize("n_kept"));
        let trace: Array2<f64> = g.f64("trace");
        for case in 0..good.len() {
            let range = off[case]..off[case + 1];
            let spikes: Vec<(i64, f64)> = range.map(|i| (t[i], vexp[i])).collect();
            let unit = unit_cutoff(spikes.clone(), [10.0, 4.0], FS, &Compat::kilosort2_2_0_2());
            assert_eq!(unit.threshold, thresholds[case], "case {case}");
            assert_eq!(usize::from(unit.good), good[case], "case {case}");
            assert_eq!(
                spikes.iter().filter(|s| s.1 > unit.threshold).count(),
                kept[case],
                "case {case}"
            );
            assert!(close(unit.contamination, contamination[case], HALF_BIN), "case {case}");
            assert_eq!(unit.trials.len(), trace_off[case + 1] - trace_off[case], "case {case}");
            for (trial, row) in unit.trials.iter().zip(trace.outer_iter().skip(trace_off[case])) {
                assert_eq!([trial.threshold, trial.spikes as f64], [row[0], row[1]], "case {case}");
                assert!(
                    close(trial.q, row[2], HALF_BIN) && close(trial.r, row[3], HALF_BIN),
                    "case {case}: {trial:?} {row}"
                );
            }
        }
    }
}

/// Everything that splits need but features.
struct Splitting {
    times: Vec<i64>,
    basis: Array2<f64>,
    neighbours: Neighbours,
    kernels: AlignmentKernels,
}

impl Splitting {
    fn context<'a>(&'a self, features: &'a FeatureSource<'a>, compat: Compat) -> SplitContext<'a> {
        SplitContext {
            times: &self.times,
            sample_rate: FS,
            smallest_certainty: 0.9,
            basis: self.basis.view(),
            neighbours: &self.neighbours,
            kernels: &self.kernels,
            features,
            compat,
        }
    }
}

fn basis(g: &mut Golden) -> Array2<f64> {
    g.f64::<ndarray::Ix2>("V").t().as_standard_layout().into_owned()
}

fn code(decision: SplitDecision) -> usize {
    match decision {
        SplitDecision::Criteria => 0,
        SplitDecision::Correlogram => 1,
        SplitDecision::Similar => 2,
        SplitDecision::Split => 3,
    }
}

#[test]
fn bisections_match() {
    for mut g in open_all("kilosort2/stage4_split_em.npz") {
        let basis = basis(&mut g);
        let criteria = SplitCriteria {
            sample_rate: FS,
            smallest_certainty: 0.9,
            basis: basis.view(),
            compat: &Compat::kilosort2_2_0_2(),
        };
        for case in (0..100)
            .map(|i| format!("c{i}"))
            .take_while(|c| g.has(&format!("{c}_F0")))
            .collect::<Vec<_>>()
        {
            let features: Array2<f32> = g.f32(&format!("{case}_F0"));
            let times = times(&mut g, &format!("{case}_t"));
            let some: Array2<f64> = g.f64(&format!("{case}_Fc_mean"));
            let rows = centred(features.view(), RunningAverage::Normalised);
            for (i, expected) in some.outer_iter().enumerate() {
                let row = &rows.row(7 * i)[..features.ncols()];
                assert!(max_abs_difference(row, &expected.to_vec()) < 1e-9, "{case} row {i}");
            }
            let w0: Array1<f64> = g.f64(&format!("{case}_p1_w0"));
            let direction = principal_direction(&rows).unwrap();
            assert!(max_abs_difference(&direction[..w0.len()], &w0) < 1e-8, "{case}");
            for (pass, start) in [("p1", SplitStart::PrincipalComponent), ("p2", SplitStart::Mean)] {
                let name = format!("{case}_{pass}");
                let b = bisect(features.view(), &times, start, &criteria).unwrap();
                compare_bisection(&mut g, &name, &b);
            }
        }
    }
}

fn compare_bisection(g: &mut Golden, name: &str, b: &Bisection) {
    assert_eq!(code(b.decision), g.scalar(&format!("{name}_code")) as usize, "{name}");
    let array = |g: &mut Golden, what: &str| g.f64::<ndarray::Ix1>(&format!("{name}_{what}")).to_vec();
    let s = &b.statistics;
    let ours = [
        s.certainty[0],
        s.certainty[1],
        s.smaller_part,
        s.q,
        s.r,
        s.correlation,
        s.norm_difference,
    ];
    let stats = array(g, "stats");
    let separated = stats[0].min(stats[1]) > 0.99;
    let tolerance = if separated { 1e-6 } else { 1e-3 };
    for (i, (a, e)) in ours.iter().zip(&stats).enumerate() {
        let tolerance = [
            tolerance,
            tolerance,
            tolerance,
            HALF_BIN,
            2.0 * HALF_BIN,
            tolerance,
            tolerance,
        ][i];
        assert!(close(*a, *e, tolerance), "{name} {i}: {a} {e}");
    }
    let m = &b.mixture;
    let w = array(g, "w");
    assert!(max_abs_difference(&m.direction[..w.len()], &w) < tolerance, "{name}");
    assert!(
        max_abs_difference(&m.responsibilities[0], &array(g, "r1")) < tolerance,
        "{name}"
    );
    let gauss = [m.means[0], m.means[1], m.variances[0], m.variances[1], m.fraction];
    for (a, e) in gauss.iter().zip(&array(g, "gauss")) {
        assert!(close(*a, *e, tolerance), "{name}: {a} {e}");
    }
    let log_likelihood = array(g, "loglik");
    for (a, e) in m.log_likelihood.iter().zip(&log_likelihood) {
        assert!(close(*a, *e, 1e-6), "{name}: {a} {e}");
    }
    // While the direction is fixed the likelihood cannot fall.
    assert!(
        m.log_likelihood[..11].windows(2).all(|l| l[1] >= l[0] - 1e-12),
        "{name}"
    );
}

#[test]
fn split_passes_match() {
    for mut g in open_all("kilosort2/stage4_split_all.npz") {
        let st3: Array2<f64> = g.f64("st3");
        let pc: Array3<f32> = g.f32("PC");
        let lists: Array2<f64> = g.f64("iC");
        let splitting = Splitting {
            times: st3.column(0).iter().map(|&t| t as i64).collect(),
            basis: basis(&mut g),
            neighbours: Neighbours::from_lists(lists.t().iter().map(|&v| v as u32).collect(), lists.nrows()),
            kernels: AlignmentKernels::new(61, 20),
        };
        let features = |spikes: &[u32]| {
            Ok(Array2::from_shape_fn((spikes.len(), 3 * lists.nrows()), |(i, k)| {
                pc[[spikes[i] as usize, k % 3, k / 3]]
            }))
        };
        let context = splitting.context(&features, Compat::kilosort2_2_0_2());
        let w = components(g.f64("W"));
        let units = w.dim().0;
        let mut state = SplitState {
            labels: st3.column(1).iter().map(|&l| l as u32).collect(),
            mean: template_first(g.f64("dWU")),
            templates: Templates {
                u: Array3::zeros((units, 3, lists.ncols())),
                mu: vec![1.0; units],
                w,
            },
            similarity: g.f64("simScore"),
            similar: Array2::zeros((units, lists.nrows())),
            feature_channels: Array2::zeros((units, lists.nrows())),
        };
        for (pass, start) in [("p1", SplitStart::PrincipalComponent), ("p2", SplitStart::Mean)] {
            let log = split_pass(&mut state, start, &context).unwrap();
            let name = |what: &str| format!("{pass}_{what}");
            assert_eq!(
                state.labels.iter().map(|&l| l as usize).collect::<Vec<_>>(),
                g.usize(&name("label"))
            );
            assert_eq!(
                log.iter().map(|e| e.unit).collect::<Vec<_>>(),
                g.usize(&name("examined"))
            );
            assert_eq!(
                log.iter().map(|e| code(e.decision)).collect::<Vec<_>>(),
                g.usize(&name("code"))
            );
            let near = |a: &Array3<f64>, b: Array3<f64>| max_abs_difference(a, &b) < 1e-6;
            assert!(near(&state.mean, template_first(g.f64(&name("dWU")))), "{pass}");
            assert!(near(&state.templates.w, components(g.f64(&name("W")))), "{pass}");
            assert!(near(&state.templates.u, components(g.f64(&name("U")))), "{pass}");
            assert!(
                max_abs_difference(&state.templates.mu, &g.f64::<ndarray::Ix1>(&name("mu"))) < 1e-6,
                "{pass}"
            );
            assert!(
                max_abs_difference(&state.similarity, &g.f64::<ndarray::Ix2>(&name("simScore"))) < 1e-6,
                "{pass}"
            );
            let transposed = |a: &Array2<u32>| a.t().mapv(f64::from).as_standard_layout().into_owned();
            assert_eq!(
                transposed(&state.similar),
                g.f64::<ndarray::Ix2>(&name("iNeigh")),
                "{pass}"
            );
            assert_eq!(
                transposed(&state.feature_channels),
                g.f64::<ndarray::Ix2>(&name("iNeighPC")),
                "{pass}"
            );
        }
    }
}

/// The port's own run: its spikes in, its merges, thresholds and verdicts out.
#[test]
fn the_port_is_matched() {
    for variant in ["default", "seed"] {
        let Some(mut g) = open_shared(&format!("pykilosort/{variant}_intermediates.npz")) else {
            return;
        };
        let compat = Compat::pykilosort_2_0_0a2();
        let column = |a: &Array2<f64>, k: usize| a.column(k).to_vec();
        let st3: Array2<f64> = g.f64("st3");
        let merged: Array2<f64> = g.f64("st3_m");
        let similarity: Array2<f64> = g.f64("simScore");
        let labels = |a: &Array2<f64>| -> Vec<u32> { column(a, 1).iter().map(|&l| l as u32).collect() };
        let at = |a: &Array2<f64>| -> Vec<i64> { column(a, 0).iter().map(|&t| t as i64).collect() };
        let m = merge(&at(&st3), &labels(&st3), similarity.view(), FS, &compat);
        assert_eq!(m.labels, labels(&merged), "{variant}");

        let spikes: Array2<f64> = g.f64("st3_s0");
        let [thresholds, contamination]: [Array1<f64>; 2] = ["Ths", "est_contam_rate"].map(|n| g.f64(n));
        let limits = if variant == "seed" { [6.0, 2.0] } else { [10.0, 4.0] };
        let units = thresholds.len();
        let c = cutoffs(
            &at(&spikes),
            &labels(&spikes),
            &column(&spikes, 3),
            units,
            limits,
            FS,
            &compat,
        );
        let of = |f: fn(&UnitCutoff) -> f64| -> Vec<f64> { c.units.iter().map(f).collect() };
        assert_eq!(of(|u| u.threshold), thresholds.to_vec(), "{variant}");
        assert_eq!(
            of(|u| f64::from(u8::from(u.good))),
            g.f64::<ndarray::Ix1>("good").to_vec(),
            "{variant}"
        );
        assert!(
            max_abs_difference(&of(|u| u.contamination), &contamination) < 1e-12,
            "{variant}"
        );
        let kept: Array2<f64> = g.f64("st3_c");
        assert_eq!(c.keep.iter().filter(|&&k| k).count(), kept.nrows(), "{variant}");
    }
}
