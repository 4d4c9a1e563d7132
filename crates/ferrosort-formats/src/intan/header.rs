//! Headers of Intan's `.rhd` and `.rhs` files.

/// First bytes of `.rhd` files.
const RHD: u32 = 0xC691_2702;
/// First bytes of `.rhs` files.
const RHS: u32 = 0xD691_27AC;

/// Most channels that are believed: eight ports with 128 channels and twice as many inputs have fewer.
const MAX_CHANNELS: usize = 1 << 14;

/// What matters of a header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// Frames per second, Hz.
    pub(super) sample_rate: f64,
    /// Native names of the amplifier channels that were switched on: `A-000`.
    pub(super) amplifiers: Vec<String>,
    /// First byte of the first block of samples.
    pub(super) first_block: u64,
    /// Frames of a block.
    pub(super) block_frames: u64,
    /// Bytes of a block: time stamps, then amplifiers channel by channel, then everything else.
    pub(super) block_bytes: u64,
}

/// True when these are the first bytes of a `.rhd` or `.rhs` file.
pub(super) fn is_intan(bytes: &[u8]) -> bool {
    let magic = bytes.first_chunk::<4>().map(|b| u32::from_le_bytes(*b));
    matches!(magic, Some(RHD | RHS))
}

/// Numbers of channels of a file by the type of their signal.
#[derive(Default)]
struct Counts {
    amplifiers: Vec<String>,
    auxiliary: usize,
    supply: usize,
    temperature: usize,
    analogue: usize,
    digital_in: bool,
    digital_out: bool,
}

impl Header {
    /// Reads the start of a file; `None` when it is not a header or ends before the header does.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes, at: 0 };
        match cursor.u32()? {
            RHD => Self::parse_rhd(&mut cursor),
            RHS => Self::parse_rhs(&mut cursor),
            _ => None,
        }
    }

    fn parse_rhd(cursor: &mut Cursor) -> Option<Self> {
        let version = (cursor.i16()?, cursor.i16()?);
        let sample_rate = cursor.f32()?;
        // DSP and bandwidths, notch filter, impedance test.
        cursor.skip(2 + 6 * 4 + 2 + 2 * 4)?;
        cursor.skip_texts(3)?;
        let mut counts = Counts::default();
        if version >= (1, 1) {
            counts.temperature = usize::try_from(cursor.i16()?).ok()?;
        }
        if version >= (1, 3) {
            cursor.skip(2)?;
        }
        if version >= (2, 0) {
            cursor.skip_texts(1)?;
        }
        read_groups(cursor, 6, &mut |kind, name| match kind {
            0 => counts.amplifiers.push(name),
            1 => counts.auxiliary += 1,
            2 => counts.supply += 1,
            3 => counts.analogue += 1,
            4 => counts.digital_in = true,
            _ => counts.digital_out = true,
        })?;
        let frames: u64 = if version >= (2, 0) { 128 } else { 60 };
        let slow = counts.auxiliary as u64 * (frames / 4) + (counts.supply + counts.temperature) as u64;
        Some(Self::new(sample_rate, counts, frames, cursor, 1, 2 * slow))
    }

    fn parse_rhs(cursor: &mut Cursor) -> Option<Self> {
        cursor.skip(4)?;
        let sample_rate = cursor.f32()?;
        // DSP and bandwidths, notch filter, impedance test, amplifier settling, stimulation.
        cursor.skip(2 + 8 * 4 + 2 + 2 * 4 + 2 * 2 + 3 * 4)?;
        cursor.skip_texts(3)?;
        let dc_saved = cursor.i16()? != 0;
        cursor.skip(2)?;
        cursor.skip_texts(1)?;
        let mut counts = Counts::default();
        read_groups(cursor, 7, &mut |kind, name| match kind {
            0 => counts.amplifiers.push(name),
            3 | 4 => counts.analogue += 1,
            5 => counts.digital_in = true,
            _ => counts.digital_out = true,
        })?;
        // Each amplifier has a stimulation channel, and possibly one of its DC amplifier.
        let copies = if dc_saved { 3 } else { 2 };
        Some(Self::new(sample_rate, counts, 128, cursor, copies, 0))
    }

    /// `copies` channels of full rate stand in a block for each amplifier; `slow_bytes` are those of slower channels.
    fn new(sample_rate: f32, counts: Counts, frames: u64, cursor: &Cursor, copies: usize, slow_bytes: u64) -> Self {
        let words = counts.amplifiers.len() * copies
            + counts.analogue
            + usize::from(counts.digital_in)
            + usize::from(counts.digital_out);
        Self {
            sample_rate: f64::from(sample_rate),
            amplifiers: counts.amplifiers,
            first_block: cursor.at as u64,
            block_frames: frames,
            block_bytes: frames * (4 + 2 * words as u64) + slow_bytes,
        }
    }
}

/// Reads the groups of channels and calls `found` with the type and the name of each channel that is on. After its
/// type and switch, a channel has `words` 16-bit numbers and two floats.
fn read_groups(cursor: &mut Cursor, words: usize, found: &mut dyn FnMut(i16, String)) -> Option<()> {
    let mut channels = 0;
    for _ in 0..cursor.i16()? {
        cursor.skip_texts(2)?;
        let (on, n) = (cursor.i16()?, cursor.i16()?);
        cursor.skip(2)?;
        if on == 0 {
            continue;
        }
        for _ in 0..n {
            let name = cursor.text()?;
            cursor.skip_texts(1)?;
            cursor.skip(4)?;
            let (kind, on) = (cursor.i16()?, cursor.i16()?);
            cursor.skip(2 * words + 8)?;
            channels += 1;
            if channels > MAX_CHANNELS || !(0..=6).contains(&kind) {
                return None;
            }
            if on != 0 {
                found(kind, name);
            }
        }
    }
    Some(())
}

/// Reads numbers and texts one after the other; `None` at the end of the bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_le_bytes)
    }
    fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }
    fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }
    fn skip_texts(&mut self, n: usize) -> Option<()> {
        (0..n).try_for_each(|_| self.text().map(|_| ()))
    }
    /// A text of Qt: bytes, then UTF-16; all ones for none.
    fn text(&mut self) -> Option<String> {
        let length = self.u32()?;
        if length == u32::MAX {
            return Some(String::new());
        }
        let (pairs, _) = self.take(length as usize)?.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|&b| u16::from_le_bytes(b)).collect();
        Some(String::from_utf16_lossy(&units))
    }
}
