// Which unit is selected, who its partners are, and how they score.

let report = null;
const selection = { run: 0, unit: -1 };
const selectionListeners = [];
const onSelection = (listener) => selectionListeners.push(listener);

/** Selects a unit everywhere; `jump` also scrolls to its page. */
function selectUnit(run, unit, { jump = false, silent = false } = {}) {
  if (!report.runs[run]?.units[unit]) return;
  selection.run = run;
  selection.unit = unit;
  for (const listener of selectionListeners) listener(run, unit);
  if (!silent) {
    history.replaceState(null, "", `#unit-${run}-${unit}`);
    document.getElementById("live").textContent = `${unitName(run, unit)} selected`;
  }
  if (jump) document.getElementById("units").scrollIntoView({ behavior: reducedMotion() ? "auto" : "smooth" });
}
const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const runName = (run) => report.runs[run]?.name ?? `run ${run}`;
const unitId = (run, unit) => report.runs[run]?.units[unit]?.id ?? "?";
const unitName = (run, unit) => `${runName(run)} ${unitId(run, unit)}`;
const sortings = () => range(report.runs.length).filter((r) => report.runs[r].role !== "truth");
const comparisons = () => part(report.truth)?.comparisons ?? [];
const truthRun = () => part(report.truth)?.truth_run ?? -1;

/** All partners of a unit: [{run, unit, score, kind}]. */
function partners(run, unit) {
  const found = [],
    truth = truthRun();
  for (const c of comparisons()) {
    if (run === truth && c.tested[unit] !== null)
      found.push({ run: c.run, unit: c.tested[unit], score: c.accuracy.v[unit], kind: "accuracy" });
    if (run === c.run) {
      const i = c.tested.indexOf(unit);
      if (i >= 0) found.push({ run: truth, unit: i, score: c.accuracy.v[i], kind: "accuracy" });
    }
  }
  for (const p of part(report.agreement)?.pairs ?? []) {
    const i = run === p.a ? unit : run === p.b ? p.matches.indexOf(unit) : -1;
    const j = i >= 0 ? p.matches[i] : null;
    if (j !== null && j !== undefined) {
      const other = run === p.a ? [p.b, j] : [p.a, i];
      found.push({ run: other[0], unit: other[1], score: p.scores.at(i, j), kind: "agreement" });
    }
  }
  return found;
}

/** The unit whose colour a unit shares: its partner in the earliest run. */
const homes = new Map();
function home(run, unit) {
  const key = `${run}/${unit}`;
  if (!homes.has(key)) {
    const first = partners(run, unit)
      .filter((p) => p.run < run)
      .sort((a, b) => a.run - b.run)[0];
    homes.set(key, first ? [first.run, first.unit] : [run, unit]);
  }
  return homes.get(key);
}

/** Accuracy of a unit against the truth (or of a true unit in the first sorting); NaN when there is none. */
function accuracyOf(run, unit) {
  const truth = truthRun();
  for (const c of comparisons()) {
    if (run === truth) return c.accuracy.v[unit];
    if (run === c.run) {
      const i = c.tested.indexOf(unit);
      return i >= 0 ? c.accuracy.v[i] : 0;
    }
  }
  return NaN;
}
const agreementOf = (run, unit) => partners(run, unit).find((p) => p.kind === "agreement")?.score ?? NaN;

/** Classes of a tested or true unit, in words. */
function classesOf(run, unit) {
  const words = [],
    truth = truthRun();
  const names = {
    well_detected: "well detected",
    false_positive: "false positive",
    redundant: "redundant",
    overmerged: "merged",
  };
  for (const c of comparisons()) {
    if (run === c.run)
      for (const [key, word] of Object.entries(names)) if (c.classes[key].includes(unit)) words.push(word);
    if (run === truth && c.classes.missed.includes(unit)) words.push(`missed by ${runName(c.run)}`);
    if (run === truth && c.classes.oversplit.includes(unit)) words.push(`split by ${runName(c.run)}`);
  }
  return words;
}

const metricOf = (run, name) => report.runs[run].metrics.find((m) => m.name === name);
/** What is suspicious about a unit's metrics, in words. */
function suspicions(run, unit) {
  return report.runs[run].metrics
    .filter((m) => {
      const x = m.values.v[unit];
      return (
        (m.suspicious_above !== null && x > m.suspicious_above) ||
        (m.suspicious_below !== null && x < m.suspicious_below)
      );
    })
    .map((m) => ({ metric: m, value: m.values.v[unit], meaning: m.meaning || `${m.label || m.name} is unusual` }));
}
