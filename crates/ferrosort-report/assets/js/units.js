// Part VII: the table of units beside the page of the selected one.

let unitRun = -1;
let unitTable = null;

function unitsSection(slot) {
  const runs = range(report.runs.length).filter((r) => report.runs[r].units.length);
  if (!runs.length) return slot.append(el("p", { class: "missing" }, "No run has units."));
  const search = el("input", {
    type: "search",
    id: "unit-search",
    placeholder: "find: id, good, snr>5, accuracy<0.8",
    "aria-label": "Find units",
    autocomplete: "off",
    spellcheck: "false",
    input: () => applyFilter(),
  });
  const count = el("span", { class: "quiet", "aria-live": "polite" });
  const holder = el("div", { class: "holder" });
  const detail = el("div", { class: "detail", id: "unit-detail", role: "region", "aria-label": "Selected unit" });
  const chooser = el(
    "select",
    { id: "unit-run", "aria-label": "Run", change: () => show(Number(chooser.value), true) },
    runs.map((r) => el("option", { value: r }, runName(r))),
  );
  slot.append(
    el(
      "div",
      { class: "units" },
      el(
        "div",
        { class: "list" },
        el("div", { class: "controls loose" }, chooser, search, count),
        holder,
        el(
          "p",
          { class: "note" },
          "Search terms combine: ",
          el("code", {}, "good snr>5 accuracy<0.8"),
          ". Arrow keys move through the table.",
        ),
      ),
      detail,
    ),
  );

  function show(run, pickFirst) {
    if (unitRun !== run) {
      unitRun = run;
      chooser.value = run;
      unitTable = makeTable(run);
      holder.replaceChildren(unitTable.node);
      applyFilter();
    }
    if (pickFirst) selectUnit(run, unitTable.visible()[0] ?? 0, { silent: true });
  }
  function applyFilter() {
    const terms = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const n = unitTable.filter((unit) => terms.every((term) => fits(unitRun, unit, term)));
    count.textContent = `${n} of ${report.runs[unitRun].units.length}`;
  }
  onSelection((run, unit) => {
    show(run, false);
    for (const line of unitTable.lines) line.setAttribute("aria-selected", line.dataset.unit === String(unit));
    const line = unitTable.lines[unit];
    const box = line.closest(".scroll");
    if (box)
      box.scrollTop +=
        Math.min(0, line.getBoundingClientRect().top - box.getBoundingClientRect().top - 34) ||
        Math.max(0, line.getBoundingClientRect().bottom - box.getBoundingClientRect().bottom + 14);
    detail.replaceChildren(...unitPage(run, unit));
    forgetFigures();
  });
  slot.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.target.tagName === "SELECT") return;
    event.preventDefault();
    moveSelection(event.key === "ArrowDown" ? 1 : -1);
  });
  show(sortings()[0] ?? runs[0], false);
}

function moveSelection(by) {
  const shown = unitTable.visible();
  if (!shown.length) return;
  const at = selection.run === unitRun ? shown.indexOf(selection.unit) : -1;
  selectUnit(unitRun, shown[Math.min(Math.max(at + by, 0), shown.length - 1)]);
}

/** Columns that a search term may compare. */
const SEARCHED = {
  spikes: (r, i) => report.runs[r].units[i].n_spikes,
  rate: (r, i) => report.runs[r].units[i].rate_hz,
  depth: (r, i) => report.runs[r].units[i].y_um,
  amplitude: (r, i) => report.runs[r].units[i].amplitude_uv,
  snr: (r, i) => report.runs[r].units[i].snr,
  contamination: (r, i) => report.runs[r].units[i].contamination_pct,
  accuracy: accuracyOf,
  agreement: agreementOf,
};
function fits(run, unit, term) {
  const compared = term.match(/^([a-z_]+)(<=|>=|<|>|=)(-?[\d.]+)$/);
  if (compared) {
    const [, name, sign, text] = compared,
      limit = Number(text),
      x = SEARCHED[name] ? SEARCHED[name](run, unit) : metricOf(run, name)?.values.v[unit];
    if (x === null || x === undefined || !Number.isFinite(x)) return false;
    return { "<": x < limit, ">": x > limit, "<=": x <= limit, ">=": x >= limit, "=": x === limit }[sign];
  }
  const u = report.runs[run].units[unit];
  return [u.id, u.label, u.class, ...classesOf(run, unit)].some((text) => text.toLowerCase().includes(term));
}

function makeTable(run) {
  const units = report.runs[run].units,
    has = (of) => units.some((_, i) => Number.isFinite(of(i)));
  const accuracy = (i) => accuracyOf(run, i),
    agreement = (i) => agreementOf(run, i);
  const partner = (i) => partners(run, i)[0];
  const columns = [
    {
      label: "unit",
      value: (i) => units[i].id,
      node: (i) =>
        el("span", {}, el("i", { class: "swatch", style: { background: unitColour(run, i) } }), short(units[i].id, 24)),
    },
    units.some((u) => u.label) ? { label: "label", value: (i) => units[i].label } : null,
    units.some((u) => u.class) ? { label: "class", value: (i) => units[i].class } : null,
    has(accuracy) ? { label: "accuracy", value: accuracy, text: (i) => fmt(accuracy(i), 2) } : null,
    has(agreement) ? { label: "agreement", value: agreement, text: (i) => fmt(agreement(i), 2) } : null,
    units.some((_, i) => partner(i))
      ? { label: "partner", value: (i) => (partner(i) ? unitId(partner(i).run, partner(i).unit) : "") }
      : null,
    { label: "spikes", value: (i) => units[i].n_spikes },
    { label: "rate", unit: "Hz", value: (i) => units[i].rate_hz },
    { label: "depth", unit: "µm", value: (i) => units[i].y_um, text: (i) => fmt(units[i].y_um, 0) },
    { label: "amplitude", unit: "µV", value: (i) => units[i].amplitude_uv, text: (i) => fmt(units[i].amplitude_uv, 0) },
    { label: "SNR", value: (i) => units[i].snr, text: (i) => fmt(units[i].snr, 1) },
    units.some((u) => u.contamination_pct !== null)
      ? {
          label: "contam.",
          unit: "%",
          value: (i) => units[i].contamination_pct,
          text: (i) => fmt(units[i].contamination_pct, 1),
        }
      : null,
    ...report.runs[run].metrics
      .filter((m) => m.name !== "snr" && m.name !== "firing_rate")
      .map((m) => ({ label: m.label || m.name, unit: m.unit, title: m.meaning, value: (i) => m.values.v[i] })),
  ].filter(Boolean);
  return table({
    name: `units-${run}`,
    columns,
    rows: range(units.length),
    max: 560,
    select: (i) => selectUnit(run, i),
    attributes: (i) => ({ "data-unit": i, "aria-selected": "false" }),
  });
}
