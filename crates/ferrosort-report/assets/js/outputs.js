// Part II: templates and spikes of two sortings side by side.

function outputsSection(slot) {
  const outputs = part(report.outputs);
  if (!outputs || !outputs.comparisons.length) slot.append(missing("Templates of two sortings", report.outputs));
  for (const c of outputs?.comparisons ?? []) {
    slot.append(...heading(`${runName(c.a)} and ${runName(c.b)}`), grid(similarityFigure(c), el("div", { class: "half" }, similarityTable(c))));
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
  const best = range(rows).map((i) => extent(c.cosine.row(i))[1]), order = range(rows).sort((a, b) => best[b] - best[a] || a - b), taken = new Set(), cols = [];
  for (const i of order) {
    let at = -1;
    for (let j = 0; j < columns; j++) if (!taken.has(j) && (at < 0 || c.cosine.at(i, j) > c.cosine.at(i, at))) at = j;
    if (at >= 0) { taken.add(at); cols.push(at); }
  }
  return [order, cols.concat(range(columns).filter((j) => !taken.has(j)))];
}

function similarityFigure(c) {
  let kind = "cosine", how = "greedy";
  const hasDot = c.dot.length > 0, array = () => c[kind];
  const node = figure({
    name: `similarity-${c.a}-${c.b}`, title: "Similarity of templates", half: true, height: 460,
    controls: [hasDot ? choice("Measure", [["cosine", "cosine, best lag"], ["dot", "plain dot product"]], (v) => { kind = v; node.figure.redraw(); }, kind) : null, choice("Order", [["greedy", "along the diagonal"], ["depth", "depth"], ["id", "as given"]], (v) => { how = v; node.figure.redraw(); }, how)].filter(Boolean),
    draw: (body, w, h) => {
      const [rows, columns] = matrixOrder(c, how);
      return heatmap(body, w, h, { rows: rows.length, columns: columns.length, square: true, value: (i, j) => array().at(rows[i], columns[j]), limits: [0, 1], xLabel: `unit of ${runName(c.b)}`, yLabel: `unit of ${runName(c.a)}`, rowNames: rows.map((u) => unitId(c.a, u)), columnNames: columns.map((u) => unitId(c.b, u)), barLabel: kind, cell: (i, j) => [`${unitName(c.a, rows[i])} and ${unitName(c.b, columns[j])}`, c.lags.length ? `lag ${fmt(c.lags.at(rows[i], columns[j]))} samples` : ""], pick: (i) => selectUnit(c.a, rows[i], { jump: true }) });
    },
    data: () => ({ "": range(c.cosine.shape[0]).map((i) => unitId(c.a, i)), ...Object.fromEntries(range(c.cosine.shape[1]).map((j) => [unitId(c.b, j), range(c.cosine.shape[0]).map((i) => array().at(i, j))])) }),
    note: `Rows: ${runName(c.a)}; columns: ${runName(c.b)}.`,
  });
  return node;
}

function similarityTable(c) {
  const ua = report.runs[c.a].units, ub = report.runs[c.b].units, pair = part(report.agreement)?.pairs.find((p) => p.a === c.a && p.b === c.b);
  const best = range(ua.length).map((i) => { const row = c.cosine.row(i); let first = -1, second = -1; for (let j = 0; j < ub.length; j++) { if (first < 0 || row[j] > row[first]) { second = first; first = j; } else if (second < 0 || row[j] > row[second]) second = j; } return [first, second].filter((j) => j >= 0); });
  return table({
    name: `template_pairs-${c.a}-${c.b}`, rows: range(ua.length), sortBy: 2, max: 520, select: (i) => selectUnit(c.a, i, { jump: true }),
    columns: [
      { label: runName(c.a), value: (i) => ua[i].id }, { label: runName(c.b), value: (i) => (best[i].length ? ub[best[i][0]].id : "–") },
      { label: "similarity", value: (i) => c.cosine.at(i, best[i][0]) }, { label: "lag", unit: "samples", value: (i) => (c.lags.length ? c.lags.at(i, best[i][0]) : NaN) },
      { label: "second best", value: (i) => (best[i].length > 1 ? c.cosine.at(i, best[i][1]) : NaN) }, { label: "depth difference", unit: "µm", value: (i) => (ub[best[i][0]]?.y_um ?? NaN) - (ua[i].y_um ?? NaN) },
      { label: "spikes", value: (i) => ua[i].n_spikes }, { label: "spikes of the other", value: (i) => ub[best[i][0]]?.n_spikes ?? NaN }, { label: "agreement", value: (i) => (pair ? pair.scores.at(i, best[i][0]) : NaN) },
    ],
  }).node;
}

function pairViewer(c) {
  let place = 0, all = false;
  const now = () => c.pairs[place], views = [];
  const box = el("div", { class: "grid" });
  const list = choice("Pair", c.pairs.map((p, k) => [k, `${unitId(c.a, p.a)} and ${unitId(c.b, p.b)} – ${fmt(p.similarity, 3)}`]), (v) => { place = Number(v); redraw(); }, 0);
  const step = (by) => el("button", { type: "button", click: () => { place = (place + by + c.pairs.length) % c.pairs.length; list.querySelector("select").value = place; redraw(); } }, by < 0 ? "‹ previous" : "next ›");
  const numbers = el("div", { class: "card" });
  const sets = (p) => {
    const w = part(p.waveforms);
    if (!w) return null;
    const size = w.channels.map((_, i) => Math.max(ptp(w.a.row(i)), ptp(w.b.row(i)))), top = Math.max(...size);
    const keep = range(w.channels.length).filter((i) => all || size[i] > 0.1 * top);
    const make = (array, colour, shift = 0) => ({ channels: keep.map((i) => w.channels[i]), rows: (i) => array.row(keep[i]), colour, shift });
    const difference = keep.map((i) => Float64Array.from(w.a.row(i), (v, t) => v - (w.b.row(i)[t + p.lag_samples] ?? NaN)));
    return { w, top, a: make(w.a, runColour(c.a)), b: make(w.b, runColour(c.b)), bAligned: make(w.b, runColour(c.b), -p.lag_samples), d: { channels: keep.map((i) => w.channels[i]), rows: (i) => difference[i], colour: themed("muted"), width: 1 } };
  };
  const waves = (name, title, draw) => figure({
    name: `pair-${name}-${c.a}-${c.b}`, title, height: 340,
    draw: (body, w, h) => { const s = sets(now()); if (!s) { body.append(missing("Waveforms", now().waveforms)); return 0; } return draw(body, w, h, s); },
    data: () => { const s = sets(now()); return s ? Object.fromEntries(s.a.channels.flatMap((ch, i) => [[`${runName(c.a)} channel ${ch}`, s.a.rows(i)], [`${runName(c.b)} channel ${ch}`, s.b.rows(i)]])) : {}; },
    legend: () => [[runColour(c.a), `${runName(c.a)} ${unitId(c.a, now().a)}`], [runColour(c.b), `${runName(c.b)} ${unitId(c.b, now().b)}`]].concat(name === "overlay" ? [[themed("muted"), "difference"]] : []),
  });
  views.push(waves("stack", "Waveforms by channel, side by side", (body, w, h, s) => { body.style.display = "flex"; return waveStack(body, w / 2 - 2, h, [s.a], runName(c.a), s.top) + waveStack(body, w / 2 - 2, h, [s.b], runName(c.b), s.top); }));
  views.push(waves("overlay", "Aligned, with the difference", (body, w, h, s) => waveStack(body, w, h, [s.d, s.a, s.bAligned], now().lag_samples ? `${runName(c.b)} shifted by ${fmt(-now().lag_samples)} samples` : "not shifted", s.top)));
  views.push(waves("places", "At the contacts", (body, w, h, s) => wavesAtContacts(body, w, h, [s.a, s.bAligned], s.w.unit)));
  views.push(pairRaster(c, now));
  views.push(pairRates(c, now));
  function redraw() {
    const p = now(), facts = [["units", `${unitId(c.a, p.a)} and ${unitId(c.b, p.b)}`], ["similarity", fmt(p.similarity, 4)], ["lag of the second", `${p.lag_samples} samples`], ["spikes of the first", fmt(report.runs[c.a].units[p.a]?.n_spikes)], ["spikes of the second", fmt(report.runs[c.b].units[p.b]?.n_spikes)], ["matching spikes", fmt(p.n_matched)], ["agreement", fmt(p.agreement, 3)]];
    numbers.replaceChildren(el("h4", {}, "Numbers of the pair"), factList(facts.map(([name, text]) => ({ name, text, unit: "" }))), el("p", {}, "Open ", unitAnchor(c.a, p.a, unitName(c.a, p.a)), " or ", unitAnchor(c.b, p.b, unitName(c.b, p.b)), "."));
    for (const v of views) v.figure.redraw();
  }
  redraw();
  box.append(...views, numbers);
  const toggle = el("label", { class: "choice" }, el("input", { type: "checkbox", change: (e) => { all = e.target.checked; redraw(); } }), " all channels");
  return [...heading(`Pairs with a similarity above ${brief(c.threshold)}`, c.n_pairs > c.pairs.length ? `The ${c.pairs.length} most similar of ${c.n_pairs} pairs.` : ""), el("div", { class: "controls loose" }, list, step(-1), step(1), toggle), box];
}

function pairRaster(c, now) {
  return figure({
    name: `pair-raster-${c.a}-${c.b}`, title: "Spikes of both units", height: 200,
    draw: (body, w, h) => {
      const r = part(now().raster);
      if (!r) { body.append(missing("Spikes", now().raster)); return 0; }
      const { ctx } = sheet(body, w, h), box = { left: 90, top: 8, width: w - 104, height: h - 50 };
      const { px } = frame(ctx, box, { xRange: r.window_samples, yRange: [0, 2], xLabel: "sample", yTicks: false });
      [[r.a_samples, r.a_matched, c.a, 0], [r.b_samples, r.b_matched, c.b, 1]].forEach(([samples, matched, run, row]) => {
        const y = box.top + (row * box.height) / 2;
        ctx.fillStyle = themed("muted"); ctx.textAlign = "right"; ctx.fillText(short(runName(run), 13), box.left - 8, y + box.height / 4 + 4);
        for (let i = 0; i < samples.length; i++) { ctx.fillStyle = matched.v[i] ? themed("faint") : runColour(run); ctx.fillRect(px(samples.v[i]), y + 4, matched.v[i] ? 1 : 1.8, box.height / 2 - 8); }
      });
      return r.a_samples.length + r.b_samples.length;
    },
    data: () => { const r = part(now().raster); return r ? { a_sample: r.a_samples, a_matched: r.a_matched, b_sample: r.b_samples, b_matched: r.b_matched } : {}; },
    legend: () => [[themed("faint"), "matched"], [runColour(c.a), "only in the first"], [runColour(c.b), "only in the second"]],
  });
}
function pairRates(c, now) {
  return figure({
    name: `pair-rates-${c.a}-${c.b}`, title: "Whole recording: spikes per second", height: 200,
    draw: (body, w, h) => {
      const r = part(now().raster);
      if (!r) { body.append(missing("Rates", now().raster)); return 0; }
      const x = (n) => range(n).map((i) => i + 0.5);
      return xy(body, w, h, { xLabel: "time (s)", yLabel: "spikes", series: [{ name: runName(c.a), x: x(r.a_per_second.length), y: r.a_per_second, colour: runColour(c.a), width: 1.2 }, { name: runName(c.b), x: x(r.b_per_second.length), y: r.b_per_second, colour: runColour(c.b), width: 1.2 }] });
    },
    data: () => { const r = part(now().raster); return r ? { a_per_second: r.a_per_second, b_per_second: r.b_per_second } : {}; },
  });
}

function overlays(runs) {
  let channel = "best";
  const probe = part(report.probe), channels = probe ? range(probe.x_um.length) : [];
  const views = runs.map((run) => figure({
    name: `templates-${run}`, title: `Templates of ${runName(run)}`,
    draw: (body, w, h) => {
      const series = report.runs[run].units.flatMap((u, i) => {
        const waves = part(u.waveforms), on = channel === "best" ? mainChannel(run, i) : Number(channel), row = waves ? waveOn(run, i, on) : null;
        if (!row) return [];
        // On their own channels all troughs lie at 0.
        const trough = channel === "best" ? row.indexOf(extent(row)[0]) : waves.spike_at, rate = (report.sample_rate_hz ?? 1000) / 1000;
        return [{ name: unitName(run, i), x: range(row.length).map((t) => (t - trough) / rate), y: row, colour: unitColour(run, i, 0.75), width: 1, label: () => `channel ${on}`, pick: () => selectUnit(run, i, { jump: true }) }];
      });
      if (!series.length) { body.append(el("p", { class: "missing" }, "No template is kept on this channel.")); return 0; }
      return xy(body, w, h, { xLabel: "time from the trough (ms)", yLabel: report.runs[run].waveform_unit, series });
    },
    data: () => Object.fromEntries(report.runs[run].units.flatMap((u, i) => { const row = waveOn(run, i, channel === "best" ? mainChannel(run, i) : Number(channel)); return row ? [[u.id, row]] : []; })),
  }));
  const control = el("div", { class: "controls loose" }, choice("Channel", [["best", "each unit's own best channel"], ...channels.map((ch) => [ch, `channel ${ch}`])], (v) => { channel = v; for (const f of views) f.figure.redraw(); }));
  return [control, grid(...views)];
}
