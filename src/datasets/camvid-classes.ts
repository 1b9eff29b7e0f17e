// The 32 classes of CamVid with their colours, and the 11 classes into which they are grouped.
// Colours: `label_colors.txt` beside the dataset, and Brostow, Fauqueur, Cipolla: Semantic object classes in video
// (Pattern Recognition Letters 2009). Grouping: that of SegNet's training (Badrinarayanan, Kendall, Cipolla, 2017), as
// published with MATLAB's SegNet example (`camvidPixelLabelIDs`).

import { ColourTable, VOID, type Colour } from "./label-table.ts";

/** The 11 classes, in the order of the SegNet tutorial's label images; 11 is void there. */
export const CAMVID_CLASSES: readonly string[] = [
  "sky",
  "building",
  "pole",
  "road",
  "pavement",
  "tree",
  "sign",
  "fence",
  "car",
  "pedestrian",
  "bicyclist",
];

/** Name, colour, and which of the 11 it belongs to. Void is in none. */
const CLASSES: readonly (readonly [name: string, colour: Colour, group: string])[] = [
  ["Animal", [64, 128, 64], "pedestrian"],
  ["Archway", [192, 0, 128], "building"],
  ["Bicyclist", [0, 128, 192], "bicyclist"],
  ["Bridge", [0, 128, 64], "building"],
  ["Building", [128, 0, 0], "building"],
  ["Car", [64, 0, 128], "car"],
  ["CartLuggagePram", [64, 0, 192], "pedestrian"],
  ["Child", [192, 128, 64], "pedestrian"],
  ["Column_Pole", [192, 192, 128], "pole"],
  ["Fence", [64, 64, 128], "fence"],
  ["LaneMkgsDriv", [128, 0, 192], "road"],
  ["LaneMkgsNonDriv", [192, 0, 64], "road"],
  ["Misc_Text", [128, 128, 64], "sign"],
  ["MotorcycleScooter", [192, 0, 192], "bicyclist"],
  ["OtherMoving", [128, 64, 64], "car"],
  ["ParkingBlock", [64, 192, 128], "pavement"],
  ["Pedestrian", [64, 64, 0], "pedestrian"],
  ["Road", [128, 64, 128], "road"],
  ["RoadShoulder", [128, 128, 192], "pavement"],
  ["Sidewalk", [0, 0, 192], "pavement"],
  ["SignSymbol", [192, 128, 128], "sign"],
  ["Sky", [128, 128, 128], "sky"],
  ["SUVPickupTruck", [64, 128, 192], "car"],
  ["TrafficCone", [0, 0, 64], "pole"],
  ["TrafficLight", [0, 64, 64], "sign"],
  ["Train", [192, 64, 128], "car"],
  ["Tree", [128, 128, 0], "tree"],
  ["Truck_Bus", [192, 128, 192], "car"],
  ["Tunnel", [64, 0, 64], "building"],
  ["VegetationMisc", [192, 192, 0], "tree"],
  ["Wall", [64, 192, 0], "building"],
];

const VOID_COLOUR: readonly [Colour, number] = [[0, 0, 0], VOID];

/** All classes but void, in the order of `label_colors.txt`. */
export const CAMVID_FINE_CLASSES: readonly string[] = CLASSES.map(([name]) => name);

/** Colours to {@link CAMVID_FINE_CLASSES}. */
export function fineColours(): ColourTable {
  return new ColourTable([...CLASSES.map(([, colour], label) => [colour, label] as const), VOID_COLOUR]);
}

/** Colours to {@link CAMVID_CLASSES}. */
export function groupedColours(): ColourTable {
  const grouped = CLASSES.map(([, colour, group]) => [colour, CAMVID_CLASSES.indexOf(group)] as const);
  return new ColourTable([...grouped, VOID_COLOUR]);
}
