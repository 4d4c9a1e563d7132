// Plots of one unit: waveforms, correlograms, spikes over time.

function mainWaveform(run, unit, waves, main, colour) {
  const rate = (report.sample_rate_hz ?? 1000) / 1000,
    row = waves.mean.row(waves.channels.indexOf(main)),
    time = (n) => range(n).map((t) => (t - waves.spike_at) / rate);
  let how = waves.density.length ? "density" : "lines";
  const hasBoth = waves.density.length > 0 && waves.individual.length > 0;
  const node = figure({
    name: "unit-main-waveform",
    title: `On channel ${main}`,
    height: 260,
    controls: hasBoth
      ? [
          choice(
            "Show",
            [
              ["density", "density"],
              ["lines", "single spikes"],
            ],
            (v) => {
              how = v;
              node.figure.redraw();
            },
            how,
          ),
        ]
      : [],
    draw: (body, w, h) => {
      const unitName = report.runs[run].waveform_unit,
        x = time(row.length);
      if (how === "density" && waves.density.length) {
        const [levels, samples] = waves.density.shape,
          [low, high] = waves.density_range;
        return heatmap(body, w, h, {
          rows: levels,
          columns: samples,
          value: (i, j) => waves.density.at(levels - 1 - i, j) || NaN,
          limits: [0, extent(waves.density.v)[1]],
          xRange: [x[0], x.at(-1)],
          yRange: [low, high],
          xLabel: "time (ms)",
          yLabel: unitName,
          barLabel: "spikes",
          cell: (_, j) => [`${fmt(x[j])} ms`],
        });
      }
      const lines = waves.individual.length
        ? range(waves.individual.shape[0]).map((i) => ({
            name: "spike",
            quiet: true,
            x,
            y: waves.individual.row(i),
            colour: unitColour(run, unit, 0.22),
            width: 0.7,
          }))
        : [];
      return xy(body, w, h, {
        xLabel: "time (ms)",
        yLabel: unitName,
        series: [...lines, { name: "mean", x, y: row, colour: lines.length ? themed("text") : colour(), width: 2 }],
      });
    },
    data: () => ({
      time_ms: time(row.length),
      mean: row,
      ...Object.fromEntries(
        waves.individual.length
          ? range(waves.individual.shape[0]).map((i) => [`spike ${i}`, waves.individual.row(i)])
          : [],
      ),
    }),
  });
  return node;
}

function correlogramFigure(name, title, c, colour, lines = []) {
  const n = c.counts.length,
    x = range(n).map((i) => (i - n / 2 + 0.5) * c.bin_ms),
    half = (n / 2) * c.bin_ms;
  return figure({
    name,
    title,
    height: name.includes("cross") ? 190 : 260,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "lag (ms)",
        yLabel: "count",
        xRange: [-half, half],
        lines: c.baseline === null ? lines : [...lines, { y: c.baseline, label: "expected" }],
        series: [
          {
            name: title,
            kind: "bars",
            x,
            y: c.counts,
            barWidth: c.bin_ms,
            gap: 0,
            colour: colour(),
            label: (i) => `${fmt(x[i], 1)} ms: ${fmt(c.counts.v[i])}`,
          },
        ],
      }),
    data: () => ({ lag_ms: x, count: c.counts }),
  });
}

const VERDICTS = [
  ["run-1", "wrong"],
  ["run-2", "right"],
  ["run-3", "in another unit"],
];
function spikeFigures(run, unit, spikes, colour) {
  const label = report.runs[run].amplitude_unit || "amplitude",
    known = spikes.verdicts.length > 0,
    words =
      report.runs[run].role === "truth"
        ? ["missed", "found", "found in another unit"]
        : ["false positive", "true positive", "of another unit"];
  const colours = () => (known ? Array.from(spikes.verdicts.v, (v) => themed(VERDICTS[v]?.[0] ?? "muted")) : undefined),
    legend = () => (known ? [...new Set(spikes.verdicts.v)].sort().map((v) => [themed(VERDICTS[v][0]), words[v]]) : []);
  const overTime = (key, title, values, yLabel) =>
    figure({
      name: `unit-${key}`,
      title,
      height: 220,
      legend,
      draw: (body, w, h) => {
        const side = 70,
          left = el("div", { class: "beside" }),
          right = el("div", { class: "beside" });
        body.style.display = "flex";
        body.append(left, right);
        const limits = padded(values.v, 0.06),
          bins = histogram(values.v, 40, limits);
        const n = xy(left, w - side, h, {
          xLabel: "time (s)",
          yLabel,
          xRange: [0, report.duration_s ?? extent(spikes.times_s.v)[1]],
          yRange: limits,
          series: [
            {
              name: "spike",
              kind: "points",
              quiet: true,
              size: 1.7,
              x: spikes.times_s,
              y: values,
              colour: colour(),
              colours: colours(),
              alpha: 0.7,
            },
          ],
        });
        const { ctx } = sheet(right, side, h),
          top = Math.max(...bins.y) || 1,
          inner = h - 58;
        ctx.fillStyle = colour();
        bins.y.forEach((c, i) =>
          ctx.fillRect(2, 8 + inner * (1 - (i + 1) / 40), (c / top) * (side - 12), inner / 40 - 0.5),
        );
        return n;
      },
      data: () => ({ time_s: spikes.times_s, [key]: values, ...(known ? { verdict: spikes.verdicts } : {}) }),
      note:
        spikes.times_s.length < report.runs[run].units[unit].n_spikes
          ? `${fmt(spikes.times_s.length)} of ${fmt(report.runs[run].units[unit].n_spikes)} spikes, evenly chosen.`
          : "",
    });
  const list = [];
  if (spikes.amplitudes.length)
    list.push(
      overTime(
        "amplitudes",
        "Amplitude over time",
        spikes.amplitudes,
        label === "amplitude" ? label : `amplitude (${label})`,
      ),
    );
  if (spikes.depths_um.length) list.push(overTime("depths", "Depth over time", spikes.depths_um, "depth (µm)"));
  return list;
}
