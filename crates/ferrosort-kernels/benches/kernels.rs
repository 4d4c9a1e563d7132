//! The kernels beside what one core of this machine can do: `cargo bench -p ferrosort-kernels` (docs/performance.md).
//!
//! Each is run on the sizes that sorting 64 channels has, on one thread. Its share of the peak is that of the limit it is nearer to:
//! operations, or bytes from memory, of which it can have more than all while its data are in a cache.
#![allow(missing_docs, clippy::print_stdout)]

mod machine;

use std::hint::black_box;

use ferrosort_kernels::iir::{Filter, LANES, gather_lanes, scatter_lanes};
use ferrosort_kernels::{
    ChannelMajor, PIECE, POOL_TILE, RANK, ROW_LANES, Rounding, SparseMatrix, TOGETHER, TemplateFilter, best_template,
    correlate_once, correlate_piece, filter_bank, largest, median_over_channels, pool_energy, shared_rows,
    shared_terms, subtract_shifted, template_projection, whiten,
};
use machine::{Limits, fastest};

/// Channels, samples of a tile, taps of a waveform, channels on which a template lives.
const CHANNELS: usize = 64;
const SAMPLES: usize = 15_360;
const TAPS: usize = 61;
const NEAR: usize = 32;

/// One kernel: its work in one call, and how long that takes.
struct Measured {
    name: &'static str,
    /// Operations on floats; a fused multiply-add counts as two.
    operations: f64,
    /// True for `f64`.
    double: bool,
    /// Bytes that have to come from memory or go there.
    bytes: f64,
    seconds: f64,
}

/// Values between -1 and 1 that are not smooth.
fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 2003) as f32 - 1001.0) / 1001.0).collect()
}

fn signal() -> ChannelMajor {
    let all = values(CHANNELS * SAMPLES);
    ChannelMajor::from_fn(CHANNELS, SAMPLES, |t, c| all[c * SAMPLES + t])
}

fn measured(name: &'static str, operations: usize, bytes: usize, work: impl FnMut()) -> Measured {
    Measured {
        name,
        operations: operations as f64,
        double: false,
        bytes: bytes as f64,
        seconds: fastest(work),
    }
}

/// From raw frames to filtered lanes.
fn conditioning() -> Vec<Measured> {
    let frames = values(CHANNELS * SAMPLES);
    let columns: Vec<usize> = (0..LANES).collect();
    let (offsets, common) = (vec![0.1; LANES], vec![0.0; SAMPLES]);
    let mut lanes = vec![[0.0f64; LANES]; SAMPLES];
    let mut rows = vec![0.0f32; LANES * SAMPLES];
    let (n, filter) = (LANES * SAMPLES, Filter::high_pass(3, 300.0, 30_000.0));
    let mut medians = vec![0.0f64; SAMPLES];
    let gather = measured("gather_lanes (16 channels)", 2 * n, 12 * n, || {
        gather_lanes(&frames, CHANNELS, &columns, &offsets, &common, &mut lanes);
    });
    // One multiplication-addition for the output and two for each of three states, forward and backward.
    let filtering = measured("iir::zero_phase, order 3, f64", 2 * 2 * 7 * n, 0, || {
        filter.zero_phase(&mut lanes);
    });
    let scatter = measured("scatter_lanes (16 channels)", 0, 12 * n, || {
        scatter_lanes(&lanes, &mut rows, SAMPLES);
    });
    let median = measured("median_over_channels (64)", 0, 4 * CHANNELS * SAMPLES, || {
        median_over_channels(CHANNELS, &mut medians, |first, rows| {
            for (c, row) in rows.iter_mut().enumerate() {
                let from = c * SAMPLES + first;
                let n = row.len().min(SAMPLES - first);
                row[..n].copy_from_slice(&frames[from..from + n]);
            }
        });
        black_box(&medians);
    });
    let double = |m| Measured { double: true, ..m };
    vec![median, double(gather), double(filtering), double(scatter)]
}

/// Whitening in space and in time.
fn whitening() -> Vec<Measured> {
    const WIDE: usize = 21;
    let x = signal();
    let weight = |i: usize, j: usize| {
        if i.abs_diff(j) <= WIDE / 2 {
            0.01 * (1 + i + j) as f64
        } else {
            0.0
        }
    };
    let matrix = SparseMatrix::from_fn(CHANNELS, weight);
    let terms = (0..CHANNELS * CHANNELS)
        .filter(|k| weight(k / CHANNELS, k % CHANNELS) != 0.0)
        .count();
    let taps = values(33);
    let mut out = vec![0.0f32; SAMPLES - 32];
    vec![
        measured(
            "whiten, 21 channels wide",
            2 * terms * SAMPLES,
            8 * CHANNELS * SAMPLES,
            || {
                black_box(whiten(&x, 0, SAMPLES, &matrix, Rounding::Nearest, 200.0));
            },
        ),
        measured("filter_bank, 33 taps", 2 * 33 * out.len(), 0, || {
            filter_bank(x.row(3), &[&taps], &mut [&mut out]);
        }),
    ]
}

/// Detection and templates.
fn matching() -> Vec<Measured> {
    let x = signal();
    let by_tap: Vec<[f32; 6]> = (0..TAPS)
        .map(|i| std::array::from_fn(|f| ((i + f) % 9) as f32 - 4.0))
        .collect();
    let eight: Vec<[f32; 8]> = (0..TAPS)
        .map(|i| std::array::from_fn(|f| ((i + f) % 9) as f32 - 4.0))
        .collect();
    let mut piece = vec![0.0f32; 6 * PIECE];
    let terms: Vec<(u32, f32)> = (0..NEAR as u32).map(|c| (c, 0.1)).collect();
    let shared = shared_terms(&[&terms, &terms, &terms, &terms]);
    let mut sums = [[0.0f32; ROW_LANES]; TOGETHER];
    let template = TemplateFilter {
        channels: (0..NEAR as u32).collect(),
        spatial: vec![[0.3, -0.2, 0.1]; NEAR],
        temporal: std::array::from_fn(|q| values(TAPS + q)[q..].to_vec()),
    };
    let mut projection = vec![0.0f32; 1024];
    let mut scratch = Vec::new();
    let projected = 2 * RANK * (NEAR * (1024 + TAPS - 1) + TAPS * 1024);
    vec![
        measured("correlate_piece, 6 x 61 taps", 2 * 6 * TAPS * PIECE * 100, 0, || {
            for start in 0..100 {
                correlate_piece(&x.row(5)[start * PIECE..][..PIECE + TAPS - 1], &by_tap, &mut piece);
            }
            black_box(&piece);
        }),
        measured("correlate_once, 8 x 61 taps", 2 * 8 * TAPS * 1000, 0, || {
            for start in 0..1000 {
                black_box(correlate_once(&x.row(5)[start..], &eight));
            }
        }),
        measured(
            "shared_rows, 4 sums of 32 rows",
            2 * TOGETHER * NEAR * ROW_LANES * 100,
            0,
            || {
                for start in 0..100 {
                    shared_rows(x.as_slice(), SAMPLES, start, &shared, &mut sums);
                }
                black_box(&sums);
            },
        ),
        measured("template_projection, 32 channels", projected, 0, || {
            template_projection(&x, &template, 512, &mut projection, &mut scratch);
            black_box(&projection);
        }),
    ]
}

/// Comparisons and subtractions.
fn searching() -> Vec<Measured> {
    let y = values(4096);
    let (mut best, mut winner) = (vec![0.0f32; 4096], vec![0u32; 4096]);
    let mut out = vec![0.0f32; 4096];
    let responses = values(NEAR * 6 * POOL_TILE);
    let neighbours: Vec<u32> = (0..NEAR as u32).collect();
    let (mut energy, mut channel) = ([0.0f32; POOL_TILE], [0u32; POOL_TILE]);
    vec![
        measured("best_template", 5 * 4096, 0, || {
            best_template(&y, 12.0, 0.1, 3, &mut best, &mut winner);
        }),
        measured("subtract_shifted", 2 * 4096, 0, || subtract_shifted(&mut out, 1e-3, &y)),
        measured("largest (one comparison each)", 4096, 0, || {
            black_box(largest(black_box(&y)));
        }),
        measured("pool_energy, 6 x 32 channels", 4 * 6 * NEAR * POOL_TILE, 0, || {
            pool_energy(&responses, 6, &neighbours, 1, &mut energy, &mut channel);
        }),
    ]
}

fn row(m: &Measured, limits: &Limits) -> String {
    let peak = if m.double { limits.f64_flops } else { limits.f32_flops };
    let (flops, bytes) = (m.operations / m.seconds, m.bytes / m.seconds);
    let (of_flops, of_bytes) = (100.0 * flops / peak, 100.0 * bytes / limits.bytes);
    let rate = |v: f64| {
        if v > 0.0 {
            format!("{:.1}", v / 1e9)
        } else {
            "-".to_string()
        }
    };
    let nearer = if of_flops >= of_bytes { "operations" } else { "bytes" };
    format!(
        "| {} | {:.1} | {} | {} | {:.0} % of {nearer} |",
        m.name,
        1e6 * m.seconds,
        rate(flops),
        rate(bytes),
        of_flops.max(of_bytes)
    )
}

fn main() {
    // Kernels that use several threads are measured on one, like the limits.
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(1).build_global() {
        println!("kernels run on more than one thread: {error}");
    }
    let limits = Limits::measure();
    println!(
        "one core, {:?}: {:.0} Gflop/s in f32, {:.0} in f64, {:.1} GB/s from memory\n",
        ferrosort_kernels::simd_level(),
        limits.f32_flops / 1e9,
        limits.f64_flops / 1e9,
        limits.bytes / 1e9
    );
    println!("| kernel | µs | Gflop/s | GB/s | peak |\n| --- | ---: | ---: | ---: | ---: |");
    let all = [conditioning(), whitening(), matching(), searching()];
    for m in all.iter().flatten() {
        println!("{}", row(m, &limits));
    }
}
