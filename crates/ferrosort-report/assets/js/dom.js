// Elements and numbers as text. Text from the data only ever becomes text nodes.

/** An element with attributes (functions become listeners) and children. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "style") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** A number for people: about four digits, thin spaces between groups of three, a dash when there is none. */
function fmt(x, digits) {
  if (typeof x === "string") return x;
  if (typeof x === "boolean") return x ? "yes" : "no";
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  let text;
  if (digits !== undefined) text = x.toFixed(digits);
  else if (Number.isInteger(x)) text = String(x);
  else if (size >= 1000) text = x.toFixed(0);
  else if (size >= 100) text = x.toFixed(1);
  else if (size >= 1) text = x.toFixed(2);
  else if (size >= 0.001)
    text = size > 0.9995 ? String(Number(x.toFixed(6))) : x.toPrecision(3); // 0.99996 is not 1
  else text = x.toExponential(1);
  if (size >= 10000 && !text.includes("e")) {
    const [whole, rest] = text.split(".");
    text = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (rest ? `.${rest}` : "");
  }
  return text.replace("-", "−");
}

/** The same without zeros at the end, for numbers that stand alone. */
const brief = (x) => {
  const text = fmt(x);
  return /[.]\d*0$/.test(text) ? text.replace(/\.?0+$/, "") : text;
};

function csvCell(value) {
  if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) return "";
  if (typeof value === "number") return String(Number(value.toPrecision(9)));
  let text = String(value);
  const isNumber = /^[-+\d.eE]+$/.test(text) && !Number.isNaN(Number(text));
  if (/^[=+\-@\t\r\n]/.test(text) && !isNumber) text = `'${text}`; // spreadsheets would run it as a formula
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Columns (of any lengths), or `{matrix}`, as CSV. */
function toCsv(data) {
  if (data.matrix)
    return (
      plain(data.matrix)
        .map((row) => row.map(csvCell).join(","))
        .join("\r\n") + "\r\n"
    );
  const names = Object.keys(data),
    columns = names.map((name) => (data[name] instanceof Numbers ? data[name].v : data[name]));
  const rows = Math.max(0, ...columns.map((c) => c.length));
  const lines = [names.map(csvCell).join(",")];
  for (let i = 0; i < rows; i++) lines.push(columns.map((c) => csvCell(c[i])).join(","));
  return lines.join("\r\n") + "\r\n";
}

/** Offers a file. */
function save(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = el("a", { download: name, href: URL.createObjectURL(blob) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Numbers beside a plot, as a short list. */
function factList(facts) {
  return el(
    "dl",
    { class: "facts" },
    facts.map((fact) => [
      el("dt", {}, fact.name),
      el("dd", {}, fact.text ?? brief(fact.value), fact.unit && fact.value !== null ? `\u00a0${fact.unit}` : ""),
    ]),
  );
}

/** A choice; `options` are [value, text]. */
function choice(label, options, onChange, value) {
  const select = el(
    "select",
    { "aria-label": label, change: () => onChange(select.value) },
    options.map(([v, text]) => el("option", { value: v, selected: String(v) === String(value) }, text)),
  );
  return el("label", { class: "choice" }, `${label} `, select);
}

/** A sentence instead of what is missing. */
const missing = (what, p) =>
  el("p", { class: "missing" }, `${what}: not available – ${typeof p === "string" ? p : reason(p)}.`);
const grid = (...children) => el("div", { class: "grid" }, ...children);
const heading = (text, note) => [el("h3", {}, text), ...(note ? [el("p", { class: "lead" }, note)] : [])];

/** One tooltip for the whole page. */
const tip = el("div", { class: "tip", role: "status", hidden: true });
function showTip(event, ...lines) {
  tip.replaceChildren(...lines.filter(Boolean).map((line) => el("div", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${event.clientY + 16 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 16}px`;
}
const hideTip = () => {
  tip.hidden = true;
};
