// Where something is and how it is turned: rigid motions of space. x is to the east, y up, z to the north; metres.

/** Three numbers. */
export type Vector = readonly [number, number, number];

/** A 3x4 matrix by rows: 9 numbers that turn, every fourth one that moves. */
export type Pose = readonly [
  ...(readonly [number, number, number, number]),
  ...(readonly [number, number, number, number]),
  ...(readonly [number, number, number, number]),
];

/** Nothing is moved. */
export const identity: Pose = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** At a place, turned about the vertical: an object's z axis leads to `yaw`, clockwise from the north, in radians. */
export function standing(x: number, y: number, z: number, yaw: number): Pose {
  const c = Math.cos(yaw);
  const s = Math.sin(yaw);
  return [c, 0, s, x, 0, 1, 0, y, -s, 0, c, z];
}

/** Moved, and turned about the object's x axis: positive leads its z axis down. */
export function hinged(x: number, y: number, z: number, pitch: number): Pose {
  const c = Math.cos(pitch);
  const s = Math.sin(pitch);
  return [1, 0, 0, x, 0, c, -s, y, 0, s, c, z];
}

/** First `inner`, then `outer`. Written out: it is needed thousands of times a frame. */
export function composed(outer: Pose, inner: Pose): Pose {
  const o = outer;
  const i = inner;
  return [
    o[0] * i[0] + o[1] * i[4] + o[2] * i[8],
    o[0] * i[1] + o[1] * i[5] + o[2] * i[9],
    o[0] * i[2] + o[1] * i[6] + o[2] * i[10],
    o[0] * i[3] + o[1] * i[7] + o[2] * i[11] + o[3],
    o[4] * i[0] + o[5] * i[4] + o[6] * i[8],
    o[4] * i[1] + o[5] * i[5] + o[6] * i[9],
    o[4] * i[2] + o[5] * i[6] + o[6] * i[10],
    o[4] * i[3] + o[5] * i[7] + o[6] * i[11] + o[7],
    o[8] * i[0] + o[9] * i[4] + o[10] * i[8],
    o[8] * i[1] + o[9] * i[5] + o[10] * i[9],
    o[8] * i[2] + o[9] * i[6] + o[10] * i[10],
    o[8] * i[3] + o[9] * i[7] + o[10] * i[11] + o[11],
  ];
}

/** The way back. */
export function inverted(pose: Pose): Pose {
  const [a, b, c, x, d, e, f, y, g, h, i, z] = pose;
  return [a, d, g, -(a * x + d * y + g * z), b, e, h, -(b * x + e * y + h * z), c, f, i, -(c * x + f * y + i * z)];
}

/** Where a point of the object is. */
export function moved(pose: Pose, [x, y, z]: Vector): Vector {
  return [
    pose[0] * x + pose[1] * y + pose[2] * z + pose[3],
    pose[4] * x + pose[5] * y + pose[6] * z + pose[7],
    pose[8] * x + pose[9] * y + pose[10] * z + pose[11],
  ];
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
  const right = (i: 0 | 1 | 2): number => cr * flatRight[i] + sr * flatDown[i];
  const down = (i: 0 | 1 | 2): number => cr * flatDown[i] - sr * flatRight[i];
  return [right(0), down(0), ahead[0], at[0], right(1), down(1), ahead[1], at[1], right(2), down(2), ahead[2], at[2]];
}
