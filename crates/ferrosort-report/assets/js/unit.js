// The page of one unit.

/** Figures of the selected unit. */
function unitPage(run, unit) {
  const u = report.runs[run].units[unit],
    colour = () => unitColour(run, unit);
  const waves = part(u.waveforms),
    spikes = part(u.spikes),
    name = (key) => `unit-${key}`;
  const cards = [];
  cards.push(
    figure({
      name: name("location"),
      title: "On the probe",
      height: 300,
      draw: (body, w, h) => probeMap(body, w, h, { run, around: unit, colour: (i) => unitColour(run, i) }),
      data: () => ({ unit: [u.id], x_um: [u.x_um], y_um: [u.y_um] }),
    }),
  );
  if (waves) {
    const main = mainChannel(run, unit),
      partner = partners(run, unit)[0],
      other = partner && part(report.runs[partner.run].units[partner.unit].waveforms);
    const set = { channels: waves.channels, rows: (i) => waves.mean.row(i), width: 1.6 };
    const sets = () =>
      [
        other && report.runs[partner.run].waveform_unit === report.runs[run].waveform_unit
          ? {
              channels: other.channels.filter((c) => waves.channels.includes(c)),
              rows: (i) =>
                other.mean.row(other.channels.indexOf(other.channels.filter((c) => waves.channels.includes(c))[i])),
              colour: themed("faint"),
              width: 2.4,
              shift: waves.spike_at - other.spike_at,
            }
          : null,
        { ...set, colour: colour() },
      ].filter(Boolean);
    cards.push(
      figure({
        name: name("waveform"),
        title: "Mean waveform at the contacts",
        height: 300,
        draw: (body, w, h) => wavesAtContacts(body, w, h, sets(), report.runs[run].waveform_unit, main),
        data: () => Object.fromEntries(waves.channels.map((c, i) => [`channel ${c}`, waves.mean.row(i)])),
        legend: () =>
          sets().length > 1
            ? [
                [colour(), unitName(run, unit)],
                [themed("faint"), unitName(partner.run, partner.unit)],
              ]
            : [],
      }),
    );
    cards.push(mainWaveform(run, unit, waves, main, colour));
  } else cards.push(missing("Waveforms", u.waveforms));
  const auto = part(u.autocorrelogram);
  cards.push(
    auto
      ? correlogramFigure(name("autocorrelogram"), "Autocorrelogram", auto, colour, [
          { x: -1.5 },
          { x: 1.5, label: "1.5 ms" },
        ])
      : missing("Autocorrelogram", u.autocorrelogram),
  );
  const isi = part(u.isi);
  cards.push(
    isi
      ? figure({
          name: name("isi"),
          title: "Intervals between spikes",
          height: 220,
          draw: (body, w, h) =>
            xy(body, w, h, {
              xLabel: "interval (ms)",
              yLabel: "count",
              xRange: [isi.start, isi.start + isi.width * isi.counts.length],
              lines: [{ x: 1.5, label: "1.5 ms" }],
              series: [
                {
                  name: "intervals",
                  kind: "bars",
                  x: range(isi.counts.length).map((i) => isi.start + (i + 0.5) * isi.width),
                  y: isi.counts,
                  barWidth: isi.width,
                  gap: 0,
                  colour: colour(),
                },
              ],
            }),
          data: () => ({
            interval_ms: range(isi.counts.length).map((i) => isi.start + i * isi.width),
            count: isi.counts,
          }),
        })
      : missing("Intervals", u.isi),
  );
  if (spikes) cards.push(...spikeFigures(run, unit, spikes, colour));
  const rate = part(u.rate_over_time),
    duration = report.duration_s ?? rate?.length;
  cards.push(
    rate
      ? figure({
          name: name("rate"),
          title: "Rate over time",
          height: 220,
          draw: (body, w, h) =>
            xy(body, w, h, {
              xLabel: "time (s)",
              yLabel: "rate (Hz)",
              xRange: [0, duration],
              yRange: [0, extent(rate.v)[1] * 1.1 || 1],
              series: [
                {
                  name: "rate",
                  kind: "area",
                  x: range(rate.length).map((i) => ((i + 0.5) / rate.length) * duration),
                  y: rate,
                  colour: colour(),
                },
              ],
            }),
          data: () => ({ time_s: range(rate.length).map((i) => ((i + 0.5) / rate.length) * duration), rate_hz: rate }),
        })
      : missing("Rate over time", u.rate_over_time),
  );
  const f = part(u.features);
  if (f)
    cards.push(
      figure({
        name: name("features"),
        title: "Features of its spikes",
        height: 220,
        draw: (body, w, h) =>
          xy(body, w, h, {
            xLabel: f.x_label,
            yLabel: f.y_label,
            series: [
              {
                name: "other units",
                kind: "points",
                quiet: true,
                size: 1.6,
                x: f.background.v.filter((_, i) => i % 2 === 0),
                y: f.background.v.filter((_, i) => i % 2),
                colour: themed("faint"),
              },
              {
                name: "this unit",
                kind: "points",
                quiet: true,
                size: 1.8,
                x: f.own.v.filter((_, i) => i % 2 === 0),
                y: f.own.v.filter((_, i) => i % 2),
                colour: colour(),
              },
            ],
          }),
        data: () => ({ own: f.own, background: f.background }),
        legend: () => [
          [colour(), "this unit"],
          [themed("faint"), "other units nearby"],
        ],
      }),
    );
  if (waves && u.similar.some((s) => part(report.runs[run].units[s.unit].waveforms)))
    cards.push(alikeFigure(run, unit, waves));
  for (const s of u.similar.slice(0, 4)) {
    const cross = part(s.correlogram);
    if (cross)
      cards.push(
        correlogramFigure(
          `unit-cross-${s.unit}`,
          `Spikes of ${unitId(run, s.unit)} around its spikes`,
          cross,
          () => unitColour(run, s.unit),
          [{ x: 0 }],
        ),
      );
  }
  return [unitHead(run, unit), el("div", { class: "unit-grid" }, cards)];
}

/** The unit's waveform over those of the units that look most like it: one neuron or several? */
function alikeFigure(run, unit, waves) {
  const others = report.runs[run].units[unit].similar
      .filter((s) => part(report.runs[run].units[s.unit].waveforms))
      .slice(0, 2),
    channels = waves.channels;
  const sets = () =>
    [...others, { unit }].map((s) => {
      const w = part(report.runs[run].units[s.unit].waveforms),
        kept = w.channels.filter((c) => channels.includes(c));
      return {
        channels: kept,
        rows: (i) => w.mean.row(w.channels.indexOf(kept[i])),
        colour: unitColour(run, s.unit),
        width: s.unit === unit ? 2 : 1.3,
      };
    });
  return figure({
    name: "unit-alike",
    title: "With the units that look most like it",
    height: 300,
    draw: (body, w, h) => wavesAtContacts(body, w, h, sets(), report.runs[run].waveform_unit, mainChannel(run, unit)),
    data: () =>
      Object.fromEntries(
        sets().flatMap((s, k) =>
          s.channels.map((c, i) => [`${unitId(run, [...others, { unit }][k].unit)} channel ${c}`, s.rows(i)]),
        ),
      ),
    legend: () => [{ unit }, ...others].map((s) => [unitColour(run, s.unit), unitId(run, s.unit)]),
  });
}

function unitHead(run, unit) {
  const u = report.runs[run].units[unit],
    doubts = suspicions(run, unit),
    classes = classesOf(run, unit);
  const facts = [
    ["spikes", fmt(u.n_spikes)],
    ["rate", `${fmt(u.rate_hz)} Hz`],
    ["depth", `${fmt(u.y_um, 0)} µm`],
    ["amplitude", `${fmt(u.amplitude_uv, 0)} µV`],
    ["SNR", fmt(u.snr, 1)],
    ["contamination", u.contamination_pct === null ? "–" : `${fmt(u.contamination_pct, 1)} %`],
    ["best channel", fmt(mainChannel(run, unit))],
  ];
  const links = partners(run, unit).map((p) =>
    el("li", {}, unitAnchor(p.run, p.unit, unitName(p.run, p.unit)), ` – ${p.kind} ${fmt(p.score, 3)}`),
  );
  const alike = u.similar.map((s) =>
    el(
      "li",
      {},
      unitAnchor(run, s.unit, unitId(run, s.unit)),
      ` – similarity ${fmt(s.similarity, 2)}`,
      s.merge_suggested ? el("strong", {}, " perhaps the same neuron") : "",
    ),
  );
  return el(
    "div",
    { class: "unit-head" },
    el(
      "h3",
      { id: "unit-title" },
      el("i", { class: "swatch", style: { background: unitColour(run, unit) } }),
      unitName(run, unit),
      u.label
        ? el("span", { class: `badge ${["good", "mua", "noise"].includes(u.label) ? u.label : ""}` }, u.label)
        : null,
      ...classes.map((word) => el("span", { class: "badge" }, word)),
    ),
    factList(facts.map(([name, text]) => ({ name, text, unit: "" }))),
    el(
      "div",
      { class: "columns" },
      el(
        "div",
        {},
        el("h4", {}, "Partners"),
        links.length ? el("ul", {}, links) : el("p", { class: "quiet" }, "No unit of another run matches."),
      ),
      el(
        "div",
        {},
        el("h4", {}, "Similar units"),
        alike.length ? el("ul", {}, alike) : el("p", { class: "quiet" }, "None."),
      ),
      el(
        "div",
        {},
        el("h4", {}, "Doubts"),
        doubts.length
          ? el(
              "ul",
              {},
              doubts.map((d) =>
                el(
                  "li",
                  {},
                  `${d.meaning[0].toUpperCase()}${d.meaning.slice(1)} (${d.metric.label || d.metric.name} ${fmt(d.value)}).`,
                ),
              ),
            )
          : el("p", { class: "quiet" }, report.runs[run].metrics.length ? "No metric is suspicious." : "No metrics."),
      ),
    ),
    report.runs[run].metrics.length
      ? folded("All quality metrics", () =>
          factList(
            report.runs[run].metrics.map((m) => ({ name: m.label || m.name, value: m.values.v[unit], unit: m.unit })),
          ),
        )
      : null,
  );
}
