// Where the camera's car goes: a way of straights and arcs through the grid, and how fast it goes along it.

import { Dice } from "./dice.ts";
import type { StreetCamera } from "./street-options.ts";
import type { Grid } from "./town.ts";

/** A place on the way. */
export interface Place {
  readonly x: number;
  readonly z: number;
  /** Clockwise from the north, radians. */
  readonly yaw: number;
}

interface Piece extends Place {
  readonly length: number;
  /** Change of yaw in a metre. */
  readonly bend: number;
}

const stepSec = 1 / 30;
/** Gentle braking and driving off. */
const accelerationMs2 = 2.2;

/** The way, and where on it the car is at a time. */
export class Route {
  readonly #pieces: Piece[] = [];
  readonly #grid: Grid;
  readonly #dice: Dice;
  readonly #turns: boolean;
  readonly #stops: boolean;
  readonly #speed: number;
  /** Metres at multiples of the step. */
  readonly #metres: number[] = [0];
  #speedNow: number;
  /** Until when the car stands or goes on. */
  #phase: { readonly goes: boolean; readonly untilSec: number };
  #lane: { x: number; z: number; heading: 0 | 1 | 2 | 3; length: number };

  constructor(seed: number, camera: StreetCamera, grid: Grid) {
    const dice = new Dice(seed, 0x726f);
    this.#dice = dice;
    this.#grid = grid;
    this.#turns = camera === "turn";
    this.#stops = camera === "stop-and-go";
    this.#speed = camera === "turn" ? dice.between(6, 8.5) : dice.between(6.5, 12);
    this.#speedNow = this.#stops ? 0 : this.#speed;
    this.#phase = { goes: true, untilSec: dice.between(2, 5) };
    // On the street at x = 0, to the north, from somewhere along the block.
    const start = dice.between(0.1, 0.4) * grid.north;
    this.#lane = { x: grid.lane, z: start, heading: 0, length: 0 };
  }

  /** Where the car is after so many metres. */
  at(metres: number): Place {
    while (this.#lane.length < metres + 5) this.#extend();
    let rest = metres;
    let piece = this.#pieces[0];
    for (const one of this.#pieces) {
      piece = one;
      if (rest <= one.length) break;
      rest -= one.length;
    }
    if (piece === undefined) throw new Error("a route has a piece");
    const { x, z, yaw, bend } = piece;
    if (bend === 0) return { x: x + rest * Math.sin(yaw), z: z + rest * Math.cos(yaw), yaw };
    const now = yaw + bend * rest;
    return { x: x + (Math.cos(yaw) - Math.cos(now)) / bend, z: z + (Math.sin(now) - Math.sin(yaw)) / bend, yaw: now };
  }

  /** Metres gone at a time. */
  metres(sec: number): number {
    const place = Math.max(0, sec) / stepSec;
    const before = Math.floor(place);
    while (this.#metres.length < before + 2) this.#drive();
    const [a = 0, b = 0] = this.#metres.slice(before, before + 2);
    return a + (b - a) * (place - before);
  }

  #drive(): void {
    const sec = this.#metres.length * stepSec;
    if (this.#stops && sec > this.#phase.untilSec) {
      const goes = !this.#phase.goes;
      this.#phase = { goes, untilSec: sec + (goes ? this.#dice.between(3, 7) : this.#dice.between(3.5, 7)) };
    }
    const metres = this.#metres.at(-1) ?? 0;
    const wanted = this.#phase.goes || !this.#stops ? Math.min(this.#speed, this.#allowed(metres)) : 0;
    const change = accelerationMs2 * stepSec;
    this.#speedNow += Math.max(-1.6 * change, Math.min(change, wanted - this.#speedNow));
    this.#metres.push(metres + this.#speedNow * stepSec);
  }

  /** Speed from which the next bend can be taken. */
  #allowed(metres: number): number {
    if (!this.#turns) return Infinity;
    while (this.#lane.length < metres + 60) this.#extend();
    let start = 0;
    let allowed = Infinity;
    for (const piece of this.#pieces) {
      const ahead = start - metres;
      const isOver = start + piece.length < metres;
      if (piece.bend !== 0 && !isOver && ahead < 50) {
        const slow = Math.abs(piece.bend) > 1 / 7 ? 3.6 : 4.8;
        allowed = Math.min(allowed, Math.sqrt(slow * slow + 2 * accelerationMs2 * Math.max(0, ahead)));
      }
      start += piece.length;
    }
    return allowed;
  }

  /** The way to the next junction, and round it where the car turns. */
  #extend(): void {
    const grid = this.#grid;
    const { heading } = this.#lane;
    const yaw = (heading * Math.PI) / 2;
    const [dx, dz] = [Math.round(Math.sin(yaw)), Math.round(Math.cos(yaw))];
    const [spacing, along] = heading % 2 === 0 ? [grid.north, this.#lane.z * dz] : [grid.east, this.#lane.x * dx];
    const junction = Math.ceil((along + 16) / spacing) * spacing;
    const turn = this.#turns ? this.#dice.pick([1, -1, 1, -1, 0] as const) : 0;
    if (turn === 0) {
      const length = junction + 18 - along;
      this.#push({ x: this.#lane.x, z: this.#lane.z, yaw, length, bend: 0 });
      this.#lane.x += dx * length;
      this.#lane.z += dz * length;
      return;
    }
    // Where the lane that is left and the one that is taken cross.
    const next = (((heading + turn) % 4) + 4) % 4;
    const nextYaw = (next * Math.PI) / 2;
    const [nx, nz] = [Math.round(Math.sin(nextYaw)), Math.round(Math.cos(nextYaw))];
    // The next lane lies to the right of its street's middle (left, where one drives there): back along the way for a right turn.
    const crossing = junction - turn * grid.lane;
    const isNear = turn * grid.lane > 0;
    const radius = isNear ? 6 : 9.5;
    const straight = crossing - radius - along;
    this.#push({ x: this.#lane.x, z: this.#lane.z, yaw, length: straight, bend: 0 });
    const [ax, az] = [this.#lane.x + dx * straight, this.#lane.z + dz * straight];
    this.#push({ x: ax, z: az, yaw, length: (Math.PI / 2) * radius, bend: turn / radius });
    this.#lane.x = ax + dx * radius + nx * radius;
    this.#lane.z = az + dz * radius + nz * radius;
    this.#lane.heading = next as 0 | 1 | 2 | 3;
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece);
    this.#lane.length += piece.length;
  }
}
