// How numbers are printed: one way for each kind of number, all over the page. CSVs have them unrounded.

/** What stands where there is no number. */
export const none = "–";

/** A percentage, without its sign: `65.12`. */
export function percent(value: number | null): string {
  return fixed(value, 2);
}

/** A share from 0 to 1 as a percentage, without its sign: `37.5`. */
export function shareInPercent(value: number | null): string {
  return value === null ? none : fixed(value * 100, 1);
}

/** Milliseconds, without the unit: `12.34`. */
export function milliseconds(value: number | null): string {
  return fixed(value, 2);
}

/** A factor: `1.52×`. */
export function factor(value: number): string {
  return Number.isFinite(value) ? `${fixed(value, 2)}×` : none;
}

/** A mean number of frames: `1.25`. */
export function meanFrames(value: number): string {
  return fixed(value, 2);
}

/** A whole number, in groups of three: `20,000`. */
export function count(value: number): string {
  return Number.isFinite(value) ? String(value).replace(/\B(?=(?:\d{3})+$)/g, ",") : none;
}

/** Frames, counted: `1 frame`, `20,000 frames`. */
export function countOfFrames(value: number): string {
  return `${count(value)} ${value === 1 ? "frame" : "frames"}`;
}

/** A difference of percentages: `+0.12`, `−3.40`, `0.00`. */
export function difference(value: number): string {
  const text = fixed(value, 2);
  return value > 0 && text !== "0.00" ? `+${text}` : text;
}

function fixed(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return none;
  const text = value.toFixed(digits);
  if (!text.startsWith("-")) return text;
  // No zero with a sign.
  return Number(text) === 0 ? text.slice(1) : `−${text.slice(1)}`;
}
