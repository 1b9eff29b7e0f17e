// Native frames share the memory of their pixels: it must live as long as they do.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Frame } from "node-av/lib";
import { AV_PIX_FMT_GRAY8 } from "node-av/constants";
import { expect, test } from "vitest";
import { nativeFrame } from "../../src/video/sink.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const size = { widthPx: 64, heightPx: 48 };

/** A frame whose pixels nobody else has. */
function lonely(value: number): { readonly frame: Frame; readonly pixels: WeakRef<Uint8Array> } {
  const pixels = new Uint8Array(size.widthPx * size.heightPx).fill(value);
  return {
    frame: nativeFrame(pixels, size, AV_PIX_FMT_GRAY8, { num: 1, den: 25 }, 0n),
    pixels: new WeakRef(pixels),
  };
}

/** Lets go of what weak references hold for the turn in which they were made, and collects. */
async function collected(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}

test("pixels stay while their frame is in use, and go with it", async () => {
  const kept = Array.from({ length: 20 }, (_, index) => lonely(index));
  await collected();
  for (const [index, { frame, pixels }] of kept.entries()) {
    expect(pixels.deref()).toBeDefined();
    expect(frame.toBuffer().every((value) => value === index)).toBe(true);
  }
  for (const { frame } of kept) frame.free();
  const gone = kept.splice(0).map(({ pixels }) => pixels);
  await collected();
  expect(gone.filter((pixels) => pixels.deref() !== undefined).length).toBeLessThan(5);
});
