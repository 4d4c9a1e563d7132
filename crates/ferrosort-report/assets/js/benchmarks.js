// Part IV, continued: tolerance, overlaps, collisions, scores by other definitions, changes.

function toleranceFigure(list) {
  const found = list.map((c) => [c, part(c.tolerance)]).filter(([, t]) => t);
  if (!found.length) return missing("Accuracy against tolerance", list[0].tolerance);
  return figure({
    name: "tolerance",
    title: "Mean accuracy against tolerance",
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "tolerance (ms)",
        yLabel: "mean accuracy",
        yRange: [0, 1.02],
        lines: [{ x: list[0].tolerance_ms, label: "used" }],
        series: found.flatMap(([c, t]) => {
          const all = [
            { name: runName(c.run), x: t.tolerance_ms, y: t.mean_accuracy, colour: runColour(c.run), dots: true },
          ];
          if (t.mean_accuracy_offset_removed.length)
            all.push({
              name: `${runName(c.run)}, offset removed`,
              x: t.tolerance_ms,
              y: t.mean_accuracy_offset_removed,
              colour: runColour(c.run),
              dash: [5, 4],
            });
          return all;
        }),
      }),
    data: () => ({
      tolerance_ms: found[0][1].tolerance_ms.v,
      ...Object.fromEntries(
        found.flatMap(([c, t]) => [
          [`${runName(c.run)} mean accuracy`, t.mean_accuracy.v],
          [`${runName(c.run)} offset removed`, t.mean_accuracy_offset_removed.v],
          [`${runName(c.run)} units above 0.8`, t.units_above.v],
        ]),
      ),
    }),
    legend: () => found.map(([c]) => [runColour(c.run), runName(c.run)]),
    note: found.some(([, t]) => t.mean_accuracy_offset_removed.length)
      ? "Dashed: the known offset of the truth removed."
      : "",
  });
}

function overlapFigure(list) {
  const found = list.map((c) => [c, part(c.overlap)]).filter(([, o]) => o);
  if (!found.length) return missing("Recall by overlap", list[0].overlap);
  const kinds = found[0][1].kinds,
    wide = 0.8 / found.length;
  return figure({
    name: "overlap",
    title: "Recall of spikes that overlap others",
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "",
        yLabel: "recall",
        names: kinds,
        xRange: [-0.6, kinds.length - 0.4],
        yRange: [0, 1.05],
        series: found.map(([c, o], n) => ({
          name: runName(c.run),
          kind: "bars",
          gap: 1,
          barWidth: wide,
          shift: n - (found.length - 1) / 2,
          x: range(kinds.length),
          y: o.recall.v,
          colour: runColour(c.run),
          label: (i) => `${kinds[i]}: ${fmt(o.recall.v[i], 3)} of ${fmt(o.n_spikes.v[i])} spikes`,
        })),
      }),
    data: () => ({
      kind: kinds,
      ...Object.fromEntries(
        found.flatMap(([c, o]) => [
          [`${runName(c.run)} recall`, o.recall.v],
          [`${runName(c.run)} spikes`, o.n_spikes.v],
        ]),
      ),
    }),
    legend: () => found.map(([c]) => [runColour(c.run), runName(c.run)]),
  });
}

function collisionFigures(truth, c) {
  const k = part(c.collisions);
  if (!k) return [missing(`Collisions of ${runName(c.run)}`, c.collisions)];
  const edges = k.lag_edges_ms,
    centres = edges.slice(1).map((e, i) => (e + edges[i]) / 2),
    bins = k.similarity_edges.length - 1;
  const colour = (b) => rgb(marking(bins > 1 ? (b / (bins - 1)) * 0.9 : 0.5)),
    of = (b) => k.mean_recall.row(b);
  return [
    figure({
      name: `collisions-${c.run}`,
      title: `Recall of colliding spikes, ${runName(c.run)}`,
      draw: (body, w, h) =>
        heatmap(body, w, h, {
          rows: k.pairs.length,
          columns: centres.length,
          value: (i, j) => k.recall.at(k.pairs.length - 1 - i, j),
          limits: [0, 1],
          xRange: [edges[0], edges.at(-1)],
          xLabel: "lag (ms)",
          yLabel: "pairs, more similar templates above",
          barLabel: "recall",
          cell: (i, j) => {
            const p = k.pairs[k.pairs.length - 1 - i];
            return [
              `true ${unitId(truth.truth_run, p[0])} and ${unitId(truth.truth_run, p[1])}`,
              `similarity ${fmt(k.similarity.v[k.pairs.length - 1 - i])}, lag ${fmt(centres[j])} ms`,
            ];
          },
          pick: (i) => selectUnit(truth.truth_run, k.pairs[k.pairs.length - 1 - i][0], { jump: true }),
        }),
      data: () => ({
        unit: k.pairs.map((p) => unitId(truth.truth_run, p[0])),
        other: k.pairs.map((p) => unitId(truth.truth_run, p[1])),
        similarity: k.similarity.v,
        ...Object.fromEntries(
          centres.map((t, j) => [`${t.toFixed(2)} ms`, range(k.pairs.length).map((i) => k.recall.at(i, j))]),
        ),
      }),
      note: `${fmt(k.n_events)} events.`,
    }),
    figure({
      name: `collision-curves-${c.run}`,
      title: `Mean recall by template similarity, ${runName(c.run)}`,
      draw: (body, w, h) =>
        xy(body, w, h, {
          xLabel: "lag (ms)",
          yLabel: "recall",
          yRange: [0, 1.04],
          series: range(bins).map((b) => ({
            name: `similarity ${fmt(k.similarity_edges[b], 1)} to ${fmt(k.similarity_edges[b + 1], 1)}`,
            x: centres,
            y: of(b),
            colour: colour(b),
          })),
        }),
      data: () => ({
        lag_ms: centres,
        ...Object.fromEntries(
          range(bins).map((b) => [
            `similarity ${k.similarity_edges[b].toFixed(2)} to ${k.similarity_edges[b + 1].toFixed(2)}`,
            of(b),
          ]),
        ),
      }),
      legend: () =>
        range(bins).map((b) => [colour(b), `${fmt(k.similarity_edges[b], 1)} to ${fmt(k.similarity_edges[b + 1], 1)}`]),
    }),
  ];
}

function benchmarkFigure(c) {
  const k = part(c.ks_benchmark);
  if (!k) return missing(`Kilosort benchmark of ${runName(c.run)}`, c.ks_benchmark);
  const curves = [
    ["initial_fp", "first: false positives", "run-0", true],
    ["initial_miss", "first: missed", "run-1", true],
    ["final_fp", "after merges: false positives", "run-0", false],
    ["final_miss", "after merges: missed", "run-1", false],
    ["undetected", "in no cluster", "run-2", false],
  ];
  const sorted = (key) => Float64Array.from(finite(k[key].v)).sort();
  return figure({
    name: `ks-benchmark-${c.run}`,
    title: `Kilosort benchmark: errors, ${runName(c.run)}`,
    half: true,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "ground truth cluster, each curve sorted",
        yLabel: "fractional error",
        yRange: [0, 1.02],
        series: curves.map(([key, name, colour, first]) => ({
          name,
          x: range(k[key].length).map((i) => i + 1),
          y: sorted(key),
          colour: themed(colour),
          dash: first ? [2, 3] : undefined,
          dots: first && k[key].length < 80,
        })),
      }),
    data: () => ({
      unit: range(k.initial_fp.length).map((i) => unitId(truthRun(), i)),
      ...Object.fromEntries(curves.map(([key]) => [key, k[key].v])),
      initial_score: k.initial_score.v,
      final_score: k.final_score.v,
      merges: k.merges.map((m) => m.map((u) => unitId(c.run, u)).join(" ")),
    }),
    legend: () => curves.map(([, name, colour, first]) => [themed(colour), name, first ? "dashed" : ""]),
    facts: k.facts,
  });
}

function crossTable(truth, c) {
  const t = part(c.cross_table),
    k = part(c.ks_benchmark);
  if (!t) return missing(`Scores by other definitions, ${runName(c.run)}`, c.cross_table);
  const column = (label, array, title) => ({ label, title, value: (i) => array.v[i] ?? NaN });
  return folded(
    `All scores of ${runName(c.run)} per true unit`,
    () =>
      table({
        name: `scores-${c.run}`,
        rows: range(t.spikeinterface.length),
        select: (i) => selectUnit(truth.truth_run, i, { jump: true }),
        columns: [
          { label: "true unit", value: (i) => unitId(truth.truth_run, i) },
          { label: "spikes", value: (i) => report.runs[truth.truth_run].units[i].n_spikes },
          column("SpikeInterface", t.spikeinterface, "accuracy of the one-to-one match"),
          column("SpikeForest", t.spikeforest, "accuracy of the best unit"),
          column("Kilosort, first", t.ks_initial),
          column("Kilosort, merged", t.ks_final),
          column("Kilosort4", t.kilosort4),
          { label: "merged units", value: (i) => k?.merges[i]?.map((u) => unitId(c.run, u)).join(", ") ?? "" },
        ],
      }).node,
  );
}

function changeFigure(truth, list) {
  const [a, b] = list,
    units = report.runs[truth.truth_run].units,
    change = range(units.length).map((i) => b.accuracy.v[i] - a.accuracy.v[i]);
  return figure({
    name: "accuracy-change",
    title: `Accuracy of ${runName(b.run)} minus ${runName(a.run)}`,
    half: true,
    height: 320,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "signal to noise",
        yLabel: "along the probe (µm)",
        series: [
          {
            name: "change",
            kind: "points",
            size: 5,
            x: units.map((u) => u.snr ?? NaN),
            y: units.map((u) => u.y_um ?? NaN),
            colours: change.map((d) => rgb(diverging(d))),
            colour: themed("muted"),
            alpha: 1,
            outlined: true,
            label: (i) => `true unit ${units[i].id}: ${change[i] > 0 ? "+" : ""}${fmt(change[i], 2)}`,
            pick: (i) => selectUnit(truth.truth_run, i, { jump: true }),
          },
        ],
      }),
    data: () => ({
      unit: units.map((u) => u.id),
      snr: units.map((u) => u.snr),
      depth_um: units.map((u) => u.y_um),
      change,
    }),
    legend: () => [
      [rgb(diverging(0.8)), `${runName(b.run)} better`],
      [rgb(diverging(-0.8)), `${runName(a.run)} better`],
    ],
  });
}
