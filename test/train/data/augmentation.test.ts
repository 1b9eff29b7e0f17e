// Drawn transforms: where the crop may lie, what colours become, and settings that are refused.

import { describe, expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import {
  checkAugmentation,
  drawAugmentation,
  sameColours,
  type Augmentation,
  type ColourJitter,
  type Transform,
} from "../../../src/train/data/index.ts";

const crop = { widthPx: 32, heightPx: 24 };
const source = { widthPx: 48, heightPx: 36 };

function drawn(augmentation: Augmentation, count = 300, size = source): Transform[] {
  return Array.from({ length: count }, (_, index) => drawAugmentation(augmentation, size, new Random(3, `${index}`)));
}

/** Where the outer corners of the result's first and last pixel lie, from the outer corner of the source. */
function corners({ affine: [a, b, c, d, e, f] }: Transform): [number, number][] {
  const place = (x: number, y: number): [number, number] => [a * x + b * y + c + 0.5, d * x + e * y + f + 0.5];
  return [place(-0.5, -0.5), place(crop.widthPx - 0.5, crop.heightPx - 0.5)];
}

describe("where the crop lies", () => {
  test("nothing asked for and a crop as large as the source is the identity", () => {
    const [same] = drawn({ crop: source }, 1);
    // Adding 0 makes 0 of a negative one.
    expect(same?.affine.map((term) => term + 0)).toEqual([1, 0, 0, 0, 1, 0]);
    expect(same?.colour).toEqual(sameColours);
  });

  test("at native size it is on whole pixels, at every place and none outside", () => {
    const places = drawn({ crop }, 2000).map(({ affine }) => affine);
    expect(new Set(places.map(([a, b, , d, e]) => [a, b, d, e].join(",")))).toEqual(new Set(["1,0,0,1"]));
    const range = (count: number): number[] => Array.from({ length: count }, (_, place) => place);
    const sorted = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
    expect(sorted(places.map(([, , c]) => c))).toEqual(range(source.widthPx - crop.widthPx + 1));
    expect(sorted(places.map(([, , , , , f]) => f))).toEqual(range(source.heightPx - crop.heightPx + 1));
  });

  test("zoomed in, it stays within the source", () => {
    const all = drawn({ crop, scale: [0.75, 3], aspect: [0.95, 1.05], flip: 0.5 }).flatMap(corners);
    const xs = all.map(([x]) => x);
    // 0.75 x 48 is 36: a crop of 32 fits at any aspect drawn here.
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(-1e-9);
    expect(Math.max(...xs)).toBeLessThanOrEqual(source.widthPx + 1e-9);
    expect(Math.min(...xs)).toBeLessThan(1);
    expect(Math.max(...xs)).toBeGreaterThan(source.widthPx - 1);
  });

  test("zoomed out, the source lies within the crop", () => {
    for (const transform of drawn({ crop, scale: [0.3, 0.6] })) {
      const [[left, top], [right, bottom]] = corners(transform) as [[number, number], [number, number]];
      expect(left).toBeLessThanOrEqual(1e-9);
      expect(top).toBeLessThanOrEqual(1e-9);
      expect(right).toBeGreaterThanOrEqual(source.widthPx - 1e-9);
      expect(bottom).toBeGreaterThanOrEqual(source.heightPx - 1e-9);
    }
  });

  test("zoom is even in its logarithm, and aspect keeps the area", () => {
    const zooms = drawn({ crop, scale: [0.5, 2], aspect: [0.5, 2] }, 2000).map(({ affine: [a, b, , d, e] }) => {
      expect(Math.max(Math.abs(b), Math.abs(d))).toBe(0);
      return -Math.log2(a * e) / 2;
    });
    expect(Math.min(...zooms)).toBeGreaterThanOrEqual(-1 - 1e-9);
    expect(Math.max(...zooms)).toBeLessThanOrEqual(1 + 1e-9);
    // Mean 0, deviation 2 / sqrt(12 x 2000) = 0.013.
    expect(Math.abs(zooms.reduce((sum, zoom) => sum + zoom, 0) / zooms.length)).toBeLessThan(0.06);
    expect(zooms.filter((zoom) => zoom < -0.5).length / zooms.length).toBeCloseTo(0.25, 1);
  });

  test("mirroring twice is the identity, and happens as often as asked for", () => {
    const size = { widthPx: crop.widthPx, heightPx: crop.heightPx };
    const [{ affine } = { affine: [] }] = drawn({ crop, flip: 1 }, 1, size);
    const [a = 0, b = 0, c = 0, , e = 0, f = 0] = affine;
    expect([a * a, a * c + c, b + 0, e, f]).toEqual([1, 0, 0, 1, 0]);
    const mirrored = drawn({ crop, flip: 0.3 }, 2000).filter((transform) => transform.affine[0] < 0).length;
    expect(mirrored / 2000).toBeCloseTo(0.3, 1);
  });

  test("rotation keeps lengths and the crop's centre", () => {
    const angles = drawn({ crop, rotateDeg: 30 }).map(({ affine: [a, b, c, d, e, f] }) => {
      expect(a * e - b * d).toBeCloseTo(1, 9);
      expect(a * a + d * d).toBeCloseTo(1, 9);
      const [x, y] = [(crop.widthPx - 1) / 2, (crop.heightPx - 1) / 2];
      // On whole pixels before it was turned.
      const centre = [a * x + b * y + c + 0.5, d * x + e * y + f + 0.5];
      for (const place of centre) expect(place).toBeCloseTo(Math.round(place), 6);
      return (Math.atan2(d, a) * 180) / Math.PI;
    });
    expect(Math.min(...angles)).toBeGreaterThanOrEqual(-30);
    expect(Math.max(...angles)).toBeLessThanOrEqual(30);
    expect(Math.max(...angles) - Math.min(...angles)).toBeGreaterThan(50);
  });

  test("one setting does not change what the others give", () => {
    const plain = drawn({ crop, scale: [0.5, 2] }, 20);
    const more = drawn({ crop, scale: [0.5, 2], colour: { brightness: 0.5 } }, 20);
    expect(more.map(({ affine }) => affine)).toEqual(plain.map(({ affine }) => affine));
    expect(more.every(({ colour }) => colour[0] !== 1)).toBe(true);
  });
});

describe("colours", () => {
  const apply = ({ colour }: Transform, rgb: readonly number[]): number[] =>
    [0, 1, 2].map((row) => rgb.reduce((sum, v, at) => sum + v * (colour[row * 4 + at] ?? 0), colour[row * 4 + 3] ?? 0));
  const draw = (colour: ColourJitter): Transform[] => drawn({ crop, colour }, 100);
  const orange = [0.9, 0.5, 0.1];
  const lumaOf = ([red = 0, green = 0, blue = 0]: readonly number[]): number =>
    0.299 * red + 0.587 * green + 0.114 * blue;

  test("brightness multiplies all of a colour by one factor", () => {
    const factors = draw({ brightness: 0.4 }).map((transform) => {
      const [red = 0, green = 0, blue = 0] = apply(transform, orange);
      expect(green / 0.5).toBeCloseTo(red / 0.9, 9);
      expect(blue / 0.1).toBeCloseTo(red / 0.9, 9);
      return red / 0.9;
    });
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.6);
    expect(Math.min(...factors)).toBeLessThan(0.7);
    expect(Math.max(...factors)).toBeLessThanOrEqual(1.4);
    expect(Math.max(...factors)).toBeGreaterThan(1.3);
  });

  test("contrast keeps mid gray and stretches what is beside it", () => {
    for (const transform of draw({ contrast: 0.5 })) {
      const [red = 0, green = 0, blue = 0] = apply(transform, orange);
      expect(green).toBeCloseTo(0.5, 9);
      expect(red - 0.5).toBeCloseTo(0.5 - blue, 9);
    }
  });

  test("saturation keeps luma and grays", () => {
    for (const transform of draw({ saturation: 1 })) {
      expect(lumaOf(apply(transform, orange))).toBeCloseTo(lumaOf(orange), 9);
      for (const value of apply(transform, [0.3, 0.3, 0.3])) expect(value).toBeCloseTo(0.3, 9);
    }
  });

  test("hue keeps grays and the distance from them", () => {
    const length = (rgb: readonly number[]): number => {
      const mean = rgb.reduce((sum, value) => sum + value / 3, 0);
      return Math.hypot(...rgb.map((value) => value - mean));
    };
    const turned = draw({ hueDeg: 40 }).map((transform) => {
      expect(length(apply(transform, orange))).toBeCloseTo(length(orange), 9);
      for (const value of apply(transform, [0.3, 0.3, 0.3])) expect(value).toBeCloseTo(0.3, 9);
      return apply(transform, orange)[1] ?? 0;
    });
    expect(Math.max(...turned) - Math.min(...turned)).toBeGreaterThan(0.2);
  });
});

describe("gamma, blur and noise", () => {
  test("gamma is as often dark as bright, even in its logarithm", () => {
    const powers = drawn({ crop, colour: { gamma: 0.5 } }, 2000).map(({ gamma }) => Math.log(gamma) / Math.log(1.5));
    expect(Math.min(...powers)).toBeGreaterThanOrEqual(-1 - 1e-9);
    expect(Math.max(...powers)).toBeLessThanOrEqual(1 + 1e-9);
    // A quarter each: deviation 0.01.
    for (const from of [-1, -0.5, 0, 0.5]) {
      const part = powers.filter((power) => power >= from && power < from + 0.5).length / 2000;
      expect(Math.abs(part - 0.25)).toBeLessThan(0.04);
    }
  });

  test("blur and noise happen as often as asked for, with strengths from 0 to the greatest", () => {
    const all = drawn({ crop, blur: { sigmaPx: 2, probability: 0.3 }, noise: { deviation: 12 } }, 2000);
    const blurs = all.map(({ blurPx }) => blurPx).filter((px) => px > 0);
    expect(blurs.length / 2000).toBeCloseTo(0.3, 1);
    expect(Math.max(...blurs)).toBeLessThanOrEqual(2);
    expect(Math.max(...blurs)).toBeGreaterThan(1.9);
    expect(blurs.filter((px) => px < 1).length / blurs.length).toBeCloseTo(0.5, 1);
    const noises = all.map(({ noise }) => noise);
    expect(noises.filter((noise) => noise > 0).length).toBe(2000);
    expect(Math.max(...noises)).toBeLessThanOrEqual(12);
    expect(noises.filter((noise) => noise < 3).length / 2000).toBeCloseTo(0.25, 1);
  });

  test("without them nothing else changes, and neither does one with another", () => {
    const plain = { crop, scale: [0.5, 2], colour: { brightness: 0.4, hueDeg: 10 } } as const;
    const more = { ...plain, blur: { sigmaPx: 1 }, noise: { deviation: 5 } };
    const bare = drawn(plain, 20);
    for (const { gamma, blurPx, noise } of bare) expect([gamma, blurPx, noise]).toEqual([1, 0, 0]);
    for (const [at, transform] of drawn(more, 20).entries()) {
      expect(transform).toMatchObject({ affine: bare[at]?.affine, colour: bare[at]?.colour });
      expect(transform.noise).toBe(drawn({ crop, noise: { deviation: 5 } }, 20)[at]?.noise);
    }
  });
});

test.each([
  [{ crop: { widthPx: 0, heightPx: 4 } }, "crop.widthPx"],
  [{ crop, scale: [0, 1] }, "scale[0]"],
  [{ crop, scale: [2, 1] }, "scale[1]"],
  [{ crop, aspect: [1, Number.NaN] }, "aspect[1]"],
  [{ crop, flip: 1.5 }, "flip"],
  [{ crop, rotateDeg: -1 }, "rotateDeg"],
  [{ crop, colour: { contrast: 2 } }, "colour.contrast"],
  [{ crop, colour: { hueDeg: 200 } }, "colour.hueDeg"],
  [{ crop, colour: { gamma: -0.1 } }, "colour.gamma"],
  [{ crop, blur: { sigmaPx: 40 } }, "blur.sigmaPx"],
  [{ crop, blur: { sigmaPx: 1, probability: 2 } }, "blur.probability"],
  [{ crop, noise: { deviation: -1 } }, "noise.deviation"],
  [{ crop, noise: { deviation: 1, probability: -1 } }, "noise.probability"],
] as const satisfies readonly (readonly [Augmentation, string])[])("%j is refused", (augmentation, what) => {
  expect(() => checkAugmentation(augmentation)).toThrow(`expected ${what} to be`);
});
