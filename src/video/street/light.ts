// Light and weather of each style. Colours are what a white surface has in it, of 255, or factors of it.

import type { Colour } from "./mesh.ts";
import type { StreetStyle } from "./street-options.ts";
import type { Vector } from "./pose.ts";

/** What the street is lit by. */
export interface Light {
  /** Towards the sun (by night: the moon), of length 1. */
  readonly sun: Vector;
  /** Factors of a surface's colour in full sun, and from the sky above. */
  readonly sunColour: Vector;
  readonly skyLight: Vector;
  readonly zenith: Colour;
  readonly horizon: Colour;
  /** Share of the sky with clouds, and their colour. */
  readonly cloudCover: number;
  readonly cloud: Colour;
  /** What far things fade into, and how much of it there is in a metre. */
  readonly haze: Colour;
  readonly hazePerMetre: number;
  /** Whether lamps are on. */
  readonly isDark: boolean;
  /** Share of windows with light behind them. */
  readonly litWindows: number;
  /** Strength of lamps and headlights. */
  readonly lamps: number;
  /** How much the road mirrors, 0..1. */
  readonly wet: number;
}

/** @param chance 0..1: the hour and the weather within a style @param turn where the sun is, radians from the north */
export function lightOf(style: StreetStyle, chance: number, turn: number): Light {
  const sunAt = (height: number): Vector => [
    Math.cos(height) * Math.sin(turn),
    Math.sin(height),
    Math.cos(height) * Math.cos(turn),
  ];
  switch (style) {
    case "day": {
      // From a clear sky to a dull one.
      const dull = chance < 0.6 ? 0.25 * chance : chance;
      return {
        sun: sunAt(0.5 + 0.6 * chance),
        sunColour: [0.95 * (1 - 0.85 * dull), 0.89 * (1 - 0.85 * dull), 0.76 * (1 - 0.85 * dull)],
        skyLight: [0.5 + 0.3 * dull, 0.54 + 0.28 * dull, 0.6 + 0.24 * dull],
        zenith: [110 + 112 * dull, 160 + 70 * dull, 222 + 16 * dull],
        horizon: [226 + 14 * dull, 236 + 6 * dull, 246],
        cloudCover: 0.25 + 0.65 * dull,
        cloud: [246, 246, 246],
        haze: [212, 220, 228],
        hazePerMetre: 0.0012 + 0.0014 * dull,
        isDark: false,
        litWindows: 0.03,
        lamps: 0,
        wet: 0,
      };
    }
    case "dusk":
      return {
        sun: sunAt(0.12 + 0.1 * chance),
        sunColour: [0.56, 0.32, 0.14],
        skyLight: [0.42, 0.39, 0.46],
        zenith: [74, 88, 134],
        horizon: [242, 176, 122],
        cloudCover: 0.3 + 0.4 * chance,
        cloud: [222, 160, 142],
        haze: [206, 160, 136],
        hazePerMetre: 0.0026,
        isDark: true,
        litWindows: 0.3,
        lamps: 0.4,
        wet: 0,
      };
    case "night":
      return {
        sun: sunAt(0.7),
        sunColour: [0.02, 0.025, 0.04],
        skyLight: [0.075, 0.085, 0.125],
        zenith: [12, 15, 28],
        horizon: [44, 42, 54],
        cloudCover: 0.4,
        cloud: [40, 38, 46],
        haze: [36, 35, 44],
        hazePerMetre: 0.004,
        isDark: true,
        litWindows: 0.34,
        lamps: 1,
        wet: 0,
      };
    case "fog":
      return {
        sun: sunAt(0.6),
        sunColour: [0.04, 0.04, 0.04],
        skyLight: [0.66, 0.67, 0.69],
        zenith: [196, 200, 204],
        horizon: [198, 202, 206],
        cloudCover: 1,
        cloud: [200, 203, 207],
        haze: [194, 198, 202],
        hazePerMetre: 0.014 + 0.02 * chance,
        isDark: false,
        litWindows: 0.16,
        lamps: 0.1,
        wet: 0.1,
      };
    case "rain":
      return {
        sun: sunAt(0.7),
        sunColour: [0.05, 0.05, 0.05],
        skyLight: [0.54, 0.56, 0.6],
        zenith: [140, 148, 158],
        horizon: [176, 182, 188],
        cloudCover: 1,
        cloud: [158, 164, 172],
        haze: [160, 167, 174],
        hazePerMetre: 0.006 + 0.004 * chance,
        isDark: false,
        litWindows: 0.22,
        lamps: 0.15,
        wet: 0.42,
      };
  }
}
