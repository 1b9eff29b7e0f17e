// .flo files against bytes written by hand.

import { expect, test } from "vitest";
import { decodeFlow, encodeFlow } from "../../src/video/index.ts";

/** 2x1 pixels: u, v of the first are 1, -2, of the second 0.5, 4. IEEE 754 by hand. */
const bytes = Uint8Array.from(
  [
    [0x50, 0x49, 0x45, 0x48],
    [2, 0, 0, 0, 1, 0, 0, 0],
    [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
    [0, 0, 0, 0x3f, 0, 0, 0x80, 0x40],
  ].flat(),
);
const flow = { data: Float32Array.of(1, 0.5, -2, 4), widthPx: 2, heightPx: 1 };

test("the bytes are those of the format, whose magic is the float 202021.25", () => {
  expect(encodeFlow(flow)).toEqual(bytes);
  expect(new DataView(bytes.buffer).getFloat32(0, true)).toBe(202021.25);
});

test("they are read again, from anywhere in a buffer", () => {
  expect(decodeFlow(bytes, "a.flo")).toEqual(flow);
  const later = new Uint8Array(bytes.length + 3);
  later.set(bytes, 3);
  expect(decodeFlow(later.subarray(3), "a.flo")).toEqual(flow);
});

test.each([
  ["nothing", new Uint8Array(0), /a\.flo: expected a \.flo file/u],
  ["another kind", new Uint8Array(40), /a\.flo: expected a \.flo file/u],
  ["too few", bytes.subarray(0, 27), /expected 28 bytes for a flow of 2x1, got 27/u],
  ["too many", Uint8Array.from([...bytes, 0]), /got 29/u],
  ["no width", Uint8Array.from([...bytes.subarray(0, 4), 0, 0, 0, 0, 1, 0, 0, 0]), /0x1/u],
])("%s is refused", (_name, wrong, message) => {
  expect(() => decodeFlow(wrong, "a.flo")).toThrow(message);
});
