// Part V: quality metrics.

function qualitySection(slot) {
  const runs = range(report.runs.length).filter((r) => report.runs[r].metrics.length);
  if (!runs.length) slot.append(el("p", { class: "missing" }, "Quality metrics: not available – no run has any."));
  const names = [...new Map(runs.flatMap((r) => report.runs[r].metrics.map((m) => [m.name, m]))).values()],
    quality = part(report.quality);
  if (quality?.rules.length) slot.append(...heading("Units that meet a rule"), ruleTable(quality));
  if (runs.length) {
    slot.append(
      ...heading("Distributions", "Dashed lines: limits beyond which a value is suspicious."),
      grid(...names.map((m) => metricHistogram(m, runs))),
    );
    slot.append(
      ...heading("Two metrics against each other"),
      grid(
        metricScatter(runs, names),
        ...(part(report.agreement)?.pairs ?? []).slice(0, 1).map((p) => matchedMetric(p, names)),
      ),
    );
    for (const r of runs) slot.append(folded(`All metrics of ${runName(r)}`, () => metricTable(r)));
  }
  if (quality?.roc.length)
    slot.append(
      ...heading(
        "Do the metrics tell well detected units from others?",
        "Units with an accuracy of 0.8 or more against the rest, as the limit on a metric moves.",
      ),
      grid(rocFigure(quality)),
    );
}

const metricLabel = (m) => `${m.label || m.name}${m.unit ? ` (${m.unit})` : ""}`;

function metricHistogram(metric, runs) {
  const values = runs.map((r) => metricOf(r, metric.name)?.values.v ?? []),
    all = values.flatMap((v) => finite(v)),
    limits = extent(all);
  const lines = [
    ["suspicious_above", "suspicious above"],
    ["suspicious_below", "suspicious below"],
  ]
    .filter(([k]) => metric[k] !== null)
    .map(([k, label]) => ({ x: metric[k], label }));
  const bins = values.map((v) => histogram(v, 24, limits));
  return figure({
    name: `metric-${metric.name}`,
    title: metric.label || metric.name,
    height: 210,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: metricLabel(metric),
        yLabel: "units",
        lines,
        series: runs.map((r, k) => ({
          name: runName(r),
          kind: "area",
          x: bins[k].x,
          y: bins[k].y,
          colour: runColour(r),
          width: 1.4,
          label: (i) => `${bins[k].y[i]} units at ${fmt(bins[k].x[i])}`,
        })),
      }),
    data: () => ({ bin: bins[0].x, ...Object.fromEntries(runs.map((r, k) => [runName(r), bins[k].y])) }),
    legend: () => runs.map((r, k) => [runColour(r), `${runName(r)}: median ${fmt(quantile(values[k], 0.5))}`]),
  });
}

function metricScatter(runs, names) {
  let x =
      names[
        Math.min(
          names.length - 1,
          Math.max(
            0,
            names.findIndex((m) => m.name === "snr"),
          ),
        )
      ].name,
    y = (names.find((m) => m.name === "isi_violations_ratio") ?? names.at(-1)).name;
  const value = (r, name) => metricOf(r, name)?.values.v ?? new Float64Array(report.runs[r].units.length).fill(NaN),
    find = (name) => names.find((m) => m.name === name),
    options = names.map((m) => [m.name, m.label || m.name]);
  const node = figure({
    name: "metric-scatter",
    title: "Metrics of all units",
    half: true,
    height: 320,
    controls: [
      choice(
        "Across",
        options,
        (v) => {
          x = v;
          node.figure.redraw();
        },
        x,
      ),
      choice(
        "Up",
        options,
        (v) => {
          y = v;
          node.figure.redraw();
        },
        y,
      ),
    ],
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: metricLabel(find(x)),
        yLabel: metricLabel(find(y)),
        series: runs.map((r) => ({
          name: runName(r),
          kind: "points",
          x: value(r, x),
          y: value(r, y),
          colour: runColour(r),
          alpha: 0.65,
          ringed: (i) => selection.run === r && selection.unit === i,
          label: (i) => `${unitId(r, i)}: ${fmt(value(r, x)[i])}, ${fmt(value(r, y)[i])}`,
          pick: (i) => selectUnit(r, i, { jump: true }),
        })),
      }),
    data: () =>
      Object.fromEntries(
        runs.flatMap((r) => [
          [`${runName(r)} unit`, report.runs[r].units.map((u) => u.id)],
          [`${runName(r)} ${x}`, value(r, x)],
          [`${runName(r)} ${y}`, value(r, y)],
        ]),
      ),
    legend: () => runs.map((r) => [runColour(r), runName(r)]),
  });
  onSelection(() => node.figure.stale());
  return node;
}

function matchedMetric(p, names) {
  const shared = names.filter((m) => metricOf(p.a, m.name) && metricOf(p.b, m.name)),
    list = matchedPairs(p);
  if (!shared.length) return missing("Metrics of matched units", "the two runs share no metric");
  let name = shared[0].name;
  const value = (run, unit) => metricOf(run, name).values.v[unit];
  const node = figure({
    name: "metric-pairs",
    title: "The same metric of matched units",
    half: true,
    height: 320,
    controls: [
      choice(
        "Metric",
        shared.map((m) => [m.name, m.label || m.name]),
        (v) => {
          name = v;
          node.figure.redraw();
        },
        name,
      ),
    ],
    draw: (body, w, h) => {
      const x = list.map(([i]) => value(p.a, i)),
        y = list.map(([, j]) => value(p.b, j)),
        limits = padded(x.concat(y));
      return xy(body, w, h, {
        xLabel: runName(p.a),
        yLabel: runName(p.b),
        xRange: limits,
        yRange: limits,
        diagonal: true,
        series: [
          {
            name: "pair",
            kind: "points",
            x,
            y,
            colour: themed("accent"),
            label: (k) => `${unitName(p.a, list[k][0])}: ${fmt(x[k])}; ${unitName(p.b, list[k][1])}: ${fmt(y[k])}`,
            pick: (k) => selectUnit(p.a, list[k][0], { jump: true }),
          },
        ],
      });
    },
    data: () => ({
      [runName(p.a)]: list.map(([i]) => unitId(p.a, i)),
      [runName(p.b)]: list.map(([, j]) => unitId(p.b, j)),
      a: list.map(([i]) => value(p.a, i)),
      b: list.map(([, j]) => value(p.b, j)),
    }),
  });
  return node;
}

function ruleTable(quality) {
  return table({
    name: "rules",
    rows: quality.rules,
    columns: [
      { label: "name", value: (r) => r.name },
      { label: "rule", value: (r) => r.rule },
      ...report.runs.map((run, i) => ({
        label: run.name,
        value: (r) => r.units[i] ?? null,
        text: (r) =>
          r.units[i] === null || r.units[i] === undefined ? "–" : `${fmt(r.units[i])} of ${fmt(run.units.length)}`,
      })),
    ],
  }).node;
}
function metricTable(run) {
  const metrics = report.runs[run].metrics;
  return table({
    name: `quality_metrics-${run}`,
    rows: range(report.runs[run].units.length),
    select: (i) => selectUnit(run, i, { jump: true }),
    columns: [
      { label: "unit", value: (i) => unitId(run, i) },
      ...metrics.map((m) => ({ label: m.label || m.name, unit: m.unit, title: m.name, value: (i) => m.values.v[i] })),
    ],
  }).node;
}
function rocFigure(quality) {
  const dash = [undefined, [6, 3], [2, 3], [8, 3, 2, 3]],
    metrics = [...new Set(quality.roc.map((r) => r.metric))];
  return figure({
    name: "roc",
    title: "Metrics against accuracy",
    half: true,
    height: 320,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "false positive rate",
        yLabel: "true positive rate",
        xRange: [0, 1],
        yRange: [0, 1.02],
        diagonal: true,
        series: quality.roc.map((r) => ({
          name: `${runName(r.run)}, ${r.metric}`,
          x: r.false_positive_rate,
          y: r.true_positive_rate,
          colour: themed(`run-${metrics.indexOf(r.metric) % 4}`),
          dash: dash[Math.max(0, sortings().indexOf(r.run)) % 4],
        })),
      }),
    data: () =>
      Object.fromEntries(
        quality.roc.flatMap((r) => [
          [`${runName(r.run)} ${r.metric} fpr`, r.false_positive_rate],
          [`${runName(r.run)} ${r.metric} tpr`, r.true_positive_rate],
        ]),
      ),
    legend: () =>
      quality.roc.map((r) => [
        themed(`run-${metrics.indexOf(r.metric) % 4}`),
        `${r.metric}, ${runName(r.run)}: area ${fmt(r.area, 2)}`,
        sortings().indexOf(r.run) > 0 ? "dashed" : "",
      ]),
  });
}
