// Opens a session, runs it once without waiting for the answer, and leaves it open: for node.test.ts, as a process.

import { nodeEngine } from "../../src/engine/node/engine.ts";
import { GraphBuilder, modelOf, writeModel } from "../../src/onnx/index.ts";

const b = new GraphBuilder("square");
const x = b.input("x", "float32", [4, 4]);
b.output(b.add("y", "MatMul", [x, x]), "float32", [4, 4]);
const session = await nodeEngine.open(writeModel(modelOf(b.build())).bytes, { threads: 1 });
const feed = { dtype: "float32", dims: [4, 4], data: new Float32Array(16).fill(1) } as const;
void session.run({ x: feed }).then(({ outputs }) => console.log(`ran ${outputs["y"]?.data[0]}`));
