// The 21 classes of PASCAL VOC as the 11 of YouTube-Objects, as Shelhamer et al. 2016 score them (youtube-clockwork-exp):
// the ten objects are themselves, and everything else that VOC names is background.

import type { ClassMap } from "../class-map.ts";

/** PASCAL VOC to YouTube-Objects. */
export const VOC_TO_YOUTUBE_OBJECTS: ClassMap = {
  title: "PASCAL VOC's 21 classes as YouTube-Objects' 10 and background",
  from: "voc",
  to: "youtube-objects",
  // In the order of VOC's labels: for networks that name nothing, the order counts.
  classes: {
    background: "background",
    aeroplane: "aeroplane",
    bicycle: "background",
    bird: "bird",
    boat: "boat",
    bottle: "background",
    bus: "background",
    car: "car",
    cat: "cat",
    chair: "background",
    cow: "cow",
    diningtable: "background",
    dog: "dog",
    horse: "horse",
    motorbike: "motorbike",
    person: "background",
    pottedplant: "background",
    sheep: "background",
    sofa: "background",
    train: "train",
    tvmonitor: "background",
  },
};
