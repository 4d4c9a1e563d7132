// Part II: templates and spikes of two sortings side by side.

function outputsSection(slot) {
  const outputs = part(report.outputs);
  if (!outputs || !outputs.comparisons.length) slot.append(missing("Templates of two sortings", report.outputs));
  for (const c of outputs?.comparisons ?? []) {
    slot.append(
      ...heading(`${runName(c.a)} and ${runName(c.b)}`),
      grid(similarityFigure(c), el("div", { class: "half" }, similarityTable(c))),
    );
    if (c.pairs.length) slot.append(...pairViewer(c));
    else slot.append(el("p", { class: "missing" }, `No pair of units has a similarity above ${brief(c.threshold)}.`));
  }
  const withWaves = range(report.runs.length).filter((r) => report.runs[r].units.some((u) => part(u.waveforms)));
  if (withWaves.length) slot.append(...heading("All templates overlaid"), ...overlays(withWaves));
}

/** Orders of rows and columns. */
function matrixOrder(c, how) {
  const [rows, columns] = c.cosine.shape;
  if (how === "depth") return [byDepth(c.a), byDepth(c.b)];
  if (how === "id") return [range(rows), range(columns)];
  const best = range(rows).map((i) => extent(c.cosine.row(i))[1]),
    order = range(rows).sort((a, b) => best[b] - best[a] || a - b),
    taken = new Set(),
    cols = [];
  for (const i of order) {
    let at = -1;
    for (let j = 0; j < columns; j++) if (!taken.has(j) && (at < 0 || c.cosine.at(i, j) > c.cosine.at(i, at))) at = j;
    if (at >= 0) {
      taken.add(at);
      cols.push(at);
    }
  }
  return [order, cols.concat(range(columns).filter((j) => !taken.has(j)))];
}

function similarityFigure(c) {
  let kind = "cosine",
    how = "greedy";
  const hasDot = c.dot.length > 0,
    array = () => c[kind];
  const node = figure({
    name: `similarity-${c.a}-${c.b}`,
    title: "Similarity of templates",
    half: true,
    height: 460,
    controls: [
      hasDot
        ? choice(
            "Measure",
            [
              ["cosine", "cosine, best lag"],
              ["dot", "plain dot product"],
            ],
            (v) => {
              kind = v;
              node.figure.redraw();
            },
            kind,
          )
        : null,
      choice(
        "Order",
        [
          ["greedy", "along the diagonal"],
          ["depth", "depth"],
          ["id", "as given"],
        ],
        (v) => {
          how = v;
          node.figure.redraw();
        },
        how,
      ),
    ].filter(Boolean),
    draw: (body, w, h) => {
      const [rows, columns] = matrixOrder(c, how);
      return heatmap(body, w, h, {
        rows: rows.length,
        columns: columns.length,
        square: true,
        value: (i, j) => array().at(rows[i], columns[j]),
        limits: [0, 1],
        xLabel: `unit of ${runName(c.b)}`,
        yLabel: `unit of ${runName(c.a)}`,
        rowNames: rows.map((u) => unitId(c.a, u)),
        columnNames: columns.map((u) => unitId(c.b, u)),
        barLabel: kind,
        cell: (i, j) => [
          `${unitName(c.a, rows[i])} and ${unitName(c.b, columns[j])}`,
          c.lags.length ? `lag ${fmt(c.lags.at(rows[i], columns[j]))} samples` : "",
        ],
        pick: (i) => selectUnit(c.a, rows[i], { jump: true }),
      });
    },
    data: () => ({
      "": range(c.cosine.shape[0]).map((i) => unitId(c.a, i)),
      ...Object.fromEntries(
        range(c.cosine.shape[1]).map((j) => [unitId(c.b, j), range(c.cosine.shape[0]).map((i) => array().at(i, j))]),
      ),
    }),
    note: `Rows: ${runName(c.a)}; columns: ${runName(c.b)}.`,
  });
  return node;
}

function similarityTable(c) {
  const ua = report.runs[c.a].units,
    ub = report.runs[c.b].units,
    pair = part(report.agreement)?.pairs.find((p) => p.a === c.a && p.b === c.b);
  const best = range(ua.length).map((i) => {
    const row = c.cosine.row(i);
    let first = -1,
      second = -1;
    for (let j = 0; j < ub.length; j++) {
      if (first < 0 || row[j] > row[first]) {
        second = first;
        first = j;
      } else if (second < 0 || row[j] > row[second]) second = j;
    }
    return [first, second].filter((j) => j >= 0);
  });
  return table({
    name: `template_pairs-${c.a}-${c.b}`,
    rows: range(ua.length),
    sortBy: 2,
    max: 520,
    select: (i) => selectUnit(c.a, i, { jump: true }),
    columns: [
      { label: runName(c.a), value: (i) => ua[i].id },
      { label: runName(c.b), value: (i) => (best[i].length ? ub[best[i][0]].id : "–") },
      { label: "similarity", value: (i) => c.cosine.at(i, best[i][0]) },
      { label: "lag", unit: "samples", value: (i) => (c.lags.length ? c.lags.at(i, best[i][0]) : NaN) },
      { label: "second best", value: (i) => (best[i].length > 1 ? c.cosine.at(i, best[i][1]) : NaN) },
      { label: "depth difference", unit: "µm", value: (i) => (ub[best[i][0]]?.y_um ?? NaN) - (ua[i].y_um ?? NaN) },
      { label: "spikes", value: (i) => ua[i].n_spikes },
      { label: "spikes of the other", value: (i) => ub[best[i][0]]?.n_spikes ?? NaN },
      { label: "agreement", value: (i) => (pair ? pair.scores.at(i, best[i][0]) : NaN) },
    ],
  }).node;
}

function overlays(runs) {
  let channel = "best";
  const probe = part(report.probe),
    channels = probe ? range(probe.x_um.length) : [];
  const views = runs.map((run) =>
    figure({
      name: `templates-${run}`,
      title: `Templates of ${runName(run)}`,
      draw: (body, w, h) => {
        const series = report.runs[run].units.flatMap((u, i) => {
          const waves = part(u.waveforms),
            on = channel === "best" ? mainChannel(run, i) : Number(channel),
            row = waves ? waveOn(run, i, on) : null;
          if (!row) return [];
          // On their own channels all troughs lie at 0.
          const trough = channel === "best" ? row.indexOf(extent(row)[0]) : waves.spike_at,
            rate = (report.sample_rate_hz ?? 1000) / 1000;
          return [
            {
              name: unitName(run, i),
              x: range(row.length).map((t) => (t - trough) / rate),
              y: row,
              colour: unitColour(run, i, 0.75),
              width: 1,
              label: () => `channel ${on}`,
              pick: () => selectUnit(run, i, { jump: true }),
            },
          ];
        });
        if (!series.length) {
          body.append(el("p", { class: "missing" }, "No template is kept on this channel."));
          return 0;
        }
        return xy(body, w, h, { xLabel: "time from the trough (ms)", yLabel: report.runs[run].waveform_unit, series });
      },
      data: () =>
        Object.fromEntries(
          report.runs[run].units.flatMap((u, i) => {
            const row = waveOn(run, i, channel === "best" ? mainChannel(run, i) : Number(channel));
            return row ? [[u.id, row]] : [];
          }),
        ),
    }),
  );
  const control = el(
    "div",
    { class: "controls loose" },
    choice(
      "Channel",
      [["best", "each unit's own best channel"], ...channels.map((ch) => [ch, `channel ${ch}`])],
      (v) => {
        channel = v;
        for (const f of views) f.figure.redraw();
      },
    ),
  );
  return [control, grid(...views)];
}
