// Matrices as pictures.

/**
 * A matrix. `value(i, j)` of `rows` x `columns`; `limits` [low, high]; `kind` sequential or diverging; `cell(i, j)` gives the
 * tooltip, `pick(i, j)` is called for clicks; `numbers` writes values into the cells; `lines` draws separators before the
 * last row and column; axes show `xRange`/`yRange` values, or none.
 */
function heatmap(
  body,
  width,
  height,
  {
    rows,
    columns,
    value,
    limits,
    kind = "sequential",
    xLabel,
    yLabel,
    xRange,
    yRange,
    cell,
    pick,
    numbers = false,
    lines = false,
    square = false,
    barLabel,
    rowNames,
    columnNames,
  },
) {
  const { canvas, ctx } = sheet(body, width, height);
  const left = rowNames ? 70 : yRange ? 50 : 24,
    bottom = columnNames ? 60 : xRange ? 38 : 22;
  const box = { left, top: 16, width: width - left - 58, height: height - 16 - bottom };
  if (square) {
    const side = Math.min(box.width / columns, box.height / rows);
    box.width = side * columns;
    box.height = side * rows;
  }
  const colour = (t) => (kind === "diverging" ? diverging(2 * t - 1) : sequential(t));
  const [low, high] = limits,
    picture = new ImageData(Math.max(columns, 1), Math.max(rows, 1));
  // Levels once, not once per cell: themes are read from the style sheet.
  const levels = range(257).map((k) => colour(k / 256)),
    none = isDark() ? [28, 32, 38] : [255, 255, 255];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const v = value(i, j),
        at = 4 * (i * columns + j);
      const c = Number.isFinite(v)
        ? levels[Math.round(Math.min(Math.max((v - low) / (high - low || 1), 0), 1) * 256)]
        : none;
      picture.data.set([c[0], c[1], c[2], 255], at);
    }
  }
  const small = el("canvas", { width: picture.width, height: picture.height });
  small.getContext("2d").putImageData(picture, 0, 0);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(small, box.left, box.top, box.width, box.height);
  frame(ctx, box, {
    xRange: xRange ?? [0, columns],
    yRange: yRange ?? [rows, 0],
    xLabel: columnNames ? undefined : xLabel,
    yLabel,
    xTicks: Boolean(xRange),
    yTicks: Boolean(yRange),
  });
  const w = box.width / columns,
    h = box.height / rows;
  ctx.fillStyle = themed("muted");
  ctx.font = "10px system-ui, sans-serif";
  if (columnNames && xLabel) {
    ctx.textAlign = "center";
    ctx.font = AXIS_FONT;
    ctx.fillText(xLabel, box.left + box.width / 2, box.top + box.height + bottom - 6);
    ctx.font = "10px system-ui, sans-serif";
  }
  if (rowNames) {
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    range(rows)
      .filter((i) => i % Math.ceil(14 / Math.max(h, 1)) === 0)
      .forEach((i) => ctx.fillText(short(rowNames[i], 9), box.left - 5, box.top + (i + 0.5) * h));
  }
  if (columnNames)
    range(columns)
      .filter((j) => j % Math.ceil(13 / Math.max(w, 1)) === 0)
      .forEach((j) => {
        ctx.save();
        ctx.translate(box.left + (j + 0.5) * w, box.top + box.height + 5);
        ctx.rotate(-Math.PI / 4);
        ctx.textAlign = "right";
        ctx.textBaseline = "middle";
        ctx.fillText(short(columnNames[j], 9), 0, 0);
        ctx.restore();
      });
  if (numbers && w > 17 && h > 11) {
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.font = `${Math.min(11, h - 2, w / 2.6)}px system-ui, sans-serif`;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const v = value(i, j);
        if (!v || !Number.isFinite(v)) continue;
        const c = levels[Math.round(Math.min(Math.max((v - low) / (high - low || 1), 0), 1) * 256)];
        ctx.fillStyle = c[0] * 0.3 + c[1] * 0.59 + c[2] * 0.11 > 130 ? "#111" : "#fff";
        ctx.fillText(
          Number.isInteger(v) ? String(v) : v.toFixed(2).replace(/^0/, ""),
          box.left + (j + 0.5) * w,
          box.top + (i + 0.5) * h,
        );
      }
  }
  if (lines) {
    ctx.strokeStyle = themed("text");
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(box.left, box.top + box.height - h);
    ctx.lineTo(box.left + box.width, box.top + box.height - h);
    ctx.moveTo(box.left + box.width - w, box.top);
    ctx.lineTo(box.left + box.width - w, box.top + box.height);
    ctx.stroke();
  }
  colourBar(ctx, box, colour, limits, barLabel);
  const at = (event) => {
    const around = canvas.getBoundingClientRect();
    const j = Math.floor((event.clientX - around.left - box.left) / w),
      i = Math.floor((event.clientY - around.top - box.top) / h);
    return i >= 0 && j >= 0 && i < rows && j < columns ? [i, j] : null;
  };
  canvas.addEventListener("mousemove", (event) => {
    const hit = at(event);
    canvas.style.cursor = hit && pick ? "pointer" : "default";
    if (hit) showTip(event, ...(cell ? cell(...hit) : [`${hit[0]}, ${hit[1]}`]), fmt(value(...hit)));
    else hideTip();
  });
  canvas.addEventListener("mouseleave", hideTip);
  if (pick)
    canvas.addEventListener("click", (event) => {
      const hit = at(event);
      if (hit) pick(...hit);
    });
  return rows * columns;
}
