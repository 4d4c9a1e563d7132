//! Made-up comparisons: agreement from counts of close spikes, the rest in the same spirit.

use ferrosort_core::SortingRun;
use ferrosort_report::model::{
    Agreement, Array, Collisions, Confusion, Consensus, ConsensusUnit, Covariate, CovariateFit, CrossTable, Fact, Kept,
    KsBenchmark, Outputs, OverlapRecall, PairAgreement, PairRaster, PairWaveforms, Part, Run, TemplateComparison,
    TemplatePair, ToleranceCurve, Truth, TruthComparison, UnitClasses,
};

use super::runs::World;
use super::trains::rate_over_time;
use super::{Draws, RATE_HZ};

fn n_close(a: &[i64], b: &[i64], delta: i64) -> usize {
    let (mut j, mut n) = (0, 0);
    for &t in a {
        while j < b.len() && b[j] < t - delta {
            j += 1;
        }
        if j < b.len() && b[j] <= t + delta {
            n += 1;
            j += 1;
        }
    }
    n
}

fn score(a: &[i64], b: &[i64]) -> f64 {
    let n = n_close(a, b, 12) as f64;
    n / (a.len() + b.len()) as f64 / (1.0 - n / (a.len() + b.len()) as f64)
}

/// Agreement of units that have the same origin or neighbouring ones; zero elsewhere.
fn scores(a: &SortingRun, b: &SortingRun, of_a: &[Option<usize>], of_b: &[Option<usize>]) -> Array {
    let (ta, tb) = (a.trains(), b.trains());
    let mut values = vec![0.0; ta.len() * tb.len()];
    for (i, x) in of_a.iter().enumerate() {
        for (j, y) in of_b.iter().enumerate() {
            let near = matches!((x, y), (Some(x), Some(y)) if x.abs_diff(*y) <= 1);
            if near || ta.len() <= 60 {
                values[i * tb.len() + j] = score(&ta[i], &tb[j]);
            }
        }
    }
    Array::matrix(ta.len(), tb.len(), values)
}

fn matches(scores: &Array, least: f64) -> Vec<Option<usize>> {
    let (rows, columns) = (scores.shape()[0], scores.shape()[1]);
    let mut taken = vec![false; columns];
    (0..rows)
        .map(|i| {
            let best = (0..columns)
                .filter(|&j| !taken[j])
                .max_by(|&x, &y| scores.at(i, x).total_cmp(&scores.at(i, y)))?;
            (scores.at(i, best) >= least).then(|| {
                taken[best] = true;
                best
            })
        })
        .collect()
}

fn orders(matches: &[Option<usize>], columns: usize) -> (Vec<usize>, Vec<usize>) {
    let mut rows: Vec<usize> = (0..matches.len()).filter(|&i| matches[i].is_some()).collect();
    rows.extend((0..matches.len()).filter(|&i| matches[i].is_none()));
    let mut order: Vec<usize> = rows.iter().filter_map(|&i| matches[i]).collect();
    order.extend((0..columns).filter(|j| !matches.contains(&Some(*j))));
    (rows, order)
}

pub fn agreement(world: &World) -> Agreement {
    let scores = scores(&world.a, &world.b, &world.origin_a, &world.origin_b);
    let found = matches(&scores, 0.5);
    let (row_order, column_order) = orders(&found, world.b.units.len());
    let strong = found
        .iter()
        .enumerate()
        .filter(|(i, j)| j.is_some_and(|j| scores.at(*i, j) >= 0.8))
        .count();
    let consensus = found.iter().enumerate().map(|(i, j)| ConsensusUnit {
        members: std::iter::once((1, i)).chain(j.map(|j| (2, j))).collect(),
        mean_agreement: j.map_or(0.0, |j| scores.at(i, j)),
    });
    let consensus = Consensus {
        runs: vec![1, 2],
        units: consensus.collect(),
    };
    let pair = PairAgreement {
        a: 1,
        b: 2,
        tolerance_ms: 0.4,
        scores,
        row_order,
        column_order,
        facts: vec![
            Fact::number("pairs with agreement ≥ 0.5", found.iter().flatten().count() as f64, ""),
            Fact::number("pairs with agreement ≥ 0.8", strong as f64, ""),
            Fact::number("spikes of kilosort2 explained", 87.2, "%"),
        ],
        matches: found,
    };
    Agreement {
        pairs: vec![pair],
        consensus: Part::Available(consensus),
    }
}

pub fn truth(world: &World) -> Truth {
    Truth {
        truth_run: 0,
        comparisons: vec![
            comparison(world, &world.a, &world.origin_a, 1),
            comparison(world, &world.b, &world.origin_b, 2),
        ],
    }
}

fn comparison(world: &World, tested: &SortingRun, origin: &[Option<usize>], run: usize) -> TruthComparison {
    let own: Vec<Option<usize>> = (0..world.truth.units.len()).map(Some).collect();
    let scores = scores(&world.truth, tested, &own, origin);
    let found = matches(&scores, 0.5);
    let (known, trains) = (world.truth.trains(), tested.trains());
    let n = known.len();
    let tp: Vec<usize> = found
        .iter()
        .enumerate()
        .map(|(i, j)| j.map_or(0, |j| n_close(&known[i], &trains[j], 12)))
        .collect();
    let fp: Vec<usize> = found
        .iter()
        .enumerate()
        .map(|(i, j)| j.map_or(0, |j| trains[j].len() - tp[i]))
        .collect();
    let miss: Vec<usize> = (0..n).map(|i| known[i].len() - tp[i]).collect();
    let ratio = |top: f64, bottom: f64| if bottom > 0.0 { top / bottom } else { 0.0 };
    let accuracy: Vec<f64> = (0..n)
        .map(|i| {
            if tp[i] == 0 {
                0.0
            } else {
                ratio(tp[i] as f64, (tp[i] + fp[i] + miss[i]) as f64)
            }
        })
        .collect();
    let best: Vec<Option<usize>> = (0..n)
        .map(|i| {
            (0..trains.len())
                .filter(|&j| scores.at(i, j) >= 0.1)
                .max_by(|&x, &y| scores.at(i, x).total_cmp(&scores.at(i, y)))
        })
        .collect();
    let matched: Vec<usize> = found.iter().flatten().copied().collect();
    let column_max = |j: usize| (0..n).map(|i| scores.at(i, j)).fold(0.0, f64::max);
    let loose: Vec<usize> = (0..trains.len()).filter(|j| !matched.contains(j)).collect();
    let classes = UnitClasses {
        well_detected: (0..n)
            .filter(|&i| accuracy[i] >= 0.8)
            .filter_map(|i| found[i])
            .collect(),
        false_positive: loose.iter().copied().filter(|&j| column_max(j) < 0.2).collect(),
        redundant: loose.iter().copied().filter(|&j| column_max(j) >= 0.2).collect(),
        overmerged: (0..trains.len())
            .filter(|&j| (0..n).filter(|&i| scores.at(i, j) > 0.2).count() > 1)
            .collect(),
        bad: loose,
        oversplit: Vec::new(),
        missed: (0..n).filter(|&i| best[i].is_none()).collect(),
    };
    let (rows, columns) = orders(&found, trains.len());
    let (nr, nc) = (rows.len(), columns.len());
    let mut counts = vec![0.0; (nr + 1) * (nc + 1)];
    let mut all = vec![0.0; nr * nc];
    for (r, &i) in rows.iter().enumerate() {
        if let Some(j) = found[i] {
            let c = columns.iter().position(|&x| x == j).unwrap();
            counts[r * (nc + 1) + c] = tp[i] as f64;
            counts[nr * (nc + 1) + c] = fp[i] as f64;
        }
        counts[r * (nc + 1) + nc] = miss[i] as f64;
        for (c, &j) in columns.iter().enumerate() {
            all[r * nc + c] =
                (scores.at(i, j) * (known[i].len() + trains[j].len()) as f64 / (1.0 + scores.at(i, j))).round();
        }
    }
    let mut draws = Draws::new(run as u64);
    let tolerance: Vec<f64> = (1..=10).map(|k| f64::from(k) / 10.0).collect();
    let mean = accuracy.iter().sum::<f64>() / n as f64;
    let rising = |shift: f64| {
        tolerance
            .iter()
            .map(|t| mean * (1.0 - (-(t + shift) / 0.08).exp()))
            .collect()
    };
    let per_unit = |f: &mut dyn FnMut(usize) -> f64| Array::list((0..n).map(f).collect());
    let ks = KsBenchmark {
        initial_fp: per_unit(&mut |i| {
            if tp[i] == 0 {
                1.0
            } else {
                ratio(fp[i] as f64, (fp[i] + tp[i]) as f64)
            }
        }),
        initial_miss: per_unit(&mut |i| miss[i] as f64 / known[i].len() as f64),
        final_fp: per_unit(&mut |i| {
            if tp[i] == 0 {
                0.9
            } else {
                0.9 * ratio(fp[i] as f64, (fp[i] + tp[i]) as f64)
            }
        }),
        final_miss: per_unit(&mut |i| 0.8 * miss[i] as f64 / known[i].len() as f64),
        undetected: per_unit(&mut |i| 0.5 * miss[i] as f64 / known[i].len() as f64),
        initial_score: per_unit(&mut |i| 2.0 * accuracy[i] - 1.0),
        final_score: per_unit(&mut |i| 2.0 * (accuracy[i] + 0.02) - 1.0),
        merges: found.iter().map(|j| j.iter().copied().collect()).collect(),
        facts: vec![
            Fact::number("units with initial score > 0.8", 21.0, ""),
            Fact::number("total merges", 3.0, ""),
        ],
    };
    let cross = CrossTable {
        spikeinterface: Array::list(accuracy.clone()),
        spikeforest: per_unit(&mut |i| (accuracy[i] + 0.01 * draws.uniform()).min(1.0)),
        ks_initial: ks.initial_score.clone(),
        ks_final: ks.final_score.clone(),
        kilosort4: per_unit(&mut |i| {
            if accuracy[i] > 0.0 {
                2.0 * accuracy[i] - 1.0
            } else {
                f64::NAN
            }
        }),
    };
    let snr: Vec<f64> = world.truth.units.iter().map(|u| u.snr.unwrap()).collect();
    let mut by_snr: Vec<usize> = (0..n).collect();
    by_snr.sort_by(|&x, &y| snr[x].total_cmp(&snr[y]));
    let chunks: Vec<&[usize]> = by_snr.chunks(n.div_ceil(10)).collect();
    let average = |values: &[f64]| {
        Array::list(
            chunks
                .iter()
                .map(|c| c.iter().map(|&i| values[i]).sum::<f64>() / c.len() as f64)
                .collect(),
        )
    };
    let fit = CovariateFit {
        against: Covariate::Snr,
        sigmoid: Some([1.4, 3.9, -0.05]),
        bin_x: average(&snr),
        bin_accuracy: average(&accuracy),
    };
    TruthComparison {
        run,
        tolerance_ms: 0.4,
        tested: found,
        true_positives: Array::integers(tp.iter().map(|&v| v as i64)),
        misses: Array::integers(miss.iter().map(|&v| v as i64)),
        false_positives: Array::integers(fp.iter().map(|&v| v as i64)),
        precision: Array::list((0..n).map(|i| ratio(tp[i] as f64, (tp[i] + fp[i]) as f64)).collect()),
        recall: Array::list((0..n).map(|i| ratio(tp[i] as f64, known[i].len() as f64)).collect()),
        accuracy: Array::list(accuracy),
        best,
        exhaustive: true,
        classes,
        facts: vec![
            Fact::number("mean accuracy", mean, ""),
            Fact::number("tolerance", 0.4, "ms"),
        ],
        fits: vec![fit],
        confusion: Part::Available(Confusion {
            rows,
            columns,
            counts: Array::new(&[nr + 1, nc + 1], counts, Kept::I32),
            all_matches: Array::new(&[nr, nc], all, Kept::I32),
        }),
        tolerance: Part::Available(ToleranceCurve {
            mean_accuracy: Array::list(rising(0.0)),
            mean_accuracy_offset_removed: Array::list(rising(0.05)),
            units_above: Array::integers(tolerance.iter().map(|t| (30.0 * (1.0 - (-t / 0.1).exp())) as i64)),
            tolerance_ms: Array::list(tolerance),
        }),
        collisions: Part::Available(collisions(n, &mut draws)),
        overlap: Part::Available(OverlapRecall {
            kinds: vec![
                "alone".into(),
                "another unit within 1 ms".into(),
                "another unit at the same place".into(),
            ],
            recall: Array::list(vec![0.93, 0.88, 0.61]),
            n_spikes: Array::integers([21_000, 8000, 400]),
        }),
        ks_benchmark: Part::Available(ks),
        cross_table: Part::Available(cross),
    }
}

fn collisions(n: usize, draws: &mut Draws) -> Collisions {
    let pairs: Vec<[usize; 2]> = (0..120).map(|k| [k % n, (k * 7 + 1) % n]).collect();
    let similarity: Vec<f64> = (0..120).map(|k| -0.2 + f64::from(k) / 100.0).collect();
    let dip = |s: f64, lag: usize| 0.97 - 0.6 * s.max(0.0) * (-((lag as f64 - 5.0) / 1.5).powi(2)).exp();
    let recall = (0..120 * 11)
        .map(|k| {
            let (pair, lag) = (k / 11, k % 11);
            if draws.uniform() < 0.1 {
                f64::NAN
            } else {
                (dip(similarity[pair], lag) + 0.03 * draws.normal()).clamp(0.0, 1.0)
            }
        })
        .collect();
    let mean = (0..7)
        .flat_map(|bin| (0..11).map(move |lag| dip(-0.3 + 0.2 * f64::from(bin), lag)))
        .collect();
    Collisions {
        lag_edges_ms: (0..12).map(|k| -2.0 + 4.0 / 11.0 * f64::from(k)).collect(),
        pairs,
        similarity: Array::list(similarity),
        recall: Array::new(&[120, 11], recall, Kept::Levels16),
        mean_recall: Array::matrix(7, 11, mean),
        similarity_edges: (0..8).map(|k| -0.4 + 0.2 * f64::from(k)).collect(),
        n_events: 4321,
    }
}

pub fn outputs(world: &World, views: &[Run]) -> Outputs {
    let (a, b) = (&views[1], &views[2]);
    let mut cosine = Vec::new();
    for u in &a.units {
        for v in &b.units {
            let d = (u.x_um.unwrap() - v.x_um.unwrap()).hypot(u.y_um.unwrap() - v.y_um.unwrap());
            cosine.push((-d / 45.0).exp());
        }
    }
    let cosine = Array::new(&[a.units.len(), b.units.len()], cosine, Kept::Levels16);
    let mut list: Vec<(usize, usize)> = (0..a.units.len())
        .flat_map(|i| (0..b.units.len()).map(move |j| (i, j)))
        .filter(|&(i, j)| cosine.at(i, j) > 0.7)
        .collect();
    list.sort_by(|x, y| cosine.at(y.0, y.1).total_cmp(&cosine.at(x.0, x.1)));
    let n_pairs = list.len();
    list.truncate(50);
    let (ta, tb) = (world.a.trains(), world.b.trains());
    let pairs = list
        .iter()
        .map(|&(i, j)| pair(world, views, (&ta[i], &tb[j]), (i, j), cosine.at(i, j)))
        .collect();
    let dot = Array::new(
        cosine.shape(),
        cosine.values().iter().map(|v| v * 0.9).collect(),
        Kept::Levels16,
    );
    let lags = Array::new(
        cosine.shape(),
        cosine.values().iter().map(|v| (v * 3.0).round()).collect(),
        Kept::Levels8,
    );
    Outputs {
        comparisons: vec![TemplateComparison {
            a: 1,
            b: 2,
            cosine,
            dot,
            lags,
            pairs,
            threshold: 0.7,
            n_pairs,
        }],
    }
}

fn pair(
    world: &World,
    views: &[Run],
    trains: (&[i64], &[i64]),
    units: (usize, usize),
    similarity: f64,
) -> TemplatePair {
    let channels = views[1].units[units.0].waveforms.get().unwrap().channels.clone();
    let wave = |run: &SortingRun, unit: usize| {
        let waveforms = &run.templates.as_ref().unwrap().waveforms;
        let values = channels
            .iter()
            .flat_map(|&c| (0..61).map(move |t| f64::from(waveforms[[unit, t, c]])))
            .collect();
        Array::new(&[channels.len(), 61], values, Kept::Levels16)
    };
    let window = |train: &[i64]| train.iter().copied().filter(|&t| t < 100_000).collect::<Vec<_>>();
    let hit =
        |x: &[i64], y: &[i64]| Array::integers(x.iter().map(|t| i64::from(y.iter().any(|s| (s - t).abs() <= 12))));
    let (x, y) = (window(trains.0), window(trains.1));
    let duration_s = 120.0;
    let n = n_close(trains.0, trains.1, 12);
    TemplatePair {
        a: units.0,
        b: units.1,
        similarity,
        lag_samples: (units.0 % 3) as i64,
        agreement: Some(score(trains.0, trains.1)),
        n_matched: Some(n as u64),
        waveforms: Part::Available(PairWaveforms {
            a: wave(&world.a, units.0),
            b: wave(&world.b, units.1),
            unit: "µV".into(),
            channels: channels.clone(),
        }),
        raster: Part::Available(PairRaster {
            a_matched: hit(&x, &y),
            b_matched: hit(&y, &x),
            a_samples: Array::integers(x),
            b_samples: Array::integers(y),
            window_samples: [0, 100_000],
            a_per_second: rate_over_time(trains.0, RATE_HZ, duration_s, 1.0),
            b_per_second: rate_over_time(trains.1, RATE_HZ, duration_s, 1.0),
        }),
    }
}
