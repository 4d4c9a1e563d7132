// A piece of the recording with spikes marked.

function tracesSection(slot) {
  const traces = part(report.traces);
  if (!traces) return slot.append(missing("Traces", report.traces));
  const rate = report.sample_rate_hz ?? 1,
    samples = traces.panels[0]?.values.shape[1] ?? 0;
  let from = 0,
    span = Math.min(samples, 600);
  const move = (by) => {
    from = Math.min(Math.max(from + by, 0), Math.max(samples - span, 0));
    for (const f of views) f.figure.redraw();
  };
  const verdicts = { TP: "run-2", FN: "run-1", FP: "run-3" };
  const colourOf = (s) => (s.verdict ? themed(verdicts[s.verdict] ?? "muted") : unitColour(s.run, s.unit));
  const views = traces.panels.map((panel, k) =>
    figure({
      name: `traces-${k}`,
      title: `${panel.title} (${panel.unit})`,
      wide: true,
      height: 300,
      draw: (body, w, h) => {
        const { canvas, ctx } = sheet(body, w, h),
          rows = traces.channels.length,
          box = { left: 48, top: 8, width: w - 60, height: h - 46 };
        const end = Math.min(samples, from + span),
          time = (i) => ((traces.start_sample + i) / rate) * 1000;
        const { px } = frame(ctx, box, {
          xRange: [time(from), time(end)],
          yRange: [0, 1],
          yTicks: false,
          xLabel: "time (ms)",
        });
        const high = box.height / rows,
          sd = Math.sqrt(mean(Array.from(panel.values.v, (v) => v * v))) || 1,
          points = [];
        ctx.lineWidth = 0.9;
        traces.channels.forEach((c, r) => {
          const y = box.top + box.height - (r + 0.5) * high;
          ctx.fillStyle = themed("muted");
          ctx.textAlign = "right";
          if (high > 9 || r % 2 === 0) ctx.fillText(`ch ${c}`, box.left - 5, y + 3);
          ctx.strokeStyle = themed("ink");
          ctx.beginPath();
          for (let i = from; i < end; i++) ctx.lineTo(px(time(i)), y - (panel.values.at(r, i) / (7 * sd)) * high);
          ctx.stroke();
        });
        for (const s of traces.spikes) {
          const i = s.sample - traces.start_sample,
            r = traces.channels.indexOf(s.channel);
          if (i < from || i >= end || r < 0) continue;
          const y = box.top + box.height - (r + 0.5) * high;
          ctx.strokeStyle = colourOf(s);
          ctx.lineWidth = 1.8;
          ctx.beginPath();
          for (let t = Math.max(i - 15, from); t < Math.min(i + 25, end); t++)
            ctx.lineTo(px(time(t)), y - (panel.values.at(r, t) / (7 * sd)) * high);
          ctx.stroke();
          points.push({
            x: px(time(i)),
            y,
            text: [unitName(s.run, s.unit), s.verdict],
            pick: () => selectUnit(s.run, s.unit, { jump: true }),
          });
        }
        pickable(canvas, points, 14);
        return rows * (end - from);
      },
      data: () => ({
        sample: range(samples).map((i) => i + traces.start_sample),
        ...Object.fromEntries(traces.channels.map((c, r) => [`channel ${c} (${panel.unit})`, panel.values.row(r)])),
      }),
      note: `Channels are ${brief(7 * Math.sqrt(mean(Array.from(panel.values.v, (v) => v * v))))} ${panel.unit} apart.`,
      legend: () =>
        traces.spikes.some((s) => s.verdict)
          ? [
              ["run-2", "true positive"],
              ["run-1", "missed"],
              ["run-3", "false positive"],
            ].map(([c, text]) => [themed(c), text])
          : [],
    }),
  );
  slot.append(
    el(
      "div",
      { class: "controls loose" },
      el("button", { type: "button", click: () => move(-span / 2) }, "‹ earlier"),
      el("button", { type: "button", click: () => move(span / 2) }, "later ›"),
      choice(
        "Samples",
        [
          [300, "300"],
          [600, "600"],
          [1500, "1500"],
          [samples, "all"],
        ],
        (v) => {
          span = Math.min(Number(v), samples);
          move(0);
        },
        600,
      ),
    ),
    grid(...views),
    factList(traces.facts),
  );
}
