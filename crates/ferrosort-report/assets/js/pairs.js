// Pairs of similar units: waveforms and spikes of both.

function pairViewer(c) {
  let place = 0,
    all = false;
  const now = () => c.pairs[place],
    views = [];
  const box = el("div", { class: "grid" });
  const list = choice(
    "Pair",
    c.pairs.map((p, k) => [k, `${unitId(c.a, p.a)} and ${unitId(c.b, p.b)} – ${fmt(p.similarity, 3)}`]),
    (v) => {
      place = Number(v);
      redraw();
    },
    0,
  );
  const step = (by) =>
    el(
      "button",
      {
        type: "button",
        click: () => {
          place = (place + by + c.pairs.length) % c.pairs.length;
          list.querySelector("select").value = place;
          redraw();
        },
      },
      by < 0 ? "‹ previous" : "next ›",
    );
  const numbers = el("div", { class: "card" });
  const sets = (p) => {
    const w = part(p.waveforms);
    if (!w) return null;
    const size = w.channels.map((_, i) => Math.max(ptp(w.a.row(i)), ptp(w.b.row(i)))),
      top = Math.max(...size);
    const keep = range(w.channels.length).filter((i) => all || size[i] > 0.1 * top);
    const make = (array, colour, shift = 0) => ({
      channels: keep.map((i) => w.channels[i]),
      rows: (i) => array.row(keep[i]),
      colour,
      shift,
    });
    const difference = keep.map((i) =>
      Float64Array.from(w.a.row(i), (v, t) => v - (w.b.row(i)[t + p.lag_samples] ?? NaN)),
    );
    return {
      w,
      top,
      a: make(w.a, runColour(c.a)),
      b: make(w.b, runColour(c.b)),
      bAligned: make(w.b, runColour(c.b), -p.lag_samples),
      d: { channels: keep.map((i) => w.channels[i]), rows: (i) => difference[i], colour: themed("muted"), width: 1 },
    };
  };
  const waves = (name, title, draw) =>
    figure({
      name: `pair-${name}-${c.a}-${c.b}`,
      title,
      height: 340,
      draw: (body, w, h) => {
        const s = sets(now());
        if (!s) {
          body.append(missing("Waveforms", now().waveforms));
          return 0;
        }
        return draw(body, w, h, s);
      },
      data: () => {
        const s = sets(now());
        return s
          ? Object.fromEntries(
              s.a.channels.flatMap((ch, i) => [
                [`${runName(c.a)} channel ${ch}`, s.a.rows(i)],
                [`${runName(c.b)} channel ${ch}`, s.b.rows(i)],
              ]),
            )
          : {};
      },
      legend: () =>
        [
          [runColour(c.a), `${runName(c.a)} ${unitId(c.a, now().a)}`],
          [runColour(c.b), `${runName(c.b)} ${unitId(c.b, now().b)}`],
        ].concat(name === "overlay" ? [[themed("muted"), "difference"]] : []),
    });
  views.push(
    waves("stack", "Waveforms by channel, side by side", (body, w, h, s) => {
      body.style.display = "flex";
      return (
        waveStack(body, w / 2 - 2, h, [s.a], runName(c.a), s.top) +
        waveStack(body, w / 2 - 2, h, [s.b], runName(c.b), s.top)
      );
    }),
  );
  views.push(
    waves("overlay", "Aligned, with the difference", (body, w, h, s) =>
      waveStack(
        body,
        w,
        h,
        [s.d, s.a, s.bAligned],
        now().lag_samples ? `${runName(c.b)} shifted by ${fmt(-now().lag_samples)} samples` : "not shifted",
        s.top,
      ),
    ),
  );
  views.push(
    waves("places", "At the contacts", (body, w, h, s) => wavesAtContacts(body, w, h, [s.a, s.bAligned], s.w.unit)),
  );
  views.push(pairRaster(c, now));
  views.push(pairRates(c, now));
  function redraw() {
    const p = now(),
      facts = [
        ["units", `${unitId(c.a, p.a)} and ${unitId(c.b, p.b)}`],
        ["similarity", fmt(p.similarity, 4)],
        ["lag of the second", `${p.lag_samples} samples`],
        ["spikes of the first", fmt(report.runs[c.a].units[p.a]?.n_spikes)],
        ["spikes of the second", fmt(report.runs[c.b].units[p.b]?.n_spikes)],
        ["matching spikes", fmt(p.n_matched)],
        ["agreement", fmt(p.agreement, 3)],
      ];
    numbers.replaceChildren(
      el("h4", {}, "Numbers of the pair"),
      factList(facts.map(([name, text]) => ({ name, text, unit: "" }))),
      el(
        "p",
        {},
        "Open ",
        unitAnchor(c.a, p.a, unitName(c.a, p.a)),
        " or ",
        unitAnchor(c.b, p.b, unitName(c.b, p.b)),
        ".",
      ),
    );
    for (const v of views) v.figure.redraw();
  }
  redraw();
  box.append(...views, numbers);
  const toggle = el(
    "label",
    { class: "choice" },
    el("input", {
      type: "checkbox",
      change: (e) => {
        all = e.target.checked;
        redraw();
      },
    }),
    " all channels",
  );
  return [
    ...heading(
      `Pairs with a similarity above ${brief(c.threshold)}`,
      c.n_pairs > c.pairs.length ? `The ${c.pairs.length} most similar of ${c.n_pairs} pairs.` : "",
    ),
    el("div", { class: "controls loose" }, list, step(-1), step(1), toggle),
    box,
  ];
}

function pairRaster(c, now) {
  return figure({
    name: `pair-raster-${c.a}-${c.b}`,
    title: "Spikes of both units",
    height: 200,
    draw: (body, w, h) => {
      const r = part(now().raster);
      if (!r) {
        body.append(missing("Spikes", now().raster));
        return 0;
      }
      const { ctx } = sheet(body, w, h),
        box = { left: 90, top: 8, width: w - 104, height: h - 50 };
      const { px } = frame(ctx, box, { xRange: r.window_samples, yRange: [0, 2], xLabel: "sample", yTicks: false });
      [
        [r.a_samples, r.a_matched, c.a, 0],
        [r.b_samples, r.b_matched, c.b, 1],
      ].forEach(([samples, matched, run, row]) => {
        const y = box.top + (row * box.height) / 2;
        ctx.fillStyle = themed("muted");
        ctx.textAlign = "right";
        ctx.fillText(short(runName(run), 13), box.left - 8, y + box.height / 4 + 4);
        for (let i = 0; i < samples.length; i++) {
          ctx.fillStyle = matched.v[i] ? themed("faint") : runColour(run);
          ctx.fillRect(px(samples.v[i]), y + 4, matched.v[i] ? 1 : 1.8, box.height / 2 - 8);
        }
      });
      return r.a_samples.length + r.b_samples.length;
    },
    data: () => {
      const r = part(now().raster);
      return r ? { a_sample: r.a_samples, a_matched: r.a_matched, b_sample: r.b_samples, b_matched: r.b_matched } : {};
    },
    legend: () => [
      [themed("faint"), "matched"],
      [runColour(c.a), "only in the first"],
      [runColour(c.b), "only in the second"],
    ],
  });
}
function pairRates(c, now) {
  return figure({
    name: `pair-rates-${c.a}-${c.b}`,
    title: "Whole recording: spikes per second",
    height: 200,
    draw: (body, w, h) => {
      const r = part(now().raster);
      if (!r) {
        body.append(missing("Rates", now().raster));
        return 0;
      }
      const x = (n) => range(n).map((i) => i + 0.5);
      return xy(body, w, h, {
        xLabel: "time (s)",
        yLabel: "spikes",
        series: [
          { name: runName(c.a), x: x(r.a_per_second.length), y: r.a_per_second, colour: runColour(c.a), width: 1.2 },
          { name: runName(c.b), x: x(r.b_per_second.length), y: r.b_per_second, colour: runColour(c.b), width: 1.2 },
        ],
      });
    },
    data: () => {
      const r = part(now().raster);
      return r ? { a_per_second: r.a_per_second, b_per_second: r.b_per_second } : {};
    },
  });
}
