// The table of rules: every operator that gradients go back through. A new one is a file in rules/ and a line here.

import type { Rule } from "./rule.ts";
import * as activation from "./rules/activation.ts";
import { batchNormalization } from "./rules/batch-normalization.ts";
import { conv, convTranspose } from "./rules/conv.ts";
import * as elementwise from "./rules/elementwise.ts";
import { einsum } from "./rules/einsum.ts";
import { gridSample } from "./rules/grid-sample.ts";
import { gemm, matmul } from "./rules/matmul.ts";
import * as normalization from "./rules/normalization.ts";
import * as pool from "./rules/pool.ts";
import * as reduce from "./rules/reduce.ts";
import { resize } from "./rules/resize.ts";
import * as scatter from "./rules/scatter.ts";
import * as shape from "./rules/shape.ts";
import { logSoftmax, softmax } from "./rules/softmax.ts";

/** Rule by operator: its name for those of the ONNX standard, `domain.name` for others. */
export const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["MatMul", matmul],
  ["Gemm", gemm],
  ["Einsum", einsum],

  ["Add", elementwise.add],
  ["Sub", elementwise.sub],
  ["Mul", elementwise.mul],
  ["Div", elementwise.div],
  ["Pow", elementwise.pow],
  ["Max", elementwise.extremum],
  ["Min", elementwise.extremum],
  ["Sum", elementwise.sum],
  ["Mean", elementwise.mean],
  ["Neg", elementwise.neg],
  ["Sqrt", elementwise.sqrt],
  ["Exp", elementwise.exp],
  ["Log", elementwise.log],
  ["Abs", elementwise.abs],
  ["Reciprocal", elementwise.reciprocal],
  ["Sin", elementwise.sin],
  ["Cos", elementwise.cos],
  ["Identity", elementwise.identity],
  ["Dropout", elementwise.dropout],
  ["Cast", elementwise.cast],
  ["Where", elementwise.where],

  ["Relu", activation.relu],
  ["LeakyRelu", activation.leakyRelu],
  ["PRelu", activation.prelu],
  ["Clip", activation.clip],
  ["Sigmoid", activation.sigmoid],
  ["Tanh", activation.tanh],
  ["HardSigmoid", activation.hardSigmoid],
  ["HardSwish", activation.hardSwish],
  ["Erf", activation.erf],
  ["Gelu", activation.gelu],
  ["Softplus", activation.softplus],
  ["Elu", activation.elu],

  ["Softmax", softmax],
  ["LogSoftmax", logSoftmax],

  ["ReduceSum", reduce.reduceSum],
  ["ReduceMean", reduce.reduceMean],
  ["ReduceSumSquare", reduce.reduceSumSquare],
  ["ReduceL1", reduce.reduceL1],
  ["ReduceL2", reduce.reduceL2],
  ["ReduceLogSumExp", reduce.reduceLogSumExp],
  ["ReduceMax", reduce.reduceExtremum],
  ["ReduceMin", reduce.reduceExtremum],

  ["MaxPool", pool.maxPool],
  ["AveragePool", pool.averagePool],
  ["GlobalAveragePool", pool.globalAveragePool],
  ["GlobalMaxPool", pool.globalMaxPool],
  ["Resize", resize],
  ["Upsample", resize],

  ["BatchNormalization", batchNormalization],
  ["LayerNormalization", normalization.layerNormalization],
  ["InstanceNormalization", normalization.instanceNormalization],
  ["GroupNormalization", normalization.groupNormalization],
  ["LpNormalization", normalization.lpNormalization],

  ["GridSample", gridSample],
  ["GatherElements", scatter.gatherElements],
  ["GatherND", scatter.gatherNd],
  ["ScatterElements", scatter.scatterElements],
  ["ScatterND", scatter.scatterNd],
  ["CumSum", scatter.cumSum],
  ["TopK", scatter.topK],

  ["Reshape", shape.reshape],
  ["Flatten", shape.reshape],
  ["Squeeze", shape.reshape],
  ["Unsqueeze", shape.reshape],
  ["Transpose", shape.transpose],
  ["Expand", shape.expand],
  ["Tile", shape.tile],
  ["Concat", shape.concat],
  ["Split", shape.split],
  ["Slice", shape.slice],
  ["Pad", shape.pad],
  ["DepthToSpace", shape.depthToSpace],
  ["SpaceToDepth", shape.spaceToDepth],
  ["Gather", shape.gather],
]);
