// The network in the box: it is there, it is small, and it is what commands use that are given no model.

import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { boxedModel, openModel } from "../../src/models/index.ts";
import { networkOf } from "../../src/network/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { streetClasses } from "../../src/video/street/index.ts";
import { localEngine } from "../support/runtime.ts";

test("it is a model folder with the classes of the street, of at most 4 MB", async () => {
  const source = await openModel(boxedModel);
  expect([source.name, source.warnings]).toEqual(["street", []]);
  expect(source.classNames).toEqual(streetClasses);
  expect((await stat(source.path)).size).toBeLessThan(4 * 2 ** 20);
  const size = { widthPx: 64, heightPx: 48 };
  const { output } = await networkOf(readModel(source.bytes), { size, engine: localEngine });
  expect(output.classes).toBe(streetClasses.length);
});
