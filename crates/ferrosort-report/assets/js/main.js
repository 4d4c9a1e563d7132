// Puts the page together.

function inputsSection(slot) {
  slot.append(
    table({
      name: "runs",
      rows: range(report.runs.length),
      columns: [
        {
          label: "run",
          value: (r) => runName(r),
          node: (r) => el("span", {}, el("i", { class: "swatch", style: { background: runColour(r) } }), runName(r)),
        },
        { label: "kind", value: (r) => report.runs[r].role },
        { label: "program", value: (r) => report.runs[r].program || "–" },
        { label: "units", value: (r) => report.runs[r].units.length },
        {
          label: "good units",
          value: (r) =>
            report.runs[r].units.some((u) => u.label)
              ? report.runs[r].units.filter((u) => u.label === "good").length
              : NaN,
        },
        { label: "spikes", value: (r) => report.runs[r].n_spikes },
        {
          label: "median rate",
          unit: "Hz",
          value: (r) =>
            quantile(
              report.runs[r].units.map((u) => u.rate_hz ?? NaN),
              0.5,
            ),
        },
        { label: "run time", unit: "s", value: (r) => report.runs[r].run_time_s },
        { label: "source", value: (r) => report.runs[r].source },
      ],
    }).node,
  );
  if (report.parameters.length) {
    const differ = report.parameters.filter((p) => p.differs),
      rows = [...differ, ...report.parameters.filter((p) => !p.differs)];
    const make = (name, list) =>
      table({
        name,
        rows: list,
        attributes: (p) => ({ class: p.differs ? "differs" : null }),
        columns: [
          { label: "parameter", value: (p) => p.name },
          ...report.runs.map((run, r) => ({ label: run.name, value: (p) => p.values[r] ?? "–" })),
        ],
      }).node;
    slot.append(...heading("Parameters that differ", differ.length ? "" : "None."));
    if (differ.length) slot.append(make("parameters_that_differ", differ));
    slot.append(folded(`All ${rows.length} parameters`, () => make("parameters", rows)));
  }
  if (report.files.length)
    slot.append(
      folded(
        `All ${report.files.length} files`,
        () =>
          table({
            name: "files",
            rows: report.files,
            columns: [
              { label: "run", value: (f) => runName(f.run) },
              { label: "file", value: (f) => f.name },
              { label: "size", unit: "bytes", value: (f) => f.bytes },
              { label: "type", value: (f) => f.dtype },
              { label: "shape", value: (f) => f.shape },
            ],
          }).node,
      ),
    );
}

const SECTIONS = [
  ["units", unitsSection],
  ["truth", truthSection],
  ["agreement", agreementSection],
  ["outputs", outputsSection],
  ["quality", qualitySection],
  ["drift", driftSection],
  ["intermediates", intermediatesSection],
  ["traces", tracesSection],
  ["inputs", inputsSection],
];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme-toggle").textContent = theme === "dark" ? "Light" : "Dark";
  try {
    localStorage.setItem("ferrosort-theme", theme);
  } catch {
    /* pages opened as files may have no storage */
  }
  redrawAll();
}

function followHash() {
  const unit = location.hash.match(/^#unit-(\d+)-(\d+)$/);
  if (unit) selectUnit(Number(unit[1]), Number(unit[2]), { jump: true });
}

function keyboard(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    document.getElementById("units").scrollIntoView();
    document.getElementById("unit-search")?.focus({ preventScroll: true });
  }
  if (event.key === "Escape" && typing) event.target.blur();
}

/** Marks the section in view in the navigation. */
function watchSections() {
  const links = new Map([...document.querySelectorAll("#nav li a")].map((a) => [a.getAttribute("href").slice(1), a]));
  const mark = () => {
    let now = "overview";
    for (const id of links.keys())
      if (document.getElementById(id).getBoundingClientRect().top < innerHeight * 0.35) now = id;
    links.forEach((a, id) => (id === now ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
  };
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  requestAnimationFrame(mark);
}

async function start() {
  report = await readReport();
  document.body.append(tip);
  const slot = (name) => document.querySelector(`[data-slot="${name}"]`);
  overview(slot("overview-plots"), slot("overview-more"));
  for (const [name, build] of SECTIONS) {
    try {
      build(slot(name));
    } catch (error) {
      console.error(`${name}: ${error.stack}`);
      slot(name).append(missing("This part", `it could not be drawn: ${error.message}`));
    }
  }
  document
    .querySelector('[data-download="all"]')
    .addEventListener("click", () => save("report.json", JSON.stringify(plain(report)), "application/json"));
  document.getElementById("theme-toggle").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  document.getElementById("theme-toggle").textContent = isDark() ? "Light" : "Dark";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  addEventListener("hashchange", followHash);
  addEventListener("keydown", keyboard);
  addEventListener("beforeprint", drawEverything);
  addEventListener("scroll", hideTip, { passive: true });
  for (const name of ["truth", "agreement", "outputs", "drift", "intermediates", "traces"]) {
    if (!part(report[name])) document.querySelector(`#nav a[href="#${name}"]`).classList.add("without");
  }
  watchSections();
  const first = sortings()[0] ?? 0;
  if (report.runs[first]?.units.length) selectUnit(first, 0, { silent: true });
  if (/^#unit-/.test(location.hash)) followHash();
  else if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  document.documentElement.dataset.ready = "true";
}

try {
  const theme = localStorage.getItem("ferrosort-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  /* no storage */
}
window.ferrosort = { ready: start(), plots: figures, drawEverything, selectUnit };
