import { nodeEngine } from "../src/engine/node/engine.ts";
import { smallSegmenter } from "../test/support/segmenting.ts";
import { noiseFrame } from "../test/support/noise.ts";
await using s = smallSegmenter("fixed:2", { engine: nodeEngine });
const f = noiseFrame(96, 64, 1);
let n = 0;
function* src() { for (let i = 0; i < 40000; i++) yield { ...f, data: f.data.slice() }; }
for await (const _ of s.segment(src())) { if (++n % 5000 === 0) { (globalThis as any).gc?.(); const m = process.memoryUsage(); console.log(n, (m.rss/2**20).toFixed(1), (m.heapUsed/2**20).toFixed(2), (m.external/2**20).toFixed(1)); } }
