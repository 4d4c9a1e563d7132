// Sharp canvases with simple axes, for pictures that uPlot does not draw.

/** A canvas of this size in CSS pixels; its context is scaled to the screen. */
function sheet(body, width, height) {
  const scale = devicePixelRatio || 1;
  const canvas = el("canvas", {
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    style: { width: `${width}px`, height: `${height}px` },
  });
  body.append(canvas);
  const ctx = canvas.getContext("2d");
  ctx.scale(scale, scale);
  ctx.font = AXIS_FONT;
  ctx.lineJoin = "round";
  return { canvas, ctx };
}

/** Round numbers between two values. */
function ticks(low, high, about = 5) {
  const raw = (high - low) / about || 1,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-6; t += step)
    found.push(Math.abs(t) < step * 1e-6 ? 0 : t);
  return found;
}

/** Ticks and labels around a box {left, top, width, height}; returns functions from values to pixels. */
function frame(ctx, box, { xRange, yRange, xLabel, yLabel, xTicks = true, yTicks = true }) {
  const px = (x) => box.left + ((x - xRange[0]) / (xRange[1] - xRange[0])) * box.width;
  const py = (y) => box.top + box.height - ((y - yRange[0]) / (yRange[1] - yRange[0])) * box.height;
  ctx.fillStyle = themed("muted");
  ctx.strokeStyle = themed("grid");
  ctx.lineWidth = 1;
  ctx.font = AXIS_FONT;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  if (xTicks) {
    const list = ticks(...[...xRange].sort((a, b) => a - b), Math.max(3, box.width / 75));
    for (const t of list) {
      ctx.beginPath();
      ctx.moveTo(px(t), box.top + box.height);
      ctx.lineTo(px(t), box.top + box.height + 4);
      ctx.stroke();
      const text = tickText(t, list),
        half = ctx.measureText(text).width / 2,
        edge = ctx.canvas.width / (devicePixelRatio || 1);
      ctx.fillText(text, Math.min(px(t), edge - half - 1), box.top + box.height + 6);
    }
  }
  if (xLabel) ctx.fillText(xLabel, box.left + box.width / 2, box.top + box.height + (xTicks ? 20 : 6));
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  if (yTicks) {
    const list = ticks(...[...yRange].sort((a, b) => a - b), Math.max(2, box.height / 45));
    for (const t of list) {
      ctx.beginPath();
      ctx.moveTo(box.left - 4, py(t));
      ctx.lineTo(box.left, py(t));
      ctx.stroke();
      ctx.fillText(tickText(t, list), box.left - 6, py(t));
    }
  }
  if (yLabel) sideways(ctx, yLabel, 9, box.top + box.height / 2);
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  return { px, py };
}

function sideways(ctx, text, x, y) {
  ctx.save();
  ctx.translate(x, y);
  ctx.rotate(-Math.PI / 2);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, 0, 0);
  ctx.restore();
}

/** A colour bar at the right of a box. */
function colourBar(ctx, box, colour, [low, high], label) {
  const left = box.left + box.width + 10;
  for (let y = 0; y < box.height; y++) {
    ctx.fillStyle = rgb(colour(1 - y / box.height));
    ctx.fillRect(left, box.top + y, 10, 1.5);
  }
  ctx.fillStyle = themed("muted");
  ctx.font = "10px system-ui, sans-serif";
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const list = ticks(low, high, Math.min(4, box.height / 40));
  for (const t of list)
    ctx.fillText(tickText(t, list), left + 14, box.top + box.height * (1 - (t - low) / (high - low || 1)));
  if (label) {
    ctx.textBaseline = "bottom";
    ctx.textAlign = "right";
    ctx.fillText(label, left + 44, box.top - 3);
  }
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
}

/** Nearest of `points` ({x, y} in pixels) to the mouse within `reach`. */
function nearest(event, canvas, points, reach = 12) {
  const box = canvas.getBoundingClientRect(),
    mx = event.clientX - box.left,
    my = event.clientY - box.top;
  let best = null,
    least = reach * reach;
  for (const p of points) {
    const d = (p.x - mx) ** 2 + (p.y - my) ** 2;
    if (d < least) {
      least = d;
      best = p;
    }
  }
  return best;
}

/** Tooltips and picking for points with `text` and `pick`. */
function pickable(canvas, points, reach) {
  canvas.addEventListener("mousemove", (event) => {
    const hit = nearest(event, canvas, points, reach);
    canvas.style.cursor = hit?.pick ? "pointer" : "default";
    if (hit) showTip(event, ...hit.text);
    else hideTip();
  });
  canvas.addEventListener("mouseleave", hideTip);
  canvas.addEventListener("click", (event) => nearest(event, canvas, points, reach)?.pick?.());
}

/**
 * A cloud of many points: time against depth, shaded. `shade` are values from 0 to 1, or `colours` one colour each.
 */
function cloud(
  body,
  width,
  height,
  { x, y, shade, colour, xRange, yRange, xLabel, yLabel, size = 1.2, barLabel, barRange },
) {
  const { ctx } = sheet(body, width, height);
  const box = { left: 52, top: 14, width: width - 52 - (shade ? 56 : 10), height: height - 54 };
  const { px, py } = frame(ctx, box, { xRange, yRange, xLabel, yLabel });
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  const tone = isDark()
    ? (t) =>
        ramp(
          [
            [52, 58, 70],
            [238, 240, 246],
          ],
          t,
        )
    : (t) =>
        ramp(
          [
            [216, 220, 228],
            [12, 16, 28],
          ],
          t,
        );
  const order = shade ? range(x.length).sort((a, b) => shade[a] - shade[b]) : range(x.length);
  for (const i of order) {
    ctx.fillStyle = colour ? colour(i) : rgb(tone(shade[i]));
    ctx.fillRect(px(x[i]) - size / 2, py(y[i]) - size / 2, size, size);
  }
  ctx.restore();
  if (shade && barRange) colourBar(ctx, box, tone, barRange, barLabel);
  return x.length;
}
