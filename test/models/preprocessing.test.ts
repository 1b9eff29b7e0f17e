import { describe, expect, test } from "vitest";
import { type InputSize, networkSize, parsePreprocessing, type Preprocessing } from "../../src/preprocessing.ts";

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const AS_IS = { mean: [0, 0, 0], std: [1, 1, 1] };
const WIDE = { widthPx: 1280, heightPx: 720 };

function parse(json: unknown): Preprocessing {
  return parsePreprocessing(json, "p.json").preprocessing;
}

function warningsOf(json: unknown): readonly string[] {
  return parsePreprocessing(json, "p.json").warnings;
}

describe("the forms that processors write", () => {
  test("SegFormer, as a feature extractor: a plain size, no do_rescale", () => {
    const json = {
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: "SegformerFeatureExtractor",
      image_mean: IMAGENET.mean,
      image_std: IMAGENET.std,
      reduce_labels: true,
      resample: 2,
      size: 512,
    };
    expect(parse(json)).toEqual({
      channelOrder: "rgb",
      scale: 1 / 255,
      ...IMAGENET,
      size: { kind: "exact", widthPx: 512, heightPx: 512 },
    });
    expect(warningsOf(json)).toEqual([]);
  });

  test("SegFormer, as an image processor", () => {
    const json = {
      image_processor_type: "SegformerImageProcessor",
      do_rescale: true,
      rescale_factor: 0.00392156862745098,
      do_normalize: true,
      image_mean: IMAGENET.mean,
      image_std: IMAGENET.std,
      do_resize: true,
      size: { height: 640, width: 1024 },
    };
    expect(parse(json).size).toEqual({ kind: "exact", widthPx: 1024, heightPx: 640 });
  });

  test("MobileViT: flipped, not normalised, cropped", () => {
    const json = {
      crop_size: 512,
      do_center_crop: true,
      do_flip_channel_order: true,
      do_resize: true,
      feature_extractor_type: "MobileViTFeatureExtractor",
      size: 544,
    };
    expect(parse(json)).toEqual({
      channelOrder: "bgr",
      scale: 1 / 255,
      ...AS_IS,
      size: { kind: "shortest-edge", px: 544 },
    });
    expect(warningsOf(json)).toEqual([
      "p.json: do_center_crop to 512 is not done: the whole frame goes to the network",
    ]);
    const { feature_extractor_type: _, ...untyped } = json;
    expect(parse(untyped)).toMatchObject(AS_IS);
  });

  test("DPT: aspect kept, a multiple, half as mean", () => {
    const json = {
      image_processor_type: "DPTImageProcessor",
      ensure_multiple_of: 32,
      keep_aspect_ratio: true,
      size: { height: 384, width: 384 },
      do_pad: false,
      size_divisor: null,
    };
    expect(parse(json)).toMatchObject({
      ...HALF,
      multipleOf: 32,
      size: { kind: "least-change", widthPx: 384, heightPx: 384 },
    });
    expect(warningsOf(json)).toEqual([
      "p.json: image_mean is missing; assumed [0.5, 0.5, 0.5], the default of DPTImageProcessor",
      "p.json: image_std is missing; assumed [0.5, 0.5, 0.5], the default of DPTImageProcessor",
    ]);
  });

  test("BEiT: a crop size that is not used", () => {
    const json = {
      crop_size: { height: 640, width: 640 },
      do_center_crop: false,
      image_processor_type: "BeitImageProcessor",
      image_mean: HALF.mean,
      image_std: HALF.std,
      size: { height: 640, width: 640 },
    };
    expect(parse(json)).toMatchObject(HALF);
    expect(warningsOf(json)).toEqual([]);
  });

  test("MaskFormer, old and new", () => {
    const old = {
      feature_extractor_type: "MaskFormerFeatureExtractor",
      image_mean: IMAGENET.mean,
      image_std: IMAGENET.std,
      size: 640,
      max_size: 2560,
      size_divisibility: 32,
    };
    expect(parse(old)).toMatchObject({ multipleOf: 32, size: { kind: "shortest-edge", px: 640, maxPx: 2560 } });
    const current = { ...old, size: { shortest_edge: 800, longest_edge: 1333 }, max_size: null, size_divisor: 0 };
    expect(parse(current).size).toEqual({ kind: "shortest-edge", px: 800, maxPx: 1333 });
  });

  test("the other sizes", () => {
    expect(parse({ size: { longest_edge: 1024 } }).size).toEqual({ kind: "within", widthPx: 1024, heightPx: 1024 });
    expect(parse({ size: { max_height: 600, max_width: 800 } }).size).toEqual({
      kind: "within",
      widthPx: 800,
      heightPx: 600,
    });
    expect(parse({ size: { shortest_edge: 512, longest_edge: null } }).size).toEqual({
      kind: "shortest-edge",
      px: 512,
    });
    expect(parse({ size: [360, 480] }).size).toEqual({ kind: "exact", widthPx: 480, heightPx: 360 });
    expect(parse({ size: 512, do_resize: false }).size).toEqual({ kind: "native" });
  });

  test("values that are left as they are", () => {
    expect(parse({ do_rescale: false, do_normalize: false, image_mean: [1, 2, 3] })).toMatchObject({
      scale: 1,
      ...AS_IS,
    });
    expect(parse({ rescale_factor: 0.5, image_mean: 0.25, image_std: 2 })).toMatchObject({
      scale: 0.5,
      mean: [0.25, 0.25, 0.25],
      std: [2, 2, 2],
    });
  });

  test("an empty file takes the usual defaults and says so", () => {
    expect(parse({})).toEqual({ channelOrder: "rgb", scale: 1 / 255, ...IMAGENET, size: { kind: "native" } });
    expect(warningsOf({})).toHaveLength(3);
  });
});

test.each([
  [[], "p.json: expected a JSON object, got [] (array)"],
  [{ do_resize: "yes" }, 'p.json: do_resize: expected true or false, got "yes" (string)'],
  [{ do_rescale: false, rescale_factor: "1/255" }, 'p.json: rescale_factor: expected a number, got "1/255" (string)'],
  [{ image_mean: [0, 0] }, "p.json: image_mean: expected three numbers, got [0,0] (array)"],
  [{ image_mean: [0, null, 0] }, "p.json: image_mean[1]: expected a number, got null (null)"],
  [{ image_std: [1, 0, 1] }, "p.json: image_std[1]: expected a number other than 0, got 0 (number)"],
  [{ size: { height: 512 } }, "p.json: size: expected height and width"],
  [{ size: { height: 512, width: "512" } }, 'p.json: size.width: expected a whole number above 0, got "512" (string)'],
  [{ size: -1 }, "p.json: size: expected a whole number above 0, got -1 (number)"],
  [{ size: [512] }, "p.json: size: expected [height, width], got [512] (array)"],
  [{ size: true }, "p.json: size: expected a number, [height, width] or an object, got true (boolean)"],
  [{ ensure_multiple_of: 1.5 }, "p.json: ensure_multiple_of: expected a whole number above 0, got 1.5 (number)"],
])("a wrong value is reported with its place: %j", (json, message) => {
  expect(() => parse(json)).toThrow(message);
  let thrown: unknown;
  try {
    parse(json);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: "ClockworkError", code: "invalid-model" });
});

describe("the network's size", () => {
  const of = (size: InputSize, multipleOf?: number): unknown => {
    const preprocessing = { ...parse({}), size, ...(multipleOf === undefined ? {} : { multipleOf }) };
    const { widthPx, heightPx } = networkSize(preprocessing, WIDE);
    return [widthPx, heightPx];
  };

  test("of every kind", () => {
    expect(of({ kind: "native" })).toEqual([1280, 720]);
    expect(of({ kind: "exact", widthPx: 512, heightPx: 512 })).toEqual([512, 512]);
    expect(of({ kind: "shortest-edge", px: 544 })).toEqual([967, 544]);
    expect(of({ kind: "shortest-edge", px: 800, maxPx: 1333 })).toEqual([1333, 749]);
    expect(of({ kind: "within", widthPx: 1024, heightPx: 1024 })).toEqual([1024, 576]);
    expect(of({ kind: "within", widthPx: 1024, heightPx: 100 })).toEqual([178, 100]);
    expect(of({ kind: "least-change", widthPx: 384, heightPx: 384 })).toEqual([683, 384]);
    expect(of({ kind: "least-change", widthPx: 1300, heightPx: 100 })).toEqual([1300, 731]);
  });

  test("rounded to a multiple, at least one", () => {
    expect(of({ kind: "native" }, 32)).toEqual([1280, 736]);
    expect(of({ kind: "least-change", widthPx: 384, heightPx: 384 }, 32)).toEqual([672, 384]);
    expect(of({ kind: "exact", widthPx: 10, heightPx: 100 }, 32)).toEqual([32, 96]);
  });

  test("of an upright frame", () => {
    const preprocessing: Preprocessing = { ...parse({}), size: { kind: "shortest-edge", px: 360 } };
    expect(networkSize(preprocessing, { widthPx: 720, heightPx: 1280 })).toEqual({ widthPx: 360, heightPx: 640 });
  });
});
