// Decimal strings to readable text. Money stays text: digits are cut and grouped, never passed through a float.

export const MINUS = "−";

function parts(value) {
  const negative = value.startsWith("-");
  const [whole, fraction = ""] = (negative ? value.slice(1) : value).split(".");
  return { negative, whole, fraction };
}

function grouped(whole) {
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** Exactly `digits` decimals, rounded half away from zero, thousands grouped: "-1234.5" -> "−1,234.50". */
export function fixed(value, digits) {
  if (value === null || value === undefined) return "–";
  const { negative, whole, fraction } = parts(value);
  const scaled = BigInt(whole + fraction.padEnd(digits, "0").slice(0, digits));
  const up = fraction.length > digits && fraction[digits] >= "5" ? 1n : 0n;
  const text = String(scaled + up).padStart(digits + 1, "0");
  const body = digits ? `${grouped(text.slice(0, -digits))}.${text.slice(-digits)}` : grouped(text);
  return negative && /[1-9]/.test(text) ? MINUS + body : body;
}

/** Money in a list: whole units when there are many of them, two decimals when there are few. */
export function money(value, explicit = false) {
  const digits = value !== null && value !== undefined && parts(value).whole.length > 3 ? 0 : 2;
  return explicit ? signed(value, digits) : fixed(value, digits);
}

/** As many decimals as were given, grouped: prices and sizes, whose decimals are the market's own. */
export function exact(value) {
  if (value === null || value === undefined) return "–";
  const { negative, whole, fraction } = parts(value);
  const body = grouped(whole) + (fraction ? `.${fraction}` : "");
  return negative ? MINUS + body : body;
}

/** With an explicit sign, for what was won or lost. */
export function signed(value, digits) {
  const body = fixed(value, digits);
  return body === "–" || body.startsWith(MINUS) || !/[1-9]/.test(body) ? body : `+${body}`;
}

/** "up", "down" or "" for a decimal string. */
export function direction(value) {
  if (!value || !/[1-9]/.test(value)) return "";
  return value.startsWith("-") ? "down" : "up";
}

/** A large figure in three or four digits: "1234567.8" -> "1.23M". Approximate by intent. */
export function compact(value) {
  if (value === null || value === undefined) return "–";
  const number = Number(value);
  for (const [limit, unit] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (Math.abs(number) >= limit) return (number / limit).toFixed(2) + unit;
  }
  return number.toFixed(2);
}

/** A rate such as "0.0000125" as per cent: the point moves, no digit is lost. */
export function percent(rate, digits) {
  if (rate === null || rate === undefined) return "–";
  const { negative, whole, fraction } = parts(rate);
  const padded = fraction.padEnd(2, "0");
  const moved = `${BigInt(whole + padded.slice(0, 2))}.${padded.slice(2) || "0"}`;
  return signed((negative ? "-" : "") + moved, digits);
}

/** Microseconds to the time of day, UTC. */
export function timeOfDay(micros) {
  return new Date(micros / 1000).toISOString().slice(11, 19);
}

/** Microseconds to the date, UTC. */
export function day(micros) {
  return new Date(micros / 1000).toISOString().slice(0, 10);
}

/** How long ago, in the largest fitting unit. */
export function ago(seconds) {
  if (seconds < 1) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** A short span with the precision that it deserves: 0.04 s, 3.2 s, 12 s. */
export function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return ago(seconds);
}
