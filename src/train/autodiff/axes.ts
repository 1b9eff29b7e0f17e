// Axes of an operator, whether it names them in an attribute (older operator sets) or in an input.

import { intsAttribute, numbersOf } from "../../onnx/index.ts";
import { refuse, type Place } from "./rule.ts";

/** Axes counted from 0; `undefined` where the node names none. */
export function axesOf(place: Place, rank: number, input = 1, attribute = "axes"): readonly number[] | undefined {
  const listed = intsAttribute(place.node, attribute) ?? constantNumbers(place, input, attribute);
  return listed?.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** Integers of an optional input. @throws ClockworkError `unsupported-model` where they are computed */
export function constantNumbers(place: Place, input: number, what: string): readonly number[] | undefined {
  const name = place.node.inputs[input];
  if (name === undefined || name === "") return undefined;
  const tensor = place.constantOf(name);
  const numbers = tensor === undefined ? undefined : numbersOf(tensor);
  return numbers ?? refuse(place, `constant ${what}`, "computed ones");
}
