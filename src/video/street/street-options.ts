// What a street of the renderer is like: seed, style, camera, density, sensor. Data only.

import { ClockworkError } from "../../errors.ts";

/** Light and weather. */
export type StreetStyle = "day" | "dusk" | "night" | "fog" | "rain";

/** How the camera moves: along a street, round corners, with stops on the way, turning on the spot, not at all. */
export type StreetCamera = "drive" | "turn" | "stop-and-go" | "pan" | "fixed";

/** Every style, the plainest first. */
export const streetStyles: readonly StreetStyle[] = ["day", "dusk", "night", "fog", "rain"];

/** Every camera. */
export const streetCameras: readonly StreetCamera[] = ["drive", "turn", "stop-and-go", "pan", "fixed"];

/** What to render; everything but the seed has a default. */
export interface StreetOptions {
  /** Any integer: the town, what is in it, and how it moves. */
  readonly seed: number;
  /** Default `day`. */
  readonly style?: StreetStyle;
  /** Default `drive`. */
  readonly camera?: StreetCamera;
  /** How much is on the street: 0 nothing that moves, 1 the usual, up to 3. */
  readonly density?: number;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly fps?: number;
  /** Standard deviation of the sensor's noise in the style's usual light, of 255; default: the style's. */
  readonly noise?: number;
  /** Largest change of exposure, as a factor to both sides, 1 for none; default 1.1. */
  readonly exposure?: number;
}

/** {@link StreetOptions} with nothing left open. */
export type ResolvedStreet = { readonly [Key in keyof StreetOptions]-?: NonNullable<StreetOptions[Key]> };

const noiseOf: Readonly<Record<StreetStyle, number>> = { day: 2, dusk: 4, night: 8, fog: 3, rain: 4 };

/** Fills in defaults. @throws ClockworkError `invalid-argument` for what cannot be rendered */
export function resolveStreet(options: StreetOptions): ResolvedStreet {
  const style = options.style ?? "day";
  const resolved: ResolvedStreet = {
    seed: options.seed,
    style,
    camera: options.camera ?? "drive",
    density: options.density ?? 1,
    widthPx: options.widthPx ?? 480,
    heightPx: options.heightPx ?? 360,
    fps: options.fps ?? 15,
    noise: options.noise ?? noiseOf[style],
    exposure: options.exposure ?? 1.1,
  };
  const check = (name: keyof StreetOptions, isFine: boolean, expected: string): void => {
    if (!isFine) {
      throw new ClockworkError("invalid-argument", `street: ${name}: expected ${expected}, got ${resolved[name]}`);
    }
  };
  const isSize = (px: number): boolean => Number.isInteger(px) && px >= 16 && px <= 4096;
  check("seed", Number.isSafeInteger(resolved.seed), "an integer");
  check("style", streetStyles.includes(style), `one of ${streetStyles.join(", ")}`);
  check("camera", streetCameras.includes(resolved.camera), `one of ${streetCameras.join(", ")}`);
  check("density", resolved.density >= 0 && resolved.density <= 3, "a number from 0 to 3");
  check("widthPx", isSize(resolved.widthPx), "a whole number from 16 to 4096");
  check("heightPx", isSize(resolved.heightPx), "a whole number from 16 to 4096");
  check("fps", resolved.fps > 0 && resolved.fps <= 240, "a number above 0, up to 240");
  check("noise", resolved.noise >= 0 && resolved.noise <= 100, "a number from 0 to 100");
  check("exposure", resolved.exposure >= 1 && resolved.exposure <= 4, "a number from 1 to 4");
  return resolved;
}
