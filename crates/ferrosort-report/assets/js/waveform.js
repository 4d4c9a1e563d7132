// Waveforms: where the contacts are, stacked by channel, and on one channel.

/** Positions of channels; a line when no probe is known. */
function positions(channels) {
  const probe = part(report.probe);
  return channels.map((c, i) => (probe && c < probe.x_um.length ? [probe.x_um[c], probe.y_um[c]] : [0, i * 20]));
}
/** Smallest distances between distinct columns and rows of contacts. */
function pitch(spots) {
  const least = (axis) => {
    const sorted = [...new Set(spots.map((s) => Math.round(s[axis] * 10) / 10))].sort((a, b) => a - b);
    return sorted.slice(1).reduce((d, v, i) => Math.min(d, Math.max(v - sorted[i], 5)), Infinity);
  };
  const dx = least(0),
    dy = least(1);
  return [Number.isFinite(dx) ? dx : 30, Number.isFinite(dy) ? Math.max(dy, 12) : 20];
}
const ptp = (row) => {
  const [low, high] = extent(row);
  return high - low;
};

/** Waveforms at the places of their contacts. `sets` are {channels, rows(i), colour, width}. */
function wavesAtContacts(body, width, height, sets, unit, main) {
  const { ctx } = sheet(body, width, height);
  const channels = [...new Set(sets.flatMap((s) => s.channels))],
    spots = positions(channels);
  const [dx, dy] = pitch(spots);
  const xs = extent(spots.map((s) => s[0])),
    ys = extent(spots.map((s) => s[1]));
  const largest = Math.max(...sets.flatMap((s) => s.channels.map((_, i) => ptp(s.rows(i)))), 1e-9);
  const box = { left: 40, top: 12, width: width - 56, height: height - 34 };
  // A waveform is as wide as a column of contacts; the largest is as high as three rows.
  const sx = box.width / (xs[1] - xs[0] + dx),
    sy = box.height / (ys[1] - ys[0] + 3.4 * dy);
  const at = ([x, y]) => [box.left + (x - xs[0] + dx / 2) * sx, box.top + box.height - (y - ys[0] + 1.5 * dy) * sy];
  const high = (3 * dy * sy) / largest,
    wide = dx * sx * 0.86;
  ctx.fillStyle = themed("faint");
  ctx.font = "9.5px system-ui, sans-serif";
  channels.forEach((c, i) => {
    const [x, y] = at(spots[i]);
    ctx.fillStyle = c === main ? themed("accent") : themed("faint");
    ctx.fillRect(x - wide / 2 - 3, y - 1.5, 3, 3);
    if (channels.length <= 16 || c === main) {
      ctx.textAlign = "right";
      ctx.fillText(c, x - wide / 2 - 5, y + 3);
    }
  });
  for (const s of sets) {
    ctx.strokeStyle = s.colour;
    ctx.lineWidth = s.width ?? 1.4;
    ctx.globalAlpha = s.alpha ?? 1;
    s.channels.forEach((c, i) => {
      const [x, y] = at(spots[channels.indexOf(c)]),
        row = s.rows(i);
      ctx.beginPath();
      for (let t = 0; t < row.length; t++)
        ctx.lineTo(x - wide / 2 + ((t + (s.shift ?? 0)) / (row.length - 1)) * wide, y - row[t] * high);
      ctx.stroke();
    });
    ctx.globalAlpha = 1;
  }
  scaleBar(ctx, width - 8, height - 12, largest, high, unit);
  return sum(sets.map((s) => s.channels.length));
}

/** A vertical bar of a round value. */
function scaleBar(ctx, x, y, largest, pixels, unit) {
  const power = 10 ** Math.floor(Math.log10(largest * 0.6)),
    value = [5, 2, 1].map((m) => m * power).find((v) => v <= largest * 0.6) ?? power;
  ctx.strokeStyle = ctx.fillStyle = themed("muted");
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x, y - value * pixels);
  ctx.stroke();
  ctx.textAlign = "right";
  ctx.font = "10px system-ui, sans-serif";
  ctx.fillText(`${fmt(value)} ${unit}`, x - 4, y);
  ctx.textAlign = "left";
}

/** Waveforms stacked by channel, from the tip of the probe upwards. `sets` as above. */
function waveStack(body, width, height, sets, title, spacing) {
  const { ctx } = sheet(body, width, height);
  const channels = [...new Set(sets.flatMap((s) => s.channels))],
    spots = positions(channels);
  const order = range(channels.length).sort((a, b) => spots[a][1] - spots[b][1] || spots[a][0] - spots[b][0]);
  const gap = (height - 36) / (channels.length + 0.6),
    pixels = (gap / spacing) * 1.2;
  ctx.fillStyle = themed("muted");
  ctx.font = AXIS_FONT;
  ctx.fillText(short(title, Math.floor(width / 6.2)), 2, 11);
  order.forEach((k, place) => {
    const y = height - 14 - (place + 0.8) * gap;
    ctx.fillStyle = themed("muted");
    ctx.textAlign = "right";
    if (gap > 9 || place % 2 === 0) ctx.fillText(channels[k], 22, y + 4);
    for (const s of sets) {
      const i = s.channels.indexOf(channels[k]);
      if (i < 0) continue;
      const row = s.rows(i);
      ctx.strokeStyle = s.colour;
      ctx.lineWidth = s.width ?? 1.4;
      ctx.beginPath();
      for (let t = 0; t < row.length; t++)
        ctx.lineTo(28 + ((t + (s.shift ?? 0)) / (row.length - 1)) * (width - 34), y - row[t] * pixels);
      ctx.stroke();
    }
  });
  ctx.textAlign = "left";
  return sum(sets.map((s) => s.channels.length));
}

/** A waveform of a unit on one channel; null where it is not kept. */
function waveOn(run, unit, channel) {
  const waves = part(report.runs[run].units[unit].waveforms);
  const i = waves ? waves.channels.indexOf(channel) : -1;
  return i < 0 ? null : waves.mean.row(i);
}
const mainChannel = (run, unit) => {
  const u = report.runs[run].units[unit],
    waves = part(u.waveforms);
  if (!waves) return u.main_channel;
  if (waves.channels.includes(u.main_channel)) return u.main_channel;
  return waves.channels[
    range(waves.channels.length).sort((a, b) => ptp(waves.mean.row(b)) - ptp(waves.mean.row(a)))[0]
  ];
};
