// .pfm files against bytes written by hand.

import { expect, test } from "vitest";
import { decodeDepth, encodeDepth } from "../../src/video/index.ts";

const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
/** 2x2 pixels: 1, -2 above 0.5, Infinity; the lower row comes first. IEEE 754 by hand. */
const lower = [0, 0, 0, 0x3f, 0, 0, 0x80, 0x7f];
const upper = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];
const bytes = Uint8Array.from([...ascii("Pf\n2 2\n-1.0\n"), ...lower, ...upper]);
const depth = { data: Float32Array.of(1, -2, 0.5, Infinity), widthPx: 2, heightPx: 2 };

test("the bytes are those of the format, rows from the bottom", () => {
  expect(encodeDepth(depth)).toEqual(bytes);
});

test("they are read again, also with the high byte first", () => {
  expect(decodeDepth(bytes, "a.pfm")).toEqual(depth);
  const swapped = [lower, upper].flatMap((row) => [...row.slice(0, 4).reverse(), ...row.slice(4).reverse()]);
  expect(decodeDepth(Uint8Array.from([...ascii("Pf 2 2 1e0\n"), ...swapped]), "a.pfm")).toEqual(depth);
});

test.each([
  ["nothing", new Uint8Array(0), /a\.pfm: expected a \.pfm file/u],
  ["three channels", Uint8Array.from(ascii("PF\n2 2\n-1.0\n")), /of one channel/u],
  ["no scale", Uint8Array.from(ascii("Pf\n2 2\n0\n")), /expected a \.pfm file/u],
  ["too few", bytes.subarray(0, -1), /expected 28 bytes for a map of 2x2, got 27/u],
  ["too many", Uint8Array.from([...bytes, 0]), /got 29/u],
])("%s is refused", (_name, wrong, message) => {
  expect(() => decodeDepth(wrong, "a.pfm")).toThrow(message);
});
