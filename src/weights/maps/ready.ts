// The name maps that come with the package, by name. A new one is a file beside this one and a line in the list.

import type { NameMap } from "../name-map.ts";
import { ESPNET } from "./espnet.ts";
import { SEGFORMER } from "./segformer.ts";

/** Name maps that come with the package, by the network that they lead to. */
export const nameMaps: ReadonlyMap<string, NameMap> = new Map([
  ["espnet", ESPNET],
  ["segformer", SEGFORMER],
]);
