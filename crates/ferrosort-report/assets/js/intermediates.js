// Part I: intermediate results of two sortings.

function intermediatesSection(slot) {
  const all = part(report.intermediates);
  if (!all) return slot.append(missing("Intermediate results", report.intermediates));
  const names = [runName(all.a), runName(all.b)],
    colours = () => [runColour(all.a), runColour(all.b)];
  const add = (title, p, build) => {
    slot.append(...heading(title));
    const content = part(p);
    if (!content) return slot.append(missing(title, p));
    if (content.explanation) slot.append(el("p", { class: "callout" }, content.explanation));
    slot.append(build(content));
  };
  add("Processed data: alignment", all.alignment, (c) =>
    grid(
      alignmentFigure(c, names, colours),
      channelCorrelation(c),
      el("div", { class: "card" }, el("h4", {}, "Numbers"), factList(c.facts)),
    ),
  );
  add("Whitening matrices", all.whitening, (c) => whiteningFigures(c, names));
  add("Batch dissimilarity", all.batches, (c) => el("div", {}, batchFigures(c, names), differenceTable(c)));
  add("Order of the batches", all.order, (c) => orderFigures(c, names, colours));
}

function alignmentFigure(c, names, colours) {
  let which = "after",
    from = 0,
    span = 4000;
  const t = () => c[which],
    samples = c.after.a.shape[1] ?? 0;
  span = Math.min(samples, 1000);
  const node = figure({
    name: "alignment",
    title: "Processed data of both, and their difference",
    wide: true,
    height: 430,
    controls: [
      choice(
        "Show",
        [
          ["after", "after correction"],
          ["before", "as the files are"],
        ],
        (v) => {
          which = v;
          node.figure.redraw();
        },
      ),
      choice(
        "Samples",
        [
          [1000, "1000"],
          [4000, "all"],
          [300, "300"],
        ].map(([n, text]) => [n, text]),
        (v) => {
          span = Math.min(samples, Number(v));
          node.figure.redraw();
        },
        1000,
      ),
    ],
    draw: (body, w, h) => {
      const { ctx } = sheet(body, w, h),
        [rows] = t().a.shape,
        parts = 3,
        gap = 30;
      const each = (w - 60 - gap * (parts - 1)) / parts,
        sd = Math.sqrt(mean(t().a.v.map((v) => v * v))) || 1,
        high = (h - 66) / (rows + 0.5);
      const end = Math.min(samples, from + span);
      [
        [names[0], colours()[0], (r, i) => t().a.at(r, i)],
        [names[1], colours()[1], (r, i) => t().b.at(r, i)],
        ["difference", themed("ink"), (r, i) => t().a.at(r, i) - t().b.at(r, i)],
      ].forEach(([title, colour, value], k) => {
        const box = { left: 48 + k * (each + gap), top: 20, width: each, height: h - 62 };
        ctx.fillStyle = themed("text");
        ctx.font = "600 11px system-ui, sans-serif";
        ctx.fillText(short(title, Math.floor(each / 7)), box.left, 13);
        const { px } = frame(ctx, box, {
          xRange: [c.start_sample + from, c.start_sample + end],
          yRange: [0, 1],
          yTicks: false,
          xLabel: "sample",
        });
        ctx.strokeStyle = colour;
        ctx.lineWidth = 0.8;
        for (let r = 0; r < rows; r++) {
          const y = box.top + (r + 0.75) * high;
          if (k === 0) {
            ctx.fillStyle = themed("muted");
            ctx.font = AXIS_FONT;
            ctx.textAlign = "right";
            ctx.fillText(`ch ${c.channels[r]}`, box.left - 5, y + 3);
            ctx.textAlign = "left";
          }
          ctx.beginPath();
          for (let i = from; i < end; i++) ctx.lineTo(px(c.start_sample + i), y - (value(r, i) / (6 * sd)) * high);
          ctx.stroke();
        }
      });
      return rows * (end - from) * 3;
    },
    data: () => ({
      sample: range(samples).map((i) => i + c.start_sample),
      ...Object.fromEntries(
        c.channels.flatMap((ch, r) => [
          [`${names[0]} channel ${ch}`, t().a.row(r)],
          [`${names[1]} channel ${ch}`, t().b.row(r)],
        ]),
      ),
    }),
    note: "Channels are six standard deviations apart.",
  });
  return node;
}
function channelCorrelation(c) {
  return figure({
    name: "alignment-correlation",
    title: "Correlation of each channel with its partner",
    half: true,
    draw: (body, w, h) =>
      xy(body, w, h, {
        xLabel: "channel",
        yLabel: "correlation",
        yRange: [Math.min(extent(c.correlation.v)[0] - 0.01, 0.95), 1.002],
        series: [
          {
            name: "correlation",
            kind: "points",
            x: range(c.correlation.length),
            y: c.correlation,
            colour: themed("accent"),
            size: 2.6,
            label: (i) => `channel ${i}: ${fmt(c.correlation.v[i], 5)}`,
          },
        ],
      }),
    data: () => ({ channel: range(c.correlation.length), correlation: c.correlation }),
  });
}

function matrixFigure(name, title, array, limits, kind, axis, times, facts = []) {
  const [rows, columns] = array.shape;
  return figure({
    name,
    title,
    height: 300,
    facts,
    draw: (body, w, h) =>
      heatmap(body, w, h, {
        rows,
        columns,
        square: true,
        value: (i, j) => array.at(i, j),
        limits,
        kind,
        xRange: [0, columns],
        yRange: [rows, 0],
        xLabel: axis,
        yLabel: axis,
        cell: (i, j) => [`${axis} ${i}, ${j}`, times ? `${fmt(times[i], 1)} s, ${fmt(times[j], 1)} s` : ""],
      }),
    data: () => ({ matrix: array }),
  });
}
/** Difference of two matrices as Numbers-like. */
function subtract(a, b) {
  const v = Float64Array.from(a.v, (x, i) => x - b.v[i]);
  return {
    v,
    shape: a.shape,
    length: v.length,
    at: (i, j) => v[i * a.shape[1] + j],
    row: (i) => v.subarray(i * a.shape[1], (i + 1) * a.shape[1]),
  };
}
const both = (v) => [-v, v];
const largest = (array) => Math.max(...extent(array.v).map(Math.abs)) || 1;

function whiteningFigures(c, names) {
  const d = subtract(c.a, c.b),
    minus = { ...d, v: d.v.map((x) => -x), at: (i, j) => -d.at(i, j) };
  return grid(
    matrixFigure("whitening-a", `W of ${names[0]}`, c.a, both(c.limit), "diverging", "channel"),
    matrixFigure("whitening-b", `W of ${names[1]}`, c.b, both(c.limit), "diverging", "channel"),
    matrixFigure(
      "whitening-difference",
      `${names[1]} minus ${names[0]}`,
      minus,
      both(largest(d)),
      "diverging",
      "channel",
      null,
      c.facts,
    ),
  );
}

function batchFigures(c, names) {
  const times = c.batch_times_s.v,
    limit = both(largest(c.ccbsort_a)),
    sets = [
      ["ccb0", "in batch order", c.ccb0_a, c.ccb0_b],
      ["ccbsort", "each in its own order", c.ccbsort_a, c.ccbsort_b],
    ];
  const out = [],
    own = [];
  for (const [key, text, a, b] of sets) {
    const same = a.shape[0] === b.shape[0];
    out.push(
      matrixFigure(`${key}-a`, `${key} of ${names[0]}, ${text}`, a, limit, "diverging", "batch", times),
      matrixFigure(`${key}-b`, `${key} of ${names[1]}, ${text}`, b, limit, "diverging", "batch", times),
    );
    if (same) {
      const d = subtract(a, b);
      out.push(
        matrixFigure(
          `${key}-difference`,
          `${key}: ${names[0]} minus ${names[1]}`,
          d,
          limit,
          "diverging",
          "batch",
          times,
        ),
      );
      own.push(
        matrixFigure(
          `${key}-difference-own`,
          `${key}: the same difference, own limits`,
          d,
          both(largest(d)),
          "diverging",
          "batch",
          times,
        ),
      );
    }
  }
  if (c.ccb_b_in_order_of_a.length)
    own.push(
      matrixFigure(
        "ccb-b-in-order-of-a",
        `ccb0 of ${names[1]} in the order of ${names[0]}`,
        c.ccb_b_in_order_of_a,
        limit,
        "diverging",
        "place",
      ),
    );
  return grid(...out, ...own);
}
function differenceTable(c) {
  if (!c.differences.length) return el("span");
  return table({
    name: "batch_differences",
    rows: c.differences,
    columns: [
      { label: "matrix", value: (d) => d.name },
      { label: "Pearson r", value: (d) => d.pearson },
      { label: "Spearman r", value: (d) => d.spearman },
      { label: "rms difference", value: (d) => d.rms_difference },
      { label: "rms of the first", value: (d) => d.rms_a },
      { label: "largest difference", value: (d) => d.largest },
      { label: "at batches", value: (d) => d.largest_at?.join(", ") ?? "" },
    ],
  }).node;
}

function orderFigures(c, names, colours) {
  const times = c.batch_times_s,
    n = c.order_a.length,
    curve = (k, x, y) => ({ name: names[k], x, y, colour: colours()[k], dots: n <= 80 });
  const legend = () => names.map((name, k) => [colours()[k], name]);
  return grid(
    figure({
      name: "order",
      title: "Batch at each place of the order",
      legend,
      draw: (body, w, h) =>
        xy(body, w, h, {
          xLabel: "place",
          yLabel: "batch",
          series: [curve(0, range(n), c.order_a), curve(1, range(c.order_b.length), c.order_b)],
        }),
      data: () => ({ place: range(n), [names[0]]: c.order_a, [names[1]]: c.order_b }),
    }),
    figure({
      name: "order-drift",
      title: "Place of each batch over time (the drift)",
      legend,
      draw: (body, w, h) =>
        xy(body, w, h, {
          xLabel: "time (s)",
          yLabel: "place",
          series: [curve(0, times, c.place_a), curve(1, times, c.place_b)],
        }),
      data: () => ({ time_s: times, [names[0]]: c.place_a, [names[1]]: c.place_b }),
    }),
    figure({
      name: "order-scatter",
      title: "Places in both orders",
      draw: (body, w, h) =>
        xy(body, w, h, {
          xLabel: names[0],
          yLabel: names[1],
          diagonal: true,
          series: [
            {
              name: "batch",
              kind: "points",
              x: c.place_a,
              y: c.place_b,
              colour: themed("accent"),
              label: (i) => `batch ${i}: ${c.place_a.v[i]}, ${c.place_b.v[i]}`,
            },
          ],
        }),
      data: () => ({ batch: range(n), [names[0]]: c.place_a, [names[1]]: c.place_b }),
    }),
    el("div", { class: "card" }, el("h4", {}, "Numbers"), factList(c.facts)),
  );
}
