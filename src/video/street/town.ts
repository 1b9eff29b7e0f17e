// The town: streets in a grid, and in each of its tiles a block with houses, trees and all that stands still. A tile
// depends on the seed and its place alone and is made when it comes into sight.

import { Dice, chanceAt } from "./dice.ts";
import {
  addBoundary,
  makeBin,
  makeBollard,
  makeLamp,
  makeSign,
  makeSignal,
  makeTree,
  type Boundary,
} from "./furniture.ts";
import { addHouse } from "./houses.ts";
import { label } from "./label.ts";
import type { Materials } from "./materials.ts";
import { Mesh, type Span } from "./mesh.ts";
import { composed, moved, standing, type Pose } from "./pose.ts";
import { makeVehicle, type Vehicle } from "./vehicles.ts";

/** Measures of the grid, in metres. */
export interface Grid {
  /** From the middle of a street to the middle of the next, to the east and to the north. */
  readonly east: number;
  readonly north: number;
  /** From the middle of a street to its kerb. */
  readonly roadHalf: number;
  readonly pavement: number;
  /** From the middle of a street to the middle of a lane; positive where one drives on the right. */
  readonly lane: number;
  /** Width of the strip along the kerb where cars are parked; 0 for none. */
  readonly parking: number;
  readonly lampEvery: number;
  readonly lampHeight: number;
}

/** Something that stands. */
export interface Thing {
  readonly mesh: Mesh;
  readonly pose: Pose;
  /** 1 .. 64000. */
  readonly instance: number;
}

/** What throws a shadow: a box on the ground, or a round crown on a stem. */
export type Solid =
  | { readonly kind: "box"; readonly x: Span; readonly z: Span; readonly height: number }
  | {
      readonly kind: "crown";
      readonly at: readonly [number, number];
      readonly radius: number;
      readonly middle: number;
    };

/** One mesh of the grid: a block and half of the streets around it. */
export interface Tile {
  readonly things: readonly Thing[];
  readonly solids: readonly Solid[];
  /** Where lamps hang, as x and z. */
  readonly lamps: readonly (readonly [number, number])[];
}

type District = "terraces" | "flats" | "gardens" | "mixed" | "park";

/** Height of a kerb. */
export const kerbHeight = 0.13;
/** How far crowns and signals of a tile reach over its edge, and how high its houses are, metres: more than any does. */
const overhang = 8;
const highest = 34;
/** Tiles whose instances are told apart, along each axis. */
const instanceTiles = 8;
const instancesPerTile = 1000;

type Tree = ReturnType<typeof makeTree>;

/** What all tiles of a town are made of. */
interface TownMade {
  readonly seed: number;
  readonly density: number;
  readonly grid: Grid;
  readonly materials: Materials;
  readonly trees: readonly [Tree, ...Tree[]];
  readonly vehicles: readonly [Vehicle, ...Vehicle[]];
}

/** The town of a seed. */
export class Town {
  readonly grid: Grid;
  /** Metres from the middle of a tile, on the ground, beyond which nothing of it is. */
  readonly tileReach: number;
  readonly #made: TownMade;
  readonly #tiles = new Map<string, Tile>();

  constructor(seed: number, density: number, materials: Materials) {
    const dice = new Dice(seed, 0x746f);
    const parking = dice.chance(0.6) ? 2.1 : 0;
    const lane = dice.between(3.1, 3.9);
    this.grid = {
      east: dice.between(64, 104),
      north: dice.between(76, 128),
      roadHalf: lane + parking + 0.25,
      pavement: dice.between(2.4, 4.2),
      lane: (dice.chance(0.65) ? 1 : -1) * (lane / 2),
      parking,
      lampEvery: dice.between(22, 32),
      lampHeight: dice.between(5.2, 8),
    };
    this.tileReach = Math.hypot(this.grid.east / 2 + overhang, this.grid.north / 2 + overhang, highest);
    const tree = (): Tree => makeTree(dice, materials);
    const vehicle = (): Vehicle => makeVehicle(dice, materials);
    this.#made = {
      seed,
      density,
      grid: this.grid,
      materials,
      trees: [tree(), ...Array.from({ length: 7 }, tree)],
      vehicles: [vehicle(), ...Array.from({ length: 13 }, vehicle)],
    };
  }

  /** The tile whose south-western corner is at (east * i, north * j). */
  tile(i: number, j: number): Tile {
    const key = `${i}:${j}`;
    let tile = this.#tiles.get(key);
    if (tile === undefined) {
      // A long drive passes hundreds of tiles; those of a while ago are made anew if they are met again.
      if (this.#tiles.size > 160) this.#tiles.clear();
      tile = new TileMaker(this.#made, i, j).make();
      this.#tiles.set(key, tile);
    }
    return tile;
  }
}

class TileMaker {
  readonly #things: Thing[] = [];
  readonly #solids: Solid[] = [];
  readonly #lamps: (readonly [number, number])[] = [];
  readonly #dice: Dice;
  readonly #firstInstance: number;

  readonly #made: TownMade;
  readonly #i: number;
  readonly #j: number;

  constructor(made: TownMade, i: number, j: number) {
    this.#made = made;
    this.#i = i;
    this.#j = j;
    this.#dice = new Dice(made.seed * 7 + 1, i, j);
    const wrapped = (n: number): number => ((n % instanceTiles) + instanceTiles) % instanceTiles;
    this.#firstInstance = (wrapped(i) * instanceTiles + wrapped(j)) * instancesPerTile + 1;
  }

  make(): Tile {
    const { grid } = this.#made;
    const [i, j] = [this.#i, this.#j];
    const dice = this.#dice;
    const [west, south] = [i * grid.east + grid.roadHalf, j * grid.north + grid.roadHalf];
    const [east, north] = [(i + 1) * grid.east - grid.roadHalf, (j + 1) * grid.north - grid.roadHalf];
    const inset = grid.pavement;
    const origin = standing(west, 0, south, 0);
    const slab = new Mesh().box(
      [0, east - west],
      [0, kerbHeight],
      [0, north - south],
      {
        material: this.#made.materials.plain,
        label: label.pavement,
        tint: [176, 174, 168],
      },
      { material: this.#made.materials.pavement, label: label.pavement, tint: [182, 176, 168] },
    );
    // Ground has no instance of its own.
    this.#things.push({ mesh: slab, pose: origin, instance: 0 });
    const lawn = new Mesh().floor([inset, east - west - inset], [inset, north - south - inset], kerbHeight + 0.02, {
      material: this.#made.materials.meadow,
      label: label.tree,
      tint: [235, 240, 225],
    });
    this.#things.push({ mesh: lawn, pose: origin, instance: 0 });
    const district = dice.pick<District>(["terraces", "terraces", "flats", "gardens", "mixed", "mixed", "park"]);
    const depth = district === "gardens" ? 15 : dice.between(9, 12);
    const [alongX, alongZ] = [east - west - 2 * inset, north - south - 2 * inset];
    // Each side in coordinates of its own: the front to the south, x along the pavement's inner edge.
    const sides: readonly (readonly [Pose, number])[] = [
      [standing(west + inset, 0, south + inset, 0), alongX],
      [standing(east - inset, 0, south + inset, -Math.PI / 2), alongZ],
      [standing(east - inset, 0, north - inset, Math.PI), alongX],
      [standing(west + inset, 0, north - inset, Math.PI / 2), alongZ],
    ];
    for (const [index, [pose, length]] of sides.entries()) {
      const isCut = index % 2 === 1;
      this.#lots(pose, isCut ? [depth + 1, length - depth - 1] : [0, length], depth, district);
      this.#kerb(pose, length);
    }
    if (district === "park" || district === "gardens") {
      const count = district === "park" ? 22 : 8;
      for (let k = 0; k < count; k++) {
        this.#tree(
          standing(
            dice.between(west + inset + 4, east - inset - 4),
            0,
            dice.between(south + inset + 4, north - inset - 4),
            0,
          ),
        );
      }
    }
    return { things: this.#things, solids: this.#solids, lamps: this.#lamps };
  }

  #add(mesh: Mesh, pose: Pose): void {
    this.#things.push({
      mesh,
      pose,
      instance: this.#firstInstance + Math.min(this.#things.length, instancesPerTile - 1),
    });
  }

  #tree(pose: Pose): void {
    const tree = this.#dice.pick(this.#made.trees);
    const turned = composed(pose, standing(0, 0, 0, this.#dice.between(0, 6.28)));
    this.#add(tree.mesh, turned);
    const [x, , z] = moved(pose, [0, 0, 0]);
    this.#solids.push({ kind: "crown", at: [x, z], radius: tree.crown * 0.85, middle: tree.height - tree.crown });
  }

  /** Houses, gaps and gardens along a side. */
  #lots(pose: Pose, [from, to]: Span, depth: number, district: District): void {
    const dice = this.#dice;
    const storeys: Readonly<Record<District, Span>> = {
      terraces: [2, 4],
      flats: [4, 7],
      gardens: [1, 2],
      mixed: [1, 5],
      park: [1, 1],
    };
    for (let x = from; x < to - 5;) {
      const left = to - x;
      const width = left < 18 ? left : dice.between(district === "gardens" ? 11 : 7, district === "flats" ? 20 : 14);
      const lot: Span = [x, x + width];
      const isGap = district === "park" || dice.chance(district === "mixed" ? 0.25 : 0.07);
      if (isGap) this.#gap(pose, lot, depth);
      else if (district === "gardens") this.#garden(pose, lot, depth);
      else this.#house(pose, lot, [0, depth], storeys[district]);
      x += width;
    }
  }

  #house(pose: Pose, x: Span, z: Span, storeys: Span): void {
    const middle = (x[0] + x[1]) / 2;
    const half = (x[1] - x[0]) / 2;
    const mesh = new Mesh();
    const { height } = addHouse(mesh, [-half, half], [0, z[1] - z[0]], storeys, this.#dice, this.#made.materials);
    this.#add(mesh, composed(pose, standing(middle, 0, z[0], 0)));
    const corners = [moved(pose, [x[0], 0, z[0]]), moved(pose, [x[1], 0, z[1]])] as const;
    this.#solids.push({
      kind: "box",
      x: [Math.min(corners[0][0], corners[1][0]), Math.max(corners[0][0], corners[1][0])],
      z: [Math.min(corners[0][2], corners[1][2]), Math.max(corners[0][2], corners[1][2])],
      height,
    });
  }

  #gap(pose: Pose, [x0, x1]: Span, depth: number): void {
    const dice = this.#dice;
    this.#boundary(
      pose,
      dice.pick<Boundary>(["railing", "boards", "hedge", "wall", "railing"]),
      [x0, 0.3, x1, 0.3],
      dice.between(1.1, 2.1),
    );
    for (let k = dice.whole(1, 3); k > 0; k--)
      this.#tree(composed(pose, standing(dice.between(x0 + 1, x1 - 1), 0, dice.between(2, depth), 0)));
  }

  #garden(pose: Pose, [x0, x1]: Span, depth: number): void {
    const dice = this.#dice;
    const back = dice.between(3.5, 6);
    this.#house(pose, [x0 + 1.2, x1 - 1.2], [back, depth], [1, 3]);
    const kind = dice.pick<Boundary>(["railing", "boards", "hedge", "hedge", "wall"]);
    const height = kind === "boards" ? dice.between(1.1, 1.7) : dice.between(0.8, 1.3);
    const gate = dice.between(x0 + 1.5, x1 - 3);
    this.#boundary(pose, kind, [x0, 0.3, gate, 0.3], height);
    this.#boundary(pose, kind, [gate + 1.6, 0.3, x1, 0.3], height);
    this.#boundary(pose, dice.pick<Boundary>(["hedge", "boards"]), [x0, 0.3, x0, back + 2], 1.2);
    if (dice.chance(0.6)) this.#tree(composed(pose, standing(dice.between(x0 + 1, x1 - 1), 0, back * 0.5, 0)));
  }

  #boundary(
    pose: Pose,
    kind: Boundary,
    [x0, z0, x1, z1]: readonly [number, number, number, number],
    height: number,
  ): void {
    const mesh = new Mesh();
    addBoundary(mesh, kind, [0, 0, x1 - x0, z1 - z0], height, this.#made.materials);
    this.#add(mesh, composed(pose, standing(x0, kerbHeight, z0, 0)));
  }

  /** What stands along the kerb and is parked at it. z is negative towards the road. */
  #kerb(pose: Pose, length: number): void {
    const { grid, materials, density, seed, vehicles } = this.#made;
    const dice = this.#dice;
    const edge = -grid.pavement;
    const at = (x: number, z: number, yaw: number): Pose =>
      composed(pose, standing(x, z > edge ? kerbHeight : 0, z, yaw));
    const lampArm = 1.6;
    const lamp = makeLamp(grid.lampHeight, lampArm, materials);
    const treesEvery = dice.chance(0.6) ? dice.between(8, 15) : Infinity;
    const firstTree = dice.between(4, 9);
    for (let x = firstTree; x < length - 3; x += treesEvery) {
      if (dice.chance(0.85)) this.#tree(at(x, edge + 0.8, 0));
    }
    for (let x = grid.lampEvery / 2 + 1.2; x < length; x += grid.lampEvery) {
      this.#add(lamp, at(x, edge + 0.45, 0));
      const [lampX, , lampZ] = moved(pose, [x, 0, edge + 0.45 - lampArm]);
      this.#lamps.push([lampX, lampZ]);
    }
    // The near lane leads to the west where one drives on the right.
    const facing = grid.lane > 0 ? -Math.PI / 2 : Math.PI / 2;
    for (let k = dice.whole(0, 3); k > 0; k--)
      this.#add(makeSign(dice, materials), at(dice.between(3, length - 3), edge + 0.5, facing));
    if (dice.chance(0.3)) {
      const start = dice.between(2, length / 2);
      for (let x = start; x < start + 14 && x < length; x += 1.7)
        this.#add(makeBollard(dice, materials), at(x, edge + 0.35, 0));
    }
    if (dice.chance(0.6)) this.#add(makeBin(dice, materials), at(dice.between(2, length - 2), edge + 0.6, 0));
    // At the corner where the near lane comes to the junction.
    if (chanceAt(seed, 0x7369, 1) < 0.6) {
      const corner = grid.lane > 0 ? -grid.pavement + 0.4 : length + grid.pavement - 0.4;
      this.#add(makeSignal(dice.pick([0, 2, 2]), materials), at(corner, edge + 0.5, facing));
    }
    if (grid.parking === 0) return;
    const isFull = dice.between(0.08, 0.7) * Math.min(1.3, density);
    for (let x = 6; x < length - 6;) {
      const vehicle = dice.pick(vehicles);
      if (dice.chance(isFull) && x + 2 * vehicle.halfLength < length - 5 && vehicle.halfWidth < 1.05) {
        const yaw = dice.chance(0.85) ? facing : -facing;
        this.#add(vehicle.mesh, at(x + vehicle.halfLength, edge - 0.2 - vehicle.halfWidth, yaw));
      }
      x += 2 * vehicle.halfLength + dice.between(0.7, 2.2);
    }
  }
}
