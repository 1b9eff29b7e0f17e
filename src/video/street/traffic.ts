// All that moves on its own: cars, cyclists, people on the pavements and across the street. Where each is at a time is a
// formula; who would run into the camera's car, or into another, in the first minutes is left out from the start.

import { Body } from "./body.ts";
import { Dice, modulo } from "./dice.ts";
import type { Materials } from "./materials.ts";
import { makeCyclist, makePedestrian } from "./people.ts";
import { identity, standing, type Pose } from "./pose.ts";
import type { Route } from "./route.ts";
import type { ResolvedStreet } from "./street-options.ts";
import { kerbHeight, type Grid } from "./town.ts";
import { makeVehicle, type Vehicle } from "./vehicles.ts";

/** Someone or something at a time. */
export interface Moment {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly yaw: number;
  /** Of its step, radians, and how wide it swings, 0..1. */
  readonly phase: number;
  readonly swing: number;
  /** Times that it has left the town at one end and come in at the other: between two of them it was nowhere. */
  readonly round: number;
}

/** Who moves. */
export interface Actor {
  readonly body: Body;
  /** Metres around it that are its own. */
  readonly radius: number;
  /** 64001 .. 65535. */
  readonly instance: number;
  at(sec: number): Moment;
}

/** Where an actor's body is in the world. */
export function bodyPose({ x, y, z, yaw }: Moment): Pose {
  return standing(x, y, z, yaw);
}

const firstInstance = 64_001;
/** How far ahead and behind things come and go: beyond it, haze and corners hide them. */
const reach = 170;
/** Seconds of which it is known that nobody runs into anybody. */
const foreseenSec = 150;
const checkEverySec = 0.25;
/** No camera's car is faster, m/s. */
const fastestRide = 12.5;
/** Nobody on foot is faster, m/s. */
const fastestWalk = 1.8;

/** Who moves in a street. */
export function makeTraffic(options: ResolvedStreet, route: Route, grid: Grid, materials: Materials): readonly Actor[] {
  return new TrafficMaker(options, route, grid, materials).make();
}

class TrafficMaker {
  readonly #actors: Actor[] = [];
  readonly #dice: Dice;
  readonly #options: ResolvedStreet;
  readonly #grid: Grid;
  readonly #materials: Materials;
  readonly #rides: boolean;
  /** Where the camera's car is, every quarter of a second. */
  readonly #ego: readonly { readonly x: number; readonly z: number; readonly yaw: number }[];
  readonly #route: Route;
  /** Where those are who drive and were let in, every quarter of a second. */
  readonly #drivers: (readonly Moment[])[] = [];

  constructor(options: ResolvedStreet, route: Route, grid: Grid, materials: Materials) {
    this.#options = options;
    this.#route = route;
    this.#grid = grid;
    this.#materials = materials;
    this.#dice = new Dice(options.seed, 0x7472);
    this.#rides = options.camera !== "fixed" && options.camera !== "pan";
    const start = { x: 0, z: 0.35 * grid.north, yaw: 0 };
    this.#ego = Array.from({ length: foreseenSec / checkEverySec }, (_, i) =>
      this.#rides ? route.at(route.metres(i * checkEverySec)) : start,
    );
  }

  make(): readonly Actor[] {
    const { density, camera } = this.#options;
    const dice = this.#dice;
    if (density === 0) return [];
    if (this.#rides && dice.chance(0.6)) this.#leader();
    const busy = camera === "fixed" ? 1.6 : 1;
    for (const axis of ["north", "east"] as const) {
      for (const street of this.#streets(axis)) {
        const isMain = axis === "north" && street === 0;
        for (const direction of [1, -1] as const) {
          const speed = dice.between(6, 12);
          const count = Math.round(density * busy * dice.between(isMain ? 3 : 1, isMain ? 9 : 4));
          for (let k = 0; k < count; k++) this.#driver(axis, street, direction, speed);
          const cyclists = Math.round(density * dice.between(2, isMain ? 12 : 4));
          for (let k = 0; k < cyclists; k++) this.#cyclist(axis, street, direction, dice.between(3.6, 5.2));
        }
      }
    }
    for (const [i, j] of this.#blocks()) {
      const walkers = Math.round(density * dice.between(14, 40));
      for (let k = 0; k < walkers; k++) this.#walker(i, j);
      for (let k = Math.round(density * dice.between(1, 5)); k > 0; k--) this.#crosser(i, j);
    }
    return this.#actors;
  }

  /** Streets that the way uses or crosses, by their numbers. */
  #streets(axis: "north" | "east"): readonly number[] {
    const { north, east } = this.#grid;
    const [coordinate, spacing] = axis === "north" ? (["x", east] as const) : (["z", north] as const);
    const numbers = new Set<number>();
    for (const place of this.#ego) {
      const near = Math.round(place[coordinate] / spacing);
      numbers.add(near);
      if (axis === "east") numbers.add(near + 1);
    }
    return Array.from(numbers).slice(0, 24);
  }

  #blocks(): readonly (readonly [number, number])[] {
    const { north, east } = this.#grid;
    const seen = new Map<string, readonly [number, number]>();
    for (const { x, z } of this.#ego) {
      const [i, j] = [Math.round(x / east), Math.floor(z / north)];
      for (const [a, b] of [
        [i - 1, j],
        [i, j],
        [i - 1, j + 1],
        [i, j + 1],
        [i - 1, j - 1],
        [i, j - 1],
      ] as const)
        seen.set(`${a}:${b}`, [a, b]);
    }
    return Array.from(seen.values()).slice(0, 40);
  }

  /** Lets someone on foot in, if they never get into the way of the camera's car in all the time that is foreseen. */
  #admitWalker(actor: Omit<Actor, "instance">): void {
    const room = 0.4;
    const close = Math.hypot(5 + actor.radius, 1.2 + room);
    const metresPerCheck = (fastestRide + fastestWalk) * checkEverySec;
    for (let index = 0; this.#rides && index < this.#ego.length;) {
      const moment = actor.at(index * checkEverySec);
      if (this.#isInTheWay(moment, index, actor.radius, room)) return;
      // Who is far away cannot be there for a while.
      const { x = 0, z = 0 } = this.#ego[index] ?? {};
      const spare = Math.hypot(moment.x - x, moment.z - z) - close;
      index += Math.max(1, Math.floor(spare / metresPerCheck));
    }
    this.#add(actor);
  }

  /**
   * Lets someone in who rides, if there is room for all the time that is foreseen.
   * @param room metres beside the camera's car @param drives whether other drivers need their room, too
   */
  #admitRider(actor: Omit<Actor, "instance">, room: number, drives: boolean): void {
    const moments: Moment[] = [];
    for (const index of this.#ego.keys()) {
      const moment = actor.at(index * checkEverySec);
      moments.push(moment);
      if (this.#rides && this.#isInTheWay(moment, index, actor.radius, room)) return;
    }
    if (drives) {
      for (const others of this.#drivers) {
        for (const [index, moment] of moments.entries()) {
          const other = others[index];
          if (other === undefined || (other.round !== 0 && moment.round !== 0 && index === 0)) continue;
          const far = Math.hypot(moment.x - other.x, moment.z - other.z);
          const isAcross = Math.abs(Math.cos(moment.yaw - other.yaw)) < 0.5;
          const isSame = Math.cos(moment.yaw - other.yaw) > 0.5;
          if ((isAcross && far < 4.5) || (isSame && far < 1.4 + 2 * actor.radius && this.#isOneLane(moment, other)))
            return;
        }
      }
      this.#drivers.push(moments);
    }
    this.#add(actor);
  }

  #add(actor: Omit<Actor, "instance">): void {
    const instance = firstInstance + this.#actors.length;
    if (instance <= 0xffff) this.#actors.push({ ...actor, instance });
  }

  /** Whether someone is where the camera's car is, at a check. */
  #isInTheWay({ x, z }: Moment, check: number, radius: number, room: number): boolean {
    const ego = this.#ego[check];
    if (ego === undefined) return false;
    const [dx, dz] = [x - ego.x, z - ego.z];
    const ahead = dx * Math.sin(ego.yaw) + dz * Math.cos(ego.yaw);
    const aside = Math.abs(dx * Math.cos(ego.yaw) - dz * Math.sin(ego.yaw));
    return ahead > -4 - radius && ahead < 5 + radius && aside < 1.2 + room;
  }

  #isOneLane(a: Moment, b: Moment): boolean {
    return Math.abs((a.x - b.x) * Math.cos(a.yaw) - (a.z - b.z) * Math.sin(a.yaw)) < 1.6;
  }

  /** A car that drives ahead on the camera's own way, as the camera's car does a second later. */
  #leader(): void {
    const vehicle = makeVehicle(this.#dice, this.#materials);
    const gap = this.#dice.between(11, 26) + vehicle.halfLength;
    const route = this.#route;
    this.#actors.push({
      body: vehicleBody(vehicle),
      radius: vehicle.halfLength,
      instance: firstInstance + this.#actors.length,
      at: (sec) => ({ ...route.at(route.metres(sec + 0.8) + gap), y: 0, phase: 0, swing: 0, round: 0 }),
    });
  }

  #driver(axis: "north" | "east", street: number, direction: 1 | -1, speed: number): void {
    const vehicle = makeVehicle(this.#dice, this.#materials);
    const at = this.#along(axis, street, direction, speed, this.#grid.lane, 0);
    this.#admitRider({ body: vehicleBody(vehicle), radius: vehicle.halfLength, at }, 1.1, true);
  }

  #cyclist(axis: "north" | "east", street: number, direction: 1 | -1, speed: number): void {
    const { roadHalf, parking, lane } = this.#grid;
    const body = makeCyclist(this.#dice, this.#materials);
    const offset = Math.sign(lane) * (roadHalf - parking - 0.4);
    this.#admitRider({ body, radius: 1, at: this.#along(axis, street, direction, speed, offset, 2.1) }, 0.12, false);
  }

  /** Straight along a street, for ever: who is left behind comes again from ahead. @param stepsPerMetre radians */
  #along(
    axis: "north" | "east",
    street: number,
    direction: 1 | -1,
    speed: number,
    offset: number,
    stepsPerMetre: number,
  ): (sec: number) => Moment {
    const start = this.#dice.between(-reach, reach);
    const ego = this.#ego;
    const { north, east } = this.#grid;
    const middle = street * (axis === "north" ? east : north);
    const yaw = (axis === "north" ? 0 : Math.PI / 2) + (direction > 0 ? 0 : Math.PI);
    // Right of the way: to the east of one that leads to the north, to the south of one that leads to the east.
    const aside = middle + direction * offset * (axis === "north" ? 1 : -1);
    // The stretch is around where the camera's car starts and moves on in strides with it.
    const base = axis === "north" ? (ego[0]?.z ?? 0) : 0;
    const camera = (sec: number): number => {
      const place = ego[Math.min(ego.length - 1, Math.max(0, Math.floor(sec / checkEverySec)))];
      return (axis === "north" ? place?.z : place?.x) ?? 0;
    };
    return (sec) => {
      const gone = start + direction * speed * sec + base;
      const round = Math.floor((gone - camera(sec) + reach) / (2 * reach));
      const along = gone - 2 * reach * round;
      const [x, z] = axis === "north" ? [aside, along] : [along, aside];
      return { x, y: 0, z, yaw, phase: stepsPerMetre * speed * sec + start, swing: 1, round };
    };
  }

  /** Round a block on its pavement. */
  #walker(i: number, j: number): void {
    const dice = this.#dice;
    const { roadHalf, pavement, east, north } = this.#grid;
    const body = makePedestrian(dice, this.#materials);
    const inset = roadHalf + dice.between(Math.min(1.3, pavement - 1), pavement - 0.45);
    const [width, height] = [east - 2 * inset, north - 2 * inset];
    const around = 2 * (width + height);
    const start = dice.between(0, around);
    const stands = dice.chance(0.16);
    const speed = stands ? 0 : dice.pick([-1, 1]) * dice.between(0.9, 1.7);
    const stance = dice.between(0, 2 * Math.PI);
    const [west, south] = [i * east + inset, j * north + inset];
    const at = (sec: number): Moment => {
      const gone = modulo(start + speed * sec, around);
      const back = speed < 0 ? Math.PI : 0;
      const step = { y: kerbHeight, phase: (start + Math.abs(speed) * sec) * 4.4, swing: stands ? 0 : 1, round: 0 };
      if (gone < height) return { x: west, z: south + gone, yaw: stands ? stance : back, ...step };
      if (gone < height + width)
        return { x: west + gone - height, z: south + height, yaw: stands ? stance : Math.PI / 2 + back, ...step };
      if (gone < 2 * height + width) {
        return {
          x: west + width,
          z: south + 2 * height + width - gone,
          yaw: stands ? stance : Math.PI + back,
          ...step,
        };
      }
      return { x: west + around - gone, z: south, yaw: stands ? stance : -Math.PI / 2 + back, ...step };
    };
    this.#admitWalker({ body, radius: 0.4, at });
  }

  /** Across the street at a junction, again and again, with waits. */
  #crosser(i: number, j: number): void {
    const dice = this.#dice;
    const { roadHalf, pavement, east, north } = this.#grid;
    const body = makePedestrian(dice, this.#materials);
    const half = roadHalf + pavement / 2;
    const z = j * north + roadHalf + dice.between(0.8, 3);
    const speed = dice.between(1.0, 1.7);
    const walkSec = (2 * half) / speed;
    const waitSec = dice.between(4, 16);
    const start = dice.between(0, 100);
    const at = (sec: number): Moment => {
      const legs = (sec + start) / (walkSec + waitSec);
      const leg = Math.floor(legs);
      const walked = Math.min(1, (legs - leg) * (1 + waitSec / walkSec));
      const isBack = leg % 2 !== 0;
      const x = i * east + (isBack ? half - 2 * half * walked : -half + 2 * half * walked);
      return {
        x,
        y: Math.abs(x - i * east) > roadHalf ? kerbHeight : 0.01,
        z,
        yaw: isBack ? -Math.PI / 2 : Math.PI / 2,
        phase: walked * 2 * half * 4.4,
        swing: walked < 1 ? 1 : 0,
        round: 0,
      };
    };
    this.#admitWalker({ body, radius: 0.5, at });
  }
}

function vehicleBody({ mesh }: Vehicle): Body {
  return new Body(mesh.radius, () => [{ mesh, pose: () => identity }]);
}
