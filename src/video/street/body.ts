// What moves: a body of limbs, each a mesh that turns about a joint. Cars have one limb, people several.

import type { Mesh } from "./mesh.ts";
import type { Pose } from "./pose.ts";

/** A part of a body: a mesh that turns about a joint. */
export interface Limb {
  readonly mesh: Mesh;
  /** Its pose within the body, at a phase of the step (radians) and a share of the full swing. */
  readonly pose: (phase: number, swing: number) => Pose;
}

/** Who or what moves: limbs that are put together when they are first seen, since most of a town never is. */
export class Body {
  /** No part of it is ever further from its place on the ground, metres. */
  readonly reach: number;
  readonly #make: () => readonly Limb[];
  #limbs: readonly Limb[] | undefined;

  constructor(reach: number, make: () => readonly Limb[]) {
    this.reach = reach;
    this.#make = make;
  }

  get limbs(): readonly Limb[] {
    this.#limbs ??= this.#make();
    return this.#limbs;
  }
}
