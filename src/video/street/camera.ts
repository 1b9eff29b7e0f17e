// The camera: how it stands or rides, and what it sees of space.

import { Dice, smoothNoise } from "./dice.ts";
import { cameraPose, type Pose } from "./pose.ts";
import type { Route } from "./route.ts";
import type { ResolvedStreet } from "./street-options.ts";
import type { Grid } from "./town.ts";

/** A camera that may move. */
export class Camera {
  /** Pixels to which a metre at a metre's distance comes. */
  readonly focalPx: number;
  readonly #options: ResolvedStreet;
  readonly #route: Route;
  readonly #height: number;
  readonly #pitch: number;
  readonly #sway: number;
  readonly #still: { readonly x: number; readonly z: number; readonly yaw: number };
  readonly #turnRate: number;

  constructor(options: ResolvedStreet, route: Route, grid: Grid) {
    const { seed, camera, widthPx } = options;
    const dice = new Dice(seed, 0x6361);
    const viewDeg = dice.between(50, 66);
    this.focalPx = widthPx / 2 / Math.tan((viewDeg * Math.PI) / 360);
    this.#options = options;
    this.#route = route;
    const isOnPole = camera === "fixed";
    this.#height = isOnPole ? dice.between(3.2, 5) : camera === "pan" ? dice.between(1.5, 2) : dice.between(1.2, 1.5);
    this.#pitch = isOnPole ? dice.between(-0.2, -0.12) : dice.between(-0.025, 0.05);
    this.#sway = camera === "fixed" || camera === "pan" ? 0 : dice.between(0.5, 1.2);
    // At the kerb, looking along the street and a little across it.
    const side = dice.pick([-1, 1]);
    this.#still = {
      x: side * (grid.roadHalf + (isOnPole ? 0.6 : grid.pavement * 0.45)),
      z: dice.between(0.2, 0.5) * grid.north,
      yaw: -side * (isOnPole ? dice.between(0.12, 0.3) : dice.between(0, 0.6)),
    };
    this.#turnRate = dice.pick([-1, 1]) * dice.between(0.2, 0.42);
  }

  /** Its pose at a time. */
  pose(sec: number): Pose {
    const { camera, seed } = this.#options;
    if (camera === "fixed" || camera === "pan") {
      const { x, z, yaw } = this.#still;
      // Back and forth: a triangle whose tips are round, two radians wide.
      const swing = camera === "pan" ? Math.sin(this.#turnRate * sec) : 0;
      return cameraPose([x, this.#height, z], yaw + swing, this.#pitch);
    }
    const metres = this.#route.metres(sec);
    const { x, z, yaw } = this.#route.at(metres);
    // The road is not even: felt while the car moves, by the metre.
    const shake = (wave: number, stream: number): number => smoothNoise(metres / wave, stream, seed) - 0.5;
    const pitch = this.#pitch + 0.012 * this.#sway * shake(2.5, 1) + 0.014 * this.#sway * shake(9, 2);
    const roll = 0.014 * this.#sway * shake(6, 3);
    const weave = 0.5 * shake(40, 4);
    const glance = 0.03 * shake(25, 5);
    const height = this.#height + 0.05 * this.#sway * shake(3, 6);
    return cameraPose([x + weave * Math.cos(yaw), height, z - weave * Math.sin(yaw)], yaw + glance, pitch, roll);
  }
}
