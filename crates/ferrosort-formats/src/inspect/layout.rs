//! Is the sample type right? Bit patterns of the raw bytes tell integers, floats and byte orders apart.

use ferrosort_core::SampleType;

use super::sample::Samples;

/// One sentence when another sample type explains the bytes much better.
pub(super) fn check(samples: &Samples) -> Vec<String> {
    let found = match samples.sample_type {
        None => None,
        Some(SampleType::Int16 | SampleType::Uint16) => check_16_bit(samples),
        Some(SampleType::Int32) => {
            swapped(samples, 4, |b| i32::from_be_bytes(b) as f32).or_else(|| int32_is_int16(samples))
        }
        Some(SampleType::Float32) => check_float(samples),
    };
    found.into_iter().collect()
}

fn check_16_bit(samples: &Samples) -> Option<String> {
    looks_like_float(samples)
        .or_else(|| looks_like_int32(samples))
        .or_else(|| swapped(samples, 2, |b| f32::from(i16::from_be_bytes(b))))
        .or_else(|| wraps(samples))
}

/// All 16-bit words at even (parity 0) or odd places of the pieces. The parity is that of
/// the place in the file: a piece starts at any frame, which may be at an odd word.
fn words(samples: &Samples, parity: usize) -> impl Iterator<Item = u16> + Clone {
    let words_per_frame = (samples.n_channels * samples.sample_type.map_or(2, SampleType::bytes) / 2) as u64;
    samples.pieces.iter().flat_map(move |piece| {
        let odd_start = (piece.start * words_per_frame % 2) as usize;
        let (words, _) = piece.bytes.as_chunks::<2>();
        words
            .iter()
            .skip((parity + odd_start) % 2)
            .step_by(2)
            .map(|&b| u16::from_le_bytes(b))
    })
}

/// Share of the items for which the test holds; 0 without items.
fn share<T>(items: impl Iterator<Item = T>, test: impl Fn(T) -> bool) -> f64 {
    let (mut n, mut hits) = (0u64, 0u64);
    for item in items {
        n += 1;
        hits += u64::from(test(item));
    }
    if n == 0 { 0.0 } else { hits as f64 / n as f64 }
}

/// Float32 in 16-bit words: one word of each pair holds sign and exponent, and exponents of voltages lie in a narrow band
/// around 1; the other holds the low bits of the mantissa, which are uniform (or zero, when the floats were integers).
fn looks_like_float(samples: &Samples) -> Option<String> {
    let float_like = |high: usize| {
        let exponent = |word: u16| word >> 7 & 0xff;
        let nonzero = words(samples, high).filter(|w| w & 0x7fff != 0);
        if share(words(samples, high), |w| w & 0x7fff != 0) < 0.5 {
            return false;
        }
        let banded = share(nonzero.clone(), |w| (87..=167).contains(&exponent(w)));
        let negative = share(nonzero, |w| w & 0x8000 != 0);
        let low = words(samples, 1 - high);
        // A quarter of all words lies around 0, where samples of an int16 recording would be; a few levels times a gain
        // are uniform only roughly.
        let uniform = (share(low.clone(), |w| w & 0x8000 != 0) - 0.5).abs() < 0.2
            && (share(low.clone(), |w| w & 0x4000 != 0) - 0.5).abs() < 0.2
            && (share(low.clone(), |w| w.wrapping_add(0x2000) & 0xc000 == 0) - 0.25).abs() < 0.2;
        let zero = share(low, |w| w == 0) > 0.9 && (0.05..=0.95).contains(&negative);
        banded > 0.99 && (uniform || zero)
    };
    (float_like(1) || float_like(0)).then(|| {
        "the samples look like float32 read as 16-bit integers (every other word holds exponents); pass --dtype float32"
            .to_owned()
    })
}

/// Int32 in 16-bit words: one word of each pair only repeats the sign of the other.
fn looks_like_int32(samples: &Samples) -> Option<String> {
    let high_is_sign = |high: usize| {
        let pairs = words(samples, high).zip(words(samples, 1 - high));
        let negative = share(words(samples, high), |w| w == 0xffff);
        let sign = share(pairs, |(high, low)| high == if low & 0x8000 == 0 { 0 } else { 0xffff });
        sign > 0.999 && (0.01..=0.99).contains(&negative)
    };
    (high_is_sign(1) || high_is_sign(0)).then(|| {
        "the samples look like int32 read as 16-bit integers (every other word only holds signs); pass --dtype int32"
            .to_owned()
    })
}

/// Pairs of int16 read as int32: the lower halves are as small as samples are, but the upper halves are not their sign.
fn int32_is_int16(samples: &Samples) -> Option<String> {
    let (low, high) = (words(samples, 0), words(samples, 1));
    let small = share(low.clone(), |w| (w as i16).unsigned_abs() < 8192);
    let sign = share(high.zip(low), |(high, low)| {
        high == if low & 0x8000 == 0 { 0 } else { 0xffff }
    });
    (small > 0.9 && sign < 0.9)
        .then(|| "the samples look like int16 read as int32 (both halves hold samples); pass --dtype int16".to_owned())
}

/// Mean absolute step from one frame to the next, over all pieces.
fn roughness<const W: usize>(samples: &Samples, value: impl Fn([u8; W]) -> f32) -> f64 {
    let (mut sum, mut n) = (0.0, 0u64);
    for piece in &samples.pieces {
        let (words, _) = piece.bytes.as_chunks::<W>();
        for (a, b) in words.iter().zip(words.iter().skip(samples.n_channels)) {
            sum += f64::from((value(*b) - value(*a)).abs());
        }
        n += words.len().saturating_sub(samples.n_channels) as u64;
    }
    sum / n.max(1) as f64
}

/// Byte order: read the other way round, the samples are at least twenty times smoother.
fn swapped<const W: usize>(samples: &Samples, bytes: usize, big_endian: impl Fn([u8; W]) -> f32) -> Option<String> {
    let native = roughness::<W>(samples, |mut b| {
        b.reverse();
        big_endian(b)
    });
    let other = roughness(samples, &big_endian);
    // Data in the upper byte only (8-bit converters, shifted) is smooth both ways.
    let low_byte_used = share(
        samples.pieces.iter().flat_map(|p| p.bytes.iter().step_by(bytes)),
        |&b| b != 0,
    ) > 0.001;
    (native > 20.0 * other && low_byte_used).then(|| {
        format!(
            "the samples look byte-swapped (big-endian): read the other way round they are {:.0} times smoother; convert \
             the file to little-endian first",
            (native / other).min(9999.0)
        )
    })
}

/// Signed read as unsigned or the reverse: values around zero wrap from one end of the range to the other.
fn wraps(samples: &Samples) -> Option<String> {
    let signed = roughness(samples, |b| f32::from(i16::from_le_bytes(b)));
    let unsigned = roughness(samples, |b| f32::from(u16::from_le_bytes(b)));
    let (is_signed, given, other, right) = match samples.sample_type {
        Some(SampleType::Int16) => (true, signed, unsigned, "uint16"),
        _ => (false, unsigned, signed, "int16"),
    };
    (given > 4.0 * other && given > 200.0).then(|| {
        format!(
            "the samples jump between the ends of the {} range; they look like {right}, so pass --dtype {right}",
            if is_signed { "int16" } else { "uint16" }
        )
    })
}

/// Float32 that is not: most values are no number, absurdly large or absurdly small.
fn check_float(samples: &Samples) -> Option<String> {
    let absurd = |v: f32| !v.is_finite() || v.abs() > 1e20 || (v != 0.0 && v.abs() < 1e-25);
    let values = samples.pieces.iter().flat_map(|p| p.values.iter().copied());
    if share(values, absurd) > 0.2 {
        let big = |piece: &super::sample::Piece| -> Vec<f32> {
            let (words, _) = piece.bytes.as_chunks::<4>();
            words.iter().map(|&b| f32::from_be_bytes(b)).collect()
        };
        let big_endian = samples.pieces.iter().flat_map(big);
        return Some(if share(big_endian, absurd) < 0.001 {
            "the samples look byte-swapped (big-endian float32); convert the file to little-endian first".to_owned()
        } else {
            "most samples read as float32 are no plausible voltages (not a number, or of absurd size); they look like \
             integers, so pass --dtype int16 (or uint16, int32)"
                .to_owned()
        });
    }
    first_non_finite(samples)
}

fn first_non_finite(samples: &Samples) -> Option<String> {
    samples.pieces.iter().find_map(|piece| {
        let at = piece.values.iter().position(|v| !v.is_finite())?;
        Some(format!(
            "sample {} of channel {} (both 0-based) is not a finite number; replace such samples, for example by 0, before \
             sorting",
            piece.start + (at / samples.n_channels) as u64,
            at % samples.n_channels
        ))
    })
}
