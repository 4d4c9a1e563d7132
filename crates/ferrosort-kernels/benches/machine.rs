//! What this machine can do at most: the measures beside which kernels are put.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as x86;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ferrosort_kernels::largest_magnitude;
#[cfg(target_arch = "x86_64")]
use ferrosort_kernels::{SimdLevel, simd_level};

/// Time for which one thing is repeated, at least; the fastest repetition counts, the others were disturbed.
const PATIENCE: Duration = Duration::from_millis(150);

/// Shortest time of one call, s.
pub fn fastest(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut least = f64::INFINITY;
    while began.elapsed() < PATIENCE {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

/// Measured limits of one core.
pub struct Limits {
    /// Operations on `f32` a second: a fused multiply-add counts as two.
    pub f32_flops: f64,
    /// The same on `f64`.
    pub f64_flops: f64,
    /// Bytes a second that one core reads from memory.
    pub bytes: f64,
}

impl Limits {
    /// Measures them: fused multiply-adds that stay in registers, and a sum over what no cache holds.
    pub fn measure() -> Self {
        let [f32_flops, f64_flops] = peak();
        Self {
            f32_flops,
            f64_flops,
            bytes: streamed(),
        }
    }
}

/// Vectors that are worked on side by side: enough to hide the latency of an operation, few enough for 16 registers.
const CHAINS: usize = 10;
const STEPS: usize = 100_000;

/// Operations a second of a loop on vectors of `lanes` numbers that does [`STEPS`] fused multiply-adds in each of [`CHAINS`].
fn flops(lanes: usize, mut work: impl FnMut()) -> f64 {
    (2 * STEPS * CHAINS * lanes) as f64 / fastest(&mut work)
}

/// Defines the loop for one kind of vector. Arrays would leave it to the compiler whether they are vectors.
#[cfg(target_arch = "x86_64")]
macro_rules! register_only {
    ($name:ident, $features:literal, $number:ty, $set:ident, $multiply_add:ident, $add:ident, $first:ident) => {
        #[target_feature(enable = $features)]
        fn $name(factor: $number) -> $number {
            let factor = x86::$set(factor);
            let mut chains = [factor; CHAINS];
            for _ in 0..STEPS {
                for chain in &mut chains {
                    *chain = x86::$multiply_add(*chain, factor, factor);
                }
            }
            let mut sum = factor;
            for chain in chains {
                sum = x86::$add(sum, chain);
            }
            x86::$first(sum)
        }
    };
}

#[cfg(target_arch = "x86_64")]
register_only!(
    wide_f32,
    "avx512f",
    f32,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_cvtss_f32
);
#[cfg(target_arch = "x86_64")]
register_only!(
    wide_f64,
    "avx512f",
    f64,
    _mm512_set1_pd,
    _mm512_fmadd_pd,
    _mm512_add_pd,
    _mm512_cvtsd_f64
);
#[cfg(target_arch = "x86_64")]
register_only!(
    half_f32,
    "avx2,fma",
    f32,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_cvtss_f32
);
#[cfg(target_arch = "x86_64")]
register_only!(
    half_f64,
    "avx2,fma",
    f64,
    _mm256_set1_pd,
    _mm256_fmadd_pd,
    _mm256_add_pd,
    _mm256_cvtsd_f64
);

/// Operations a second on `f32` and `f64`.
#[cfg(target_arch = "x86_64")]
fn peak() -> [f64; 2] {
    match simd_level() {
        SimdLevel::Avx512 => [
            flops(16, || {
                // SAFETY: simd_level() is Avx512 only when the CPU has AVX-512F.
                black_box(unsafe { wide_f32(black_box(0.999)) });
            }),
            flops(8, || {
                // SAFETY: as above.
                black_box(unsafe { wide_f64(black_box(0.999)) });
            }),
        ],
        SimdLevel::Avx2 => [
            flops(8, || {
                // SAFETY: simd_level() is Avx2 only when the CPU has AVX2 and FMA.
                black_box(unsafe { half_f32(black_box(0.999)) });
            }),
            flops(4, || {
                // SAFETY: as above.
                black_box(unsafe { half_f64(black_box(0.999)) });
            }),
        ],
        SimdLevel::Baseline => portable(),
    }
}

/// Operations a second on `f32` and `f64`.
#[cfg(not(target_arch = "x86_64"))]
fn peak() -> [f64; 2] {
    portable()
}

/// With the vectors that the compiler makes by itself, of 16 bytes.
fn portable() -> [f64; 2] {
    fn single(factor: f32) -> f32 {
        let mut chains = [[factor; 4]; CHAINS];
        for _ in 0..STEPS {
            chains
                .iter_mut()
                .flatten()
                .for_each(|value| *value = value.mul_add(factor, factor));
        }
        chains.iter().flatten().sum()
    }
    fn double(factor: f64) -> f64 {
        let mut chains = [[factor; 2]; CHAINS];
        for _ in 0..STEPS {
            chains
                .iter_mut()
                .flatten()
                .for_each(|value| *value = value.mul_add(factor, factor));
        }
        chains.iter().flatten().sum()
    }
    [
        flops(4, || {
            black_box(single(black_box(0.999)));
        }),
        flops(2, || {
            black_box(double(black_box(0.999)));
        }),
    ]
}

/// Bytes a second of a sum over more than the caches hold.
fn streamed() -> f64 {
    const VALUES: usize = 64 << 20;
    let values = vec![1.0f32; VALUES];
    let seconds = fastest(|| {
        black_box(largest_magnitude(black_box(&values)));
    });
    (VALUES * size_of::<f32>()) as f64 / seconds
}
