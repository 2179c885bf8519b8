// Decimal strings, exactly: an amount is a whole number of its last digit (BigInt) and how many digits follow
// the point. No binary float takes part in anything that is shown as an amount or a price.

const FORM = /^([+-]?)(\d+)(?:\.(\d*))?$/;
const MOST_WHOLE_DIGITS = 15;
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The value of a decimal string as {units, scale}; null for anything that is none. */
export function parse(text) {
  const found = FORM.exec(String(text ?? "").trim());
  if (!found) return null;
  const [, sign, whole, part = ""] = found;
  const units = BigInt(whole + part);
  return { units: sign === "-" ? -units : units, scale: part.length };
}

/** -1, 0 or 1; null for what is no number. */
export function sign(text) {
  const value = parse(text);
  if (!value) return null;
  return value.units > 0n ? 1 : value.units < 0n ? -1 : 0;
}

/** The exact sum of decimal strings; null if one of them is no number. */
export function sum(texts) {
  const values = texts.map(parse);
  if (values.includes(null)) return null;
  const scale = Math.max(0, ...values.map((value) => value.scale));
  return write({ units: values.reduce((total, value) => total + raised(value, scale), 0n), scale });
}

/** The exact difference; null if one of them is no number. */
export function difference(one, other) {
  const [a, b] = [parse(one), parse(other)];
  if (!a || !b) return null;
  const scale = Math.max(a.scale, b.scale);
  return write({ units: raised(a, scale) - raised(b, scale), scale });
}

/** `part` of `whole` in per cent, cut to `places` digits; null where that has no sense. */
export function percent(part, whole, places = 2) {
  const [a, b] = [parse(part), parse(whole)];
  if (!a || !b || b.units === 0n) return null;
  const scale = Math.max(a.scale, b.scale);
  const units = (raised(a, scale) * 100n * 10n ** BigInt(places)) / raised(b, scale);
  return write({ units, scale: places });
}

/**
 * A decimal string for people: grouped, cut towards zero after `places` digits, or with `near` rounded to the
 * nearest. What is cut to nothing is told ("< 0.01"); whole parts too long to read are given as a power of ten.
 */
export function show(text, places = 2, { plus = false, pad = false, near = false } = {}) {
  const exact = parse(text);
  if (!exact) return "–";
  const value = near ? nearest(exact, places) : exact;
  const minus = value.units < 0n ? "−" : plus && value.units > 0n ? "+" : "";
  const digits = (value.units < 0n ? -value.units : value.units).toString().padStart(value.scale + 1, "0");
  const whole = digits.slice(0, digits.length - value.scale);
  if (whole.length > MOST_WHOLE_DIGITS) return minus + powerOfTen(whole);
  const cut = digits.slice(whole.length, whole.length + places);
  if (value.units !== 0n && whole === "0" && /^0*$/.test(cut)) return tiny(value.units < 0n, places);
  const part = pad ? cut.padEnd(places, "0") : cut.replace(/0+$/, "");
  return minus + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
}

/** A price: as many digits as its size calls for. */
export function showPrice(text, options = {}) {
  const value = parse(text);
  if (!value) return "–";
  const size = (value.units < 0n ? -value.units : value.units).toString().length - value.scale;
  return size > 3 ? show(text, 2, { pad: true, ...options }) : show(text, size > 0 ? 4 : 8, options);
}

function nearest({ units, scale }, places) {
  if (scale <= places) return { units, scale };
  const step = 10n ** BigInt(scale - places);
  const half = units < 0n ? -step / 2n : step / 2n;
  return { units: (units + half) / step, scale: places };
}

function tiny(negative, places) {
  const least = places === 0 ? "1" : `0.${"1".padStart(places, "0")}`;
  return negative ? `> −${least}` : `< ${least}`;
}

function powerOfTen(whole) {
  const power = [...String(whole.length - 1)].map((digit) => SUPERSCRIPT[Number(digit)]).join("");
  return `${whole[0]}.${whole.slice(1, 4)} × 10${power}`;
}

function raised({ units, scale }, to) {
  return units * 10n ** BigInt(to - scale);
}

function write({ units, scale }) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const part = digits.slice(whole.length).replace(/0+$/, "");
  return (units < 0n ? "-" : "") + whole + (part ? `.${part}` : "");
}
