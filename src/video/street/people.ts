// Pedestrians and cyclists: bodies of a few boxes that move like limbs. z ahead, the ground at y = 0, in metres.

import { Body, type Limb } from "./body.ts";
import type { Dice } from "./dice.ts";
import { label } from "./label.ts";
import type { Materials } from "./materials.ts";
import { Mesh, type Colour, type FaceInit } from "./mesh.ts";
import { hinged, identity } from "./pose.ts";

/** What is thin about a body, metres. */
const thin = 0.2;
/** The tallest on foot, and the highest head on a bicycle, with something to spare. */
const personReach = 2.3;

const coats: readonly [Colour, ...Colour[]] = [
  [40, 44, 60],
  [28, 28, 32],
  [120, 32, 40],
  [60, 80, 60],
  [170, 160, 140],
  [46, 78, 130],
  [190, 60, 50],
  [200, 196, 190],
  [110, 84, 60],
  [220, 180, 60],
  [90, 50, 100],
];
const trousers: readonly [Colour, ...Colour[]] = [
  [36, 42, 66],
  [30, 30, 32],
  [66, 62, 58],
  [130, 116, 92],
  [52, 60, 90],
];
const skins: readonly [Colour, ...Colour[]] = [
  [222, 182, 156],
  [198, 150, 120],
  [140, 98, 74],
  [92, 64, 50],
  [236, 200, 176],
];
const hairs: readonly [Colour, ...Colour[]] = [
  [44, 34, 28],
  [22, 20, 20],
  [120, 90, 56],
  [170, 168, 164],
  [90, 50, 32],
];

/** Someone on foot. */
export function makePedestrian(dice: Dice, materials: Materials): Body {
  const look: Look = {
    tall: dice.between(0.86, 1.08),
    wide: dice.between(0.88, 1.16),
    coat: dice.pick(coats),
    legs: dice.pick(trousers),
    skin: dice.pick(skins),
    hair: dice.pick(hairs),
    isLong: dice.chance(0.3),
    bag: dice.chance(0.35) ? dice.pick(coats) : undefined,
  };
  return new Body(personReach, () => pedestrian(look, materials));
}

/** How someone looks. */
interface Look {
  readonly tall: number;
  readonly wide: number;
  readonly coat: Colour;
  readonly legs: Colour;
  readonly skin: Colour;
  readonly hair: Colour;
  /** Whether the coat is a long one. */
  readonly isLong: boolean;
  readonly bag: Colour | undefined;
}

function pedestrian(look: Look, materials: Materials): Limb[] {
  const { tall, wide, bag } = look;
  const limbs = figure(look, materials);
  if (bag !== undefined) {
    const mesh = new Mesh(thin).box([-0.16 * wide, 0.16 * wide], [1.0 * tall, 1.42 * tall], [-0.3, -0.13], {
      material: materials.plain,
      label: label.pedestrian,
      tint: bag,
    });
    limbs.push({ mesh, pose: () => identity });
  }
  const shade = new Mesh(thin).floor([-0.6, 0.6], [-0.6, 0.6], 0.015, {
    material: materials.personShade,
    label: label.pavement,
    shift: [-0.6, -0.6],
  });
  limbs.push({ mesh: shade, pose: () => identity });
  return limbs;
}

function figure({ tall, wide, coat, legs, skin, hair, isLong }: Look, materials: Materials): Limb[] {
  const face = (tint: Colour): FaceInit => ({ material: materials.plain, label: label.pedestrian, tint });
  const [hip, shoulder] = [0.86 * tall, 1.42 * tall];
  const torso = new Mesh(thin);
  torso.box([-0.19 * wide, 0.19 * wide], [hip - (isLong ? 0.34 : 0.06), shoulder - 0.1], [-0.125, 0.125], face(coat));
  torso.box([-0.225 * wide, 0.225 * wide], [shoulder - 0.24, shoulder], [-0.115, 0.115], face(coat));
  torso.post([0, 0.01], [shoulder, shoulder + 0.08], [0.055, 0.055], face(skin), 6);
  torso.post([0, 0.015], [shoulder + 0.06, shoulder + 0.2], [0.08, 0.105], face(skin), 8);
  torso.post([0, 0.0], [shoulder + 0.19, shoulder + 0.29], [0.115, 0.06], face(hair), 8);
  torso.box([-0.085, 0.085], [shoulder + 0.06, shoulder + 0.25], [-0.115, -0.04], face(hair));
  const parts: Limb[] = [{ mesh: torso, pose: () => identity }];
  for (const side of [-1, 1]) {
    const leg = new Mesh(thin);
    leg.box([side * 0.095 - 0.075, side * 0.095 + 0.075], [-hip + 0.06, 0], [-0.08, 0.08], face(legs));
    leg.box([side * 0.095 - 0.06, side * 0.095 + 0.06], [-hip, -hip + 0.09], [-0.1, 0.17], face([34, 30, 28]));
    parts.push({ mesh: leg, pose: (phase, swing) => hinged(0, hip, 0, side * 0.55 * swing * Math.sin(phase)) });
    const arm = new Mesh(thin);
    const at = side * (0.225 * wide + 0.055);
    arm.box([at - 0.05, at + 0.05], [-0.56 * tall, 0], [-0.06, 0.06], face(coat));
    arm.box([at - 0.04, at + 0.04], [-0.64 * tall, -0.56 * tall], [-0.045, 0.045], face(skin));
    parts.push({
      mesh: arm,
      pose: (phase, swing) => hinged(0, shoulder - 0.03, 0, -side * 0.45 * swing * Math.sin(phase)),
    });
  }
  return parts;
}

/** Someone on a bicycle. */
export function makeCyclist(dice: Dice, materials: Materials): Body {
  const look: Ride = {
    coat: dice.pick(coats),
    legs: dice.pick(trousers),
    skin: dice.pick(skins),
    paint: dice.pick<Colour>([
      [160, 30, 36],
      [30, 60, 120],
      [36, 38, 42],
      [200, 200, 200],
      [40, 120, 70],
    ]),
    head: dice.chance(0.5) ? dice.pick(coats) : dice.pick(hairs),
  };
  return new Body(personReach, () => cyclist(look, materials));
}

/** How someone on a bicycle looks. */
interface Ride {
  readonly coat: Colour;
  readonly legs: Colour;
  readonly skin: Colour;
  readonly paint: Colour;
  /** Hair, or a helmet. */
  readonly head: Colour;
}

function cyclist({ coat, legs, skin, paint, head }: Ride, materials: Materials): Limb[] {
  const who = label.bicyclist;
  const face = (tint: Colour): FaceInit => ({ material: materials.plain, label: who, tint });
  const bicycle = new Mesh(thin);
  const wheel: FaceInit = { material: materials.spokes, label: who, twoSided: true, tint: [90, 90, 94] };
  for (const z of [-0.52, 0.54]) {
    const corners = Array.from({ length: 12 }, (_, i) => {
      const turn = (2 * Math.PI * i) / 12;
      return [0, 0.34 + 0.35 * Math.sin(turn), z + 0.35 * Math.cos(turn)] as const;
    });
    // The texture has its middle where the wheel has it.
    bicycle.append(hub(corners.length, wheel), ([x, y]) => [0, 0.34 + 0.7 * y, z + 0.7 * x]);
  }
  bicycle.box([-0.025, 0.025], [0.5, 0.56], [-0.5, 0.1], face(paint));
  bicycle.box([-0.025, 0.025], [0.78, 0.83], [-0.18, 0.46], face(paint));
  bicycle.box([-0.025, 0.025], [0.3, 0.92], [-0.2, -0.15], face(paint));
  bicycle.box([-0.03, 0.03], [0.34, 1.02], [0.46, 0.52], face(paint));
  bicycle.box([-0.27, 0.27], [1.0, 1.05], [0.42, 0.47], face([30, 30, 32]));
  bicycle.box([-0.08, 0.08], [0.92, 0.98], [-0.3, -0.06], face([26, 26, 28]));
  const rider = new Mesh(thin);
  // Bent forward: from the saddle to the shoulders in three boxes.
  for (let part = 0; part < 3; part++) {
    const [y, z] = [0.98 + 0.17 * part, -0.2 + 0.09 * part];
    rider.box([-0.18, 0.18], [y, y + 0.19], [z - 0.1, z + 0.13], face(coat));
  }
  rider.post([0, 0.1], [1.47, 1.62], [0.075, 0.1], face(skin), 8);
  rider.post([0, 0.09], [1.6, 1.72], [0.125, 0.06], face(head), 8);
  for (const side of [-1, 1])
    rider.box([side * 0.22 - 0.045, side * 0.22 + 0.045], [1.06, 1.38], [0.08, 0.4], face(coat));
  const parts: Limb[] = [
    { mesh: bicycle, pose: () => identity },
    { mesh: rider, pose: () => identity },
  ];
  for (const side of [-1, 1]) {
    const thigh = new Mesh(thin).box([side * 0.1 - 0.07, side * 0.1 + 0.07], [-0.5, 0], [-0.075, 0.075], face(legs));
    parts.push({ mesh: thigh, pose: (phase) => hinged(0, 0.98, -0.14, -0.85 + 0.42 * side * Math.sin(phase)) });
    const shin = new Mesh(thin).box([side * 0.1 - 0.05, side * 0.1 + 0.05], [-0.5, 0.02], [-0.055, 0.055], face(legs));
    shin.box([side * 0.1 - 0.05, side * 0.1 + 0.05], [-0.55, -0.48], [-0.06, 0.16], face([30, 28, 28]));
    parts.push({
      mesh: shin,
      pose: (phase) => {
        const bent = -0.85 + 0.42 * side * Math.sin(phase);
        // The knee is at the end of the thigh.
        return hinged(
          0,
          0.98 - 0.5 * Math.cos(bent),
          -0.14 - 0.5 * Math.sin(bent),
          0.12 + 0.2 * side * Math.cos(phase),
        );
      },
    });
  }
  const shade = new Mesh(thin).floor([-0.6, 0.6], [-0.6, 0.6], 0.014, {
    material: materials.personShade,
    label: label.road,
    shift: [-0.6, -0.6],
  });
  parts.push({ mesh: shade, pose: () => identity });
  return parts;
}

/** A round face with the texture's square around it, as large as that. */
function hub(sides: number, init: FaceInit): Mesh {
  const mesh = new Mesh();
  const corners = Array.from({ length: sides }, (_, i) => {
    const turn = (2 * Math.PI * i) / sides;
    return [0.5 * Math.cos(turn), 0.5 * Math.sin(turn), 0] as const;
  });
  // The axes of a face begin at its first corner and follow its first edge: which way they are turned, spokes do not mind.
  const toMiddle = [0.5 * Math.sin(Math.PI / sides), 0.5 * Math.cos(Math.PI / sides)] as const;
  return mesh.polygon(corners, { ...init, shift: [0.5 - toMiddle[0], 0.5 - toMiddle[1]] });
}
