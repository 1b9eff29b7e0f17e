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
import { motionOf, paint, type Motion, type Painting } from "./painter.ts";
import { identity, inverted, standing, type Pose } from "./pose.ts";
import { Raster } from "./raster.ts";
import { Route } from "./route.ts";
import { Sensor } from "./sensor.ts";
import type { StreetFrame, StreetStill } from "./street-frame.ts";
import { resolveStreet, type ResolvedStreet, type StreetOptions } from "./street-options.ts";
import { Surface } from "./surface.ts";
import { Town } from "./town.ts";
import { limbPose, makeTraffic, type Actor } from "./traffic.ts";

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
  readonly #surface: Surface;
  readonly #firmament: Firmament;
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
    this.#surface = new Surface(this.#raster, this.#light, new Daylight(this.#town, this.#light), grid, table);
    this.#firmament = new Firmament(this.#light, clouds(seed, this.#light.cloudCover));
    this.#sensor = new Sensor(resolved);
    this.#road = new Mesh().floor([-400, 400], [-400, 400], 0, { material: this.#materials.road, label: label.road });
  }

  /** Frame `index` from 0. */
  frame(index: number): StreetFrame {
    if (this.#last?.index !== index - 1) {
      this.#last = index === 0 ? undefined : { index: index - 1, painting: this.#render(index - 1) };
    }
    const before = this.#last;
    const painting = this.#render(index);
    this.#last = { index, painting };
    const { flow } = painting;
    const occluded =
      before === undefined ? new Uint8Array(painting.labels.length) : this.#occluded(painting, before.painting);
    if (before === undefined) flow.fill(0);
    return { ...this.#exposed(painting, index), flow, occluded };
  }

  /** Frame `index` without its motion: half the work where it does not follow the one before. */
  still(index: number): StreetStill {
    const painting = this.#render(index);
    this.#last = { index, painting };
    return this.#exposed(painting, index);
  }

  #exposed({ light, labels, depth, instances }: Painting, index: number): StreetStill {
    const { widthPx, heightPx, fps } = this.options;
    return {
      frame: { data: this.#sensor.expose(light, index), widthPx, heightPx, timestampSec: index / fps },
      labels: { data: labels, widthPx, heightPx },
      depth,
      instances,
    };
  }

  #render(index: number): Painting {
    const { widthPx, heightPx, fps, camera } = this.options;
    const [sec, secBefore] = [index / fps, Math.max(0, index - 1) / fps];
    const pose = this.#camera.pose(sec);
    const viewBefore = inverted(this.#camera.pose(secBefore));
    const raster = this.#raster;
    const { focalPx } = this.#camera;
    raster.begin(inverted(pose), focalPx);
    // Motion 0 is that of all that stands.
    const motions: Motion[] = [motionOf(identity, identity, pose, viewBefore)];
    const [x, z] = [pose[3] ?? 0, pose[11] ?? 0];
    this.#actorsInto(raster, motions, sec, secBefore, pose, viewBefore, x, z);
    this.#townInto(raster, x, z);
    raster.draw(this.#road, standing(Math.round(x), 0, Math.round(z), 0), 0, 0);
    const eye = {
      pose,
      focalPx,
      widthPx,
      heightPx,
      hasHeadlights: this.#light.isDark && camera !== "fixed" && camera !== "pan",
    };
    return paint(raster, this.#surface, this.#firmament, eye, sec, motions, viewBefore);
  }

  #actorsInto(
    raster: Raster,
    motions: Motion[],
    sec: number,
    secBefore: number,
    camera: Pose,
    viewBefore: Pose,
    x: number,
    z: number,
  ): void {
    for (const actor of this.#actors) {
      const now = actor.at(sec);
      if (Math.hypot(now.x - x, now.z - z) > drawn) continue;
      const then = actor.at(secBefore);
      for (const limb of actor.limbs) {
        const poseNow = limbPose(limb, now);
        motions.push(
          then.round === now.round ? motionOf(poseNow, limbPose(limb, then), camera, viewBefore) : undefined,
        );
        raster.draw(limb.mesh, poseNow, actor.instance, motions.length - 1);
      }
    }
  }

  #townInto(raster: Raster, x: number, z: number): void {
    const { grid } = this.#town;
    const [west, east] = [Math.floor((x - drawn) / grid.east), Math.floor((x + drawn) / grid.east)];
    const [south, north] = [Math.floor((z - drawn) / grid.north), Math.floor((z + drawn) / grid.north)];
    for (let i = west; i <= east; i++) {
      for (let j = south; j <= north; j++) {
        for (const { mesh, pose, instance } of this.#town.tile(i, j).things) {
          if (Math.hypot((pose[3] ?? 0) - x, (pose[11] ?? 0) - z) > drawn + mesh.radius) continue;
          raster.draw(mesh, pose, instance, 0);
        }
      }
    }
  }

  /** Points that something nearer stood before, or that were outside the picture. */
  #occluded({ flow, depthBefore, instances }: Painting, before: Painting): Uint8Array<ArrayBuffer> {
    const { widthPx, heightPx } = this.options;
    const pixels = widthPx * heightPx;
    const occluded = new Uint8Array(pixels);
    for (let at = 0; at < pixels; at++) {
      const wanted = depthBefore[at] ?? -1;
      const x = (at % widthPx) + (flow[at] ?? 0);
      const y = Math.floor(at / widthPx) + (flow[pixels + at] ?? 0);
      if (wanted < 0 || x < -0.5 || y < -0.5 || x > widthPx - 0.5 || y > heightPx - 0.5) {
        occluded[at] = 1;
        continue;
      }
      // Seen, if the same thing is as far at any of the pixels that share that place; on the ground a pixel covers much.
      const [left, top] = [Math.floor(x), Math.floor(y)];
      let isSeen = false;
      for (let k = 0; k < 4 && !isSeen; k++) {
        const share = (k & 1 ? x - left : 1 + left - x) * (k >> 1 ? y - top : 1 + top - y);
        if (share < leastShare) continue;
        const column = Math.min(widthPx - 1, Math.max(0, left + (k & 1)));
        const row = Math.min(heightPx - 1, Math.max(0, top + (k >> 1)));
        const there = row * widthPx + column;
        if (before.instances[there] !== instances[at]) continue;
        const found = before.depth[there] ?? 0;
        isSeen = found === wanted || Math.abs(found - wanted) < 0.06 + 0.04 * wanted;
      }
      if (!isSeen) occluded[at] = 1;
    }
    return occluded;
  }
}
