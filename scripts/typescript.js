// `node --import ./scripts/typescript.js FILE.ts` runs TypeScript sources, in worker threads too
// (the `tsx` command does so in the main thread only).
import { register } from "tsx/esm/api";

register();
