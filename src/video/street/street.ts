// The street: a town, a camera in it, and all that moves, rendered frame by frame. Any seed gives another one, and the
// same one on every machine.

import { Camera } from "./camera.ts";
import { Daylight } from "./daylight.ts";
import { chanceAt } from "./dice.ts";
import { Firmament } from "./firmament.ts";
import { label } from "./label.ts";
import { lightOf, type Light } from "./light.ts";
import { makeMaterials, type Materials } from "./materials.ts";
import { Mesh } from "./mesh.ts";
import { clouds } from "./paints.ts";
import { motionOf, Painter, type Motion, type Movement, type Painting } from "./painter.ts";
import { composed, inverted, standing, type Pose } from "./pose.ts";
import { Raster } from "./raster.ts";
import { Route } from "./route.ts";
import { Sensor } from "./sensor.ts";
import type { StreetFrame, StreetStill } from "./street-frame.ts";
import { resolveStreet, type ResolvedStreet, type StreetOptions } from "./street-options.ts";
import { Surface } from "./surface.ts";
import { Town } from "./town.ts";
import { bodyPose, makeTraffic, type Actor, type Moment } from "./traffic.ts";

/** How far things are drawn, in metres. */
const drawn = 230;

/** A pixel that has less of a place than this does not show it. */
const leastShare = 0.12;

/** A street in time. Any frame may be asked for; one after the other is fastest. */
export class Street {
  readonly options: ResolvedStreet;
  readonly #materials: Materials;
  readonly #town: Town;
  readonly #camera: Camera;
  readonly #actors: readonly Actor[];
  readonly #light: Light;
  readonly #raster: Raster;
  readonly #painter: Painter;
  readonly #sensor: Sensor;
  readonly #road: Mesh;
  /** What was rendered last. */
  #last: { readonly index: number; readonly painting: Painting } | undefined;

  /** @throws ClockworkError `invalid-argument` for options that cannot be rendered */
  constructor(options: StreetOptions) {
    const resolved = resolveStreet(options);
    this.options = resolved;
    const { seed, style, camera, density, widthPx, heightPx } = resolved;
    this.#materials = makeMaterials(seed);
    const { table } = this.#materials;
    this.#town = new Town(seed, density, this.#materials);
    const { grid } = this.#town;
    const route = new Route(seed, camera, grid);
    this.#camera = new Camera(resolved, route, grid);
    this.#actors = makeTraffic(resolved, route, grid, this.#materials);
    this.#light = lightOf(style, chanceAt(seed, 1, 11), 2 * Math.PI * chanceAt(seed, 2, 11));
    this.#raster = new Raster(widthPx, heightPx, table);
    const daylight = new Daylight(this.#town, this.#light);
    this.#painter = new Painter(
      this.#raster,
      new Surface(this.#raster, this.#light, daylight, grid, table),
      new Firmament(this.#light, clouds(seed, this.#light.cloudCover)),
    );
    this.#sensor = new Sensor(resolved);
    this.#road = new Mesh().floor([-400, 400], [-400, 400], 0, { material: this.#materials.road, label: label.road });
  }

  /** Frame `index` from 0. */
  frame(index: number): StreetFrame {
    const { widthPx, heightPx } = this.options;
    if (this.#last?.index !== index - 1) {
      this.#last = index === 0 ? undefined : { index: index - 1, painting: this.#render(index - 1).painting };
    }
    const before = this.#last;
    const { painting, movement } = this.#render(index, before !== undefined);
    this.#last = { index, painting };
    const pixels = widthPx * heightPx;
    const exposed = this.#exposed(painting, index);
    if (before === undefined || movement === undefined) {
      return { ...exposed, flow: new Float32Array(2 * pixels), occluded: new Uint8Array(pixels) };
    }
    return { ...exposed, flow: movement.flow, occluded: this.#occluded(painting, movement, before.painting) };
  }

  /** Frame `index` without its motion: half the work where it does not follow the one before. */
  still(index: number): StreetStill {
    const { painting } = this.#render(index);
    this.#last = { index, painting };
    return this.#exposed(painting, index);
  }

  #exposed({ labels, depth, instances }: Painting, index: number): StreetStill {
    const { widthPx, heightPx, fps } = this.options;
    const data = this.#sensor.expose(this.#painter.light, index);
    return {
      frame: { data, widthPx, heightPx, timestampSec: index / fps },
      labels: { data: labels, widthPx, heightPx },
      depth,
      instances,
    };
  }

  #render(index: number, moves = false): { readonly painting: Painting; readonly movement: Movement | undefined } {
    const { widthPx, heightPx, fps, camera } = this.options;
    const sec = index / fps;
    const secBefore = Math.max(0, index - 1) / fps;
    const pose = this.#camera.pose(sec);
    const viewBefore = inverted(this.#camera.pose(secBefore));
    const raster = this.#raster;
    const { focalPx } = this.#camera;
    raster.begin(inverted(pose), focalPx);
    // Motion 0 is that of all that stands.
    const motions: Motion[] = [composed(viewBefore, pose)];
    this.#townInto(pose[3], pose[11]);
    for (const actor of this.#actors) this.#actorInto(actor, motions, sec, secBefore, pose, viewBefore);
    raster.draw(this.#road, standing(Math.round(pose[3]), 0, Math.round(pose[11]), 0), 0, 0);
    const eye = {
      pose,
      focalPx,
      widthPx,
      heightPx,
      hasHeadlights: this.#light.isDark && camera !== "fixed" && camera !== "pan",
    };
    const painting = this.#painter.paint(eye, sec);
    return { painting, movement: moves ? this.#painter.movement(eye, motions, viewBefore) : undefined };
  }

  /** Draws someone, and adds the motions of what is seen. */
  #actorInto(actor: Actor, motions: Motion[], sec: number, secBefore: number, camera: Pose, viewBefore: Pose): void {
    const now = actor.at(sec);
    const dx = now.x - camera[3];
    const dz = now.z - camera[11];
    const { reach } = actor.body;
    if (dx * dx + dz * dz > drawn * drawn || !this.#raster.isSeen(now.x, now.y, now.z, reach)) return;
    const body = bodyPose(now);
    let then: Moment | undefined;
    for (const limb of actor.body.limbs) {
      const poseNow = composed(body, limb.pose(now.phase, now.swing));
      if (!this.#raster.draw(limb.mesh, poseNow, actor.instance, motions.length)) continue;
      then ??= actor.at(secBefore);
      const poseBefore = composed(bodyPose(then), limb.pose(then.phase, then.swing));
      motions.push(then.round === now.round ? motionOf(poseNow, poseBefore, camera, viewBefore) : undefined);
    }
  }

  /** Draws the tiles around a place, the nearest first: what is behind them then costs little. */
  #townInto(x: number, z: number): void {
    const { grid } = this.#town;
    const tiles: { readonly i: number; readonly j: number; readonly far: number }[] = [];
    for (let i = Math.floor((x - drawn) / grid.east); i <= Math.floor((x + drawn) / grid.east); i++) {
      for (let j = Math.floor((z - drawn) / grid.north); j <= Math.floor((z + drawn) / grid.north); j++) {
        tiles.push({ i, j, far: Math.hypot((i + 0.5) * grid.east - x, (j + 0.5) * grid.north - z) });
      }
    }
    tiles.sort((a, b) => a.far - b.far);
    for (const { i, j } of tiles) {
      if (!this.#raster.isSeen((i + 0.5) * grid.east, 0, (j + 0.5) * grid.north, this.#town.tileReach)) continue;
      for (const { mesh, pose, instance } of this.#town.tile(i, j).things) {
        const far = drawn + mesh.radius;
        if ((pose[3] - x) ** 2 + (pose[11] - z) ** 2 > far * far) continue;
        this.#raster.draw(mesh, pose, instance, 0);
      }
    }
  }

  /** Points that something nearer stood before, or that were outside the picture. */
  #occluded({ instances }: Painting, { flow, depthBefore }: Movement, before: Painting): Uint8Array<ArrayBuffer> {
    const { widthPx, heightPx } = this.options;
    const pixels = widthPx * heightPx;
    const occluded = new Uint8Array(pixels);
    for (let row = 0, at = 0; row < heightPx; row++) {
      for (let column = 0; column < widthPx; column++, at++) {
        const wanted = depthBefore[at] ?? -1;
        const x = column + (flow[at] ?? 0);
        const y = row + (flow[pixels + at] ?? 0);
        if (wanted < 0 || x < -0.5 || y < -0.5 || x > widthPx - 0.5 || y > heightPx - 0.5) {
          occluded[at] = 1;
          continue;
        }
        // Seen, if the same thing is as far at any of the pixels that share that place; on the ground a pixel covers much.
        const left = Math.floor(x);
        const top = Math.floor(y);
        const instance = instances[at] ?? 0;
        let isSeen = false;
        for (let k = 0; k < 4 && !isSeen; k++) {
          const share = (k & 1 ? x - left : 1 + left - x) * (k >> 1 ? y - top : 1 + top - y);
          if (share < leastShare) continue;
          const thereX = Math.min(widthPx - 1, Math.max(0, left + (k & 1)));
          const thereY = Math.min(heightPx - 1, Math.max(0, top + (k >> 1)));
          const there = thereY * widthPx + thereX;
          if (before.instances[there] !== instance) continue;
          const found = before.depth[there] ?? 0;
          isSeen = found === wanted || Math.abs(found - wanted) < 0.06 + 0.04 * wanted;
        }
        if (!isSeen) occluded[at] = 1;
      }
    }
    return occluded;
  }
}
