// Which node runs inside which branch. The root scope runs on every frame; each scope below it is one segment of one
// resting stage and becomes the branch of an `If`. Weights and constants go into the deepest scope that has all their
// users, so that a branch carries what it alone needs.

import { subgraphsOf, tensorsReadBy, type GraphIndex } from "../onnx/index.ts";
import { membersOf, segmentsOf, type NodeSet } from "../stages/region.ts";

/** A stage that may rest, outermost first. */
export interface Level {
  /** Number of the stage, from 1. */
  readonly stage: number;
  readonly nodes: NodeSet;
}

/** Nodes that run under the same condition, one after the other. */
export interface Scope {
  /** 0 for the root. */
  readonly depth: number;
  /** `undefined` for the root. */
  readonly level: Level | undefined;
  readonly parent: Scope | undefined;
  /** Nodes that run here and in no scope below, ascending. */
  readonly own: number[];
  readonly children: Scope[];
  /** Names of initializers that live here. */
  readonly initializers: string[];
}

/** The tree of scopes of a graph. */
export interface Scopes {
  readonly root: Scope;
  /** The scope of a node. */
  scopeOf(node: number): Scope;
}

/** Sorts the nodes of a graph into scopes. */
export function scopesOf(index: GraphIndex, data: NodeSet, levels: readonly Level[]): Scopes {
  const scopes = new Map<number, Scope>();
  const grow = (body: NodeSet, depth: number, parent: Scope | undefined): Scope => {
    const scope: Scope = {
      depth,
      level: depth === 0 ? undefined : levels[depth - 1],
      parent,
      own: [],
      children: [],
      initializers: [],
    };
    const next = levels[depth];
    const inner = body.map((flag, position) => (flag === 1 && next?.nodes[position] === 1 ? 1 : 0));
    for (const position of membersOf(body)) {
      if (inner[position] === 1) continue;
      scope.own.push(position);
      scopes.set(position, scope);
    }
    if (next !== undefined) {
      for (const segment of segmentsOf(index, inner, body)) scope.children.push(grow(segment, depth + 1, scope));
    }
    return scope;
  };
  const root = grow(data, 0, undefined);
  placeConstants(index, root, scopes);
  return {
    root,
    scopeOf(node) {
      const scope = scopes.get(node);
      if (scope === undefined) throw new RangeError(`node ${node} is in no scope`);
      return scope;
    },
  };
}

/** Puts nodes that do not depend on the frame, and initializers, where all of their users are. */
function placeConstants(index: GraphIndex, root: Scope, scopes: Map<number, Scope>): void {
  const outputs = new Set(index.graph.outputs.map((output) => output.name));
  const sharedBy = (names: readonly string[]): Scope => {
    const users = names.flatMap((name) =>
      outputs.has(name) ? [root] : index.consumersOf(name).map((consumer) => scopes.get(consumer) ?? root),
    );
    return users.reduce((a, b) => commonScope(a, b), users[0] ?? root);
  };
  // Backwards, so that the users of a constant node have their place before it gets its own.
  for (const position of [...index.nodes.keys()].reverse()) {
    if (scopes.has(position)) continue;
    const scope = sharedBy(index.node(position).outputs.filter((name) => name !== ""));
    scopes.set(position, scope);
    scope.own.push(position);
  }
  for (const scope of new Set(scopes.values())) scope.own.sort((a, b) => a - b);
  // A body that some network brings along may read an initializer by name from around it: that one stays outside.
  const captured = new Set<string>();
  for (const node of index.nodes) {
    if (subgraphsOf(node).length > 0) for (const name of tensorsReadBy(node)) captured.add(name);
  }
  for (const name of index.graph.initializers.keys()) {
    (captured.has(name) ? root : sharedBy([name])).initializers.push(name);
  }
}

function commonScope(a: Scope, b: Scope): Scope {
  let [left, right] = [a, b];
  while (left !== right) {
    if (left.depth >= right.depth && left.parent !== undefined) left = left.parent;
    else if (right.parent !== undefined) right = right.parent;
    else return left;
  }
  return left;
}
