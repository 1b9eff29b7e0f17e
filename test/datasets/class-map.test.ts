// Class maps against tables written by hand.

import { expect, test } from "vitest";
import { mapClasses, NO_CLASS, parseClassMap } from "../../src/datasets/class-map.ts";
import { CAMVID_CLASSES } from "../../src/datasets/camvid-classes.ts";
import { readyMaps } from "../../src/datasets/maps/ready.ts";
import { ClockworkError } from "../../src/errors.ts";

const CAMVID = "sky building pole road pavement tree sign fence car pedestrian bicyclist".split(" ");
// Cityscapes' train ids, as cityscapesScripts names them.
const CITYSCAPES =
  "road,sidewalk,building,wall,fence,pole,traffic light,traffic sign,vegetation,terrain,sky,person,rider,car,truck,bus,train,motorcycle,bicycle".split(
    ",",
  );
const VOC =
  "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor".split(
    " ",
  );
const YOUTUBE = "background aeroplane bird boat car cat cow dog horse motorbike train".split(" ");

/** The first entries of a table; what is behind them must be none. */
function head(table: Uint8Array, count: number): number[] {
  expect(table.length).toBe(256);
  expect([...table.subarray(count)].every((label) => label === NO_CLASS)).toBe(true);
  return [...table.subarray(0, count)];
}

test("the lists above are the datasets'", async () => {
  expect([...CAMVID_CLASSES]).toEqual(CAMVID);
  // The other layouts keep their names to themselves until they are opened: see their tests.
  expect(Object.keys(readyMaps.get("voc->youtube-objects")?.classes ?? {})).toEqual(VOC);
  expect(Object.keys(readyMaps.get("cityscapes->camvid")?.classes ?? {})).toEqual(CITYSCAPES);
});

test("by name, in another order, whatever the spelling; void is no class", () => {
  const network = ["Void", "Traffic_Light", "road", "SKY"];
  const { table, missing, notes } = mapClasses({ network, dataset: ["sky", "traffic light", "road"] });
  expect(head(table, 4)).toEqual([255, 1, 2, 0]);
  expect(missing).toEqual([]);
  expect(notes.join()).toContain("Void");
});

test("the same classes: no notes", () => {
  const { table, missing, notes } = mapClasses({ network: CAMVID, dataset: CAMVID });
  expect(head(table, 11)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([missing, notes]).toEqual([[], []]);
});

test("a network with fewer classes misses the rest", () => {
  const { table, missing } = mapClasses({ network: ["unlabeled", "car", "road"], dataset: ["road", "car", "sky"] });
  expect(head(table, 3)).toEqual([255, 1, 0]);
  expect(missing).toEqual(["sky"]);
});

test("names that say nothing, as many on both sides: by label, with a note", () => {
  const { table, notes } = mapClasses({ network: ["LABEL_0", "LABEL_1"], dataset: ["road", "sky"] });
  expect(head(table, 2)).toEqual([0, 1]);
  expect(notes.join()).toContain("LABEL_1 = sky");
});

test("as many on both sides, but in another order: an error", () => {
  expect(() => mapClasses({ network: ["sky", "street"], dataset: ["road", "sky"] })).toThrow(
    /got 2 \(sky, street\) for 2 \(road, sky\); try --map FILE\.json/,
  );
});

test("names that fit in part: an error that names the ready map", () => {
  const map = (): unknown => mapClasses({ network: CITYSCAPES, dataset: CAMVID });
  expect(map).toThrow(ClockworkError);
  expect(map).toThrow(/traffic light.*pedestrian.*try --map "cityscapes->camvid"/);
});

test("a network without names: by label", () => {
  const { table, notes } = mapClasses({ network: undefined, dataset: ["a", "b", "c"] });
  expect(head(table, 3)).toEqual([0, 1, 2]);
  expect(notes.length).toBe(1);
  expect(() => mapClasses({ network: undefined, dataset: [] })).toThrow(/without/);
});

test("cityscapes->camvid", () => {
  const map = readyMaps.get("cityscapes->camvid");
  if (map === undefined) throw new Error("not there");
  const { table, missing, notes } = mapClasses({ network: CITYSCAPES, dataset: CAMVID, map });
  const names = head(table, 19).map((label) => CAMVID[label]);
  expect(Object.fromEntries(CITYSCAPES.map((name, label) => [name, names[label]]))).toEqual({
    road: "road",
    sidewalk: "pavement",
    building: "building",
    wall: "building",
    fence: "fence",
    pole: "pole",
    "traffic light": "sign",
    "traffic sign": "sign",
    vegetation: "tree",
    terrain: "tree",
    sky: "sky",
    person: "pedestrian",
    rider: "bicyclist",
    car: "car",
    truck: "car",
    bus: "car",
    train: "car",
    motorcycle: "bicyclist",
    bicycle: "bicyclist",
  });
  expect([missing, notes]).toEqual([[], []]);
  // A network that names nothing has the train ids in their order.
  expect([...mapClasses({ network: undefined, dataset: CAMVID, map }).table]).toEqual([...table]);
});

test("voc->youtube-objects: what is not among the ten is background", () => {
  const map = readyMaps.get("voc->youtube-objects");
  if (map === undefined) throw new Error("not there");
  const { table, missing } = mapClasses({ network: VOC, dataset: YOUTUBE, map });
  expect(head(table, 21)).toEqual([0, 1, 0, 2, 3, 0, 0, 4, 5, 0, 6, 0, 7, 8, 9, 0, 0, 0, 0, 10, 0]);
  expect(missing).toEqual([]);
  // Without it the rest is none, which is an error where it is predicted: the note says how to have it otherwise.
  const plain = mapClasses({ network: VOC, dataset: YOUTUBE });
  expect(plain.table[VOC.indexOf("person")]).toBe(255);
  expect(plain.notes.join()).toContain('--map "voc->youtube-objects"');
});

test("every ready map is of the form of a file and is found by its name", () => {
  expect(readyMaps.size).toBeGreaterThanOrEqual(2);
  for (const [name, map] of readyMaps) {
    expect(parseClassMap(JSON.parse(JSON.stringify(map)), name)).toEqual(map);
    expect(name).toBe(`${map.from}->${map.to}`);
  }
});

test("a map from a file: null and what is not named are none", () => {
  const map = parseClassMap({ classes: { Rider: "bicyclist", train: null } }, "mine.json");
  expect(map.title).toBe("mine.json");
  const network = ["train", "rider", "road", "rider"];
  const { table, missing, notes } = mapClasses({ network, dataset: ["car", "Bicyclist"], map });
  expect(head(table, 4)).toEqual([255, 1, 255, 1]);
  expect(missing).toEqual(["car"]);
  expect(notes).toEqual(["Not in the map, so none of the dataset's: road."]);
});

test("a map by numbers, for a network without names", () => {
  const map = parseClassMap({ classes: { "7": "road", "0": "sky", "3": null } }, "mine.json");
  const { table } = mapClasses({ network: undefined, dataset: ["road", "sky"], map });
  expect(head(table, 8)).toEqual([1, 255, 255, 255, 255, 255, 255, 0]);
});

test("names that neither side has, with the nearest that it has", () => {
  const network = ["road", "vegetation"];
  const dataset = ["street", "tree"];
  const using = (classes: Record<string, string>): (() => unknown) => {
    const map = parseClassMap({ title: "mine", classes }, "mine.json");
    return () => mapClasses({ network, dataset, map });
  };
  expect(using({ vegetatoin: "tree" })).toThrow(
    'class map "mine": expected a class of the network, got "vegetatoin"; try "vegetation" (road, vegetation)',
  );
  expect(using({ road: "steet" })).toThrow('expected a class of the dataset, got "steet"; try "street" (street, tree)');
  expect(using({ zebra: "tree" })).toThrow('got "zebra" (road, vegetation)');
});

const BAD: readonly unknown[] = [
  null,
  [],
  "road",
  {},
  { classes: [] },
  { classes: {} },
  { classes: { road: 3 } },
  { title: 3, classes: { road: null } },
];
for (const json of BAD) {
  test(`no class map: ${JSON.stringify(json)}`, () => {
    expect(() => parseClassMap(json, "mine.json")).toThrow(/^mine\.json: expected .*try \{ "classes"/);
  });
}
