// The first screen's plots, and the rasters and presence maps below.

/** Which run the first screen is about: the truth when there is one, else the first sorting. */
const firstRun = () => (truthRun() >= 0 ? truthRun() : sortings()[0]);

function overview(slot, more) {
  const run = firstRun();
  if (run === undefined) return;
  const cards = [];
  if (comparisons().length)
    cards.push(
      accuracyAgainst("overview-accuracy-snr", "snr", { title: "Accuracy against SNR" }),
      unitsAbove("overview-accuracy-curve"),
    );
  else if (part(report.agreement))
    cards.push(
      bestAgreement(part(report.agreement).pairs[0], "overview-agreement"),
      rateScatter(part(report.agreement).pairs[0], "overview-amplitude", "amplitude_uv"),
    );
  else cards.push(snrContamination("overview-quality", run), depthHistogram("overview-depths", run));
  cards.push(probeFigure("overview-probe", run, { height: 262 }));
  slot.append(...cards);
  for (const f of cards) f.classList.add("third");
  const activity = sortings()
    .flatMap((r) => [rasterFigure(r), presenceFigure(r)])
    .filter(Boolean);
  if (activity.length) more.append(...heading("Activity"), grid(...activity));
  const choices = sorterChoices();
  if (choices) more.append(...heading("What the sorter chose"), choices);
  const timings = timingFigure();
  if (timings) more.append(...heading("Run times"), grid(timings));
}

function snrContamination(name, run) {
  const units = report.runs[run].units,
    x = units.map((u) => u.snr ?? NaN),
    y = units.map((u) => u.contamination_pct ?? NaN);
  return figure({
    name,
    title: "Signal to noise and contamination",
    height: 262,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "signal to noise",
        yLabel: "contamination (%)",
        series: [
          {
            name: runName(run),
            kind: "points",
            x,
            y,
            colour: runColour(run),
            label: (i) => `${units[i].id}: SNR ${fmt(x[i])}, ${fmt(y[i])} %`,
            pick: (i) => selectUnit(run, i, { jump: true }),
          },
        ],
      }),
    data: () => ({ unit: units.map((u) => u.id), snr: x, contamination_pct: y }),
  });
}
function depthHistogram(name, run) {
  const h = histogram(
    report.runs[run].units.map((u) => u.y_um ?? NaN),
    24,
  );
  return figure({
    name,
    title: "Units along the probe",
    height: 262,
    draw: (body, w, height) =>
      xy(body, w, height, {
        xLabel: "along the probe (µm)",
        yLabel: "units",
        series: [{ name: "units", kind: "bars", x: h.x, y: h.y, barWidth: h.width, colour: runColour(run) }],
      }),
    data: () => ({ depth_um: h.x, units: h.y }),
  });
}

function rasterFigure(run) {
  const raster = part(report.runs[run].raster);
  if (!raster) return null;
  const rank = depthRank(run),
    times = raster.times_s.v,
    units = raster.units.v;
  const node = figure({
    name: `raster-${run}`,
    title: `Spikes of all units of ${runName(run)}, by depth`,
    half: true,
    draw: (body, w, h) =>
      cloud(body, w, h, {
        x: times,
        y: Array.from(units, (u) => rank[u]),
        colour: (i) => (selection.run === run && selection.unit === units[i] ? themed("accent") : themed("ink")),
        xRange: raster.window_s,
        yRange: [-1, report.runs[run].units.length],
        xLabel: "time (s)",
        yLabel: "unit (tip of the probe below)",
        size: 1.6,
      }),
    data: () => ({ time_s: times, unit: Array.from(units, (u) => unitId(run, u)) }),
  });
  onSelection(() => node.figure.stale());
  return node;
}

function presenceFigure(run) {
  const map = part(report.runs[run].presence);
  if (!map || !map.length) return null;
  const order = byDepth(run).reverse(),
    [units, bins] = map.shape,
    duration = report.duration_s ?? bins;
  const top = range(units).map((u) => extent(map.row(u))[1] || 1);
  return figure({
    name: `presence-${run}`,
    title: `Activity of all units of ${runName(run)} over the recording`,
    half: true,
    draw: (body, w, h) =>
      heatmap(body, w, h, {
        rows: units,
        columns: bins,
        value: (i, j) => map.at(order[i], j) / top[order[i]],
        limits: [0, 1],
        xRange: [0, duration],
        xLabel: "time (s)",
        yLabel: "unit (tip below)",
        barLabel: "of its max",
        cell: (i, j) => [unitName(run, order[i]), `${fmt((j / bins) * duration, 1)} s: ${fmt(map.at(order[i], j))} Hz`],
        pick: (i) => selectUnit(run, order[i], { jump: true }),
      }),
    data: () => ({
      unit: order.map((u) => unitId(run, u)),
      ...Object.fromEntries(
        range(bins).map((j) => [`${(((j + 0.5) / bins) * duration).toFixed(2)} s`, order.map((u) => map.at(u, j))]),
      ),
    }),
    note: "Each row is scaled by its largest rate. Gaps show units that appear or vanish.",
  });
}

/** What each sorter decided by itself, and why. */
function sorterChoices() {
  const runs = report.runs.map((r, i) => [r, i]).filter(([r]) => r.choices.length);
  if (!runs.length) return null;
  return el(
    "dl",
    { class: "choices" },
    runs.map(([r, i]) => [el("dt", {}, runName(i)), r.choices.map((choice) => el("dd", {}, choice))]),
  );
}

function timingFigure() {
  const runs = report.runs.map((r, i) => [r, i]).filter(([r]) => r.stages.length || r.run_time_s !== null);
  if (!runs.length) return null;
  const rows = runs.flatMap(([r, i]) =>
    (r.stages.length ? r.stages : [{ name: "all", seconds: r.run_time_s }]).map((s) => ({ run: i, ...s })),
  );
  return figure({
    name: "run-times",
    title: "Wall time of each stage",
    wide: true,
    height: 60 + 34 * runs.length,
    draw: (body, w, h) => {
      const { canvas, ctx } = sheet(body, w, h),
        longest = Math.max(...runs.map(([, i]) => sum(rows.filter((x) => x.run === i).map((x) => x.seconds))));
      const box = { left: 130, top: 6, width: w - 150, height: h - 46 },
        points = [];
      const { px } = frame(ctx, box, {
        xRange: [0, longest * 1.02],
        yRange: [0, 1],
        xLabel: "time (s)",
        yTicks: false,
      });
      runs.forEach(([r, i], place) => {
        const y = box.top + place * 34 + 4;
        ctx.fillStyle = themed("text");
        ctx.textAlign = "right";
        ctx.fillText(short(r.name, 18), box.left - 8, y + 15);
        let at = 0;
        rows
          .filter((x) => x.run === i)
          .forEach((stage, k) => {
            ctx.globalAlpha = 1 - 0.13 * (k % 5);
            ctx.fillStyle = runColour(i);
            ctx.fillRect(px(at), y, Math.max(px(at + stage.seconds) - px(at) - 1.5, 1), 22);
            ctx.globalAlpha = 1;
            if (px(stage.seconds) - px(0) > stage.name.length * 6 + 8) {
              ctx.fillStyle = "#fff";
              ctx.textAlign = "left";
              ctx.fillText(stage.name, px(at) + 5, y + 15);
            }
            points.push({ x: px(at + stage.seconds / 2), y: y + 11, text: [stage.name, `${fmt(stage.seconds)} s`] });
            at += stage.seconds;
          });
      });
      pickable(canvas, points, 60);
      return rows.length;
    },
    data: () => ({
      run: rows.map((r) => runName(r.run)),
      stage: rows.map((r) => r.name),
      seconds: rows.map((r) => r.seconds),
    }),
  });
}
