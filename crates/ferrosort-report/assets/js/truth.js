// Part IV: sortings against the truth.

const COVARIATES = {
  snr: ["signal to noise", (u) => u.snr, "SNR"],
  depth: ["along the probe (µm)", (u) => u.y_um, "depth"],
  rate: ["rate (Hz)", (u) => u.rate_hz, "rate"],
  amplitude: ["amplitude (µV)", (u) => u.amplitude_uv, "amplitude"],
};

function truthSection(slot) {
  const truth = part(report.truth);
  if (!truth) return slot.append(missing("Comparison with known spikes", report.truth));
  const list = truth.comparisons;
  slot.append(
    el(
      "p",
      { class: "lead" },
      `${fmt(report.runs[truth.truth_run].units.length)} known units; spikes within ${brief(list[0].tolerance_ms)} ms count as the same. Accuracy = true positives / (true positives + misses + false positives).`,
    ),
    grid(
      sortedScores("accuracy"),
      sortedScores("recall"),
      sortedScores("precision"),
      unitsAbove("truth-curve"),
      classBars(list),
      ...list.map(factsCard),
    ),
    ...heading("What accuracy depends on"),
    grid(...Object.keys(COVARIATES).map((key) => accuracyAgainst(`accuracy-${key}`, key))),
    ...heading("Unit by unit"),
    performanceTable(truth),
    classLists(list),
    ...heading(
      "Confusion",
      "Rows are true units, columns are found units. Off-diagonal spikes show merges and splits.",
    ),
    grid(...list.flatMap((c) => confusionFigures(truth, c))),
    ...heading("Tolerance, overlaps and collisions"),
    grid(toleranceFigure(list), overlapFigure(list), ...list.flatMap((c) => collisionFigures(truth, c))),
    ...heading(
      "Kilosort benchmark and other scores",
      "The best cluster per true unit, and after ideal merges, as the benchmarks of Kilosort count; beside it the scores of SpikeInterface, SpikeForest and Kilosort4.",
    ),
    grid(...list.map((c) => benchmarkFigure(c))),
    ...list.map((c) => crossTable(truth, c)),
  );
  if (list.length > 1) slot.append(...heading("Change between two sortings"), grid(changeFigure(truth, list)));
}

const factsCard = (c) => el("div", { class: "card" }, el("h4", {}, `Averages: ${runName(c.run)}`), factList(c.facts));

function sortedScores(key) {
  const series = () =>
    comparisons().map((c) => {
      const order = range(c[key].length).sort((a, b) => c[key].v[b] - c[key].v[a]);
      return {
        name: runName(c.run),
        colour: runColour(c.run),
        dots: order.length <= 60,
        x: order.map((_, i) => i + 1),
        y: order.map((i) => c[key].v[i]),
        order,
        label: (i) => `${unitName(truthRun(), order[i])}: ${fmt(c[key].v[order[i]], 3)}`,
        pick: (i) => selectUnit(truthRun(), order[i], { jump: true }),
      };
    });
  return figure({
    name: `sorted-${key}`,
    title: `${key[0].toUpperCase()}${key.slice(1)}, true units from best to worst`,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "rank of the true unit",
        yLabel: key,
        yRange: [-0.03, 1.03],
        series: series(),
        lines: key === "accuracy" ? [{ y: 0.8, label: "0.8" }] : [],
      }),
    data: () =>
      Object.fromEntries(
        comparisons().flatMap((c) => {
          const order = range(c[key].length).sort((a, b) => c[key].v[b] - c[key].v[a]);
          return [
            [`${runName(c.run)} unit`, order.map((i) => unitId(truthRun(), i))],
            [`${runName(c.run)} ${key}`, order.map((i) => c[key].v[i])],
          ];
        }),
      ),
    legend: () => comparisons().map((c) => [runColour(c.run), runName(c.run)]),
  });
}

function unitsAbove(name) {
  const x = range(101).map((i) => i / 100),
    count = (c) => x.map((t) => c.accuracy.v.filter((a) => a >= t && a > 0).length);
  return figure({
    name,
    title: "Units found with at least this accuracy",
    height: name.startsWith("overview") ? 262 : 260,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "accuracy",
        yLabel: "true units",
        xRange: [0, 1.02],
        yRange: [0, comparisons()[0].accuracy.length * 1.04],
        lines: [
          { x: 0.8, label: "0.8" },
          { y: comparisons()[0].accuracy.length, label: "all true units" },
        ],
        series: comparisons().map((c) => ({
          name: runName(c.run),
          x,
          y: count(c),
          colour: runColour(c.run),
          width: 2,
          label: (i) => `${count(c)[i]} units with accuracy ≥ ${fmt(x[i], 2)}`,
        })),
      }),
    data: () => ({ accuracy: x, ...Object.fromEntries(comparisons().map((c) => [runName(c.run), count(c)])) }),
    legend: () => comparisons().map((c) => [runColour(c.run), runName(c.run)]),
  });
}

function accuracyAgainst(name, key, extra = {}) {
  const [label, of, short] = COVARIATES[key],
    units = report.runs[truthRun()].units,
    x = units.map((u) => of(u) ?? NaN);
  const curve = (fit) => {
    const [low, high] = extent(x),
      [k, x0, b] = fit.sigmoid,
      at = range(101).map((i) => low + ((high - low) * i) / 100);
    return { x: at, y: at.map((v) => 1 / (1 + Math.exp(-k * (v - x0))) + b) };
  };
  const node = figure({
    name,
    title: `Accuracy against ${short}`,
    quarter: !name.startsWith("overview"),
    height: name.startsWith("overview") ? 262 : 260,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: label,
        yLabel: "accuracy",
        yRange: [-0.04, 1.06],
        series: comparisons().flatMap((c, n) => {
          const fit = c.fits.find((f) => f.against === key),
            colour = runColour(c.run),
            marks = [];
          if (fit?.sigmoid)
            marks.push({
              name: `${runName(c.run)}: fit`,
              ...curve(fit),
              colour,
              width: 1.4,
              quiet: true,
              dash: [6, 3],
            });
          if (fit?.bin_x.length)
            marks.push({
              name: `${runName(c.run)}: mean of a bin`,
              x: fit.bin_x.v,
              y: fit.bin_accuracy.v,
              colour,
              width: 2,
              alpha: 0.5,
              quiet: true,
            });
          marks.push({
            name: runName(c.run),
            kind: "points",
            x,
            y: c.accuracy.v,
            colour,
            size: 3.6,
            alpha: 0.65,
            shape: n % 2 ? "square" : "round",
            ringed: (i) => selection.run === truthRun() && selection.unit === i,
            label: (i) => `true unit ${units[i].id}: ${fmt(c.accuracy.v[i], 3)} at ${fmt(x[i])}`,
            pick: (i) => selectUnit(truthRun(), i, { jump: true }),
          });
          return marks;
        }),
      }),
    data: () => ({
      unit: units.map((u) => u.id),
      [label]: x,
      ...Object.fromEntries(comparisons().map((c) => [`accuracy ${runName(c.run)}`, c.accuracy.v])),
    }),
    legend: () => comparisons().flatMap((c) => [[runColour(c.run), runName(c.run)]]),
    note: comparisons().some((c) => c.fits.some((f) => f.against === key))
      ? "Solid: means in bins of equal counts; dashed: sigmoid fit."
      : "",
    ...extra,
  });
  onSelection(() => node.figure.stale());
  return node;
}

const CLASS_NAMES = [
  ["well_detected", "well detected"],
  ["false_positive", "false positive"],
  ["redundant", "redundant"],
  ["overmerged", "merged"],
  ["bad", "unmatched"],
  ["oversplit", "split"],
  ["missed", "missed"],
];

function classBars(list) {
  const shown = list[0].exhaustive
    ? CLASS_NAMES
    : CLASS_NAMES.filter(([key]) => key === "well_detected" || key === "oversplit" || key === "missed");
  const value = (c, key) => (key === "well_detected" ? 1 : -1) * c.classes[key].length,
    wide = 0.8 / list.length;
  return figure({
    name: "unit-classes",
    title: "Units by kind: good ones up, bad ones down",
    span: "two-thirds",
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "",
        yLabel: "units",
        names: shown.map((s) => s[1]),
        xRange: [-0.6, shown.length - 0.4],
        lines: [{ y: 0, colour: themed("muted") }],
        series: list.map((c, n) => ({
          name: runName(c.run),
          kind: "bars",
          gap: 1,
          barWidth: wide,
          shift: n - (list.length - 1) / 2,
          x: range(shown.length),
          y: shown.map(([key]) => value(c, key)),
          colour: runColour(c.run),
          label: (i) => `${Math.abs(value(c, shown[i][0]))} ${shown[i][1]}`,
        })),
      }),
    data: () => ({
      kind: shown.map((s) => s[1]),
      ...Object.fromEntries(list.map((c) => [runName(c.run), shown.map(([key]) => c.classes[key].length)])),
    }),
    legend: () => list.map((c) => [runColour(c.run), runName(c.run)]),
  });
}

function classLists(list) {
  const truth = truthRun();
  return folded("Which units are of which kind", () =>
    el(
      "div",
      {},
      list.map((c) =>
        el(
          "div",
          {},
          el("h4", {}, runName(c.run)),
          CLASS_NAMES.filter(([key]) => c.classes[key].length).map(([key, text]) => {
            const run = key === "missed" || key === "oversplit" ? truth : c.run;
            return el(
              "p",
              {},
              `${text} (${c.classes[key].length}): `,
              c.classes[key].flatMap((u, i) => [i ? ", " : "", unitAnchor(run, u)]),
            );
          }),
        ),
      ),
    ),
  );
}
const unitAnchor = (run, unit, text) => el("a", { href: `#unit-${run}-${unit}` }, text ?? unitId(run, unit));

function performanceTable(truth) {
  const rows = truth.comparisons.flatMap((c) => range(c.accuracy.length).map((i) => ({ c, i })));
  const t = truth.truth_run;
  return folded(
    `Performance of every true unit (${rows.length} rows)`,
    () =>
      table({
        name: "performance_by_unit",
        rows,
        max: 380,
        sortBy: 3,
        descending: false,
        select: ({ i }) => selectUnit(t, i, { jump: true }),
        columns: [
          { label: "sorting", value: ({ c }) => runName(c.run) },
          { label: "true unit", value: ({ i }) => unitId(t, i) },
          { label: "found as", value: ({ c, i }) => (c.tested[i] === null ? "–" : unitId(c.run, c.tested[i])) },
          { label: "accuracy", value: ({ c, i }) => c.accuracy.v[i] },
          { label: "recall", value: ({ c, i }) => c.recall.v[i] },
          { label: "precision", value: ({ c, i }) => c.precision.v[i] },
          { label: "true positives", value: ({ c, i }) => c.true_positives.v[i] },
          { label: "misses", value: ({ c, i }) => c.misses.v[i] },
          { label: "false positives", value: ({ c, i }) => c.false_positives.v[i] },
          { label: "SNR", value: ({ i }) => report.runs[t].units[i].snr },
          { label: "depth", unit: "µm", value: ({ i }) => report.runs[t].units[i].y_um },
        ],
      }).node,
  );
}

function confusionFigures(truth, c) {
  const m = part(c.confusion),
    t = truth.truth_run;
  if (!m) return [missing(`Confusion matrix of ${runName(c.run)}`, c.confusion)];
  const [rows, columns] = m.counts.shape,
    rowName = (i) => (i < m.rows.length ? unitId(t, m.rows[i]) : "FP"),
    columnName = (j) => (j < m.columns.length ? unitId(c.run, m.columns[j]) : "FN");
  const pick = (i, j) =>
    i < m.rows.length
      ? selectUnit(t, m.rows[i], { jump: true })
      : j < m.columns.length && selectUnit(c.run, m.columns[j], { jump: true });
  const build = (name, title, array, extra) =>
    figure({
      name: `${name}-${c.run}`,
      title,
      half: true,
      height: 420,
      draw: (body, w, h) =>
        heatmap(body, w, h, {
          rows: array.shape[0],
          columns: array.shape[1],
          value: (i, j) => array.at(i, j),
          limits: [
            0,
            quantile(
              c.true_positives.v.filter((n) => n > 0),
              0.5,
            ) || 1,
          ],
          xLabel: `unit of ${runName(c.run)}`,
          yLabel: "true unit",
          rowNames: range(rows).map(rowName),
          columnNames: range(columns).map(columnName),
          cell: (i, j) => [`true ${rowName(i)}, ${runName(c.run)} ${columnName(j)}`],
          pick,
          numbers: rows <= 31 && columns <= 31,
          barLabel: "spikes",
          ...extra,
        }),
      data: () => ({
        "": range(array.shape[0]).map(rowName),
        ...Object.fromEntries(
          range(array.shape[1]).map((j) => [columnName(j), range(array.shape[0]).map((i) => array.at(i, j))]),
        ),
      }),
    });
  const list = [build("confusion", `Confusion matrix of ${runName(c.run)}`, m.counts, { lines: true })];
  if (m.all_matches.length)
    list.push(build("matches", `Matching spikes of all pairs, ${runName(c.run)}`, m.all_matches, {}));
  return list;
}
