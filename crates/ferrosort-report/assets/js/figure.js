// Frames around plots: title, menu, lazy drawing, redrawing when the theme or the size changes.

const figures = [];
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) entry.target.figure?.show();
  },
  { rootMargin: "400px" },
);
const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) entry.target.closest("figure")?.figure?.resized();
});

/**
 * A figure. `draw(body, width, height)` fills the body and returns how many points it drew; `data()` gives the columns (or
 * `{matrix}`) that it shows. `controls` are elements above the plot, `legend` is [[colour, text]], `note` a sentence below.
 */
function figure({
  name,
  title,
  draw,
  data,
  height = 260,
  wide = false,
  half = false,
  quarter = false,
  span,
  controls = [],
  legend = [],
  note = "",
  facts = [],
}) {
  const body = el("div", { class: "body", style: { height: `${height}px` } });
  const legendBox = el("div", { class: "legend" });
  const node = el(
    "figure",
    {
      "data-plot": name,
      "data-state": "pending",
      class: span ?? (wide ? "wide" : half ? "half" : quarter ? "quarter" : null),
      "aria-label": title,
    },
    el("figcaption", {}, el("span", { class: "title" }, title), menu(name, title, data, body)),
    controls.length ? el("div", { class: "controls" }, controls) : null,
    body,
    legendBox,
    note ? el("p", { class: "note" }, note) : null,
    facts.length ? factList(facts) : null,
  );
  let drawnWidth = 0,
    visible = false;
  const self = {
    name,
    title,
    node,
    data,
    get state() {
      return node.dataset.state;
    },
    show() {
      visible = true;
      if (node.dataset.state === "pending" && body.clientWidth > 0) self.redraw();
    },
    redraw() {
      if (!visible && node.dataset.state === "pending") return;
      body.replaceChildren();
      drawnWidth = body.clientWidth;
      let points = 0;
      try {
        points = draw(body, drawnWidth, height) ?? 0;
      } catch (error) {
        // One plot with bad data must not take the page with it.
        console.error(`${name}: ${error.stack}`);
        body.replaceChildren(el("p", { class: "missing" }, `This plot could not be drawn: ${error.message}`));
        node.dataset.state = "failed";
        return;
      }
      const items = typeof legend === "function" ? legend() : legend;
      legendBox.replaceChildren(
        ...items.map(([colour, text, kind]) =>
          el(
            "span",
            { class: `key ${kind ?? ""}` },
            el("i", { style: { background: colour, borderColor: colour } }),
            text,
          ),
        ),
      );
      node.dataset.state = "drawn";
      node.dataset.points = points;
    },
    resized() {
      if (node.dataset.state === "drawn" && Math.abs(body.clientWidth - drawnWidth) > 2) self.redraw();
      else if (visible) self.show();
    },
    /** Forgets the drawing: it is made again when seen. */
    stale() {
      if (node.dataset.state === "drawn") {
        visible = false;
        node.dataset.state = "pending";
        watcher.unobserve(node);
        watcher.observe(node);
      }
    },
  };
  node.figure = self;
  figures.push(self);
  watcher.observe(node);
  sizes.observe(body);
  return node;
}

/** Draws figures anew, for example after a change of theme. */
function redrawAll() {
  themeColours.clear();
  for (const f of figures) if (f.node.isConnected) f.stale();
}
/** Takes figures out of the list that are no longer in the page. */
function forgetFigures() {
  for (let i = figures.length - 1; i >= 0; i--) if (!figures[i].node.isConnected) figures.splice(i, 1);
}
function drawEverything() {
  for (const f of figures) if (f.node.isConnected) f.show();
}

function menu(name, title, data, body) {
  const item = (text, kind, run) =>
    el(
      "button",
      {
        type: "button",
        "data-download": `${name}.${kind}`,
        click: (event) => {
          run();
          event.target.closest("details").open = false;
        },
      },
      text,
    );
  const items = data
    ? [
        item("CSV", "csv", () => save(`${name}.csv`, toCsv(data()), "text/csv")),
        item("Table", "table", () => showNumbers(name, title, data())),
        item("JSON", "json", () => save(`${name}.json`, JSON.stringify(plain(data()), null, 1), "application/json")),
      ]
    : [];
  items.push(item("PNG", "png", () => savePicture(name, title, body)));
  return el(
    "details",
    { class: "menu" },
    el("summary", { "aria-label": `Download ${title}`, title: "Download" }, "⤓"),
    el("div", { class: "items" }, items),
  );
}

const MOST_ROWS = 500;
/** The numbers of a plot as a table over the page. */
function showNumbers(name, title, data) {
  const columns = data.matrix
    ? Object.fromEntries(
        range(data.matrix.shape[1]).map((j) => [
          String(j),
          range(data.matrix.shape[0]).map((i) => data.matrix.at(i, j)),
        ]),
      )
    : Object.fromEntries(Object.entries(data).map(([key, list]) => [key, list instanceof Numbers ? list.v : list]));
  const names = Object.keys(columns),
    rows = Math.max(0, ...names.map((key) => columns[key].length)),
    shown = Math.min(rows, MOST_ROWS);
  const content = table({
    name,
    rows: range(shown),
    max: innerHeight * 0.65,
    columns: names.map((key) => ({ label: key || " ", value: (i) => columns[key][i] ?? null })),
  });
  const dialog = el(
    "dialog",
    { class: "numbers", "aria-label": title, close: () => dialog.remove() },
    el("h3", {}, title),
    rows > shown ? el("p", { class: "quiet" }, `The first ${shown} of ${fmt(rows)} rows; downloads hold all.`) : null,
    content.node,
    el("button", { type: "button", autofocus: true, click: () => dialog.close() }, "Close"),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** All canvases of a plot as one picture. */
function savePicture(name, title, body) {
  const box = body.getBoundingClientRect(),
    scale = devicePixelRatio || 1;
  const sheet = el("canvas", { width: Math.ceil(box.width * scale), height: Math.ceil((box.height + 30) * scale) });
  const ctx = sheet.getContext("2d");
  ctx.scale(scale, scale);
  ctx.fillStyle = themed("card");
  ctx.fillRect(0, 0, box.width, box.height + 30);
  ctx.fillStyle = themed("text");
  ctx.font = "600 13px system-ui, sans-serif";
  ctx.fillText(title, 8, 19);
  for (const canvas of body.querySelectorAll("canvas")) {
    const at = canvas.getBoundingClientRect();
    ctx.drawImage(canvas, at.left - box.left, at.top - box.top + 30, at.width, at.height);
  }
  sheet.toBlob((blob) => save(`${name}.png`, blob, "image/png"));
}

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.menu[open]"))
    if (!open.contains(event.target)) open.open = false;
});
