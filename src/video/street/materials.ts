// What faces are made of: a table that is painted once for each seed.

import { Dice } from "./dice.ts";
import * as paints from "./paints.ts";
import type { Texture } from "./texture.ts";

/** How a face takes its colour. */
export type Material =
  /** Its tint, or a texture times its tint. */
  | { readonly kind: "plain"; readonly texture?: Texture }
  /** A texture with holes: nothing is there where its fourth number is below a half. */
  | { readonly kind: "card"; readonly texture: Texture }
  /** Bays of a wall; its windows mirror the sky, and some are lit at night. */
  | {
      readonly kind: "facade";
      readonly texture: Texture;
      readonly bay: readonly [number, number];
      readonly seed: number;
    }
  /** The road, with its markings; the pavement; the meadow: under the open sky, by places in the world. */
  | { readonly kind: "ground"; readonly surface: "road" | "pavement" | "meadow"; readonly texture: Texture }
  /** Dark under a thing; only its middle, and never darker than half. */
  | { readonly kind: "shade"; readonly halfExtent: readonly [number, number] }
  /** Panes of cars. */
  | { readonly kind: "glass" }
  /** Shines: `dark` by night only. */
  | { readonly kind: "lamp"; readonly when: "dark" | "always" };

/** The materials of a street, and where those are that everything uses. */
export interface Materials {
  readonly table: readonly Material[];
  readonly plain: number;
  readonly glass: number;
  readonly lamp: number;
  readonly signal: number;
  readonly road: number;
  readonly pavement: number;
  readonly meadow: number;
  readonly foliage: number;
  readonly bark: number;
  readonly boards: number;
  readonly bricks: number;
  readonly tiles: number;
  readonly railing: number;
  readonly spokes: number;
  readonly leaves: readonly [number, ...number[]];
  readonly twigs: number;
  readonly signs: Readonly<Record<"limit" | "warning" | "direction" | "parking" | "no-entry", number>>;
  /** Upper floors of houses, in kinds. */
  readonly facades: readonly [number, ...number[]];
  readonly groundFloors: Readonly<Record<"shop" | "door" | "garage", number>>;
  readonly carShade: number;
  readonly personShade: number;
}

/** Paints them. */
export function makeMaterials(seed: number): Materials {
  const dice = new Dice(seed, 0x7061);
  const table: Material[] = [];
  const add = (material: Material): number => table.push(material) - 1;
  const textured = (texture: Texture): number => add({ kind: "plain", texture });
  const card = (texture: Texture): number => add({ kind: "card", texture });
  const sign = (kind: Parameters<typeof paints.signFace>[0]): number => textured(paints.signFace(kind));
  const bays = (texture: Texture, bay: readonly [number, number]): number =>
    add({ kind: "facade", texture, bay, seed: dice.whole(0, 0xffff) });
  const facade = (): number =>
    bays(
      paints.facade(dice.whole(0, 999), {
        wall: dice.pick(["brick", "plaster", "plaster", "concrete", "panels", "brick"]),
        window: [dice.between(0.32, 0.68), dice.between(0.44, 0.68)],
        panes: dice.pick([
          [1, 1],
          [2, 1],
          [2, 2],
          [2, 3],
          [3, 1],
        ]),
        shutters: dice.chance(0.22),
        balcony: dice.chance(0.25),
        frame: dice.pick([232, 236, 70, 110, 220]),
      }),
      [dice.between(2.3, 3.6), dice.between(2.7, 3.4)],
    );
  const ground = (surface: "road" | "pavement" | "meadow", texture: Texture): number =>
    add({ kind: "ground", surface, texture });
  return {
    table,
    plain: add({ kind: "plain" }),
    glass: add({ kind: "glass" }),
    lamp: add({ kind: "lamp", when: "dark" }),
    signal: add({ kind: "lamp", when: "always" }),
    road: ground("road", paints.asphalt(seed)),
    pavement: ground("pavement", paints.slabs(seed)),
    meadow: ground("meadow", paints.grass(seed)),
    foliage: textured(paints.foliage(seed)),
    bark: textured(paints.bark(seed)),
    boards: textured(paints.boards(seed)),
    bricks: textured(paints.bricks(seed)),
    tiles: textured(paints.tiles(seed)),
    railing: card(paints.railing()),
    spokes: card(paints.spokes()),
    leaves: [card(paints.leaves(seed)), card(paints.leaves(seed + 31)), card(paints.leaves(seed + 77))],
    twigs: card(paints.twigs(seed)),
    signs: {
      limit: sign("limit"),
      warning: sign("warning"),
      direction: sign("direction"),
      parking: sign("parking"),
      "no-entry": sign("no-entry"),
    },
    facades: [facade(), facade(), facade(), facade(), facade(), facade(), facade(), facade()],
    groundFloors: {
      shop: bays(paints.groundFloor(seed, "shop"), [4.2, 3.6]),
      door: bays(paints.groundFloor(seed + 3, "door"), [4, 3.2]),
      garage: bays(paints.groundFloor(seed + 5, "garage"), [3.4, 3]),
    },
    carShade: add({ kind: "shade", halfExtent: [1.25, 2.6] }),
    personShade: add({ kind: "shade", halfExtent: [0.42, 0.42] }),
  };
}
