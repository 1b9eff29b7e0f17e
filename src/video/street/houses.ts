// Houses: terraces, blocks of flats, offices, garden houses. Built into a mesh, with their fronts to the south.

import type { Dice } from "./dice.ts";
import { label } from "./label.ts";
import type { Materials } from "./materials.ts";
import type { Colour, FaceInit, Mesh, Span } from "./mesh.ts";

const walls: readonly [Colour, ...Colour[]] = [
  [206, 190, 164],
  [186, 132, 104],
  [160, 96, 78],
  [222, 214, 200],
  [176, 172, 166],
  [204, 172, 124],
  [146, 138, 130],
  [196, 160, 140],
  [170, 182, 184],
  [226, 204, 158],
  [122, 96, 86],
];
const roofs: readonly [Colour, ...Colour[]] = [
  [140, 82, 64],
  [96, 92, 96],
  [112, 74, 62],
  [74, 76, 82],
];
const shopSigns: readonly [Colour, ...Colour[]] = [
  [190, 60, 50],
  [60, 110, 160],
  [70, 140, 90],
  [220, 180, 80],
  [90, 70, 110],
  [200, 196, 188],
];

/** Heights of a house. */
export interface House {
  readonly height: number;
}

/** Adds a house on a lot. @param storeys of the tallest that are wanted here */
export function addHouse(mesh: Mesh, x: Span, z: Span, storeys: Span, dice: Dice, materials: Materials): House {
  const floors = dice.whole(...(storeys as [number, number]));
  const tint = dice.pick(walls);
  const facade: FaceInit = { material: dice.pick(materials.facades), label: label.building, tint };
  const blank: FaceInit = {
    material: dice.chance(0.5) ? materials.bricks : materials.plain,
    label: label.building,
    tint: scaled(tint, 0.88),
  };
  const roof: FaceInit = { material: materials.tiles, label: label.building, tint: dice.pick(roofs) };
  const flat: FaceInit = { material: materials.plain, label: label.building, tint: [108, 106, 104] };
  const kind = dice.pick(["shop", "door", "door", "garage"] as const);
  const lowest = kind === "shop" ? 3.6 : 3.2;
  const height = lowest + (floors - 1) * 3.05;
  const ground: FaceInit = {
    material: materials.groundFloors[kind],
    label: label.building,
    tint: kind === "shop" ? dice.pick(shopSigns) : tint,
  };
  const [west, east, south, north] = [...x, ...z];
  mesh.wall([east, south], [west, south], [0, lowest], ground);
  mesh.wall([west, south], [west, north], [0, lowest], { ...ground, material: materials.groundFloors.door });
  mesh.wall([east, north], [east, south], [0, lowest], { ...ground, material: materials.groundFloors.door });
  mesh.wall([west, north], [east, north], [0, height], blank);
  if (floors > 1) {
    const isGlazed = dice.chance(0.75);
    mesh.wall([east, south], [west, south], [lowest, height], facade);
    mesh.wall([west, south], [west, north], [lowest, height], isGlazed ? facade : blank);
    mesh.wall([east, north], [east, south], [lowest, height], isGlazed ? facade : blank);
  }
  // A string course between ground floor and the rest, and a cornice.
  const trim: FaceInit = { material: materials.plain, label: label.building, tint: scaled(tint, 1.06) };
  mesh.box([west - 0.06, east + 0.06], [lowest - 0.1, lowest + 0.12], [south - 0.1, south], trim);
  if (floors <= 3 && dice.chance(0.75)) {
    gable(mesh, x, z, height, dice.between(1.8, 3.4), roof, blank);
    if (dice.chance(0.7)) {
      const at = dice.between(west + 0.8, east - 0.8);
      mesh.box(
        [at - 0.35, at + 0.35],
        [height, height + dice.between(2.4, 3.9)],
        [(south + north) / 2 - 0.3, (south + north) / 2 + 0.4],
        {
          ...blank,
          material: materials.bricks,
        },
      );
    }
  } else {
    const cornice: FaceInit = { material: materials.plain, label: label.building, tint: scaled(tint, 1.1) };
    mesh.box([west - 0.05, east + 0.05], [height - 0.25, height + 0.35], [south - 0.18, south + 0.2], cornice);
    mesh.floor(x, z, height, flat);
    mesh.wall([west, south], [west, north], [height, height + 0.35], cornice);
    mesh.wall([east, north], [east, south], [height, height + 0.35], cornice);
    if (dice.chance(0.4))
      mesh.box([west + 1, Math.min(east - 1, west + 4)], [height, height + 2.2], [south + 2.5, south + 6], blank);
  }
  if (kind === "shop" && dice.chance(0.45)) awning(mesh, x, south, lowest - 0.75, dice.pick(shopSigns), materials);
  if (floors > 2 && dice.chance(0.25)) bay(mesh, x, south, [lowest + 0.3, height - 0.8], facade, flat, dice);
  return { height };
}

/** A roof with its ridge along x. */
function gable(
  mesh: Mesh,
  [west, east]: Span,
  [south, north]: Span,
  low: number,
  rise: number,
  roof: FaceInit,
  end: FaceInit,
): void {
  const ridge = (south + north) / 2;
  const [eaves, drop] = [0.35, 0.12];
  mesh.polygon(
    [
      [west, low - drop, south - eaves],
      [west, low + rise, ridge],
      [east, low + rise, ridge],
      [east, low - drop, south - eaves],
    ],
    roof,
  );
  mesh.polygon(
    [
      [east, low - drop, north + eaves],
      [east, low + rise, ridge],
      [west, low + rise, ridge],
      [west, low - drop, north + eaves],
    ],
    roof,
  );
  mesh.polygon(
    [
      [west, low, south],
      [west, low, north],
      [west, low + rise, ridge],
    ],
    end,
  );
  mesh.polygon(
    [
      [east, low, north],
      [east, low, south],
      [east, low + rise, ridge],
    ],
    end,
  );
}

function awning(
  mesh: Mesh,
  [west, east]: Span,
  south: number,
  height: number,
  tint: Colour,
  materials: Materials,
): void {
  const init: FaceInit = { material: materials.plain, label: label.building, tint, twoSided: true };
  const out = south - 1.1;
  mesh.polygon(
    [
      [west + 0.4, height - 0.45, out],
      [west + 0.4, height, south],
      [east - 0.4, height, south],
      [east - 0.4, height - 0.45, out],
    ],
    init,
  );
  mesh.wall([east - 0.4, out], [west + 0.4, out], [height - 0.62, height - 0.45], init);
}

/** A bay window over some floors. */
function bay(
  mesh: Mesh,
  [west, east]: Span,
  south: number,
  heights: Span,
  facade: FaceInit,
  top: FaceInit,
  dice: Dice,
): void {
  const middle = dice.between(west + 1.8, east - 1.8);
  if (!(middle - 1.4 > west && middle + 1.4 < east)) return;
  mesh.box([middle - 1.3, middle + 1.3], heights, [south - 0.7, south], facade, top);
}

function scaled([r, g, b]: Colour, factor: number): Colour {
  return [Math.min(255, r * factor), Math.min(255, g * factor), Math.min(255, b * factor)];
}
