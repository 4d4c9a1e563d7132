// Tables that sort by a click on a header.

/**
 * A table. `columns` are {label, unit, title, value(row), text(row), node(row)}; rows are anything. `select(row)` is called
 * for a click; `attributes(row)` gives attributes of a row.
 */
function table({ name, columns, rows, select, attributes = () => ({}), max = 340, sortBy, descending = true }) {
  let order = range(rows.length),
    sorted = sortBy ?? -1,
    down = descending,
    shown = () => true;
  const body = el("tbody");
  const heads = columns.map((column, c) =>
    el(
      "th",
      {
        scope: "col",
        title: column.title,
        class:
          rows.length && (typeof column.value(rows[0]) === "number" || column.value(rows[0]) === null)
            ? "number"
            : null,
      },
      el(
        "button",
        {
          type: "button",
          click: () => sort(c, c === sorted ? !down : typeof column.value(rows[0] ?? {}) !== "string"),
        },
        column.label,
        column.unit ? el("small", {}, ` ${column.unit}`) : null,
      ),
    ),
  );
  const lines = rows.map((row) => {
    const line = el(
      "tr",
      { ...attributes(row), ...(select ? { click: () => select(row), class: "pick" } : {}) },
      columns.map((column) => {
        const value = column.value(row);
        return el(
          "td",
          { class: typeof value === "number" || value === null ? "number" : null },
          column.node?.(row) ?? (column.text ? column.text(row) : fmt(value)),
        );
      }),
    );
    return line;
  });
  function sort(c, isDown) {
    sorted = c;
    down = isDown;
    if (c >= 0) {
      const keys = rows.map((row) => columns[c].value(row));
      const absent = (x) => x === null || x === undefined || (typeof x === "number" && !Number.isFinite(x)) || x === "";
      order = range(rows.length).sort((a, b) => {
        const x = keys[a],
          y = keys[b];
        if (absent(x) || absent(y)) return absent(x) - absent(y) || a - b;
        const by = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
        return (down ? -by : by) || a - b;
      });
      heads.forEach((head, i) =>
        head.setAttribute("aria-sort", i === c ? (down ? "descending" : "ascending") : "none"),
      );
    }
    fill();
  }
  function fill() {
    body.replaceChildren(...visible().map((i) => lines[i]));
  }
  const visible = () => order.filter((i) => shown(rows[i]));
  sort(sorted, down);
  const data = () =>
    Object.fromEntries(
      columns.map((c) => [c.unit ? `${c.label} (${c.unit})` : c.label, order.map((i) => c.value(rows[i]))]),
    );
  const node = el(
    "div",
    { class: "table" },
    el(
      "div",
      { class: "scroll", style: { maxHeight: `${max}px` }, tabindex: 0, role: "region", "aria-label": name },
      el("table", {}, el("thead", {}, el("tr", {}, heads)), body),
    ),
    el(
      "p",
      { class: "under" },
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          "data-download": `${name}.csv`,
          click: () => save(`${name}.csv`, toCsv(data()), "text/csv"),
        },
        "CSV",
      ),
    ),
  );
  return {
    node,
    lines,
    data,
    /** Shows only rows for which `test` holds; says how many. */
    filter(test) {
      shown = test;
      fill();
      return visible().length;
    },
    /** Rows as shown, from top to bottom. */
    visible: () => visible().map((i) => rows[i]),
    line: (row) => lines[rows.indexOf(row)],
  };
}

/** What is opened by a click; `build` makes it the first time. */
function folded(summary, build) {
  const node = el(
    "details",
    {
      class: "folded",
      toggle: () => {
        if (node.open && node.children.length === 1) node.append(build());
      },
    },
    el("summary", {}, summary),
  );
  return node;
}
