// Where flow fails: small objects that are faster than a fifteenth of the picture a frame. Exact labels of every K-th frame
// are moved along the flow, or stay, and are compared with the exact labels of each frame. No network: only motion is
// judged.

import { textTable } from "../src/cli/tables.ts";
import type { LabelMap } from "../src/index.ts";
import { FlowChain } from "./flow-chain.ts";
import { cameraView, frameAt, labelsAt, placed, type Layer, type Scene } from "./moving-scenes.ts";
import { roughNoise } from "./paints.ts";

/** What to run. */
export interface FastObjectsOptions {
  readonly frames: number;
  readonly periods: readonly number[];
}

/** Objects of one size and speed. */
export interface FastObjectsRow {
  readonly radiusPx: number;
  readonly speedPx: number;
  /** By period, in the order asked for; 0 to 1. */
  readonly still: readonly Scores[];
  readonly moved: readonly Scores[];
}

/** How labels agree with the exact ones, over all frames. */
export interface Scores {
  /** Share of the pixels. */
  readonly agreement: number;
  /** Intersection over union of the objects. */
  readonly objects: number;
}

const size = { widthPx: 480, heightPx: 360 } as const;
const radii = [16, 40] as const;
const speeds = [4, 8, 16, 24, 32, 48] as const;

/** Runs the experiment: a sequence for each size and speed. */
export async function fastObjects({ frames, periods }: FastObjectsOptions): Promise<readonly FastObjectsRow[]> {
  await using chain = await FlowChain.open(size);
  const rows: FastObjectsRow[] = [];
  const paints = { ground: roughNoise(1), object: roughNoise(2) };
  for (const radiusPx of radii) {
    for (const speedPx of speeds) {
      const scene = sceneOf(paints, radiusPx, speedPx);
      const drawn = Array.from({ length: frames }, (_, time) => frameAt(scene, time));
      const labels = Array.from({ length: frames }, (_, time) => labelsAt(scene, time));
      const still: Scores[] = [];
      const moved: Scores[] = [];
      for (const period of periods) {
        const [rested, carried] = [new Tally(), new Tally()];
        let key = labels[0];
        for (const [time, frame] of drawn.entries()) {
          const truth = labels[time];
          if (time % period === 0) key = truth;
          const step = await chain.next(frame, time % period === 0);
          if (key === undefined || truth === undefined) continue;
          rested.add(key, truth);
          carried.add(await chain.moved(key, step), truth);
        }
        still.push(rested.scores);
        moved.push(carried.scores);
      }
      rows.push({ radiusPx, speedPx, still, moved });
    }
  }
  return rows;
}

/** The result in columns. */
export function fastObjectsText(rows: readonly FastObjectsRow[], periods: readonly number[]): string {
  const cell = (still: number | undefined, moved: number | undefined): string =>
    `${(100 * (still ?? 0)).toFixed(1)} / ${(100 * (moved ?? 0)).toFixed(1)}`;
  const table = (score: keyof Scores): string =>
    textTable([
      ["radius, px a frame", ...periods.map((period) => `K=${period}`)],
      ...rows.map(({ radiusPx, speedPx, still, moved }) => [
        `${radiusPx}, ${speedPx}`,
        ...periods.map((_, place) => cell(still[place]?.[score], moved[place]?.[score])),
      ]),
    ]);
  return [
    "Intersection over union of the objects, %, still / moved",
    table("objects"),
    "",
    "Agreement with the exact labels, %, still / moved",
    table("agreement"),
  ].join("\n");
}

/** Four discs that go to and fro, each its own way, before a background that drifts by 2 px a frame. */
function sceneOf(
  paints: { readonly ground: Layer["paint"]; readonly object: Layer["paint"] },
  radiusPx: number,
  speedPx: number,
): Scene {
  const objects = [0, 1, 2, 3].map((place): Layer => {
    const direction = 0.4 + (place * Math.PI) / 4;
    const between = (time: number, start: number, speed: number, end: number): number => {
      const span = end - 2 * radiusPx;
      const way = (((start * span + speed * time) % (2 * span)) + 2 * span) % (2 * span);
      return radiusPx + (way < span ? way : 2 * span - way);
    };
    return {
      // Each disc shows another part of the sheet.
      paint: (u, v, colour) => paints.object(u + 200 * place, v, colour),
      label: (u, v) => (u * u + v * v < radiusPx * radiusPx ? 1 : undefined),
      at: (time) =>
        placed(
          between(time, 0.15 + 0.23 * place, speedPx * Math.cos(direction), size.widthPx),
          between(time, 0.8 - 0.2 * place, speedPx * Math.sin(direction), size.heightPx),
        ),
      isObject: true,
    };
  });
  const ground: Layer = {
    paint: paints.ground,
    label: () => 0,
    at: (time) => cameraView(size, { shiftX: 2 * time, shiftY: 0.5 * time }),
    isObject: false,
  };
  return { ...size, layers: [...objects, ground] };
}

class Tally {
  #pixels = 0;
  #same = 0;
  #both = 0;
  #either = 0;

  add({ data: labels }: LabelMap, { data: truth }: LabelMap): void {
    for (let at = 0; at < truth.length; at++) {
      this.#same += labels[at] === truth[at] ? 1 : 0;
      this.#both += labels[at] === 1 && truth[at] === 1 ? 1 : 0;
      this.#either += labels[at] === 1 || truth[at] === 1 ? 1 : 0;
    }
    this.#pixels += truth.length;
  }

  get scores(): Scores {
    return { agreement: this.#same / this.#pixels, objects: this.#both / this.#either };
  }
}
