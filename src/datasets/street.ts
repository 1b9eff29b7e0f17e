// The synthetic street as a dataset: one sequence, rendered as it is read, with labels on every frame. No files: it is
// opened by a text, street:SEED, where others have a folder.

import { ClockworkError } from "../errors.ts";
import {
  Street,
  streetCameras,
  streetClasses,
  streetStyles,
  type StreetCamera,
  type StreetFrame,
  type StreetOptions,
  type StreetStyle,
} from "../video/street/index.ts";
import { resolveStreet } from "../video/street/street-options.ts";
import type { Dataset } from "./dataset.ts";
import { sequenceOf } from "./sequence.ts";

/** Frames of a street that is opened by its text: eight seconds. */
const usualFrames = 120;

/** How such a text looks, for messages. */
const streetForm = "street:SEED, street:SEED,STYLE or street:SEED,STYLE,CAMERA";

/** Whether a text names a street, and no folder. */
export function isStreetSpec(text: string): boolean {
  return text.startsWith("street:");
}

/**
 * Parses `street:7`, `street:7,night`, `street:7,day,turn`.
 * @throws ClockworkError `invalid-argument` for other texts
 */
export function parseStreet(text: string): StreetOptions {
  const [seed = "", ...words] = text.slice("street:".length).split(",");
  const style = words.find(isStyle);
  const camera = words.find(isCamera);
  const known = words.filter((word) => word === style || word === camera);
  if (!/^-?\d{1,15}$/u.test(seed) || known.length < words.length || new Set(words).size < words.length) {
    throw new ClockworkError(
      "invalid-argument",
      `dataset: expected ${streetForm}, with STYLE of ${streetStyles.join(", ")} and CAMERA of ` +
        `${streetCameras.join(", ")}, got "${text}"; try street:7`,
    );
  }
  return { seed: Number(seed), ...(style !== undefined && { style }), ...(camera !== undefined && { camera }) };
}

function isStyle(word: string): word is StreetStyle {
  return (streetStyles as readonly string[]).includes(word);
}

function isCamera(word: string): word is StreetCamera {
  return (streetCameras as readonly string[]).includes(word);
}

/**
 * A street as a dataset. Frames are rendered once and kept, 4 bytes a pixel: a clip is short.
 *
 * @param frames length of the sequence
 * @example
 * ```ts
 * import { evaluateModel, streetDataset } from "clockwork-convnets/node";
 * const night = streetDataset({ seed: 7, style: "night" }, 75);
 * const { runs } = await evaluateModel({ folder: "night", dataset: night, clocks: ["fixed:3", "fixed:3+flow"] });
 * ```
 * @throws ClockworkError `invalid-argument` for options that cannot be rendered
 */
export function streetDataset(options: StreetOptions, frames: number = usualFrames): Dataset {
  if (!(Number.isInteger(frames) && frames > 0)) {
    throw new ClockworkError("invalid-argument", `street: frames: expected a whole number from 1, got ${frames}`);
  }
  const { seed, style, camera, density, widthPx, heightPx, fps, noise, exposure } = resolveStreet(options);
  // A town takes a second to build: not before somebody looks.
  let street: Street | undefined;
  const rendered = new Map<number, Pick<StreetFrame, "frame" | "labels">>();
  const at = (index: number): Pick<StreetFrame, "frame" | "labels"> => {
    const known = rendered.get(index);
    if (known !== undefined) return known;
    street ??= new Street(options);
    const { frame, labels } = street.frame(index);
    rendered.set(index, { frame, labels });
    return { frame, labels };
  };
  // Everything that the pictures depend on: who goes on with an evaluation later knows by it that it is the same street.
  const name = [seed, style, camera, density, `${widthPx}x${heightPx}`, fps, noise, exposure].join("-");
  const sequence = sequenceOf(
    name,
    Array.from({ length: frames }, (_, index) => ({
      name: `street_${String(index).padStart(6, "0")}`,
      read: () => soon(() => at(index).frame),
      readLabels: () => soon(() => at(index).labels),
    })),
    fps,
  );
  return {
    name: "street",
    split: undefined,
    classNames: streetClasses,
    sequences: [sequence],
    notes: ["The street is synthetic: scores on it say how schedules compare, not how good a network is elsewhere."],
  };
}

/** Rendering takes long: others get a turn before each frame. */
async function soon<T>(work: () => T): Promise<T> {
  await new Promise((resolve) => setImmediate(resolve));
  return work();
}
