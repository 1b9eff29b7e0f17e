// Meshes of flat convex faces. A face has a plane with coordinates of its own, in metres, in which its outline and its
// texture lie: the renderer needs no more than its origin and two axes for depth, texture and motion alike.

import type { Vector } from "./pose.ts";

/** Red, green, blue; 0..255. */
export type Colour = readonly [number, number, number];

/** How a face is made. */
export interface FaceInit {
  /** Place in the table of materials. */
  readonly material: number;
  /** Place in `streetClasses`. */
  readonly label: number;
  /** What the material's colour is multiplied with, of 255. */
  readonly tint?: Colour;
  /** Whether it is seen from behind as well. */
  readonly twoSided?: boolean;
  /** Where the texture begins, in metres of the face. */
  readonly shift?: readonly [number, number];
}

/** Faces under construction and to be drawn: arrays with a part for each face. */
export class Mesh {
  /** Origin and axes of the plane: 9 numbers a face. */
  readonly planes: number[] = [];
  /** Outlines as u, v, one after the other. */
  readonly outlines: number[] = [];
  /** Where in `outlines` each face begins, and, at last, where all end. */
  readonly starts: number[] = [0];
  readonly materials: number[] = [];
  readonly labels: number[] = [];
  /** 3 numbers a face. */
  readonly tints: number[] = [];
  readonly twoSided: boolean[] = [];
  /** Furthest distance of a corner from the origin of the mesh. */
  radius = 0;
  /** Width of what is thin about it, metres: where that is less than a pixel, the mesh is not drawn. */
  readonly thin: number;

  constructor(thin: number = Infinity) {
    this.thin = thin;
  }

  get length(): number {
    return this.materials.length;
  }

  /** A convex face by its corners, of which the first three are no line; its front is where they go round anticlockwise. */
  polygon(corners: readonly Vector[], init: FaceInit): this {
    const [p, q, r] = corners;
    if (p === undefined || q === undefined || r === undefined) throw new Error("a face has three corners");
    const across = unit(minus(q, p));
    const normal = unit(cross(across, minus(r, p)));
    const up = cross(normal, across);
    const [shiftU, shiftV] = init.shift ?? [0, 0];
    const origin: Vector = [0, 1, 2].map(
      (i) => (p[i] ?? 0) - shiftU * (across[i] ?? 0) - shiftV * (up[i] ?? 0),
    ) as unknown as Vector;
    this.planes.push(...origin, ...across, ...up);
    for (const corner of corners) {
      const from = minus(corner, origin);
      this.outlines.push(dot(from, across), dot(from, up));
      this.radius = Math.max(this.radius, Math.hypot(...corner));
    }
    this.starts.push(this.outlines.length);
    this.materials.push(init.material);
    this.labels.push(init.label);
    this.tints.push(...(init.tint ?? [255, 255, 255]));
    this.twoSided.push(init.twoSided ?? false);
    return this;
  }

  /** An upright rectangle from one place on the ground to another; its front is to the left on the way. */
  wall(from: readonly [number, number], to: readonly [number, number], [low, high]: Span, init: FaceInit): this {
    return this.polygon(
      [
        [from[0], low, from[1]],
        [to[0], low, to[1]],
        [to[0], high, to[1]],
        [from[0], high, from[1]],
      ],
      init,
    );
  }

  /** A level rectangle, seen from above. */
  floor([west, east]: Span, [south, north]: Span, height: number, init: FaceInit): this {
    return this.polygon(
      [
        [west, height, south],
        [west, height, north],
        [east, height, north],
        [east, height, south],
      ],
      init,
    );
  }

  /** A box without its bottom. @param top of the box where it is not like the sides */
  box([west, east]: Span, [low, high]: Span, [south, north]: Span, init: FaceInit, top: FaceInit = init): this {
    this.wall([west, north], [east, north], [low, high], init);
    this.wall([east, north], [east, south], [low, high], init);
    this.wall([east, south], [west, south], [low, high], init);
    this.wall([west, south], [west, north], [low, high], init);
    return this.floor([west, east], [south, north], high, top);
  }

  /** An upright prism of `sides` sides, thinner or thicker at its top. */
  post([x, z]: readonly [number, number], [low, high]: Span, radii: Span, init: FaceInit, sides = 6): this {
    const ring = (index: number, radius: number, height: number): Vector => {
      const turn = (2 * Math.PI * index) / sides;
      return [x + radius * Math.cos(turn), height, z + radius * Math.sin(turn)];
    };
    for (let side = 0; side < sides; side++) {
      const next = side + 1;
      const corners = [ring(next, radii[0], low), ring(side, radii[0], low)];
      if (radii[1] > 0) corners.push(ring(side, radii[1], high), ring(next, radii[1], high));
      else corners.push([x, high, z]);
      this.polygon(corners, init);
    }
    return this;
  }

  /** All faces of another mesh, moved. */
  append(other: Mesh, move: (point: Vector) => Vector): this {
    for (let face = 0; face < other.length; face++) {
      const plane = other.planes.slice(9 * face, 9 * face + 9);
      const [ox = 0, oy = 0, oz = 0, ax = 0, ay = 0, az = 0, bx = 0, by = 0, bz = 0] = plane;
      const origin = move([ox, oy, oz]);
      const across = minus(move([ox + ax, oy + ay, oz + az]), origin);
      const up = minus(move([ox + bx, oy + by, oz + bz]), origin);
      this.planes.push(...origin, ...across, ...up);
      for (let at = other.starts[face] ?? 0; at < (other.starts[face + 1] ?? 0); at += 2) {
        const [u, v] = [other.outlines[at] ?? 0, other.outlines[at + 1] ?? 0];
        this.outlines.push(u, v);
        const corner = origin.map((value, i) => value + u * (across[i] ?? 0) + v * (up[i] ?? 0));
        this.radius = Math.max(this.radius, Math.hypot(...corner));
      }
      this.starts.push(this.outlines.length);
      this.materials.push(other.materials[face] ?? 0);
      this.labels.push(other.labels[face] ?? 0);
      this.tints.push(...other.tints.slice(3 * face, 3 * face + 3));
      this.twoSided.push(other.twoSided[face] ?? false);
    }
    return this;
  }
}

/** From one number to a larger one. */
export type Span = readonly [number, number];

/** a - b. */
export function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

/** a x b. */
export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** a . b. */
export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Of length 1. */
export function unit(a: Vector): Vector {
  const length = Math.hypot(...a);
  return [a[0] / length, a[1] / length, a[2] / length];
}
