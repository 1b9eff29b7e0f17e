// Pictures of the rendered street: every style, every camera, and one frame with all that is known of it.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Frame } from "../src/index.ts";
import { encodeImage, paletteFor } from "../src/node.ts";
import { Street, streetCameras, streetClasses, streetStyles, type StreetOptions } from "../src/video/street/index.ts";
import { flowPicture, labelPicture, montage } from "./flow-colours.ts";

/** Width of what is written, pixels. */
const widthPx = 1440;
/** A street in which much is to be seen, and seconds from its beginning. */
const shown = { seed: 24, sec: 1.4 } as const;
/** Flow with the strongest colour, pixels, and depth that is white, metres. */
const limits = { flowPx: 16, depthM: 60 } as const;

/** Writes them. @returns what they are */
export async function streetPictures(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const still = (options: Omit<StreetOptions, "seed">, seed: number = shown.seed): Frame => {
    const street = new Street({ seed, ...options });
    return street.still(Math.round(shown.sec * street.options.fps)).frame;
  };
  const styles = streetStyles.map((style) => still({ style }));
  const cameras = streetCameras.map((camera, index) => still({ camera }, shown.seed + index));
  const known = maps();
  const write = async (name: string, frames: readonly Frame[], columns: number): Promise<void> => {
    await writeFile(
      join(folder, name),
      await encodeImage(montage(frames, columns), { format: "jpeg", mostWidthPx: widthPx }),
    );
  };
  await write("street-styles.jpg", [...styles, ...cameras.slice(3, 4)], 3);
  await write("street-cameras.jpg", cameras.slice(0, 3), 3);
  await write("street-maps.jpg", known, 3);
  return [
    "street-styles.jpg: day, dusk, night; fog, rain, and another town",
    `street-cameras.jpg: ${streetCameras.slice(0, 3).join(", ")}`,
    "street-maps.jpg: frame, labels, instances; depth, flow, occlusion",
  ];
}

function maps(): readonly Frame[] {
  const street = new Street({ seed: shown.seed });
  const { frame, labels, depth, flow, occluded, instances } = street.frame(Math.round(shown.sec * street.options.fps));
  const palette = paletteFor(streetClasses, streetClasses.length);
  const drawn = (colourOf: (at: number) => readonly [number, number, number]): Frame => {
    const data = new Uint8Array(frame.data.length);
    for (let at = 0; 3 * at < data.length; at++) data.set(colourOf(at), 3 * at);
    return { ...frame, data };
  };
  const gray = (value: number): readonly [number, number, number] => [value, value, value];
  return [
    frame,
    labelPicture(frame, labels, palette, 1),
    // Any colours that are not alike.
    drawn((at) => {
      const number = instances[at] ?? 0;
      return number === 0
        ? gray(30)
        : [60 + ((number * 67) % 190), 60 + ((number * 131) % 190), 60 + ((number * 211) % 190)];
    }),
    drawn((at) => gray(255 * Math.min(1, (depth[at] ?? 0) / limits.depthM))),
    flowPicture(flow, frame, limits.flowPx),
    drawn((at) => gray(occluded[at] === 1 ? 255 : 0)),
  ];
}
