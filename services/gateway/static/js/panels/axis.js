// Where an axis has its marks, and how they are written: round values in few characters. Approximate by intent.

const STEPS = [1, 2, 2.5, 5, 10, 20];
const MOST_SPACES = 4;
const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
const plain = (value) => String(Number(value.toPrecision(12)));

/** Round values in even steps that reach over `low` to `high`; whole ones for what is counted, which has no halves. */
export function marks(low, high, whole = false) {
  const power = 10 ** Math.floor(Math.log10((high - low || Math.abs(high) / 10 || 1) / MOST_SPACES));
  const fits = (step) => Math.ceil(high / step) - Math.floor(low / step) <= MOST_SPACES + 1;
  const fitting = STEPS.map((step) => Number((step * power).toPrecision(12))).filter((step) => fits(step));
  const step = whole ? Math.max(1, fitting.find(Number.isInteger) ?? 1) : fitting[0];
  const from = Math.floor(low / step);
  const to = Math.max(Math.ceil(high / step), from + 1);
  return Array.from({ length: to - from + 1 }, (_, at) => Number(((from + at) * step).toPrecision(12)));
}

/** A round value in few characters: 2M, 1.5K, 0.25. */
export function short(value) {
  const [limit, unit] = UNITS.find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return plain(value / limit).replace("-", "−") + unit;
}
