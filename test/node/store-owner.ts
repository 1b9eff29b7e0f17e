// Opens a store in the folder that it is given, keeps something in it, says so, and stays: a process to be killed.

import { FileStore } from "../../src/node/file-store.ts";

const store = await FileStore.open(process.argv[2] ?? "");
await store.putLabels(0, 0, Uint8Array.of(4, 5, 6));
await store.save(Uint8Array.of(1, 2, 3));
console.log("kept");
setInterval(() => undefined, 1000);
