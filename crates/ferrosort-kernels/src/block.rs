//! The layout in which signals are processed after the filter.

/// A block of signal, channel by channel: all samples of channel 0, then of channel 1, ...
///
/// A type of its own so that it cannot be mixed up with the time-major frames that files hold.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMajor {
    data: Vec<f32>,
    channels: usize,
    samples: usize,
}

impl ChannelMajor {
    /// A block of zeros, `[channels, samples]`.
    pub fn zeros(channels: usize, samples: usize) -> Self {
        Self {
            data: vec![0.0; channels * samples],
            channels,
            samples,
        }
    }

    /// Transposes time-major frames; `value(sample, channel)` is asked once for each element.
    pub fn from_fn(channels: usize, samples: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let mut block = Self::zeros(channels, samples);
        for c in 0..channels {
            for (t, v) in block.row_mut(c).iter_mut().enumerate() {
                *v = value(t, c);
            }
        }
        block
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples of each channel.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// All samples of channel `c`.
    pub fn row(&self, c: usize) -> &[f32] {
        &self.data[c * self.samples..(c + 1) * self.samples]
    }

    /// All samples of channel `c`, to be changed.
    pub fn row_mut(&mut self, c: usize) -> &mut [f32] {
        &mut self.data[c * self.samples..(c + 1) * self.samples]
    }

    /// The rows of all channels, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.samples.max(1))
    }

    /// Everything, channel after channel.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// Everything, channel after channel, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }
}
