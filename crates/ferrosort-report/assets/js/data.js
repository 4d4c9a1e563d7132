// The report's data: JSON, and arrays that are decoded when first used.

const ARRAY_BYTES = { f64: 8, f32: 4, i32: 4, levels16: 2, levels8: 1 };

/** Numbers with a shape. `v` is a Float64Array; missing values are NaN. */
class Numbers {
  constructor(json, bytes) {
    this.json = json;
    this.bytes = bytes;
    this.shape = json.shape;
    this.length = json.shape.reduce((n, axis) => n * axis, 1);
  }
  get v() {
    if (!this.decoded) this.decoded = this.decode();
    return this.decoded;
  }
  /** Row `i` of a matrix. */
  row(i) {
    const width = this.length / this.shape[0];
    return this.v.subarray(i * width, (i + 1) * width);
  }
  at(i, j) {
    return this.v[i * this.shape[1] + j];
  }
  decode() {
    const { kept, offset, low = 0, step = 1 } = this.json;
    const n = this.length,
      width = ARRAY_BYTES[kept],
      planes = this.bytes.subarray(offset, offset + n * width);
    const values = new Float64Array(n);
    if (kept === "levels8" || kept === "levels16") {
      for (let i = 0; i < n; i++) {
        const code = width === 1 ? planes[i] : planes[i] | (planes[n + i] << 8);
        values[i] = code === 0 ? NaN : low + (code - 1) * step;
      }
      return values;
    }
    const view = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < n; i++) {
      for (let b = 0; b < width; b++) view.setUint8(b, planes[b * n + i]);
      values[i] =
        kept === "f64" ? view.getFloat64(0, true) : kept === "f32" ? view.getFloat32(0, true) : view.getInt32(0, true);
    }
    return values;
  }
}

/** Reads the report that the page holds. */
async function readReport() {
  const text = document.getElementById("report-arrays").textContent;
  const letters = atob(text),
    packed = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return JSON.parse(document.getElementById("report-json").textContent, (_, value) =>
    value && typeof value === "object" && "kept" in value && "shape" in value ? new Numbers(value, bytes) : value,
  );
}

/** Content of a part that may be missing, else null. */
const part = (p) => (p && p.available !== undefined ? p.available : null);
/** Why a part is missing. */
const reason = (p) => (p && p.not_available ? p.not_available.reason : "not given");

/** Arrays as plain lists, for downloads. */
function plain(value) {
  if (value instanceof Numbers) {
    if (value.shape.length === 2) return Array.from({ length: value.shape[0] }, (_, i) => plain(value.row(i)));
    return plain(value.v);
  }
  if (ArrayBuffer.isView(value)) return Array.from(value, (x) => (Number.isFinite(x) ? x : null));
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, plain(x)]));
  return typeof value === "number" && !Number.isFinite(value) ? null : value === undefined ? null : value;
}

const finite = (list) => Array.prototype.filter.call(list, Number.isFinite);
const mean = (list) => {
  const f = finite(list);
  return f.length ? f.reduce((a, b) => a + b, 0) / f.length : NaN;
};
function quantile(list, q) {
  const sorted = Float64Array.from(finite(list)).sort();
  if (!sorted.length) return NaN;
  const at = q * (sorted.length - 1),
    low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
/** Least and largest finite value. */
function extent(list) {
  let low = Infinity,
    high = -Infinity;
  for (const x of list)
    if (Number.isFinite(x)) {
      if (x < low) low = x;
      if (x > high) high = x;
    }
  return low <= high ? [low, high] : [0, 1];
}
/** The extent with a margin on both sides. */
function padded(list, share = 0.05) {
  const [low, high] = extent(list),
    margin = (high - low || Math.abs(high) || 1) * share;
  return [low - margin, high + margin];
}
const range = (n) => Array.from({ length: n }, (_, i) => i);
const sum = (list) => {
  let s = 0;
  for (const x of list) s += x;
  return s;
};
