// A z-buffer with four samples a pixel. It finds which face is seen where, and keeps of every face what is linear over
// the picture: 1 / depth, and texture coordinates divided by depth. Colours come later, once for each pixel (painter.ts).

import type { Material } from "./materials.ts";
import type { Mesh } from "./mesh.ts";
import { composed, identity, type Pose } from "./pose.ts";
import { gapCover, type Texture, type TextureLevel } from "./texture.ts";

/** Nearest depth that is drawn, metres. */
const near = 0.2;
/** No face. */
export const sky = -1;

/** Numbers kept for each face that is drawn: 1/z, u/z, v/z, each as a x + b y + c with x, y in pixels. */
export const numbersPerFace = 9;

/** Samples and faces of a picture. */
export class Raster {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Samples of a row, two a pixel, and rows of samples. */
  readonly columns: number;
  readonly rows: number;
  /** 1 / depth of each sample; 0 in the sky. */
  readonly nearness: Float32Array;
  /** Face of each sample, or `sky`. */
  readonly samples: Int32Array;
  /** 1 / depth of the nearest gap that each sample looks through, and 1 more than its label; 0 for none. */
  readonly gapNearness: Float32Array;
  readonly gapLabels: Uint8Array;
  /** 1 for each row of pixels in which something has gaps. */
  readonly gapRows: Uint8Array;
  /** Numbers of each face; see `numbersPerFace`. */
  linear: Float64Array = new Float64Array(0);
  /** Unit normal of each face in the world, towards the camera where it has two sides. */
  normals: Float32Array = new Float32Array(0);
  tints: Float32Array = new Float32Array(0);
  materials: Uint16Array = new Uint16Array(0);
  labels: Uint8Array = new Uint8Array(0);
  instances: Uint16Array = new Uint16Array(0);
  /** Which of the rigid motions of this frame a face follows. */
  motions: Uint16Array = new Uint16Array(0);
  count = 0;

  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #corners: Float64Array = new Float64Array(64);
  readonly #clipped: Float64Array = new Float64Array(96);
  readonly #table: readonly Material[];
  #view: Pose = identity;
  #focalPx = 1;

  constructor(widthPx: number, heightPx: number, materials: readonly Material[]) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.columns = 2 * widthPx;
    this.rows = 2 * heightPx;
    this.nearness = new Float32Array(this.columns * this.rows);
    this.samples = new Int32Array(this.columns * this.rows);
    this.gapNearness = new Float32Array(this.columns * this.rows);
    this.gapLabels = new Uint8Array(this.columns * this.rows);
    this.gapRows = new Uint8Array(heightPx);
    this.#low = new Float64Array(this.rows);
    this.#high = new Float64Array(this.rows);
    this.#table = materials;
  }

  /** Starts a picture. @param view from the world to the camera */
  begin(view: Pose, focalPx: number): void {
    this.#view = view;
    this.#focalPx = focalPx;
    this.nearness.fill(0);
    this.samples.fill(sky);
    for (let row = 0; row < this.heightPx; row++) {
      if (this.gapRows[row] === 0) continue;
      this.gapNearness.fill(0, 2 * row * this.columns, 2 * (row + 1) * this.columns);
      this.gapLabels.fill(0, 2 * row * this.columns, 2 * (row + 1) * this.columns);
    }
    this.gapRows.fill(0);
    this.count = 0;
  }

  /** Whether anything of a ball in the world is within the five planes of what is seen. */
  isSeen(x: number, y: number, z: number, radius: number): boolean {
    const view = this.#view;
    const depth = view[8] * x + view[9] * y + view[10] * z + view[11];
    if (depth < near - radius) return false;
    const halfX = this.widthPx / 2 / this.#focalPx;
    const right = view[0] * x + view[1] * y + view[2] * z + view[3];
    if (Math.abs(right) - depth * halfX > radius * Math.sqrt(1 + halfX * halfX)) return false;
    const halfY = this.heightPx / 2 / this.#focalPx;
    const down = view[4] * x + view[5] * y + view[6] * z + view[7];
    return Math.abs(down) - depth * halfY <= radius * Math.sqrt(1 + halfY * halfY);
  }

  /** Draws a mesh. @param pose of the mesh in the world @returns whether anything of it is seen so far */
  draw(mesh: Mesh, pose: Pose, instance: number, motion: number): boolean {
    const isThin = mesh.thin * this.#focalPx < this.#depthOf(pose);
    if (isThin || !this.isSeen(pose[3], pose[7], pose[11], mesh.radius)) return false;
    const before = this.count;
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = composed(this.#view, pose);
    const { planes, starts, outlines } = mesh;
    const [p0, p1, p2, , p4, p5, p6, , p8, p9, p10] = pose;
    for (let face = 0, at = 0; face < mesh.length; face++, at += 9) {
      const x = planes[at] ?? 0;
      const y = planes[at + 1] ?? 0;
      const z = planes[at + 2] ?? 0;
      const ax = planes[at + 3] ?? 0;
      const ay = planes[at + 4] ?? 0;
      const az = planes[at + 5] ?? 0;
      const bx = planes[at + 6] ?? 0;
      const by = planes[at + 7] ?? 0;
      const bz = planes[at + 8] ?? 0;
      const px = m0 * x + m1 * y + m2 * z + m3;
      const py = m4 * x + m5 * y + m6 * z + m7;
      const pz = m8 * x + m9 * y + m10 * z + m11;
      const ux = m0 * ax + m1 * ay + m2 * az;
      const uy = m4 * ax + m5 * ay + m6 * az;
      const uz = m8 * ax + m9 * ay + m10 * az;
      const vx = m0 * bx + m1 * by + m2 * bz;
      const vy = m4 * bx + m5 * by + m6 * bz;
      const vz = m8 * bx + m9 * by + m10 * bz;
      const nx = uy * vz - uz * vy;
      const ny = uz * vx - ux * vz;
      const nz = ux * vy - uy * vx;
      // The camera's axes are a mirror image of the world's, so fronts have a positive sign.
      const det = nx * px + ny * py + nz * pz;
      const isFront = det > 0;
      if (!isFront && mesh.twoSided[face] !== true) continue;
      if (Math.abs(det) < 1e-9) continue;
      const start = starts[face] ?? 0;
      const end = starts[face + 1] ?? 0;
      let corners = 0;
      let nearest = Infinity;
      for (let i = start; i < end; i += 2) {
        const u = outlines[i] ?? 0;
        const v = outlines[i + 1] ?? 0;
        const depth = pz + u * uz + v * vz;
        this.#corners[corners++] = px + u * ux + v * vx;
        this.#corners[corners++] = py + u * uy + v * vy;
        this.#corners[corners++] = depth;
        if (depth < nearest) nearest = depth;
      }
      let outline = this.#corners;
      if (nearest < near) {
        corners = this.#clip(corners);
        outline = this.#clipped;
        if (corners < 9) continue;
      }
      const id = this.count;
      if (id * numbersPerFace >= this.linear.length) this.#grow();
      const f = 1 / (this.#focalPx * det);
      this.#keep(id * numbersPerFace, nx * f, ny * f, nz / det);
      this.#keep(id * numbersPerFace + 3, (vy * pz - vz * py) * f, (vz * px - vx * pz) * f, (vx * py - vy * px) / det);
      this.#keep(id * numbersPerFace + 6, (py * uz - pz * uy) * f, (pz * ux - px * uz) * f, (px * uy - py * ux) / det);
      const material = mesh.materials[face] ?? 0;
      const made = this.#table[material];
      const label = mesh.labels[face] ?? 0;
      if (!this.#fill(id, label, outline, corners, made?.kind === "card" ? made.texture : undefined)) continue;
      const side = isFront ? 1 : -1;
      const wx = ay * bz - az * by;
      const wy = az * bx - ax * bz;
      const wz = ax * by - ay * bx;
      const length = side / Math.hypot(wx, wy, wz);
      this.normals[3 * id] = (p0 * wx + p1 * wy + p2 * wz) * length;
      this.normals[3 * id + 1] = (p4 * wx + p5 * wy + p6 * wz) * length;
      this.normals[3 * id + 2] = (p8 * wx + p9 * wy + p10 * wz) * length;
      for (let c = 0; c < 3; c++) this.tints[3 * id + c] = mesh.tints[3 * face + c] ?? 255;
      this.materials[id] = material;
      this.labels[id] = label;
      this.instances[id] = instance;
      this.motions[id] = motion;
      this.count++;
    }
    return this.count > before;
  }

  #depthOf(pose: Pose): number {
    const view = this.#view;
    return view[8] * pose[3] + view[9] * pose[7] + view[10] * pose[11] + view[11];
  }

  #keep(at: number, a: number, b: number, c: number): void {
    this.linear[at] = a;
    this.linear[at + 1] = b;
    this.linear[at + 2] = c - (a * this.widthPx) / 2 - (b * this.heightPx) / 2;
  }

  #grow(): void {
    const faces = Math.max(4096, 2 * (this.linear.length / numbersPerFace));
    const grown = <T extends Float64Array | Float32Array | Uint16Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.linear = grown(this.linear, new Float64Array(faces * numbersPerFace));
    this.normals = grown(this.normals, new Float32Array(3 * faces));
    this.tints = grown(this.tints, new Float32Array(3 * faces));
    this.materials = grown(this.materials, new Uint16Array(faces));
    this.labels = grown(this.labels, new Uint8Array(faces));
    this.instances = grown(this.instances, new Uint16Array(faces));
    this.motions = grown(this.motions, new Uint16Array(faces));
  }

  /** Cuts off what is nearer than `near` (Sutherland and Hodgman, 1974, for one plane). */
  #clip(length: number): number {
    const from = this.#corners;
    const to = this.#clipped;
    let count = 0;
    let x = from[length - 3] ?? 0;
    let y = from[length - 2] ?? 0;
    let z = from[length - 1] ?? 0;
    for (let i = 0; i < length; i += 3) {
      const nx = from[i] ?? 0;
      const ny = from[i + 1] ?? 0;
      const nz = from[i + 2] ?? 0;
      if (nz >= near !== z >= near) {
        const t = (near - z) / (nz - z);
        to[count++] = x + t * (nx - x);
        to[count++] = y + t * (ny - y);
        to[count++] = near;
      }
      if (nz >= near) {
        to[count++] = nx;
        to[count++] = ny;
        to[count++] = nz;
      }
      x = nx;
      y = ny;
      z = nz;
    }
    return count;
  }

  /**
   * Writes the samples inside a convex outline that are nearest so far; returns whether there were any.
   * @param holes the texture of a face with holes
   */
  #fill(id: number, label: number, outline: Float64Array, length: number, holes: Texture | undefined): boolean {
    const { columns, rows, nearness, samples, linear, gapNearness, gapLabels, gapRows } = this;
    const scale = 2 * this.#focalPx;
    const low = this.#low;
    const high = this.#high;
    let top = Infinity;
    let bottom = -Infinity;
    for (let i = 0; i < length; i += 3) {
      const z = outline[i + 2] ?? 1;
      outline[i] = columns / 2 + (scale * (outline[i] ?? 0)) / z;
      const y = rows / 2 + (scale * (outline[i + 1] ?? 0)) / z;
      outline[i + 1] = y;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const first = Math.max(0, Math.ceil(top - 0.5));
    const last = Math.min(rows - 1, Math.ceil(bottom - 0.5) - 1);
    if (first > last) return false;
    for (let row = first; row <= last; row++) {
      low[row] = Infinity;
      high[row] = -Infinity;
    }
    let x0 = outline[length - 3] ?? 0;
    let y0 = outline[length - 2] ?? 0;
    for (let i = 0; i < length; i += 3) {
      const x1 = outline[i] ?? 0;
      const y1 = outline[i + 1] ?? 0;
      if (y0 !== y1) {
        const slope = (x1 - x0) / (y1 - y0);
        const from = Math.max(first, Math.ceil(Math.min(y0, y1) - 0.5));
        const to = Math.min(last, Math.ceil(Math.max(y0, y1) - 0.5) - 1);
        for (let row = from; row <= to; row++) {
          const x = x0 + (row + 0.5 - y0) * slope;
          if (x < (low[row] ?? 0)) low[row] = x;
          if (x > (high[row] ?? 0)) high[row] = x;
        }
      }
      x0 = x1;
      y0 = y1;
    }
    const at = id * numbersPerFace;
    const a = linear[at] ?? 0;
    const b = linear[at + 1] ?? 0;
    const c = linear[at + 2] ?? 0;
    const ux = linear[at + 3] ?? 0;
    const vx = linear[at + 6] ?? 0;
    let written = false;
    let level: TextureLevel | undefined;
    let perMetre = 0;
    for (let row = first; row <= last; row++) {
      const from = Math.max(0, Math.ceil((low[row] ?? 0) - 0.5));
      const to = Math.min(columns - 1, Math.ceil((high[row] ?? 0) - 0.5) - 1);
      if (from > to) continue;
      const y = (row + 0.5) / 2;
      const atRow = b * y + c;
      const start = row * columns;
      if (holes === undefined) {
        let w = (a * (from + 0.5)) / 2 + atRow;
        const step = a / 2;
        for (let k = start + from; k <= start + to; k++, w += step) {
          if (w > (nearness[k] ?? 0)) {
            nearness[k] = w;
            samples[k] = id;
            written = true;
          }
        }
        continue;
      }
      const uAtRow = (linear[at + 4] ?? 0) * y + (linear[at + 5] ?? 0);
      const vAtRow = (linear[at + 7] ?? 0) * y + (linear[at + 8] ?? 0);
      for (let column = from; column <= to; column++) {
        const x = (column + 0.5) / 2;
        const w = a * x + atRow;
        const k = start + column;
        if (w <= (nearness[k] ?? 0)) continue;
        if (level === undefined) {
          // One size for all of a card: texels about as large as samples.
          const { levels, metres } = holes;
          const texels = levels[0].size / metres / w / scale;
          level = levels[Math.max(0, Math.min(levels.length - 3, Math.round(Math.log2(texels))))] ?? levels[0];
          perMetre = level.size / metres;
        }
        const mask = level.size - 1;
        const depth = perMetre / w;
        const u = Math.floor((ux * x + uAtRow) * depth) & mask;
        const v = Math.floor((vx * x + vAtRow) * depth) & mask;
        const cover = level.data[4 * (v * level.size + u) + 3] ?? 0;
        if (cover < 128) {
          if (cover >= gapCover / 2 && w > (gapNearness[k] ?? 0)) {
            gapNearness[k] = w;
            gapLabels[k] = label + 1;
            gapRows[row >> 1] = 1;
          }
          continue;
        }
        nearness[k] = w;
        samples[k] = id;
        written = true;
      }
    }
    return written;
  }
}
