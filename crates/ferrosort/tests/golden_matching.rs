//! Pursuit, features, waveform sums and the search for new templates against golden arrays (docs/kilosort2.md 4.5, 4.6, 4.8, 5).
#![allow(clippy::unwrap_used)]

use ferrosort::matching::TemplateSet;
use ferrosort::matching::accumulate::{pc_features, update_means, waveform_sums};
use ferrosort::matching::pursuit::{Pursued, PursuitParams, pursue};
use ferrosort::neighbours::Neighbours;
use ferrosort::preprocess::layout::BatchLayout;
use ferrosort::settings::{Compat, Parameters};
use ferrosort::templates::Templates;
use ferrosort::templates::residual::{
    Candidate, POOLED_CHANNELS, SearchParams, candidates, pooled_energy, projected_snippets, strongest,
};
use ferrosort_golden::{Golden, open_all};
use ferrosort_kernels::ChannelMajor;
use ndarray::{Array1, Array2, Array3};

/// Golden neighbour lists, `[slots, channels]`.
fn neighbours(golden: &mut Golden, name: &str) -> Neighbours {
    let lists: Array2<f64> = golden.f64(name);
    Neighbours::from_lists(lists.t().iter().map(|&v| v as u32).collect(), lists.nrows())
}

/// A batch of 16-bit counts, `[samples, channels]`, in sd.
fn batch(golden: &mut Golden, name: &str) -> ChannelMajor {
    let counts: Array2<f32> = golden.f32(name);
    ChannelMajor::from_fn(counts.ncols(), counts.nrows(), |t, c| counts[[t, c]] / 200.0)
}

fn assert_close(name: &str, got: impl IntoIterator<Item = f64>, expected: &[f64], relative: f64) {
    let got: Vec<f64> = got.into_iter().collect();
    assert_eq!(got.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!(
            (g - e).abs() <= relative * scale.max(1e-9),
            "{name}[{i}]: got {g}, expected {e}"
        );
    }
}

struct Case {
    set: TemplateSet,
    near: Neighbours,
    main: Vec<usize>,
    pursued: Pursued,
}

/// Runs the pursuit of one golden case (names prefixed by `prefix`) and checks spikes, scores and the residual.
fn pursuit_case(golden: &mut Golden, prefix: &str, with_features: bool) -> Case {
    let name = |n: &str| format!("{prefix}{n}");
    let x = batch(golden, &name("batch"));
    let (w, u): (Array3<f64>, Array3<f64>) = (golden.f64(&name("W")), golden.f64(&name("U")));
    let templates = Templates {
        w: w.permuted_axes([1, 2, 0]).as_standard_layout().into_owned(),
        u: u.permuted_axes([1, 2, 0]).as_standard_layout().into_owned(),
        mu: golden.f64::<ndarray::Ix1>(&name("mu")).to_vec(),
    };
    let near = neighbours(golden, &name("iC"));
    let main = golden.usize(&name("iW"));
    let set = TemplateSet::new(&templates, &main, &near);
    let numbers: Array1<f64> = golden.f64(&name("params"));

    let parameters = Parameters {
        batch_samples: x.samples(),
        ..Parameters::kilosort2()
    };
    let layout = BatchLayout::new(1_000_000, &parameters, &Compat::kilosort2_2_0_2());
    let window = layout.window(1);
    let params = PursuitParams {
        threshold: numbers[0] as f32,
        amplitude_prior: numbers[2] as f32,
        correlated: window.correlated,
        searched: window.searched.clone(),
        peaks: 60..layout.peak_limit(),
        stale_row: true,
    };
    let similar: Option<Array2<u32>> = with_features.then(|| {
        let lists: Array2<f64> = golden.f64(&name("iList"));
        lists.t().mapv(|v| v as u32)
    });
    let pursued = pursue(x, &set, similar.as_ref().map(|s| s.view()), &params);

    let starts: Vec<usize> = pursued.spikes.iter().map(|s| s.start as usize).collect();
    let ids: Vec<usize> = pursued.spikes.iter().map(|s| s.template as usize).collect();
    let rounds: Vec<usize> = pursued.spikes.iter().map(|s| usize::from(s.round)).collect();
    assert_eq!(starts, golden.usize(&name("st")), "{prefix} starts");
    assert_eq!(ids, golden.usize(&name("id")), "{prefix} templates");
    assert_eq!(rounds, golden.usize(&name("round")), "{prefix} rounds");
    let (y, v): (Array1<f64>, Array1<f64>) = (golden.f64(&name("y")), golden.f64(&name("vexp")));
    let amplitudes = pursued.spikes.iter().map(|s| f64::from(s.amplitude));
    assert_close(&name("y"), amplitudes, y.as_slice().unwrap(), 1e-5);
    let scores = pursued.spikes.iter().map(|s| f64::from(s.score));
    assert_close(&name("vexp"), scores, v.as_slice().unwrap(), 1e-5);
    if golden.has(&name("residual")) {
        let residual: Array2<f64> = golden.f64(&name("residual"));
        let squares: f64 = residual
            .indexed_iter()
            .map(|((t, c), e)| (f64::from(pursued.residual.row(c)[t]) - e).powi(2))
            .sum();
        let rms = (squares / residual.len() as f64).sqrt();
        assert!(rms < 1e-5, "{prefix} residual differs by {rms} sd rms");
    }
    Case {
        set,
        near,
        main,
        pursued,
    }
}

fn check_sums(golden: &mut Golden, prefix: &str, case: &Case) {
    let numbers: Array1<f64> = golden.f64(&format!("{prefix}params"));
    let sums = waveform_sums(
        &case.pursued.residual,
        &case.pursued.spikes,
        &case.set,
        numbers[1] as f32,
    );
    let counts: Vec<usize> = sums.count.iter().map(|&n| n as usize).collect();
    assert_eq!(counts, golden.usize(&format!("{prefix}nsp0")));
    let expected: Array3<f64> = golden.f64(&format!("{prefix}dWU0"));
    let got = sums.sum.view().permuted_axes([2, 1, 0]);
    let expected: Vec<f64> = expected.iter().copied().collect();
    assert_close(&format!("{prefix}dWU0"), got.iter().copied(), &expected, 1e-5);
}

fn check_features(golden: &mut Golden, prefix: &str, case: &Case) {
    let name = |n: &str| format!("{prefix}{n}");
    let expected: Array2<f64> = golden.f64(&name("featW"));
    let got = case.pursued.template_features.as_ref().unwrap();
    let expected: Vec<f64> = expected.iter().copied().collect();
    assert_close(&name("featW"), got.iter().map(|&v| f64::from(v)), &expected, 1e-5);
    let basis: Array2<f32> = golden.f32(&name("V"));
    let basis = basis.t().as_standard_layout().into_owned();
    let got = pc_features(
        &case.pursued.residual,
        &case.pursued.spikes,
        &case.set,
        &case.main,
        &case.near,
        &basis,
    );
    let expected: Array3<f64> = golden.f64(&name("featPC"));
    let expected: Vec<f64> = expected.iter().copied().collect();
    assert_close(&name("featPC"), got.iter().map(|&v| f64::from(v)), &expected, 1e-5);
}

#[test]
fn pursuit_while_learning() {
    for mut golden in open_all("kilosort2/stage3_pursuit_learn.npz") {
        let case = pursuit_case(&mut golden, "", false);
        check_sums(&mut golden, "", &case);
        let before: Array3<f64> = golden.f64("step_dWU");
        let mut means = before.permuted_axes([2, 1, 0]).as_standard_layout().into_owned();
        let numbers: Array1<f64> = golden.f64("params");
        let sums = waveform_sums(
            &case.pursued.residual,
            &case.pursued.spikes,
            &case.set,
            numbers[1] as f32,
        );
        let memory = -1.0 / golden.scalar("step_pm").ln();
        update_means(&mut means, &sums, memory);
        let expected: Array3<f64> = golden.f64("step_dWU_out");
        let expected: Vec<f64> = expected.iter().copied().collect();
        let got = means.view().permuted_axes([2, 1, 0]);
        assert_close("step_dWU_out", got.iter().copied(), &expected, 1e-5);
    }
}

#[test]
fn pursuit_in_the_final_pass() {
    for mut golden in open_all("kilosort2/stage3_pursuit_final.npz") {
        let case = pursuit_case(&mut golden, "", true);
        check_sums(&mut golden, "", &case);
        check_features(&mut golden, "", &case);
        check_times(&mut golden, &case);
    }
}

/// Times of the troughs in the file: 20 samples after the start, with the original's alignment.
fn check_times(golden: &mut Golden, case: &Case) {
    let parameters = Parameters {
        batch_samples: case.pursued.residual.samples(),
        ..Parameters::kilosort2()
    };
    let layout = BatchLayout::new(1_000_000, &parameters, &Compat::kilosort2_2_0_2());
    let first = layout.window(golden.scalar("batch_index") as usize).first + parameters.trough() as i64 + 1;
    let times: Vec<usize> = case
        .pursued
        .spikes
        .iter()
        .map(|s| (first + i64::from(s.start)) as usize)
        .collect();
    assert_eq!(times, golden.usize("spike_time"));
}

#[test]
fn pursuit_of_dense_spikes_on_many_channels_and_at_batch_edges() {
    for mut golden in open_all("kilosort2/stage3_pursuit_wide.npz") {
        for prefix in ["w_", "h_"] {
            let case = pursuit_case(&mut golden, prefix, true);
            check_sums(&mut golden, prefix, &case);
            check_features(&mut golden, prefix, &case);
        }
    }
}

/// The file's prototypes, basis and pooled channels, for the search on its three signals.
struct Search {
    prototypes: Array2<f32>,
    pooled: Neighbours,
    basis: Array2<f64>,
    threshold: f32,
}

#[test]
fn new_templates_from_a_residual() {
    for mut golden in open_all("kilosort2/stage3_residual.npz") {
        let prototypes: Array2<f32> = golden.f32("wTEMP");
        let basis: Array2<f64> = golden.f64("V");
        let lists = neighbours(&mut golden, "iC");
        let nearest = |c| lists.of(c)[..POOLED_CHANNELS].to_vec();
        let search = Search {
            prototypes: prototypes.t().as_standard_layout().into_owned(),
            pooled: Neighbours::from_lists((0..lists.channels()).flat_map(nearest).collect(), POOLED_CHANNELS),
            basis: basis.t().as_standard_layout().into_owned(),
            threshold: if golden.has("Th") {
                golden.scalar("Th") as f32
            } else {
                10.0
            },
        };
        for case in ["a", "b", "c"] {
            search_case(&mut golden, &search, case);
        }
    }
}

fn search_case(golden: &mut Golden, search: &Search, case: &str) {
    let name = |n: &str| format!("{n}_{case}");
    let signal: Array2<f32> = golden.f32(&name("X"));
    let x = ChannelMajor::from_fn(signal.ncols(), signal.nrows(), |t, c| signal[[t, c]]);
    let parameters = Parameters {
        batch_samples: x.samples(),
        ..Parameters::kilosort2()
    };
    let layout = BatchLayout::new(1_000_000, &parameters, &Compat::kilosort2_2_0_2());
    let params = |tail_contamination| SearchParams {
        threshold: search.threshold,
        correlated: layout.window(1).correlated,
        searched: 60..(x.samples() - 61).min(layout.peak_limit()),
        tail_contamination,
    };
    let starts = |found: &[Candidate]| found.iter().map(|c| c.start).collect::<Vec<_>>();
    for (contaminated, energies, found) in [(false, "E_clean", "cand_clean_t"), (true, "E", "cand_t")] {
        let params = params(contaminated);
        let energy = pooled_energy(&x, &search.prototypes, &search.pooled, &params);
        let expected: Array1<f64> = golden.f64(&name(energies));
        let got = energy.value.iter().map(|&v| f64::from(v));
        assert_close(&name(energies), got, expected.as_slice().unwrap(), 1e-5);
        if golden.has(&name(found)) {
            let all = candidates(&energy, &params);
            assert_eq!(starts(&all), golden.usize(&name(found)), "{}", name(found));
        }
    }
    let params = params(true);
    let energy = pooled_energy(&x, &search.prototypes, &search.pooled, &params);
    let kept = strongest(&candidates(&energy, &params), &energy);
    assert_eq!(starts(&kept), golden.usize(&name("t")));
    let channels: Vec<usize> = kept.iter().map(|c| c.channel as usize).collect();
    assert_eq!(channels, golden.usize(&name("ch")));
    if golden.has(&name("dWU_new")) {
        let expected: Array3<f64> = golden.f64(&name("dWU_new"));
        let expected: Vec<f64> = expected.iter().copied().collect();
        let snippets = projected_snippets(&x, &kept, &search.basis);
        let got = snippets.view().permuted_axes([2, 1, 0]);
        assert_close(&name("dWU_new"), got.iter().copied(), &expected, 1e-6);
    }
}
