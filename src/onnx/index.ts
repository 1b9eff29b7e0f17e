// ONNX files as typed graphs: read, write, build, walk, count.

export { attributeOf, float, floats, intAttribute, intsAttribute, stringAttribute, subgraphsOf } from "./attribute.ts";
export type { AttributeInit } from "./attribute.ts";
export { GraphBuilder, modelOf, nodeOf, tensorValue } from "./build.ts";
export type { AttributeInits, NodeInit } from "./build.ts";
export { macsOf, parametersOf, totalParameters } from "./cost.ts";
export type { ShapeOf } from "./cost.ts";
export { Expressions } from "./expressions.ts";
export { byteLength, dtypeCode, dtypeOf, isIntegral } from "./dtype.ts";
export type { DType } from "./dtype.ts";
export { bfloat16Bits, float16Bits, float16Value } from "./float16.ts";
export { halved, widened } from "./half.ts";
export type { HalvedModel } from "./half.ts";
export { nodeLabel } from "./model.ts";
export type { Attribute, Dim, Graph, Model, Node, Rest, Tensor, Value, ValueType } from "./model.ts";
export { readModel } from "./read.ts";
export type { ReadOptions } from "./read.ts";
export { byteTensor, elementCount, float32Tensor, int64Tensor, numbersOf, ofBytes, tensorBytes } from "./tensor.ts";
export { upgraded } from "./upgrade.ts";
export { capturesOf, GraphIndex, namesIn, tensorsReadBy, topologicalOrder } from "./walk.ts";
export { inlineLimitBytes, writeModel } from "./write.ts";
export type { WriteOptions, WrittenModel } from "./write.ts";
