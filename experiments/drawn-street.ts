// A street as it passes by the window of a tram, drawn: sky, houses, a road, trees, a lamp post, cars and people, each
// layer with a motion of its own. For pictures, and for what happens at edges; no photograph.

import { Random } from "../src/networks/random.ts";
import { placed, type Affine, type Layer, type Scene } from "./moving-scenes.ts";
import { noise, Sheet, type Rgb } from "./paints.ts";

/** Classes of the street, by index. */
export const streetClasses: readonly string[] = [
  "sky",
  "building",
  "road",
  "sidewalk",
  "tree",
  "pole",
  "car",
  "person",
  "terrain",
];

const [sky, building, road, sidewalk, tree, pole, car, person, terrain] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** The scene; time 0 is in its middle. Pixels a frame: from 0.5 (sky) to 11 (the near lane), cars faster. */
export function drawnStreet(seed: number): Scene {
  const random = new Random(seed, "street");
  const between = (low: number, high: number): number => low + (high - low) * random.next();
  const layers: Layer[] = [
    passing(lampPost(), 12),
    moving(carOf([196, 52, 46], 1.35), 150, 322, -13),
    moving(carOf([238, 196, 64], 1), 318, 272, 5),
    moving(personOf([52, 74, 150]), 96, 246, -2),
    moving(personOf([158, 60, 110]), 402, 248, -5.5),
    passing(trees(between), 4),
    passing(houses(between, seed), 2.5),
    { ...passing(ground(seed), 0), at: groundView },
    passing(backdrop(between, seed), 0.5),
  ];
  return { widthPx: 480, heightPx: 360, layers };
}

/** Where the ground begins, and how fast it passes there and further down. */
const horizonPx = 206;
const groundView = (time: number): Affine => {
  const perRow = 0.055;
  return [1, perRow * time, (2.5 - horizonPx * perRow) * time, 0, 1, 0];
};

/** Something that passes by as the camera moves. */
function passing(sheet: Sheet, speed: number): Layer {
  return { paint: sheet.paint, label: sheet.label, at: (time) => [1, 0, speed * time, 0, 1, 0], isObject: false };
}

/** Something with a speed of its own; its sheet has its feet at (512, 512). */
function moving(sheet: Sheet, x: number, y: number, speed: number): Layer {
  return {
    paint: sheet.paint,
    label: sheet.label,
    at: (time) => placed(x + speed * time - 512, y - 512),
    isObject: true,
  };
}

function backdrop(between: (low: number, high: number) => number, seed: number): Sheet {
  const sheet = new Sheet([150, 190, 228], sky);
  for (let y = 0; y < 200; y++) sheet.rectangle(0, y, 1024, 1, [118 + y / 3, 168 + y / 5, 226 - y / 14]);
  for (let cloud = 0; cloud < 14; cloud++) {
    const [x, y] = [between(0, 1024), between(15, 90)];
    for (let puff = 0; puff < 7; puff++)
      sheet.disc(x + between(-42, 42), y + between(-7, 7), between(7, 17), [236, 240, 245]);
  }
  for (let hill = 0; hill < 16; hill++)
    sheet.disc(between(0, 1024), 300 + between(0, 40), between(110, 160), [122, 152, 128], terrain);
  return sheet.shade(noise(seed + 1, 5, 4, 0.3));
}

function houses(between: (low: number, high: number) => number, seed: number): Sheet {
  const walls: readonly Rgb[] = [
    [186, 120, 92],
    [214, 190, 150],
    [150, 146, 150],
    [204, 168, 116],
    [164, 96, 80],
    [190, 196, 190],
  ];
  const sheet = new Sheet([160, 150, 140]);
  for (let x = 0, index = 0; x < 1000; index++) {
    const width = Math.min(between(84, 140), 1024 - x);
    const height = between(95, 165);
    const top = 210 - height;
    const wall = walls[index % walls.length] ?? [180, 180, 180];
    sheet.rectangle(x, top, width, height, wall, building);
    sheet.rectangle(x - 2, top - 6, width + 4, 7, [92, 64, 58], building);
    const [pane, gap] = [between(12, 16), between(10, 16)];
    for (let y = top + 14; y + 22 < 172; y += 36) {
      for (let at = x + gap; at + pane < x + width - 5; at += pane + gap) {
        sheet.rectangle(at - 2, y - 2, pane + 4, 24, [234, 230, 220]);
        sheet.rectangle(at, y, pane, 20, [62 + between(0, 50), 84 + between(0, 40), 104 + between(0, 40)]);
      }
    }
    sheet.rectangle(x + width * 0.3, 178, 15, 32, [84, 58, 44]);
    sheet.rectangle(x + width * 0.55, 180, width * 0.32, 20, [70, 90, 104]);
    x += width + (index % 4 === 3 ? 26 : 0);
  }
  return sheet.shade(noise(seed + 2, 9, 2, 0.1));
}

function ground(seed: number): Sheet {
  const sheet = new Sheet([96, 96, 100]);
  sheet.rectangle(0, horizonPx, 1024, 34, [176, 166, 154], sidewalk);
  for (let x = 0; x < 1024; x += 32) sheet.rectangle(x, horizonPx, 1, 34, [140, 132, 122]);
  sheet.rectangle(0, 240, 1024, 3, [206, 202, 196], sidewalk);
  sheet.rectangle(0, 243, 1024, 200, [96, 96, 100], road);
  for (let x = 0; x < 1024; x += 64) sheet.rectangle(x, 283, 34, 4, [232, 230, 222]);
  sheet.rectangle(0, 344, 1024, 3, [226, 222, 206]);
  return sheet.shade(noise(seed + 3, 12, 2, 0));
}

function trees(between: (low: number, high: number) => number): Sheet {
  const sheet = new Sheet([70, 104, 56]);
  for (const x of [40, 265, 470, 660, 880]) {
    sheet.rectangle(x - 5, 150, 10, 78, [92, 70, 52], tree);
    for (let leaf = 0; leaf < 46; leaf++) {
      const [turn, far] = [between(0, 2 * Math.PI), between(0, 1) ** 0.5];
      const light = between(-22, 26);
      sheet.disc(
        x + 40 * far * Math.cos(turn),
        124 + 44 * far * Math.sin(turn),
        between(7, 15),
        [66 + light, 108 + light, 52 + light],
        tree,
      );
    }
  }
  return sheet;
}

function lampPost(): Sheet {
  const sheet = new Sheet([58, 62, 66]);
  for (const x of [60, 500]) {
    sheet.rectangle(x, 70, 8, 284, [58, 62, 66], pole);
    sheet.rectangle(x - 3, 332, 14, 22, [48, 52, 56], pole);
    sheet.rectangle(x - 34, 64, 42, 7, [58, 62, 66], pole);
    sheet.rectangle(x - 40, 70, 22, 6, [240, 232, 190], pole);
  }
  return sheet;
}

function carOf(colour: Rgb, scale: number): Sheet {
  const sheet = new Sheet(colour);
  const part = (left: number, top: number, width: number, height: number, shade: Rgb, label?: number): void => {
    sheet.rectangle(512 + scale * left, 512 + scale * top, scale * width, scale * height, shade, label);
  };
  const dark: Rgb = [colour[0] * 0.72, colour[1] * 0.72, colour[2] * 0.72];
  part(-44, -36, 88, 28, colour, car);
  part(-52, -28, 104, 18, colour, car);
  part(-26, -52, 52, 18, colour, car);
  part(-33, -44, 64, 12, colour, car);
  part(-22, -48, 20, 14, [70, 92, 112]);
  part(2, -48, 20, 14, [78, 100, 120]);
  part(-52, -16, 104, 6, dark, car);
  part(-1, -34, 2, 20, dark);
  part(46, -26, 6, 6, [250, 240, 190]);
  part(-52, -26, 5, 6, [150, 30, 30]);
  for (const x of [-30, 30]) {
    sheet.disc(512 + scale * x, 512 - scale * 9, scale * 10, [34, 34, 36], car);
    sheet.disc(512 + scale * x, 512 - scale * 9, scale * 4, [176, 178, 180], car);
  }
  return sheet;
}

function personOf(coat: Rgb): Sheet {
  const sheet = new Sheet(coat);
  sheet.rectangle(504, 478, 7, 34, [44, 48, 62], person);
  sheet.rectangle(513, 478, 7, 34, [38, 42, 56], person);
  sheet.rectangle(501, 446, 22, 36, coat, person);
  sheet.rectangle(501, 462, 22, 3, [coat[0] * 0.6, coat[1] * 0.6, coat[2] * 0.6]);
  sheet.disc(512, 438, 8, [222, 180, 150], person);
  sheet.rectangle(504, 429, 16, 5, [70, 48, 36], person);
  return sheet;
}
