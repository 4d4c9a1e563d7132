//! The ordering of batches and the prototypes against arrays made by an independent program.
//!
//! Each test runs on the large file of the original program's numbers and on the small file of the project, whichever are there.
//! A message names the file. Tolerances are those of f64 arithmetic unless a line says otherwise.
#![allow(clippy::unwrap_used, missing_docs)]

use ferrosort::neighbours::Neighbours;
use ferrosort::ordering::basis::{
    COMPONENTS, PROTOTYPE_ROUNDS, SnippetPca, basis_sign_sample, detector_sign_sample, nearest_prototypes, prototypes,
    temporal_basis,
};
use ferrosort::ordering::cluster::{BatchClusters, ClusterStart, KMeans, cluster_batch};
use ferrosort::ordering::detect::{DetectParams, DetectedSpikes, detect_spikes};
use ferrosort::ordering::dissimilarity::{dissimilarity, standardised};
use ferrosort::ordering::embed::{EmbedParams, embed, step};
use ferrosort::ordering::peaks::{PeakParams, clips, isolated_peaks};
use ferrosort_golden::{Golden, max_abs_difference, open_all};
use ferrosort_kernels::ChannelMajor;
use ndarray::{Array1, Array2, Array3, Array4, Axis, Ix1, Ix2, Ix3};

const TROUGH: usize = 19;

/// A whitened batch: counts of 1/200 sd, time by channel.
fn batch(g: &mut Golden, name: &str) -> ChannelMajor {
    let counts: Array2<i16> = g.array(name);
    ChannelMajor::from_fn(counts.ncols(), counts.nrows(), |t, c| f32::from(counts[[t, c]]) / 200.0)
}

/// The sets of a file: all but the embedding-only one.
const SETS: [&str; 2] = ["a", "b"];

fn neighbours(g: &mut Golden, set: &str) -> Neighbours {
    let lists: Array2<f64> = g.f64(&format!("iC_{set}"));
    let flat = lists.t().iter().map(|&c| c as u32).collect();
    Neighbours::from_lists(flat, lists.nrows())
}

/// Largest `1 - |cos|` of the columns of `expected` and the rows of `got`.
fn angle(got: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    let columns = expected.axis_iter(Axis(1));
    let pairs = got.rows().into_iter().zip(columns);
    pairs.map(|(a, b)| 1.0 - a.dot(&b).abs()).fold(0.0, f64::max)
}

#[test]
fn isolated_peaks_and_their_components() {
    for mut g in open_all("kilosort2/stage2_snippets.npz") {
        let path = g.path().display().to_string();
        let signal = batch(&mut g, "batch");
        let params = PeakParams::new(61, TROUGH, -6.0, false);
        let peaks = isolated_peaks(&signal, &params);
        assert_eq!(
            peaks.iter().map(|p| p.sample).collect::<Vec<_>>(),
            g.usize("peak_t"),
            "{path}"
        );
        assert_eq!(
            peaks.iter().map(|p| p.channel).collect::<Vec<_>>(),
            g.usize("peak_ch"),
            "{path}"
        );

        // The golden clips are f64(count) / 200, ours f32.
        let clips = clips(&signal, &peaks, &params);
        let expected: Array2<f64> = g.f64::<Ix2>("clips");
        assert!(
            max_abs_difference(&clips.t().mapv(f64::from), &expected) < 2e-6,
            "{path}"
        );

        let mut pca = SnippetPca::new(61);
        pca.add(&clips);
        assert!(
            max_abs_difference(&(pca.gram() / 1000.0), &g.f64::<Ix2>("CC")) < 1e-7,
            "{path}"
        );
        let components = pca.components(COMPONENTS, detector_sign_sample(TROUGH)).unwrap();
        let expected = g.f64::<Ix2>("wPCA_csb");
        assert!(angle(&components, &expected) < 1e-10, "{path}");
        assert!(
            max_abs_difference(&components.t().to_owned(), &expected) < 1e-5,
            "signs, {path}"
        );
    }
}

#[test]
fn prototypes_and_temporal_basis() {
    for mut g in open_all("kilosort2/stage2_snippets.npz") {
        let path = g.path().display().to_string();
        let dd = g.f32::<Ix2>("dd").t().as_standard_layout().into_owned();
        let start = g.usize("start");
        let first = prototypes(&dd, &start, 0, false);
        let assigned: Vec<usize> = nearest_prototypes(&dd, &first).iter().map(|a| a.0).collect();
        assert_eq!(assigned, g.usize("assign_1"), "{path}");
        for (name, rounds) in [("wTEMP_1", 1), ("wTEMP", PROTOTYPE_ROUNDS)] {
            let shapes = prototypes(&dd, &start, rounds, false).t().to_owned();
            assert!(max_abs_difference(&shapes, &g.f64::<Ix2>(name)) < 1e-9, "{name} {path}");
        }

        let expected = g.f64::<Ix2>("wPCA");
        let basis = temporal_basis(&dd, basis_sign_sample(TROUGH, false)).unwrap();
        assert_eq!(basis.dim(), (3, 61));
        let leading = expected.select(Axis(1), &[0, 1, 2]);
        assert!(max_abs_difference(&basis.t().to_owned(), &leading) < 1e-9, "{path}");
        let mut pca = SnippetPca::new(61);
        pca.add(&dd);
        let six = pca.components(6, basis_sign_sample(TROUGH, false)).unwrap();
        assert!(angle(&six, &expected) < 1e-10, "{path}");
        // The other sign rule differs in the first component only, and only when the signs at the two samples differ.
        let late = temporal_basis(&dd, basis_sign_sample(TROUGH, true)).unwrap();
        assert!(late[[0, 20]] < 0.0);
        assert_eq!(late.row(1), basis.row(1));
    }
}

#[test]
fn prototypes_that_lose_their_clips() {
    for mut g in open_all("kilosort2/stage2_snippets.npz") {
        let path = g.path().display().to_string();
        let dd = g.f32::<Ix2>("dd_dup").t().as_standard_layout().into_owned();
        let start = g.usize("start_dup");
        for (name, rounds) in [("wTEMP_dup_1", 1), ("wTEMP_dup", PROTOTYPE_ROUNDS)] {
            let got = prototypes(&dd, &start, rounds, true).t().to_owned();
            let expected = g.f64::<Ix2>(name);
            assert!(expected.column(1).iter().all(|v| v.is_nan()), "{name} {path}");
            for (a, b) in got.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-9 || (a.is_nan() && b.is_nan()), "{name} {path}");
            }
        }
        // The remedy keeps the shape of the empty prototype. After one round all others agree.
        let lost = prototypes(&dd, &start, 1, true);
        let kept = prototypes(&dd, &start, 1, false);
        assert_eq!(kept.row(1), prototypes(&dd, &start, 0, false).row(1), "{path}");
        for k in [0, 2, 3, 4, 5] {
            assert_eq!(kept.row(k), lost.row(k), "{path}");
        }
        assert!(
            prototypes(&dd, &start, PROTOTYPE_ROUNDS, false)
                .iter()
                .all(|v| v.is_finite()),
            "{path}"
        );
    }
}

fn golden_spikes(g: &mut Golden, set: &str) -> DetectedSpikes {
    let indices = |name: Vec<usize>| name.iter().map(|&v| v as u32).collect();
    DetectedSpikes {
        start: indices(g.usize(&format!("spk_start_{set}"))),
        channel: indices(g.usize(&format!("spk_ch_{set}"))),
        features: g.f64::<Ix2>(&format!("feat_{set}")),
    }
}

#[test]
fn detected_spikes_and_features() {
    for mut g in open_all("kilosort2/stage2_detect_kmeans.npz") {
        for set in SETS {
            let path = format!("set {set} of {}", g.path().display());
            let signal = batch(&mut g, &format!("batch_{set}"));
            let near = neighbours(&mut g, set);
            let positions: Array2<f64> = g.f64(&format!("xy_{set}"));
            let positions: Vec<[f64; 2]> = positions.rows().into_iter().map(|r| [r[0], r[1]]).collect();
            assert_eq!(Neighbours::nearest(&positions, 17), near, "{path}");

            let components = g.f32::<Ix2>(&format!("wPCA_{set}"));
            let params = DetectParams {
                threshold_sd: 8.0,
                trough: TROUGH,
                batch_edges: true,
            };
            let got = detect_spikes(&signal, components.t(), &near, &params);
            let expected = golden_spikes(&mut g, set);
            assert_eq!(
                (&got.start, &got.channel),
                (&expected.start, &expected.channel),
                "{path}"
            );
            // Features grow to hundreds of sd; the golden input is f64(count) / 200, ours f32.
            let scale = expected.features.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            assert!(
                max_abs_difference(&got.features, &expected.features) < 1e-6 * scale,
                "{path}"
            );

            // Full coverage finds the same spikes and at most a few more at the end of the batch.
            let covered = DetectParams {
                batch_edges: false,
                ..params
            };
            let more = detect_spikes(&signal, components.t(), &near, &covered);
            let end = signal.samples() as u32 - 61 - 64;
            let early = |s: &DetectedSpikes| {
                let mut all: Vec<_> = s.start.iter().zip(&s.channel).map(|(&t, &c)| (t, c)).collect();
                all.retain(|s| s.0 < end);
                all.sort_unstable();
                all
            };
            assert_eq!(early(&more), early(&expected), "{path}");
        }
    }
}

fn assert_assigned(got: &[Option<usize>], expected: &[usize], path: &str) {
    let expected: Vec<Option<usize>> = expected.iter().map(|&k| Some(k)).collect();
    assert_eq!(got, expected, "{path}");
}

#[test]
fn clusters_of_one_batch() {
    for mut g in open_all("kilosort2/stage2_detect_kmeans.npz") {
        for set in SETS {
            let path = format!("set {set} of {}", g.path().display());
            let near = neighbours(&mut g, set);
            let spikes = golden_spikes(&mut g, set);
            let start = ClusterStart::rows(g.usize(&format!("km_start_{set}")));

            let mut clusters = KMeans::new(&spikes, &start, &near);
            assert_assigned(
                &clusters.assign(&spikes, true),
                &g.usize(&format!("km_assign1_{set}")),
                &path,
            );
            let mut assignment = Vec::new();
            for _ in 0..10 {
                assignment = clusters.assign(&spikes, true);
                clusters.update(&spikes, &assignment);
            }
            assert_assigned(&assignment, &g.usize(&format!("km_assign_{set}")), &path);

            let got = cluster_batch(&spikes, &start, &near, true).unwrap();
            let as_usize = |v: &[u32]| v.iter().map(|&x| x as usize).collect::<Vec<_>>();
            assert_eq!(as_usize(&got.counts), g.usize(&format!("km_ns_{set}")), "{path}");
            assert_eq!(
                as_usize(&got.main_channels),
                g.usize(&format!("km_Whs_{set}")),
                "{path}"
            );
            let templates: Array3<f64> = g.f64::<Ix3>(&format!("km_Ws_{set}"));
            assert!(max_abs_difference(&got.templates, &templates) < 1e-9, "{path}");
            let norms: Array1<f64> = g.f64::<Ix1>(&format!("km_mus_{set}"));
            assert!(
                max_abs_difference(&got.norms, &norms) < 1e-9 * norms.fold(1.0, |m, &v| v.max(m)),
                "{path}"
            );
        }
    }
}

fn golden_clusters(g: &mut Golden, set: &str) -> Vec<BatchClusters> {
    let templates: Array4<f64> = g.f64(&format!("Ws_{set}"));
    let norms: Array2<f64> = g.f64(&format!("mus_{set}"));
    let counts: Array2<f64> = g.f64(&format!("ns_{set}"));
    let main: Array2<f64> = g.f64(&format!("Whs_{set}"));
    let one = |b: usize| BatchClusters {
        templates: templates.index_axis(Axis(0), b).to_owned(),
        norms: norms.row(b).to_vec(),
        counts: counts.row(b).iter().map(|&v| v as u32).collect(),
        main_channels: main.row(b).iter().map(|&v| v as u32).collect(),
    };
    (0..templates.len_of(Axis(0))).map(one).collect()
}

#[test]
fn dissimilarity_of_batches() {
    for mut g in open_all("kilosort2/stage2_ccb.npz") {
        for set in SETS {
            let path = format!("set {set} of {}", g.path().display());
            let near = neighbours(&mut g, set);
            let clusters = golden_clusters(&mut g, set);
            let ccb = dissimilarity(&clusters.iter().collect::<Vec<_>>(), &near);
            let difference = max_abs_difference(&ccb, &g.f64::<Ix2>(&format!("ccb_{set}")));
            // sqrt(max(0, d²)) near d = 0 turns rounding of 1e-13 into 3e-7: only a batch against itself comes that close.
            assert!(difference < 1e-6, "{difference} {path}");
            let mut off_diagonal = ccb.clone();
            let mut expected = g.f64::<Ix2>(&format!("ccb_{set}"));
            off_diagonal.diag_mut().fill(0.0);
            expected.diag_mut().fill(0.0);
            assert!(max_abs_difference(&off_diagonal, &expected) < 1e-9, "{path}");
            let difference = max_abs_difference(&standardised(&ccb), &g.f64::<Ix2>(&format!("ccb0_{set}")));
            assert!(difference < 1e-6, "{difference} {path}");
            let golden = standardised(&g.f64::<Ix2>(&format!("ccb_{set}")));
            assert!(
                max_abs_difference(&golden, &g.f64::<Ix2>(&format!("ccb0_{set}"))) < 1e-9,
                "{path}"
            );
        }
    }
}

#[test]
fn embedding_of_batches() {
    for mut g in open_all("kilosort2/stage2_ccb.npz") {
        for set in ["a", "b", "c"] {
            let path = format!("set {set} of {}", g.path().display());
            let ccb0 = g.f64::<Ix2>(&format!("ccb0_{set}"));
            let x0 = g.f64::<Ix1>(&format!("x0_{set}")).to_vec();
            let position = g.f64::<Ix1>(&format!("x_{set}"));
            let order = g.usize(&format!("iorig_{set}"));
            let params = EmbedParams::default();

            let injected = embed(&ccb0, Some(&x0), params);
            assert!(max_abs_difference(&injected.position, &position) < 1e-8, "{path}");
            assert_eq!(injected.order, order, "{path}");
            let free = embed(&ccb0, None, params);
            assert!(max_abs_difference(&free.start, &x0) < 1e-9, "{path}");
            assert!(max_abs_difference(&free.position, &position) < 1e-8, "{path}");
            assert_eq!(free.order, order, "{path}");

            if set != "c" {
                let first = step(&ccb0, &x0, false);
                assert!(
                    max_abs_difference(&first, &g.f64::<Ix1>(&format!("x_step1_{set}"))) < 1e-12,
                    "{path}"
                );
                let sorted = ccb0.select(Axis(0), &free.order).select(Axis(1), &free.order);
                assert_eq!(sorted, g.f64::<Ix2>(&format!("ccbsort_{set}")), "{path}");
            }
        }
    }
}

#[test]
fn embedding_of_the_python_port() {
    for mut g in open_all("kilosort2/stage2_ccb.npz") {
        let path = g.path().display().to_string();
        let params = EmbedParams {
            column_mean: true,
            sign_by_first: true,
        };
        let got = embed(&g.f64::<Ix2>("ccb0_c"), None, params);
        assert!(
            max_abs_difference(&got.position, &g.f64::<Ix1>("x_c_pyk")) < 1e-8,
            "{path}"
        );
        assert_eq!(got.order, g.usize("iorig_c_pyk"), "{path}");
    }
}
