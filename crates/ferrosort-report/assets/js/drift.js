// Part VI: drift.

function driftSection(slot) {
  const drift = part(report.drift);
  if (!drift || !drift.runs.length) return slot.append(missing("Drift", report.drift));
  for (const d of drift.runs) {
    slot.append(...heading(runName(d.run)));
    const items = [
      driftCloud(d, "points", "Spikes by depth over time"),
      driftCloud(d, "corrected", "The same after correction"),
    ];
    const motion = part(d.motion);
    if (motion)
      items.push(
        motionFigure(d, motion),
        motionMap(d, motion, "map"),
        motionMap(d, motion, "error"),
        el("div", { class: "card" }, el("h4", {}, "Numbers"), factList(motion.facts)),
      );
    else items.push(missing("Motion", d.motion));
    const stability = part(d.stability);
    items.push(...(stability ? stabilityFigures(d, stability) : [missing("Stability of units", d.stability)]));
    slot.append(grid(...items.filter(Boolean)));
  }
}

function driftCloud(d, key, title) {
  const points = part(d[key]);
  if (!points) return missing(title, d[key]);
  const shades = points.amplitudes.length ? points.amplitudes.v : new Float64Array(points.times_s.length).fill(1),
    low = quantile(shades, 0.02),
    high = quantile(shades, 0.98);
  return figure({
    name: `drift-${key}-${d.run}`,
    title,
    half: true,
    height: 380,
    draw: (body, w, h) =>
      cloud(body, w, h, {
        x: points.times_s.v,
        y: points.depths_um.v,
        shade: Array.from(shades, (a) => (high > low ? Math.min(Math.max((a - low) / (high - low), 0), 1) : 1)),
        xRange: [0, report.duration_s ?? extent(points.times_s.v)[1]],
        yRange: padded(points.depths_um.v, 0.02),
        xLabel: "time (s)",
        yLabel: "along the probe (µm)",
        barRange: [low, high],
        barLabel: "amplitude",
      }),
    data: () => ({ time_s: points.times_s, depth_um: points.depths_um, amplitude: points.amplitudes }),
  });
}
const knotColour = (k, n) => rgb(marking(n > 1 ? 0.08 + (0.75 * k) / (n - 1) : 0.4));
function motionFigure(d, m) {
  const n = m.depths_um.length,
    at = (array, k) => range(m.times_s.length).map((t) => array.at(t, k)),
    few = n <= 6 ? range(n) : range(6).map((k) => Math.round((k * (n - 1)) / 5));
  return figure({
    name: `motion-${d.run}`,
    title: "Displacement over time",
    half: true,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "time (s)",
        yLabel: "displacement (µm)",
        series: few.flatMap((k) =>
          [
            m.truth_um.length
              ? {
                  name: `true, ${fmt(m.depths_um.v[k], 0)} µm`,
                  x: m.times_s,
                  y: at(m.truth_um, k),
                  colour: knotColour(k, n),
                  dash: [5, 3],
                  width: 1.2,
                }
              : null,
            m.estimate_um.length
              ? {
                  name: `estimate, ${fmt(m.depths_um.v[k], 0)} µm`,
                  x: m.times_s,
                  y: at(m.estimate_um, k),
                  colour: knotColour(k, n),
                }
              : null,
          ].filter(Boolean),
        ),
      }),
    data: () => ({
      time_s: m.times_s,
      ...Object.fromEntries(
        range(n).flatMap((k) =>
          [
            ["estimate", m.estimate_um],
            ["true", m.truth_um],
          ]
            .filter(([, a]) => a.length)
            .map(([name, a]) => [`${name} at ${m.depths_um.v[k].toFixed(0)} µm`, at(a, k)]),
        ),
      ),
    }),
    legend: () => [
      ...few.map((k) => [knotColour(k, n), n > 1 ? `${fmt(m.depths_um.v[k], 0)} µm` : "estimate"]),
      ...(m.truth_um.length ? [[themed("muted"), "true", "dashed"]] : []),
    ],
  });
}
function motionMap(d, m, kind) {
  const known = m.truth_um.length,
    guess = m.estimate_um.length;
  if (kind === "error" && !(known && guess)) return null;
  const main = guess ? m.estimate_um : m.truth_um,
    n = m.depths_um.length,
    value = (depth, t) => (kind === "error" ? m.truth_um.at(t, depth) - m.estimate_um.at(t, depth) : main.at(t, depth));
  const top =
      Math.max(
        ...main.v.map((_, i) => Math.abs(kind === "error" ? m.truth_um.v[i] - m.estimate_um.v[i] : main.v[i])),
      ) || 1,
    times = m.times_s.v;
  return figure({
    name: `motion-${kind}-${d.run}`,
    title:
      kind === "error" ? "Error: true minus estimated displacement" : `${guess ? "Estimated" : "True"} displacement`,
    half: true,
    draw: (body, w, h) =>
      heatmap(body, w, h, {
        rows: n,
        columns: times.length,
        value: (i, j) => value(n - 1 - i, j),
        limits: both(top),
        kind: "diverging",
        xRange: [times[0], times.at(-1)],
        xLabel: "time (s)",
        yLabel: "depth bin (µm)",
        rowNames: range(n).map((i) => fmt(m.depths_um.v[n - 1 - i], 0)),
        barLabel: "µm",
        cell: (i, j) => [`${fmt(times[j], 1)} s, ${fmt(m.depths_um.v[n - 1 - i], 0)} µm`],
      }),
    data: () => ({
      time_s: times,
      ...Object.fromEntries(
        range(n).map((k) => [`${m.depths_um.v[k].toFixed(0)} µm`, range(times.length).map((t) => value(k, t))]),
      ),
    }),
  });
}
function stabilityFigures(d, s) {
  const [units, windows] = s.values.shape,
    order = byDepth(s.unit_run)
      .reverse()
      .filter((u) => u < units),
    means = range(windows).map((t) => mean(range(units).map((u) => s.values.at(u, t))));
  const isShare = s.value_label === "accuracy";
  const list = [
    figure({
      name: `stability-${d.run}`,
      title: `${s.value_label[0].toUpperCase()}${s.value_label.slice(1)} of each unit over time`,
      half: true,
      height: 320,
      draw: (body, w, h) =>
        heatmap(body, w, h, {
          rows: order.length,
          columns: windows,
          value: (i, j) => s.values.at(order[i], j),
          limits: isShare ? [0, 1] : [0, quantile(s.values.v, 0.98) || 1],
          xRange: [0, report.duration_s ?? windows],
          xLabel: "time (s)",
          yLabel: "unit (tip below)",
          barLabel: s.value_label,
          cell: (i, j) => [unitName(s.unit_run, order[i]), `${fmt(s.times_s.v[j], 1)} s`],
          pick: (i) => selectUnit(s.unit_run, order[i], { jump: true }),
        }),
      data: () => ({
        unit: order.map((u) => unitId(s.unit_run, u)),
        ...Object.fromEntries(
          range(windows).map((t) => [`${s.times_s.v[t].toFixed(1)} s`, order.map((u) => s.values.at(u, t))]),
        ),
      }),
      facts: s.facts,
    }),
  ];
  if (s.displacement_um.length)
    list.push(
      figure({
        name: `stability-displacement-${d.run}`,
        title: `Mean ${s.value_label} against displacement`,
        half: true,
        height: 320,
        draw: (body, w, h) =>
          xy(body, w, h, {
            xLabel: "absolute displacement (µm)",
            yLabel: `mean ${s.value_label}`,
            series: [
              {
                name: "window",
                kind: "points",
                size: 5,
                x: s.displacement_um,
                y: means,
                colour: runColour(d.run),
                label: (i) => `${fmt(s.times_s.v[i], 1)} s: ${fmt(means[i], 3)}`,
              },
            ],
          }),
        data: () => ({ time_s: s.times_s, displacement_um: s.displacement_um, [s.value_label]: means }),
      }),
    );
  return list;
}
