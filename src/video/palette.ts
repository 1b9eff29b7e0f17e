// Colours of classes: the customary ones for customary names, well apart ones for the others; or those of a file.
// The driving colours are those of Cityscapes (www.cityscapes-dataset.com), the others chosen to go with them.

import { readFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

type Rgb = readonly [red: number, green: number, blue: number];

/** Names that mean one thing, and its colour. */
const KNOWN: readonly (readonly [colour: Rgb, ...names: string[]])[] = [
  [[0, 0, 0], "void", "unlabeled", "unlabelled", "background", "ignore", "other", "bg"],
  [[128, 64, 128], "road", "street", "drivable", "driveable", "drivable area", "lane"],
  [[244, 35, 232], "sidewalk", "pavement", "footpath", "pedestrian area"],
  [[70, 70, 70], "building", "house", "skyscraper", "edifice"],
  [[102, 102, 156], "wall"],
  [[190, 153, 153], "fence", "railing"],
  [[153, 153, 153], "pole", "post", "column", "column pole"],
  [[250, 170, 30], "traffic light"],
  [[220, 220, 0], "traffic sign", "sign", "sign symbol", "signsymbol", "signboard"],
  [[107, 142, 35], "vegetation", "tree", "plant", "nature", "pottedplant", "potted plant"],
  [[152, 251, 152], "terrain", "grass", "field", "earth"],
  [[70, 130, 180], "sky"],
  [[220, 20, 60], "person", "pedestrian", "human", "people"],
  [[255, 0, 0], "rider", "bicyclist", "cyclist", "motorcyclist"],
  [[0, 0, 142], "car", "automobile", "vehicle"],
  [[0, 0, 70], "truck", "van"],
  [[0, 60, 100], "bus"],
  [[0, 80, 100], "train", "tram", "on rails"],
  [[0, 0, 230], "motorcycle", "motorbike", "minibike"],
  [[119, 11, 32], "bicycle", "bike"],
  [[81, 0, 81], "ground"],
  [[180, 165, 180], "guard rail", "guardrail"],
  [[150, 100, 100], "bridge"],
  [[250, 170, 160], "parking"],
  [[230, 150, 140], "rail track"],
  [[157, 234, 50], "lane marking", "road marking", "lanemarking"],
  [[128, 128, 64], "aeroplane", "airplane", "plane"],
  [[200, 140, 40], "bird"],
  [[0, 128, 192], "boat", "ship"],
  [[64, 160, 120], "bottle"],
  [[192, 96, 0], "cat"],
  [[192, 64, 128], "chair", "armchair", "seat"],
  [[96, 128, 0], "cow"],
  [[192, 128, 64], "diningtable", "dining table", "table", "desk"],
  [[128, 80, 200], "dog"],
  [[160, 0, 96], "horse"],
  [[224, 192, 160], "sheep"],
  [[0, 192, 96], "sofa", "couch"],
  [[0, 160, 200], "tvmonitor", "tv monitor", "television", "tv", "monitor", "screen"],
  [[160, 120, 90], "floor", "flooring"],
  [[220, 220, 200], "ceiling"],
  [[204, 80, 80], "bed"],
  [[120, 80, 40], "door"],
  [[150, 220, 255], "windowpane", "window"],
  [[40, 90, 150], "water", "sea", "river", "lake"],
  [[120, 110, 80], "mountain", "hill"],
  [[230, 210, 140], "sand", "beach"],
];

const BY_NAME: ReadonlyMap<string, Rgb> = new Map(
  KNOWN.flatMap(([colour, ...names]) => names.map((name) => [name, colour] as const)),
);

const PALETTE_COLOURS = 256;

/**
 * Colours for classes, the same on every run: customary ones by name, else well apart from those already given.
 *
 * @param classNames names by class index; undefined where they are not known.
 * @param count number of classes, at most 256; the colours after them are black.
 * @returns RGB triplets, [256, 3].
 */
export function paletteFor(classNames: readonly string[] | undefined, count: number): Uint8Array<ArrayBuffer> {
  const colours: (Rgb | undefined)[] = [];
  const taken = new Set<string>();
  const size = Math.min(count, PALETTE_COLOURS);
  for (let index = 0; index < size; index++) {
    const colour = knownColour(classNames?.[index]);
    // Two classes never look alike only because both are known: the second one is given another colour.
    const isFree = colour !== undefined && !taken.has(colour.join());
    if (isFree) taken.add(colour.join());
    colours.push(isFree ? colour : undefined);
  }
  const used = colours.filter((colour) => colour !== undefined);
  const palette = new Uint8Array(PALETTE_COLOURS * 3);
  let tries = 0;
  for (const [index, known] of colours.entries()) {
    let colour = known;
    // The distance that is asked for shrinks, so that a free colour is found at last.
    for (let distance = 96; colour === undefined; distance *= 0.98) {
      const candidate = spreadColour(tries++);
      if (used.every((other) => apart(candidate, other) >= distance)) {
        used.push(candidate);
        colour = candidate;
      }
    }
    palette.set(colour, index * 3);
  }
  return palette;
}

/**
 * Reads a palette: `[[r, g, b], ...]` by class index, or `{ "road": [r, g, b], ... }` by class name. Classes that the
 * file leaves out keep their colours of `paletteFor`.
 *
 * @param classNames needed for a file with names.
 * @returns RGB triplets, [256, 3].
 * @throws {ClockworkError} `io` where the file cannot be read, `invalid-argument` where it is no palette or names a
 * class that is not there.
 */
export async function readPalette(path: string, classNames?: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readJson(path);
  const palette = paletteFor(classNames, classNames?.length ?? PALETTE_COLOURS);
  if (Array.isArray(content)) {
    if (content.length > PALETTE_COLOURS) {
      throw bad(path, `at most ${PALETTE_COLOURS} colours`, `${content.length}`);
    }
    for (const [index, value] of content.entries()) {
      palette.set(parseColour(path, `colour ${index}`, value), index * 3);
    }
    return palette;
  }
  if (typeof content !== "object" || content === null) {
    throw bad(path, "[[r, g, b], ...] or { name: [r, g, b] }", JSON.stringify(content));
  }
  const indices = new Map((classNames ?? []).map((name, index) => [normalised(name), index]));
  for (const [name, value] of Object.entries(content)) {
    const index = indices.get(normalised(name));
    if (index === undefined) {
      const known = classNames === undefined ? "no class names" : classNames.join(", ");
      throw bad(path, `names of the model's classes (${known})`, `"${name}"`);
    }
    palette.set(parseColour(path, `"${name}"`, value), index * 3);
  }
  return palette;
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ClockworkError("io", `${path}: expected a readable palette, got: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw bad(path, "JSON", reasonOf(error));
  }
}

function parseColour(path: string, where: string, value: unknown): Rgb {
  if (Array.isArray(value) && value.length === 3) {
    const [red, green, blue] = value as readonly unknown[];
    if (isByte(red) && isByte(green) && isByte(blue)) return [red, green, blue];
  }
  throw bad(path, `${where} as [r, g, b] with integers from 0 to 255`, JSON.stringify(value));
}

function isByte(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
}

function bad(path: string, expected: string, got: string): ClockworkError {
  return new ClockworkError("invalid-argument", `${path}: expected ${expected}, got ${got}; try [[128, 64, 128], ...]`);
}

function knownColour(name: string | undefined): Rgb | undefined {
  if (name === undefined) return undefined;
  // Some data sets list synonyms: "sidewalk, pavement" or "road;route".
  for (const part of [name, ...name.split(/[,;/]/u)]) {
    const colour = BY_NAME.get(normalised(part));
    if (colour !== undefined) return colour;
  }
  return undefined;
}

function normalised(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/gu, " ");
}

/** The n-th of an endless row of colours: the hue moves on by the golden angle, brightness in four steps. */
function spreadColour(n: number): Rgb {
  const hue = (n * 137.508) % 360;
  const value = [0.95, 0.7, 0.85, 0.5][n % 4] ?? 1;
  const saturation = [0.85, 0.6, 0.45][Math.floor(n / 4) % 3] ?? 1;
  const channel = (offset: number): number => {
    const k = (offset + hue / 60) % 6;
    return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}

/** How different two colours look, roughly: a weighted distance in RGB. */
function apart(a: Rgb, b: Rgb): number {
  const [red, green, blue] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  return Math.sqrt(2 * red * red + 4 * green * green + 3 * blue * blue) / Math.sqrt(3);
}
