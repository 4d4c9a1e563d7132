// Curves, points and bars on axes. uPlot gives axes, zoom (drag) and reset (double click); the marks are drawn here,
// because series have their own x.

const WHOLE = range(10).flatMap((p) => [1, 2, 5].map((m) => m * 10 ** p));
const AXIS_FONT = "11px system-ui, sans-serif";

/**
 * A plot. `series` are {name, x, y, colour, kind: line | points | bars | steps | area, size, width, dash, colours, label(i),
 * pick(i)}; `lines` are {x or y, label, colour}; ranges default to what the data need; `names` are labels for whole x.
 */
function xy(
  body,
  width,
  height,
  { series, xLabel, yLabel, xRange, yRange, lines = [], names, xLog = false, diagonal = false },
) {
  const all = (axis) => series.flatMap((s) => Array.from(s[axis] instanceof Numbers ? s[axis].v : s[axis]));
  for (const s of series) {
    if (s.x instanceof Numbers) s.x = s.x.v;
    if (s.y instanceof Numbers) s.y = s.y.v;
  }
  const bars = series.some((s) => s.kind === "bars" || s.kind === "area");
  let [x0, x1] = xRange ?? padded(all("x").concat(lines.filter((l) => "x" in l).map((l) => l.x)), 0.04);
  let [y0, y1] = yRange ?? padded(bars ? all("y").concat([0]) : all("y"), 0.07);
  if (bars && !yRange && y0 < 0 && Math.min(...all("y"), 0) >= 0) y0 = 0;
  if (xLog) {
    const positive = all("x").filter((v) => v > 0);
    x0 = (extent(positive)[0] || 0.1) / 1.3;
    x1 = extent(positive)[1] * 1.3;
  }
  if (x0 === x1) {
    x0 -= 1;
    x1 += 1;
  }
  if (y0 === y1) {
    y0 -= 1;
    y1 += 1;
  }
  if (!series.some((s) => Array.prototype.some.call(s.y, (v, i) => Number.isFinite(v) && Number.isFinite(s.x[i])))) {
    body.append(el("p", { class: "missing centred" }, "No values to show."));
    return 0;
  }
  // Counts have no ticks between whole numbers.
  const whole =
    bars && series.every((s) => Array.prototype.every.call(s.y, (v) => Number.isInteger(v) || !Number.isFinite(v)));
  const text = themed("muted"),
    gridColour = themed("grid");
  const axis = (label, size, extra = {}) => ({
    label,
    labelSize: 20,
    labelFont: AXIS_FONT,
    labelGap: 0,
    font: AXIS_FONT,
    stroke: text,
    size,
    gap: 4,
    grid: { stroke: gridColour, width: 1 },
    ticks: { stroke: gridColour, size: 4, width: 1 },
    values: (_, ticks) => ticks.map((t) => (t === null ? "" : tickText(t, ticks))),
    ...extra,
  });
  const xAxis = names
    ? axis(xLabel, 16 + 13 * Math.max(...names.map((n) => wrapped(n, width / names.length / 7).split("\n").length)), {
        splits: () => range(names.length),
        values: (_, t) => t.map((i) => wrapped(names[i] ?? "", width / names.length / 7)),
        grid: { show: false },
      })
    : axis(xLabel, 30, { space: 44 });
  const plot = new uPlot(
    {
      width,
      height,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      cursor: { drag: { x: true, y: true, setScale: true }, points: { show: false }, x: false, y: false },
      select: { show: true },
      focus: { prox: 0 },
      scales: {
        x: { time: false, range: (_, a, b) => [a, b], distr: xLog ? 3 : 1 },
        y: { range: (_, a, b) => [a, b] },
      },
      axes: [xAxis, axis(yLabel, 42, { space: 28, ...(whole ? { incrs: WHOLE } : {}) })],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: { draw: [(u) => paint(u, series, lines, diagonal)] },
    },
    [
      [x0, x1],
      [y0, y1],
    ],
    body,
  );
  follow(plot, series);
  return series.reduce((n, s) => n + s.x.length, 0);
}

function tickText(value, ticks) {
  const steps = ticks.filter((t) => t !== null);
  const step = steps.length > 1 ? Math.abs(steps[1] - steps[0]) : Math.abs(value) || 1;
  if (Math.abs(value) >= 1e6) return `${fmt(value / 1e6)}M`;
  let digits = 0;
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return fmt(value, digits);
}
/** Text in lines of about `n` letters, broken between words. */
function wrapped(text, n) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length + 1 > n) lines.push(word);
    else lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines.join("\n");
}
const short = (text, n) => (text.length > n ? `${text.slice(0, n - 1)}…` : text);

function paint(u, series, lines, diagonal) {
  const { ctx } = u,
    scale = devicePixelRatio || 1,
    { left, top, width, height } = u.bbox;
  const px = (x) => u.valToPos(x, "x", true),
    py = (y) => u.valToPos(y, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  if (diagonal) {
    ctx.strokeStyle = themed("faint");
    ctx.setLineDash([4 * scale, 4 * scale]);
    ctx.lineWidth = scale;
    const low = Math.max(u.scales.x.min, u.scales.y.min),
      high = Math.min(u.scales.x.max, u.scales.y.max);
    ctx.beginPath();
    ctx.moveTo(px(low), py(low));
    ctx.lineTo(px(high), py(high));
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const s of series) paintSeries(ctx, s, px, py, scale, u);
  for (const line of lines) {
    ctx.strokeStyle = line.colour ?? themed("muted");
    ctx.setLineDash([5 * scale, 4 * scale]);
    ctx.lineWidth = scale;
    ctx.beginPath();
    if ("x" in line) {
      ctx.moveTo(px(line.x), top);
      ctx.lineTo(px(line.x), top + height);
    } else {
      ctx.moveTo(left, py(line.y));
      ctx.lineTo(left + width, py(line.y));
    }
    ctx.stroke();
    ctx.setLineDash([]);
    if (line.label) {
      ctx.fillStyle = line.colour ?? themed("muted");
      ctx.font = `${10.5 * scale}px system-ui, sans-serif`;
      if ("x" in line) {
        // On the left of the line where the right has no room.
        const room = left + width - px(line.x) > ctx.measureText(line.label).width + 8 * scale;
        ctx.textAlign = room ? "left" : "right";
        legible(ctx, line.label, px(line.x) + (room ? 4 : -4) * scale, top + 12 * scale, scale);
      } else {
        // Below the line where there is no room above it.
        ctx.textAlign = "left";
        const high = py(line.y) - top < 16 * scale;
        legible(ctx, line.label, left + 5 * scale, py(line.y) + (high ? 12 : -4) * scale, scale);
      }
      ctx.textAlign = "left";
    }
  }
  ctx.restore();
}

/** Text that can be read on top of marks. */
function legible(ctx, text, x, y, scale) {
  ctx.save();
  ctx.strokeStyle = themed("card");
  ctx.lineWidth = 3.5 * scale;
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.fillText(text, x, y);
}

function paintSeries(ctx, s, px, py, scale, u) {
  const n = s.x.length,
    kind = s.kind ?? "line";
  ctx.strokeStyle = ctx.fillStyle = s.colour;
  ctx.lineWidth = (s.width ?? 1.6) * scale;
  ctx.lineJoin = "round";
  if (kind === "points") {
    const size = (s.size ?? 3.5) * scale;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(s.x[i]) || !Number.isFinite(s.y[i])) continue;
      if (s.colours) ctx.fillStyle = s.colours[i];
      const x = px(s.x[i]),
        y = py(s.y[i]);
      if (size < 3) {
        ctx.fillRect(x - size / 2, y - size / 2, size, size);
        continue;
      }
      ctx.beginPath();
      if (s.shape === "square") ctx.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
      else ctx.arc(x, y, size, 0, 7);
      ctx.globalAlpha = s.alpha ?? 0.8;
      ctx.fill();
      ctx.globalAlpha = 1;
      if (s.outlined) {
        ctx.lineWidth = scale;
        ctx.strokeStyle = themed("muted");
        ctx.stroke();
      }
      if (s.ringed?.(i)) {
        ctx.lineWidth = 2 * scale;
        ctx.strokeStyle = themed("accent");
        ctx.beginPath();
        ctx.arc(x, y, size + 3 * scale, 0, 7);
        ctx.stroke();
      }
    }
    return;
  }
  if (kind === "bars") {
    const gap = s.barWidth ?? (n > 1 ? Math.abs(s.x[1] - s.x[0]) : 1),
      shift = s.shift ?? 0;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(s.y[i])) continue;
      if (s.colours) ctx.fillStyle = s.colours[i];
      const a = px(s.x[i] + (shift - 0.5) * gap),
        b = px(s.x[i] + (shift + 0.5) * gap),
        zero = py(0),
        top = py(s.y[i]);
      ctx.globalAlpha = s.alpha ?? 1;
      ctx.fillRect(
        a + (s.gap ?? 0.3) * scale,
        Math.min(zero, top),
        Math.max(b - a - 2 * (s.gap ?? 0.3) * scale, scale * 0.8),
        Math.abs(zero - top),
      );
      ctx.globalAlpha = 1;
    }
    return;
  }
  if (s.dash) ctx.setLineDash(s.dash.map((d) => d * scale));
  ctx.beginPath();
  let pen = false;
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(s.y[i])) {
      pen = false;
      continue;
    }
    const x = px(s.x[i]),
      y = py(s.y[i]);
    if (kind === "steps" || kind === "area") {
      const half = (px(s.x[1] ?? s.x[0] + 1) - px(s.x[0])) / 2;
      if (!pen) ctx.moveTo(x - half, kind === "area" ? py(0) : y);
      ctx.lineTo(x - half, y);
      ctx.lineTo(x + half, y);
    } else if (pen) ctx.lineTo(x, y);
    else ctx.moveTo(x, y);
    pen = true;
  }
  if (kind === "area") {
    const half = (px(s.x[1] ?? s.x[0] + 1) - px(s.x[0])) / 2;
    ctx.lineTo(px(s.x[n - 1]) + half, py(0));
    ctx.globalAlpha = 0.25;
    ctx.fill();
    ctx.globalAlpha = 1;
  }
  ctx.stroke();
  ctx.setLineDash([]);
  if (s.dots)
    for (let i = 0; i < n; i++)
      if (Number.isFinite(s.y[i])) {
        ctx.beginPath();
        ctx.arc(px(s.x[i]), py(s.y[i]), 2.8 * scale, 0, 7);
        ctx.fill();
      }
}

/** Tooltip of the nearest mark, and picking. */
function follow(plot, series) {
  const near = (event) => {
    const box = plot.over.getBoundingClientRect(),
      mx = event.clientX - box.left,
      my = event.clientY - box.top;
    let best = null,
      least = 16 * 16;
    for (const s of series) {
      if (s.quiet) continue;
      const flat = s.kind === "bars" || s.kind === "area" || s.kind === "steps";
      for (let i = 0; i < s.x.length; i++) {
        if (!Number.isFinite(s.y[i])) continue;
        const dx = plot.valToPos(s.x[i] + (s.shift ?? 0) * (s.barWidth ?? 0), "x") - mx,
          dy = flat ? 0 : plot.valToPos(s.y[i], "y") - my,
          d = dx * dx + dy * dy;
        if (d < least) {
          least = d;
          best = { s, i };
        }
      }
    }
    return best;
  };
  plot.over.addEventListener("mousemove", (event) => {
    const hit = near(event);
    plot.over.style.cursor = hit?.s.pick ? "pointer" : "crosshair";
    if (!hit) return hideTip();
    const { s, i } = hit;
    showTip(event, s.name, s.label ? s.label(i) : `${fmt(s.x[i])}, ${fmt(s.y[i])}`);
  });
  plot.over.addEventListener("mouseleave", hideTip);
  let down = null;
  plot.over.addEventListener("mousedown", (event) => {
    down = [event.clientX, event.clientY];
  });
  plot.over.addEventListener("mouseup", (event) => {
    if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 4) return;
    const hit = near(event);
    if (hit?.s.pick) hit.s.pick(hit.i);
  });
}

/** Counts in even bins: {x: centres, y: counts, width}. */
function histogram(values, bins = 30, limits) {
  const list = finite(values),
    [low, high] = limits ?? extent(list),
    width = (high - low || 1) / bins;
  const y = new Float64Array(bins);
  for (const v of list) if (v >= low && v <= high) y[Math.min(bins - 1, Math.floor((v - low) / width))] += 1;
  return { x: range(bins).map((i) => low + (i + 0.5) * width), y, width };
}
