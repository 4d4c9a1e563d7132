// Part III: agreement between sortings.

function agreementSection(slot) {
  const agreement = part(report.agreement);
  if (!agreement || !agreement.pairs.length) return slot.append(missing("Agreement of sortings", report.agreement));
  for (const p of agreement.pairs) {
    slot.append(
      ...heading(
        `${runName(p.a)} and ${runName(p.b)}`,
        `Spikes within ${brief(p.tolerance_ms)} ms count as the same. Agreement = matches / (spikes of either − matches).`,
      ),
      grid(
        agreementMatrix(p),
        bestAgreement(p, `best-agreement-${p.a}-${p.b}`),
        rateScatter(p, `pair-rate-${p.a}-${p.b}`, "rate_hz"),
        rateScatter(p, `pair-amplitude-${p.a}-${p.b}`, "amplitude_uv"),
        agreementAgainst(p, "snr", "signal to noise", "SNR"),
        agreementAgainst(p, "y_um", "along the probe (µm)", "depth"),
      ),
      matchTable(p),
    );
  }
  const consensus = part(agreement.consensus);
  if (consensus)
    slot.append(
      ...heading("Units that several sortings share"),
      grid(consensusBars(consensus)),
      consensusTable(consensus),
    );
}

function agreementMatrix(p) {
  const rows = p.row_order.length,
    columns = p.column_order.length;
  return figure({
    name: `agreement-${p.a}-${p.b}`,
    title: "Agreement of all units, in matching order",
    half: true,
    height: 420,
    draw: (body, w, h) =>
      heatmap(body, w, h, {
        rows,
        columns,
        value: (i, j) => p.scores.at(p.row_order[i], p.column_order[j]),
        limits: [0, 1],
        xLabel: `unit of ${runName(p.b)}`,
        yLabel: `unit of ${runName(p.a)}`,
        rowNames: p.row_order.map((u) => unitId(p.a, u)),
        columnNames: p.column_order.map((u) => unitId(p.b, u)),
        numbers: rows <= 16 && columns <= 16,
        barLabel: "agreement",
        cell: (i, j) => [`${unitName(p.a, p.row_order[i])} and ${unitName(p.b, p.column_order[j])}`],
        pick: (i) => selectUnit(p.a, p.row_order[i], { jump: true }),
      }),
    data: () => ({
      "": p.row_order.map((u) => unitId(p.a, u)),
      ...Object.fromEntries(p.column_order.map((u) => [unitId(p.b, u), p.row_order.map((i) => p.scores.at(i, u))])),
    }),
    note: `Rows: ${runName(p.a)}; columns: ${runName(p.b)}.`,
    facts: p.facts,
  });
}

/** Best score of each row and column. */
function bestScores(p) {
  const [rows, columns] = p.scores.shape,
    a = new Float64Array(rows),
    b = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const s = p.scores.at(i, j);
      a[i] = Math.max(a[i], s);
      b[j] = Math.max(b[j], s);
    }
  return [a, b];
}
function bestAgreement(p, name) {
  const [a, b] = bestScores(p),
    ha = histogram(a, 20, [0, 1]),
    hb = histogram(b, 20, [0, 1]);
  return figure({
    name,
    title: "Best agreement of each unit",
    height: name.startsWith("overview") ? 262 : 420,
    half: !name.startsWith("overview"),
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "best agreement",
        yLabel: "units",
        xRange: [0, 1],
        series: [
          [ha, p.a],
          [hb, p.b],
        ].map(([x, run], k) => ({
          name: runName(run),
          kind: "bars",
          x: x.x,
          y: x.y,
          barWidth: x.width / 2,
          shift: k - 0.5,
          colour: runColour(run),
          label: (i) => `${x.y[i]} units from ${fmt(x.x[i] - 0.025, 2)} to ${fmt(x.x[i] + 0.025, 2)}`,
        })),
      }),
    data: () => ({ bin: ha.x, [runName(p.a)]: ha.y, [runName(p.b)]: hb.y }),
    legend: () => [
      [runColour(p.a), runName(p.a)],
      [runColour(p.b), runName(p.b)],
    ],
  });
}
const matchedPairs = (p) => p.matches.flatMap((j, i) => (j === null ? [] : [[i, j]]));
function rateScatter(p, name, field) {
  const list = matchedPairs(p),
    ua = report.runs[p.a].units,
    ub = report.runs[p.b].units,
    label = field === "rate_hz" ? "rate (Hz)" : "amplitude (µV)";
  const x = list.map(([i]) => ua[i][field] ?? NaN),
    y = list.map(([, j]) => ub[j][field] ?? NaN),
    limits = padded(x.concat(y), 0.05);
  return figure({
    name,
    title: `${label[0].toUpperCase()}${label.slice(1).replace(/ \(.*/, "")} of matched units`,
    height: name.startsWith("overview") ? 262 : 260,
    quarter: !name.startsWith("overview"),
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: `${runName(p.a)}: ${label}`,
        yLabel: `${runName(p.b)}: ${label}`,
        xRange: limits,
        yRange: limits,
        diagonal: true,
        series: [
          {
            name: "pair",
            kind: "points",
            x,
            y,
            colours: list.map(([i, j]) => scoreColour(p.scores.at(i, j))),
            colour: themed("accent"),
            label: (k) =>
              `${unitName(p.a, list[k][0])}, ${unitName(p.b, list[k][1])}: agreement ${fmt(p.scores.at(...list[k]), 2)}`,
            pick: (k) => selectUnit(p.a, list[k][0], { jump: true }),
          },
        ],
      }),
    data: () => ({
      [runName(p.a)]: list.map(([i]) => unitId(p.a, i)),
      [runName(p.b)]: list.map(([, j]) => unitId(p.b, j)),
      [`${label} a`]: x,
      [`${label} b`]: y,
    }),
    note: "Colour: agreement (yellow is 1).",
  });
}
function agreementAgainst(p, field, label, short) {
  const [best] = bestScores(p),
    units = report.runs[p.a].units,
    x = units.map((u) => u[field] ?? NaN);
  return figure({
    name: `agreement-${field}-${p.a}-${p.b}`,
    title: `Best agreement against ${short}`,
    quarter: true,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: label,
        yLabel: "best agreement",
        yRange: [-0.04, 1.04],
        series: [
          {
            name: runName(p.a),
            kind: "points",
            x,
            y: best,
            colour: runColour(p.a),
            label: (i) => `${units[i].id}: ${fmt(best[i], 2)}`,
            pick: (i) => selectUnit(p.a, i, { jump: true }),
          },
        ],
      }),
    data: () => ({ unit: units.map((u) => u.id), [field]: x, best_agreement: best }),
  });
}
function matchTable(p) {
  const units = report.runs[p.a].units,
    [best] = bestScores(p);
  return folded(
    "Matches of every unit",
    () =>
      table({
        name: `hungarian-${p.a}-${p.b}`,
        rows: range(units.length),
        sortBy: 2,
        select: (i) => selectUnit(p.a, i, { jump: true }),
        columns: [
          { label: runName(p.a), value: (i) => units[i].id },
          { label: runName(p.b), value: (i) => (p.matches[i] === null ? "–" : unitId(p.b, p.matches[i])) },
          { label: "agreement", value: (i) => (p.matches[i] === null ? NaN : p.scores.at(i, p.matches[i])) },
          { label: "best agreement", value: (i) => best[i] },
          { label: "spikes", value: (i) => units[i].n_spikes },
          {
            label: "spikes of partner",
            value: (i) => (p.matches[i] === null ? NaN : report.runs[p.b].units[p.matches[i]].n_spikes),
          },
        ],
      }).node,
  );
}

function consensusBars(consensus) {
  const most = consensus.runs.length,
    counts = (run) =>
      range(most).map(
        (k) =>
          consensus.units.filter(
            (u) => u.members.length === k + 1 && (run === null || u.members.some(([r]) => r === run)),
          ).length,
      );
  const groups = [null, ...consensus.runs],
    wide = 0.8 / groups.length,
    colour = (run) => (run === null ? themed("muted") : runColour(run));
  return figure({
    name: "consensus",
    title: "Units by the number of sortings that have them",
    half: true,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "sortings",
        yLabel: "units",
        names: range(most).map((k) => String(k + 1)),
        xRange: [-0.6, most - 0.4],
        series: groups.map((run, n) => ({
          name: run === null ? "all" : runName(run),
          kind: "bars",
          gap: 1,
          barWidth: wide,
          shift: n - (groups.length - 1) / 2,
          x: range(most),
          y: counts(run),
          colour: colour(run),
          label: (i) => `${counts(run)[i]} units in ${i + 1}`,
        })),
      }),
    data: () => ({
      sortings: range(most).map((k) => k + 1),
      ...Object.fromEntries(groups.map((run) => [run === null ? "all" : runName(run), counts(run)])),
    }),
    legend: () => groups.map((run) => [colour(run), run === null ? "all" : runName(run)]),
  });
}
function consensusTable(consensus) {
  return folded(
    "All shared units",
    () =>
      table({
        name: "consensus",
        rows: consensus.units,
        sortBy: 1,
        select: (u) => selectUnit(...u.members[0], { jump: true }),
        columns: [
          ...consensus.runs.map((run) => ({
            label: runName(run),
            value: (u) =>
              u.members
                .filter(([r]) => r === run)
                .map(([r, i]) => unitId(r, i))
                .join(", ") || "–",
          })),
          { label: "sortings", value: (u) => u.members.length },
          { label: "mean agreement", value: (u) => (u.members.length > 1 ? u.mean_agreement : NaN) },
        ],
      }).node,
  );
}
