// Where something is and how it is turned: rigid motions of space. x is to the east, y up, z to the north; metres.

/** Three numbers. */
export type Vector = readonly [number, number, number];

/** A 3x4 matrix by rows: 9 numbers that turn, every fourth one that moves. */
export type Pose = Float64Array;

/** Nothing is moved. */
export const identity: Pose = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);

/** At a place, turned about the vertical: an object's z axis leads to `yaw`, clockwise from the north, in radians. */
export function standing(x: number, y: number, z: number, yaw: number): Pose {
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  return Float64Array.of(c, 0, s, x, 0, 1, 0, y, -s, 0, c, z);
}

/** Moved, and turned about the object's x axis: positive leads its z axis down. */
export function hinged(x: number, y: number, z: number, pitch: number): Pose {
  const [c, s] = [Math.cos(pitch), Math.sin(pitch)];
  return Float64Array.of(1, 0, 0, x, 0, c, -s, y, 0, s, c, z);
}

/** First `inner`, then `outer`. */
export function composed(outer: Pose, inner: Pose): Pose {
  const result = new Float64Array(12);
  for (let row = 0; row < 12; row += 4) {
    const [a, b, c, d] = [outer[row] ?? 0, outer[row + 1] ?? 0, outer[row + 2] ?? 0, outer[row + 3] ?? 0];
    for (let column = 0; column < 4; column++) {
      result[row + column] =
        a * (inner[column] ?? 0) + b * (inner[4 + column] ?? 0) + c * (inner[8 + column] ?? 0) + (column === 3 ? d : 0);
    }
  }
  return result;
}

/** The way back. */
export function inverted(pose: Pose): Pose {
  const [a = 0, b = 0, c = 0, x = 0, d = 0, e = 0, f = 0, y = 0, g = 0, h = 0, i = 0, z = 0] = pose;
  const [px, py, pz] = [a * x + d * y + g * z, b * x + e * y + h * z, c * x + f * y + i * z];
  return Float64Array.of(a, d, g, -px, b, e, h, -py, c, f, i, -pz);
}

/** Where a point of the object is. */
export function moved(pose: Pose, [x, y, z]: Vector): Vector {
  const row = (at: number): number =>
    (pose[at] ?? 0) * x + (pose[at + 1] ?? 0) * y + (pose[at + 2] ?? 0) * z + (pose[at + 3] ?? 0);
  return [row(0), row(4), row(8)];
}

/**
 * A camera's pose: its x axis is to the right, y down, z ahead.
 * @param yaw clockwise from the north @param pitch upwards @param roll clockwise; radians
 */
export function cameraPose(at: Vector, yaw: number, pitch: number, roll = 0): Pose {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const ahead: Vector = [sy * cp, sp, cy * cp];
  const flatRight: Vector = [cy, 0, -sy];
  const flatDown: Vector = [sy * sp, -cp, cy * sp];
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  const right = flatRight.map((value, i) => cr * value + sr * (flatDown[i] ?? 0));
  const down = flatDown.map((value, i) => cr * value - sr * (flatRight[i] ?? 0));
  const rows = [0, 1, 2].flatMap((i) => [right[i] ?? 0, down[i] ?? 0, ahead[i] ?? 0, at[i] ?? 0]);
  return Float64Array.from(rows);
}
