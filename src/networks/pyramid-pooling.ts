// Pyramid pooling: means over grids of 1, 2, 3 and 6 cells a side, each brought back to the size of the map.
// Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, section 3.2 and figure 3; upsampling aligns
// corners, as the Interp layers of the authors' Caffe network do.
// ONNX has no adaptive pooling. Where sizes are constants and a grid divides them, it is an AveragePool, as PyTorch
// exports it; otherwise cells are cut out and averaged, rows first and then columns, with PyTorch's bounds:
// cell i of k on an axis of length n is [floor(i n / k), ceil((i + 1) n / k)).

import type { Feature, Layers, Size } from "./layers.ts";

const grids = [1, 2, 3, 6] as const;

/**
 * Adds a pyramid under `name`.
 * @param channels of each level
 * @returns x and the four levels behind it: [batch, x.channels + 4 channels, height, width]
 */
export function pyramidPooling(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const size = layers.sizeOf(`${name}/size`, x);
  const parts: [Feature, ...Feature[]] = [x];
  for (const grid of grids) {
    const pooled = adaptivePool(layers, `${name}/grid${grid}/pool`, x, size, grid);
    const reduced = layers.convBnRelu(`${name}/grid${grid}`, pooled, channels);
    parts.push(layers.resize(`${name}/grid${grid}/up`, reduced, size, "bilinear-corners"));
  }
  return layers.concat(`${name}/concat`, parts);
}

/** Means over `grid` times `grid` cells: [batch, channels, grid, grid]. */
function adaptivePool(layers: Layers, name: string, x: Feature, size: Size, grid: number): Feature {
  if (grid === 1) return layers.globalPool(name, x);
  const pooled = { ...x, extent: x.extent && { heightPx: grid, widthPx: grid } };
  if (size.kind === "constant") {
    const { heightPx, widthPx } = size.extent;
    if (heightPx % grid === 0 && widthPx % grid === 0) {
      const cell = [heightPx / grid, widthPx / grid];
      return {
        ...pooled,
        name: layers.graph.add(name, "AveragePool", [x.name], { kernel_shape: cell, strides: cell }),
      };
    }
  }
  const { height, width } =
    size.kind === "computed" ? size : { height: size.extent.heightPx, width: size.extent.widthPx };
  const rows = axisPool(layers, `${name}/rows`, x.name, { axis: 2, length: height, grid });
  return { ...pooled, name: axisPool(layers, name, rows, { axis: 3, length: width, grid }) };
}

/** Means over `grid` parts of one axis. */
function axisPool(
  layers: Layers,
  name: string,
  x: string,
  { axis, length, grid }: { axis: number; length: number | string; grid: number },
): string {
  const { graph } = layers;
  const start = (cell: string, index: number): string => {
    if (typeof length === "number") return layers.int64([Math.floor((index * length) / grid)]);
    const product = graph.add(`${cell}/start/mul`, "Mul", [length, layers.int64(index)]);
    return layers.vector(`${cell}/start`, [graph.add(`${cell}/start/div`, "Div", [product, layers.int64(grid)])]);
  };
  const end = (cell: string, index: number): string => {
    if (typeof length === "number") return layers.int64([Math.ceil(((index + 1) * length) / grid)]);
    const product = graph.add(`${cell}/end/mul`, "Mul", [length, layers.int64(index + 1)]);
    const raised = graph.add(`${cell}/end/add`, "Add", [product, layers.int64(grid - 1)]);
    return layers.vector(`${cell}/end`, [graph.add(`${cell}/end/div`, "Div", [raised, layers.int64(grid)])]);
  };
  const means = Array.from({ length: grid }, (_, index) => {
    const cell = `${name}/${index}`;
    const bounds = [start(cell, index), end(cell, index), layers.int64([axis])];
    const part = graph.add(`${cell}/slice`, "Slice", [x, ...bounds]);
    return graph.add(`${cell}/mean`, "ReduceMean", [part], { axes: [axis], keepdims: 1 });
  });
  return graph.add(name, "Concat", means, { axis });
}
