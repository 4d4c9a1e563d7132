// Colours: of the theme, of scales, of runs and of units.

const VIRIDIS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];
// The same where the ground is dark: the low end would vanish.
const VIRIDIS_ON_DARK = [
  [126, 84, 178],
  [116, 106, 196],
  [96, 128, 200],
  [76, 148, 198],
  [62, 166, 190],
  [56, 182, 172],
  [72, 198, 142],
  [124, 212, 100],
  [188, 224, 60],
  [253, 231, 37],
];
const BLUE_RED = {
  light: [
    [20, 75, 140],
    [74, 138, 196],
    [170, 205, 230],
    [247, 247, 247],
    [246, 190, 160],
    [214, 96, 77],
    [140, 15, 38],
  ],
  dark: [
    [120, 190, 255],
    [70, 130, 190],
    [40, 70, 100],
    [30, 33, 38],
    [105, 55, 45],
    [190, 90, 65],
    [255, 150, 120],
  ],
};

const isDark = () => {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
/** A colour of the theme by its CSS name. */
function themed(name) {
  if (!themeColours.has(name))
    themeColours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return themeColours.get(name);
}
const themeColours = new Map(); // until the theme changes

function ramp(stops, t) {
  const at = Math.min(Math.max(t, 0), 1) * (stops.length - 1),
    low = Math.min(Math.floor(at), stops.length - 2),
    f = at - low;
  return stops[low].map((c, i) => c + f * (stops[low + 1][i] - c));
}
/** [r, g, b] of a value between 0 and 1, for surfaces. */
const sequential = (t) => ramp(VIRIDIS, t);
/** The same for marks on the ground of the page. */
const marking = (t) => ramp(isDark() ? VIRIDIS_ON_DARK : VIRIDIS, t);
/** [r, g, b] of a value between -1 and 1. */
const diverging = (t) => ramp(isDark() ? BLUE_RED.dark : BLUE_RED.light, (t + 1) / 2);
const rgb = (c, alpha = 1) => `rgba(${Math.round(c[0])},${Math.round(c[1])},${Math.round(c[2])},${alpha})`;

/** Colour of a run: the truth is neutral, sortings are told apart by colour-blind people too (Okabe and Ito 2008). */
function runColour(run) {
  if (report.runs[run]?.role === "truth") return themed("truth");
  const place = report.runs.slice(0, run).filter((r) => r.role !== "truth").length;
  return themed(`run-${place % 4}`);
}

/** Shade of accuracy or agreement: 0 to 1. */
const scoreColour = (x) => (Number.isFinite(x) ? rgb(marking(x)) : themed("faint"));

/** Colour of a unit: hue by depth, the same for a unit and its partner. */
function unitColour(run, unit, alpha = 1) {
  const [homeRun, homeUnit] = home(run, unit);
  const rank = depthRank(homeRun)[homeUnit] ?? 0;
  const hue = (rank * 137.508) % 360; // neighbours differ: golden angle
  return `hsla(${hue.toFixed(0)}, ${isDark() ? 65 : 62}%, ${isDark() ? 66 : 42}%, ${alpha})`;
}
const depthRanks = new Map();
function depthRank(run) {
  if (!depthRanks.has(run)) {
    const units = report.runs[run].units;
    const order = range(units.length).sort((a, b) => (units[a].y_um ?? 0) - (units[b].y_um ?? 0) || a - b);
    const ranks = [];
    order.forEach((unit, rank) => {
      ranks[unit] = rank;
    });
    depthRanks.set(run, ranks);
  }
  return depthRanks.get(run);
}
/** Units of a run from the tip of the probe upwards. */
function byDepth(run) {
  const ranks = depthRank(run),
    order = [];
  ranks.forEach((rank, unit) => {
    order[rank] = unit;
  });
  return order;
}
