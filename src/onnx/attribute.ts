// Reading and making attributes of nodes.

import { ClockworkError } from "../errors.ts";
import type { Attribute, Graph, Node, Tensor } from "./model.ts";
import { nodeLabel } from "./model.ts";

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() };

/** A float attribute: a bare number is taken as an integer. */
export function float(value: number): Attribute {
  return { kind: "float", value };
}

/** A list of floats; a bare list of numbers is taken as integers. */
export function floats(value: readonly number[]): Attribute {
  return { kind: "floats", value };
}

/** What an attribute can be made from: integers, text, a tensor, a graph, or an attribute as it is. */
export type AttributeInit = number | bigint | readonly number[] | string | Tensor | Graph | Attribute;

/** Makes an attribute. @throws ClockworkError `invalid-argument` for a number that is no integer */
export function attributeOf(init: AttributeInit): Attribute {
  if (typeof init === "bigint") return { kind: "int", value: init };
  if (typeof init === "number") return { kind: "int", value: integer(init) };
  if (typeof init === "string") return { kind: "string", value: utf8.encode.encode(init) };
  if (isList(init)) return { kind: "ints", value: init.map(integer) };
  if ("kind" in init) return init;
  if ("nodes" in init) return { kind: "graph", value: init };
  return { kind: "tensor", value: init };
}

function isList(init: object): init is readonly number[] {
  return Array.isArray(init);
}

function integer(value: number): bigint {
  if (!Number.isInteger(value)) {
    throw new ClockworkError("invalid-argument", `attribute: expected an integer, got ${value}; try float(${value})`);
  }
  return BigInt(value);
}

/** The integer attribute `name`, or `fallback` where the node has none. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return fallback;
  if (attribute.kind !== "int") wrongKind(node, name, "an integer", attribute);
  return Number(attribute.value);
}

/** The integers of attribute `name`, or `undefined` where the node has none. */
export function intsAttribute(node: Node, name: string): number[] | undefined {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return undefined;
  if (attribute.kind !== "ints") wrongKind(node, name, "integers", attribute);
  return attribute.value.map(Number);
}

/** The text of attribute `name`, or `fallback` where the node has none. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return fallback;
  if (attribute.kind !== "string") wrongKind(node, name, "text", attribute);
  return utf8.decode.decode(attribute.value);
}

/** The bodies that a control-flow node carries. */
export function subgraphsOf(node: Node): readonly Graph[] {
  return [...node.attributes.values()].flatMap((attribute) =>
    attribute.kind === "graph" ? [attribute.value] : attribute.kind === "graphs" ? attribute.value : [],
  );
}

function wrongKind(node: Node, name: string, expected: string, attribute: Attribute): never {
  throw new ClockworkError(
    "invalid-model",
    `node "${nodeLabel(node)}" (${node.op}): expected ${expected} in attribute "${name}", got ${attribute.kind}`,
  );
}
