//! Templates laid out for comparison at many lags: channel by channel, with the sizes of every window known beforehand.

use ndarray::ArrayView3;

/// One template: the traces of the channels where it is not zero.
pub(super) struct ChannelTraces {
    /// Channels with a value other than 0, ascending.
    pub(super) channels: Vec<usize>,
    /// Trace of each of those, one after the other.
    traces: Vec<f32>,
    /// Sum of absolute values and of squares in each window, `[channels, lags]`.
    absolute: Vec<f64>,
    squares: Vec<f64>,
    n_samples: usize,
    n_lags: usize,
    /// Samples of a window.
    window: usize,
}

impl ChannelTraces {
    /// Traces of all `templates`, `[units, samples, channels]`, and the sums over their windows: `n_lags` windows as long
    /// as the template allows, each one sample later than the one before.
    pub(super) fn all(templates: ArrayView3<f32>, n_lags: usize) -> Vec<Self> {
        templates
            .outer_iter()
            .map(|template| Self::new(template, n_lags))
            .collect()
    }

    fn new(template: ndarray::ArrayView2<f32>, n_lags: usize) -> Self {
        let n_samples = template.nrows();
        let mut traces = Self {
            channels: Vec::new(),
            traces: Vec::new(),
            absolute: Vec::new(),
            squares: Vec::new(),
            n_samples,
            n_lags,
            window: (n_samples + 1).saturating_sub(n_lags),
        };
        for (channel, trace) in template.columns().into_iter().enumerate() {
            if trace.iter().any(|&value| value != 0.0) {
                traces.channels.push(channel);
                traces.traces.extend(trace);
                traces.add_sums();
            }
        }
        traces
    }

    /// Sums over the windows of the channel added last.
    fn add_sums(&mut self) {
        for lag in 0..self.n_lags {
            let window = self.window(self.channels.len() - 1, lag);
            let absolute = window.iter().map(|&value| f64::from(value.abs())).sum();
            let squares = window.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
            self.absolute.push(absolute);
            self.squares.push(squares);
        }
    }

    /// Values in the window that begins at sample `lag`, of the channel at this place in `channels`.
    pub(super) fn window(&self, place: usize, lag: usize) -> &[f32] {
        let start = place * self.n_samples + lag;
        &self.traces[start..start + self.window]
    }

    /// Sum of absolute values of that window.
    pub(super) fn absolute(&self, place: usize, lag: usize) -> f64 {
        self.absolute[place * self.n_lags + lag]
    }

    /// Sum of squares of that window.
    pub(super) fn squares(&self, place: usize, lag: usize) -> f64 {
        self.squares[place * self.n_lags + lag]
    }
}

/// Places `(in a, in b)` of the channels that both have.
pub(super) fn common_channels(a: &ChannelTraces, b: &ChannelTraces) -> Vec<(usize, usize)> {
    let mut common = Vec::new();
    let mut place_b = 0;
    for (place_a, channel) in a.channels.iter().enumerate() {
        while b.channels.get(place_b).is_some_and(|other| other < channel) {
            place_b += 1;
        }
        if b.channels.get(place_b) == Some(channel) {
            common.push((place_a, place_b));
        }
    }
    common
}

/// Sum over pairs of values, in eight fixed lanes that a compiler turns into vector instructions.
pub(super) fn sum_over(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    let tail: f64 = rest.map(|(&a, &b)| term(f64::from(a), f64::from(b))).sum();
    for (a, b) in chunks_a.zip(chunks_b) {
        for lane in 0..8 {
            lanes[lane] += term(f64::from(a[lane]), f64::from(b[lane]));
        }
    }
    lanes.iter().sum::<f64>() + tail
}
