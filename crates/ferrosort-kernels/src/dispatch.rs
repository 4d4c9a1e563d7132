//! One body, compiled for several vector widths, chosen once at run time.

use std::sync::OnceLock;

/// Vector extensions that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// Whatever the target guarantees.
    Baseline,
    /// AVX2 and fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

static LEVEL: OnceLock<SimdLevel> = OnceLock::new();

/// The level that kernels use: the widest that this CPU has, unless it was limited.
pub fn simd_level() -> SimdLevel {
    *LEVEL.get_or_init(detect)
}

/// Lets kernels use no wider level than this. To be called before the first of them; returns the level that is used from now on.
pub fn limit_simd_level(most: SimdLevel) -> SimdLevel {
    *LEVEL.get_or_init(|| detect().min(most))
}

#[cfg(target_arch = "x86_64")]
fn detect() -> SimdLevel {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => SimdLevel::Avx512,
        (true, false) => SimdLevel::Avx2,
        _ => SimdLevel::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> SimdLevel {
    SimdLevel::Baseline
}

/// Defines a function whose body is compiled once for each [`SimdLevel`] and chosen at run time.
///
/// Results do not depend on the level as long as the body writes each output as one chain of `mul_add` in a fixed order.
macro_rules! simd_kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<const $g:ident: usize>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name $(<const $g: usize>)? ($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn body $(<const $g: usize>)? ($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512 $(<const $g: usize>)? ($($arg: $ty),*) $(-> $ret)? { body $(::<$g>)? ($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<const $g: usize>)? ($($arg: $ty),*) $(-> $ret)? { body $(::<$g>)? ($($arg),*) }
                match $crate::dispatch::simd_level() {
                    // SAFETY: simd_level() is Avx512 only when the CPU has every feature named above.
                    $crate::dispatch::SimdLevel::Avx512 => unsafe { avx512 $(::<$g>)? ($($arg),*) },
                    // SAFETY: simd_level() is Avx2 only when the CPU has AVX2 and FMA.
                    $crate::dispatch::SimdLevel::Avx2 => unsafe { avx2 $(::<$g>)? ($($arg),*) },
                    $crate::dispatch::SimdLevel::Baseline => body $(::<$g>)? ($($arg),*),
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            body $(::<$g>)? ($($arg),*)
        }
    };
}
pub(crate) use simd_kernel;
