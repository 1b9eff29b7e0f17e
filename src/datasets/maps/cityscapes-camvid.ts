// The 19 classes that Cityscapes scores, as the 11 that are scored on CamVid.
// After the published grouping of CamVid's 32 classes into 11 (Sturgess et al. 2009, SegNet; the list as MathWorks gives
// it): walls are building, parking and shoulders pavement, low plants tree, traffic lights sign, trucks, buses and trains
// car, motorcycles bicyclist.

import type { ClassMap } from "../class-map.ts";

/** Cityscapes to CamVid. */
export const CITYSCAPES_TO_CAMVID: ClassMap = {
  title: "Cityscapes' 19 classes as CamVid's 11",
  from: "cityscapes",
  to: "camvid",
  // In the order of Cityscapes' train ids: for networks that name nothing, the order counts.
  classes: {
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
  },
};
