// The probe with units on it.

/**
 * Units on the probe. `colour(unit)`, `size(unit)`; `bar` is {label, range, colour(t)} for a colour bar. `around` centres on a
 * unit with a window.
 */
function probeMap(body, width, height, { run, colour, bar, around }) {
  const { canvas, ctx } = sheet(body, width, height);
  const probe = part(report.probe),
    units = report.runs[run].units;
  const box = { left: 54, top: bar ? 20 : 10, width: width - 54 - (bar ? 58 : 10), height: height - (bar ? 62 : 52) };
  let xs = probe ? [...probe.x_um] : [],
    ys = probe ? [...probe.y_um] : [];
  xs.push(...units.map((u) => u.x_um ?? NaN));
  ys.push(...units.map((u) => u.y_um ?? NaN));
  let xRange = padded(xs, 0.15),
    yRange = padded(ys, 0.03);
  if (around !== undefined && units[around]?.y_um !== null) {
    const { x_um: x, y_um: y } = units[around];
    xRange = [(x ?? 0) - 80, (x ?? 0) + 80];
    yRange = [y - 250, y + 250];
  }
  const { px, py } = frame(ctx, box, { xRange, yRange, xLabel: "across (µm)", yLabel: "along the probe (µm)" });
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  if (probe) {
    ctx.fillStyle = themed("contact");
    const side = Math.min(Math.max((12 / (yRange[1] - yRange[0])) * box.height, 2), 9);
    probe.x_um.forEach((x, i) => ctx.fillRect(px(x) - side / 2, py(probe.y_um[i]) - side / 2, side, side));
  }
  const largest =
      quantile(
        units.map((u) => u.amplitude_uv ?? NaN),
        0.95,
      ) || 1,
    points = [];
  const isSelected = (i) => selection.run === run && selection.unit === i;
  const drawn = range(units.length).sort((a, b) => isSelected(a) - isSelected(b)); // the selected one on top
  for (const i of drawn) {
    const u = units[i];
    if (u.x_um === null || u.y_um === null) continue;
    const selected = isSelected(i);
    const radius =
      (units.length > 150 && around === undefined ? 0.6 : 1) *
      (3 + 4 * Math.sqrt(Math.min((u.amplitude_uv ?? largest / 3) / largest, 1.4)));
    const x = px(u.x_um),
      y = py(u.y_um);
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 7);
    ctx.fillStyle = colour(i);
    ctx.globalAlpha = around === undefined || i === around ? 0.9 : 0.35;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineWidth = selected ? 2.5 : 0.75;
    ctx.strokeStyle = selected ? themed("accent") : themed("card");
    ctx.stroke();
    points.push({
      x,
      y,
      text: [
        unitName(run, i),
        `${fmt(u.y_um, 0)} µm, ${fmt(u.amplitude_uv, 0)} µV, ${fmt(u.n_spikes)} spikes`,
        scoreText(run, i),
      ],
      pick: () => selectUnit(run, i, { jump: around === undefined }),
    });
  }
  ctx.restore();
  if (!points.length) body.append(el("p", { class: "missing centred" }, "No unit has a position."));
  if (bar) colourBar(ctx, box, bar.colour, bar.range, bar.label);
  pickable(canvas, points);
  return points.length;
}
function scoreText(run, unit) {
  const accuracy = accuracyOf(run, unit),
    agreement = agreementOf(run, unit);
  if (Number.isFinite(accuracy)) return `accuracy ${fmt(accuracy, 2)}`;
  return Number.isFinite(agreement) ? `agreement ${fmt(agreement, 2)}` : "";
}

/** The score that a run's units are coloured by: accuracy, agreement, or how clean they are. */
function scoring(run) {
  if (Number.isFinite(accuracyOf(run, 0))) return { label: "accuracy", of: (i) => accuracyOf(run, i), range: [0, 1] };
  const pair = part(report.agreement)?.pairs.some((p) => p.a === run || p.b === run);
  if (pair) return { label: "agreement", of: (i) => agreementOf(run, i) || 0, range: [0, 1] };
  const top =
    quantile(
      report.runs[run].units.map((u) => u.snr ?? NaN),
      0.95,
    ) || 1;
  return { label: "SNR", of: (i) => report.runs[run].units[i].snr ?? NaN, range: [0, top] };
}

/** A figure of the probe coloured by score. */
function probeFigure(name, run, extra = {}) {
  const score = scoring(run),
    units = report.runs[run].units;
  const node = figure({
    name,
    title: `${score.label[0].toUpperCase()}${score.label.slice(1)} along the probe`,
    height: 360,
    draw: (body, w, h) =>
      probeMap(body, w, h, {
        run,
        colour: (i) => {
          const v = score.of(i);
          return Number.isFinite(v) ? rgb(marking(v / score.range[1])) : themed("faint");
        },
        bar: { label: score.label, range: score.range, colour: marking },
      }),
    data: () => ({
      unit: units.map((u) => u.id),
      x_um: units.map((u) => u.x_um),
      y_um: units.map((u) => u.y_um),
      [score.label]: units.map((_, i) => score.of(i)),
    }),
    note: "Size grows with amplitude. Click a unit to see it.",
    ...extra,
  });
  onSelection(() => node.figure.stale());
  return node;
}
