// Models as plain nested data that compares fast and prints short: bytes as their length and checksum, maps as lists of
// their entries in order, fractions as a file holds them (float32).

import { createHash } from "node:crypto";

/** Everything that a model, or a part of one, holds. */
export function plain(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : Math.fround(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    return value.byteLength <= 32
      ? `bytes ${Buffer.from(value).toString("hex")}`
      : `${value.byteLength} bytes ${createHash("sha1").update(value).digest("hex")}`;
  }
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}
