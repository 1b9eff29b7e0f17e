// How a training sample is varied: what may happen to it, as data, and one drawing of it as a geometric and a colour
// transform, blur and noise. Decides and computes no pixel: `augment-graph.ts` does. Random zoom with a random crop, mirroring and jitter
// of the colours are what the segmentation networks of the field are trained with (DeepLab, PSPNet, BiSeNet); the colour
// terms are affine in RGB, so that all of them together are one 3x4 matrix.

import { ClockworkError } from "../../errors.ts";
import type { Random } from "../../networks/random.ts";

/** Least and greatest value of what is drawn. */
export type Range = readonly [min: number, max: number];

/** How far colours may be moved; 0 or absent: not at all. */
export interface ColourJitter {
  /** Values are multiplied by a factor of 1 ± this. */
  readonly brightness?: number;
  /** Distances from mid gray are multiplied by a factor of 1 ± this. */
  readonly contrast?: number;
  /** Distances from the pixel's own luma are multiplied by a factor of 1 ± this. */
  readonly saturation?: number;
  /** Colours are turned around the gray axis by ± this, in degrees. */
  readonly hueDeg?: number;
  /**
   * Values from 0 to 1 are raised to a power between 1 / (1 + this) and 1 + this, evenly distributed in its logarithm:
   * pictures get darker as often as brighter. After all others.
   */
  readonly gamma?: number;
}

/** How far pictures may be out of focus. */
export interface Blur {
  /** Greatest deviation of a Gaussian, in pixels of the crop; drawn evenly from 0. */
  readonly sigmaPx: number;
  /** How often it happens; default 1. */
  readonly probability?: number;
}

/** How much Gaussian noise may be added, each channel of each pixel of each frame its own. */
export interface Noise {
  /** Greatest standard deviation, of 255; drawn evenly from 0. */
  readonly deviation: number;
  /** How often it happens; default 1. */
  readonly probability?: number;
}

/** How samples are varied. What is absent does not happen. */
export interface Augmentation {
  /** What the network sees: a rectangle of this size, placed where it lies in the zoomed picture. */
  readonly crop: { readonly widthPx: number; readonly heightPx: number };
  /** Zoom of the picture, evenly distributed in its logarithm; 1 is native, 2 twice as large. */
  readonly scale?: Range;
  /** Width over height is multiplied by this, evenly distributed in its logarithm; the area stays. */
  readonly aspect?: Range;
  /** Probability of mirroring left and right. */
  readonly flip?: number;
  /** The picture is turned by ± this around the crop's centre, in degrees. */
  readonly rotateDeg?: number;
  readonly colour?: ColourJitter;
  /** Before colours are moved. */
  readonly blur?: Blur;
  /** After colours are moved. */
  readonly noise?: Noise;
}

/** What happens to one sample. */
export interface Transform {
  /**
   * [a, b, c, d, e, f]: the pixel at column x and row y of the result shows the source at column a x + b y + c and row
   * d x + e y + f. Whole numbers are centres of pixels.
   */
  readonly affine: readonly [number, number, number, number, number, number];
  /** Three rows of [red, green, blue, constant]: a colour of the result from one of the source, both from 0 to 1. */
  readonly colour: readonly number[];
  /** What values from 0 to 1 are raised to. */
  readonly gamma: number;
  /** Deviation of a Gaussian blur, in pixels of the result; 0 for none. */
  readonly blurPx: number;
  /** Standard deviation of noise, of 255; 0 for none. */
  readonly noise: number;
}

/** Widest blur, in pixels: kernels grow with it. */
export const mostBlurPx = 32;

/** A transform's colours as they are. */
export const sameColours: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** Luma of ITU-R BT.601. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Checks the numbers of an augmentation.
 *
 * @throws {ClockworkError} `invalid-argument` for a number out of range.
 */
export function checkAugmentation(augmentation: Augmentation): void {
  const { crop, scale = [1, 1], aspect = [1, 1], flip = 0, rotateDeg = 0, colour = {}, blur, noise } = augmentation;
  const expectNumber = (what: string, value: number, isGood: boolean, expected: string): void => {
    if (isGood && Number.isFinite(value)) return;
    throw new ClockworkError("invalid-argument", `augmentation: expected ${what} to be ${expected}, got ${value}`);
  };
  for (const [what, px] of Object.entries(crop)) {
    expectNumber(`crop.${what}`, px, Number.isSafeInteger(px) && px > 0, "a whole number above 0");
  }
  for (const [what, range] of Object.entries({ scale, aspect })) {
    const [min, max] = range;
    expectNumber(`${what}[0]`, min, min > 0, "a number above 0");
    expectNumber(`${what}[1]`, max, max >= min, `at least ${what}[0], which is ${min}`);
  }
  expectNumber("flip", flip, flip >= 0 && flip <= 1, "a probability from 0 to 1");
  expectNumber("rotateDeg", rotateDeg, rotateDeg >= 0 && rotateDeg <= 180, "an angle from 0 to 180");
  const { brightness = 0, contrast = 0, saturation = 0, hueDeg = 0, gamma = 0 } = colour;
  for (const [what, share] of Object.entries({ brightness, contrast, saturation, gamma })) {
    expectNumber(`colour.${what}`, share, share >= 0 && share <= 1, "a number from 0 to 1");
  }
  expectNumber("colour.hueDeg", hueDeg, hueDeg >= 0 && hueDeg <= 180, "an angle from 0 to 180");
  const { sigmaPx = 0 } = blur ?? {};
  expectNumber("blur.sigmaPx", sigmaPx, sigmaPx >= 0 && sigmaPx <= mostBlurPx, `a number from 0 to ${mostBlurPx}`);
  const { deviation = 0 } = noise ?? {};
  expectNumber("noise.deviation", deviation, deviation >= 0 && deviation <= 255, "a number from 0 to 255");
  for (const [what, chance] of Object.entries({ blur, noise })) {
    const probability = chance?.probability ?? 1;
    expectNumber(`${what}.probability`, probability, probability >= 0 && probability <= 1, "a probability from 0 to 1");
  }
}

/**
 * Draws what happens to one sample. However an augmentation is set, as many numbers are drawn: one of its settings does
 * not change what the others give.
 *
 * @param sourceSize size of the frame and its labels.
 */
export function drawAugmentation(
  augmentation: Augmentation,
  sourceSize: { readonly widthPx: number; readonly heightPx: number },
  random: Random,
): Transform {
  const { crop, scale = [1, 1], aspect = [1, 1], flip = 0, rotateDeg = 0, colour = {}, blur, noise } = augmentation;
  const zoom = between(scale, random.next());
  const stretch = Math.sqrt(between(aspect, random.next()));
  const mirrored = random.next() < flip;
  const angle = around(0, rotateDeg, random.next()) * (Math.PI / 180);
  // Pixels of the source from one pixel of the result to the next.
  const stepX = 1 / (zoom * stretch);
  const stepY = stretch / zoom;
  const left = placed(sourceSize.widthPx, crop.widthPx, stepX, random.next());
  const top = placed(sourceSize.heightPx, crop.heightPx, stepY, random.next());
  // From the crop's centre: turned and mirrored, then scaled.
  const halfWidth = (crop.widthPx - 1) / 2;
  const halfHeight = (crop.heightPx - 1) / 2;
  const mirror = mirrored ? -1 : 1;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [a, b, d, e] = [stepX * cos * mirror, -stepX * sin, stepY * sin * mirror, stepY * cos];
  const centreX = left + stepX * halfWidth;
  const centreY = top + stepY * halfHeight;
  return {
    affine: [a, b, centreX - a * halfWidth - b * halfHeight, d, e, centreY - d * halfWidth - e * halfHeight],
    colour: drawColour(colour, random),
    gamma: drawGamma(colour, random),
    blurPx: drawStrength(blur?.sigmaPx ?? 0, blur?.probability, random),
    noise: drawStrength(noise?.deviation ?? 0, noise?.probability, random),
  };
}

/** A number of a range, evenly distributed in its logarithm. */
function between([min, max]: Range, share: number): number {
  return min === max ? min : min * (max / min) ** share;
}

function around(middle: number, most: number, share: number): number {
  return middle + most * (2 * share - 1);
}

/**
 * Where in the source the crop's first pixel is, along one axis: anywhere such that the crop lies in the source, or the
 * source in the crop where that is larger. At native size on whole pixels, which are then not blurred.
 */
function placed(sourcePx: number, cropPx: number, step: number, share: number): number {
  const room = sourcePx - cropPx * step;
  if (step === 1) return Math.sign(room) * Math.min(Math.abs(room), Math.floor(share * (Math.abs(room) + 1)));
  // The first pixel's centre is half a step into the crop, and that of the source half a pixel into it.
  return share * room + step / 2 - 0.5;
}

function drawColour(colour: ColourJitter, random: Random): readonly number[] {
  const { brightness = 0, contrast = 0, saturation = 0, hueDeg = 0 } = colour;
  const light = around(1, brightness, random.next());
  const spread = around(1, contrast, random.next());
  const vivid = around(1, saturation, random.next());
  const hue = around(0, hueDeg, random.next()) * (Math.PI / 180);
  if (brightness === 0 && contrast === 0 && saturation === 0 && hueDeg === 0) return sameColours;
  const constant = 0.5 * (1 - spread);
  const turned = hueRotation(hue);
  return [0, 1, 2].flatMap((row) => [
    ...[0, 1, 2].map((column) => {
      // Luma of the turned colour, of which saturation keeps the rest.
      const luma = LUMA.reduce((sum, weight, index) => sum + weight * (turned[index]?.[column] ?? 0), 0);
      return spread * light * (vivid * (turned[row]?.[column] ?? 0) + (1 - vivid) * luma);
    }),
    constant,
  ]);
}

function drawGamma({ gamma = 0 }: ColourJitter, random: Random): number {
  return between([1 / (1 + gamma), 1 + gamma], random.next());
}

/** 0, or a strength up to the greatest. Two numbers are drawn in any case. */
function drawStrength(most: number, probability = 1, random: Random): number {
  const happens = random.next() < probability;
  const strength = most * random.next();
  return happens ? strength : 0;
}

/** Rotation around the gray axis (Rodrigues' formula for the axis (1, 1, 1)): grays stay as they are. */
function hueRotation(angle: number): readonly (readonly number[])[] {
  if (angle === 0) {
    return [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
  }
  const same = (1 + 2 * Math.cos(angle)) / 3;
  const next = (1 - Math.cos(angle)) / 3 - Math.sin(angle) / Math.sqrt(3);
  const last = (1 - Math.cos(angle)) / 3 + Math.sin(angle) / Math.sqrt(3);
  return [
    [same, next, last],
    [last, same, next],
    [next, last, same],
  ];
}
