// The engine of runtime.ts under the name by which some tests know it.

export { localEngine as directEngine } from "./runtime.ts";
