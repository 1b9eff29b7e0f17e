// PNG files of every form against a reader of their specification.

import { describe, expect, test } from "vitest";
import { PngEncoder, type PngForm } from "../../src/video/index.ts";
import { decodePng } from "../support/png.ts";

const size = { widthPx: 7, heightPx: 5 };
const pixels = size.widthPx * size.heightPx;

/** Values that jump about, from 0 to `most`. */
const values = (count: number, most: number): number[] =>
  Array.from({ length: count }, (_, index) => Math.round((most * ((index * 7919) % 101)) / 100));

const palette = Uint8Array.from(values(256 * 3, 255));

describe.each([false, true])("fast: %s", (fast) => {
  test.each<[form: PngForm, channels: number, colourType: number, bitDepth: number]>([
    ["rgb", 3, 2, 8],
    ["indexed", 1, 3, 8],
    ["gray", 1, 0, 8],
    ["gray16", 1, 0, 16],
  ])("%s keeps every sample, picture after picture", async (form, channels, colourType, bitDepth) => {
    const encoder = new PngEncoder(form, { palette, fast });
    try {
      for (const most of [255, 3]) {
        const samples = values(pixels * channels, bitDepth === 16 ? 200 * most : most);
        const data = bitDepth === 16 ? Uint16Array.from(samples) : Uint8Array.from(samples);
        const read = decodePng(await encoder.encode({ data, ...size }));
        expect(read).toMatchObject({ ...size, colourType, bitDepth, samples });
        expect(read.palette).toEqual(form === "indexed" ? [...palette] : []);
      }
      const two = bitDepth === 16 ? new Uint16Array(2) : new Uint8Array(2 * channels);
      const small = decodePng(await encoder.encode({ data: two, widthPx: 2, heightPx: 1 }));
      expect([small.widthPx, small.heightPx]).toEqual([2, 1]);
    } finally {
      encoder.dispose();
    }
  });
});
