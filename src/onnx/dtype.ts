// Element types of ONNX tensors: their names here, their numbers in the file, their sizes.

/** Names of the element types that ONNX defines, by their number in the file (ONNX standard, `TensorProto.DataType`). */
const names = [
  "undefined",
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "bfloat16",
  "float8e4m3fn",
  "float8e4m3fnuz",
  "float8e5m2",
  "float8e5m2fnuz",
  "uint4",
  "int4",
  "float4e2m1",
] as const;

/** Element type of a tensor. */
export type DType = (typeof names)[number];

const bits: Record<DType, number> = {
  undefined: 0,
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
};

/** The type with this number in an ONNX file; `undefined` where the number is newer than this table. */
export function dtypeOf(code: number): DType | undefined {
  return names[code];
}

/** The number of a type in an ONNX file. */
export function dtypeCode(dtype: DType): number {
  return names.indexOf(dtype);
}

/** Bytes that `count` elements take in `raw_data` (4-bit types are packed two to a byte). */
export function byteLength(dtype: DType, count: number): number {
  return Math.ceil((bits[dtype] * count) / 8);
}

/** Whether a type counts or selects (integers and bool) and does not measure. */
export function isIntegral(dtype: DType): boolean {
  return dtype === "bool" || dtype.startsWith("int") || dtype.startsWith("uint");
}
