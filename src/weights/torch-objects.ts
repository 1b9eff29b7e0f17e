// What PyTorch puts into its pickle streams, as data: the functions that rebuild tensors, the types of storages and
// elements, and the containers of Python. An explicit list; whatever is not on it stays an inert object. The functions are
// those of torch/_utils.py and torch/_tensor.py. Reads no bytes: a tensor here is where its elements lie.

import type { DType } from "../onnx/index.ts";
import type { Layout } from "./strided.ts";
import { isKind, nameOf, type Pickled, type PickleSchema } from "./pickle.ts";
import { damaged } from "./weights.ts";

/** The memory of tensors, before it is read. */
export interface TorchStorage {
  readonly kind: "storage";
  /** Type of its elements; `undefined` for bytes, whose tensors say themselves. */
  readonly dtype: DType | undefined;
  /** What its elements are where ONNX has no such type. */
  readonly foreign: string | undefined;
  /** Name of its record in the file. */
  readonly key: string;
  /** Elements; bytes where there is no type. */
  readonly count: number;
  /** Elements of the record in front of the first. */
  readonly offset: number;
}

/** A tensor, before its elements are read. */
export interface TorchTensor extends Layout {
  readonly kind: "tensor";
  readonly storage: TorchStorage;
  readonly dtype: DType;
}

/** A tensor that cannot be brought in, and why: quantised, sparse, without elements. */
export interface ForeignTensor {
  readonly kind: "foreign";
  readonly reason: string;
}

/** What the streams of PyTorch are made of, besides plain data. */
export type TorchObject = TorchStorage | TorchTensor | ForeignTensor;

/** A value of a stream of PyTorch. */
export type TorchValue = Pickled<TorchObject>;

/** Types of elements by the name that they have in `torch`, and in its storages. */
const dtypes: ReadonlyMap<string, DType> = new Map<string, DType>([
  ["float16", "float16"],
  ["half", "float16"],
  ["HalfStorage", "float16"],
  ["bfloat16", "bfloat16"],
  ["BFloat16Storage", "bfloat16"],
  ["float32", "float32"],
  ["float", "float32"],
  ["FloatStorage", "float32"],
  ["float64", "float64"],
  ["double", "float64"],
  ["DoubleStorage", "float64"],
  ["int8", "int8"],
  ["CharStorage", "int8"],
  ["int16", "int16"],
  ["short", "int16"],
  ["ShortStorage", "int16"],
  ["int32", "int32"],
  ["int", "int32"],
  ["IntStorage", "int32"],
  ["int64", "int64"],
  ["long", "int64"],
  ["LongStorage", "int64"],
  ["uint8", "uint8"],
  ["ByteStorage", "uint8"],
  ["uint16", "uint16"],
  ["uint32", "uint32"],
  ["uint64", "uint64"],
  ["bool", "bool"],
  ["BoolStorage", "bool"],
  ["complex64", "complex64"],
  ["ComplexFloatStorage", "complex64"],
  ["complex128", "complex128"],
  ["ComplexDoubleStorage", "complex128"],
  ["float8_e4m3fn", "float8e4m3fn"],
  ["float8_e4m3fnuz", "float8e4m3fnuz"],
  ["float8_e5m2", "float8e5m2"],
  ["float8_e5m2fnuz", "float8e5m2fnuz"],
]);

type Args = readonly TorchValue[];

/** The schema of PyTorch's streams; `where` names the file in messages. */
export function torchSchema(where: string): PickleSchema<TorchObject> {
  const objects = new TorchObjects(where);
  return {
    call: (global, args) => objects.call(global, args),
    persistent: (id) => objects.persistent(id),
  };
}

class TorchObjects {
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  /** The allow-list. */
  call(global: string, args: Args): TorchValue | undefined {
    switch (global) {
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2":
        return this.#tensor(global, args, undefined, args[6]);
      case "torch._utils._rebuild_tensor_v3":
        return this.#tensor(global, args, args[6], args[7]);
      case "torch._utils._rebuild_parameter":
      case "torch._utils._rebuild_parameter_with_state":
      case "torch.nn.parameter.Parameter":
      case "torch.nn.parameter.Buffer":
        return args[0];
      case "torch._tensor._rebuild_from_type_v2":
      case "torch._tensor._rebuild_from_type":
      case "torch.tensor._rebuild_from_type":
        return this.#ofType(args);
      case "torch._utils._rebuild_qtensor":
        return foreign("is quantised");
      case "torch._utils._rebuild_sparse_tensor":
      case "torch._utils._rebuild_sparse_csr_tensor":
        return foreign("is sparse");
      case "torch._utils._rebuild_meta_tensor_no_storage":
        return foreign("has no elements (device meta)");
      case "torch._utils._rebuild_nested_tensor":
      case "torch._utils._rebuild_wrapper_subclass":
      case "torch._utils._rebuild_device_tensor_from_numpy":
      case "torch._utils._rebuild_device_tensor_from_cpu_tensor":
      case "torch._utils._rebuild_xla_tensor":
        return foreign(`is rebuilt by ${global}`);
      case "torch.Size":
      case "builtins.tuple":
      case "__builtin__.tuple":
        return { kind: "tuple", items: itemsOf(args[0]) };
      case "builtins.list":
      case "__builtin__.list":
        return { kind: "list", items: itemsOf(args[0]) };
      case "builtins.set":
      case "__builtin__.set":
      case "builtins.frozenset":
      case "__builtin__.frozenset":
        return { kind: "set", items: itemsOf(args[0]) };
      case "builtins.dict":
      case "__builtin__.dict":
      case "collections.OrderedDict":
      case "collections.Counter":
        return { kind: "dict", entries: entriesOf(args[0]) };
      case "collections.defaultdict":
        return { kind: "dict", entries: entriesOf(args[1]) };
      case "torch.device":
        return args.map(nameOf).join(":");
      case "_codecs.encode":
        return typeof args[0] === "string" ? Uint8Array.from(args[0], (char) => char.charCodeAt(0)) : undefined;
      default:
        return undefined;
    }
  }

  /** `("storage", type, key, device, count)`, in streams before PyTorch 1.6 with a view on another storage behind it. */
  persistent(id: TorchValue): TorchValue {
    const [what, type, key, , count, view] = isKind(id, "tuple") ? id.items : [];
    // Old files keep the source text of a class beside it; the class is what is meant.
    if (what === "module" && type !== undefined) return type;
    const name = isKind(type, "global") ? /^torch(?:\.cuda|\.storage)?\.(_?\w+)$/.exec(type.name)?.[1] : undefined;
    if (what !== "storage" || name === undefined || !isIndex(count)) {
      throw damaged(
        this.#where,
        `expected the id of a storage, got ${isKind(id, "tuple") ? nameOf(type) : nameOf(id)}`,
      );
    }
    const untyped = /^_?(?:Untyped|Typed)Storage$/.test(name);
    const dtype = dtypes.get(name);
    const [, offset = 0] = isKind(view, "tuple") ? view.items : [];
    if (!isIndex(offset)) throw damaged(this.#where, `expected an offset of a storage's view, got ${nameOf(offset)}`);
    return made({
      kind: "storage",
      dtype,
      foreign: dtype === undefined && !untyped ? name : undefined,
      key: typeof key === "string" ? key : nameOf(key),
      count,
      offset,
    });
  }

  #tensor(global: string, args: Args, type: TorchValue | undefined, metadata: TorchValue | undefined): TorchValue {
    const [storage, offset, size, stride] = args;
    const dims = indices(size);
    const strides = indices(stride);
    const memory = isKind(storage, "made") && storage.value.kind === "storage" ? storage.value : undefined;
    if (memory === undefined || !isIndex(offset) || dims === undefined || strides?.length !== dims.length) {
      const got = args.slice(0, 4).map(nameOf).join(", ");
      throw damaged(this.#where, `${global}: expected a storage, an offset, a size and strides, got ${got}`);
    }
    const dtype = isKind(type, "global") ? dtypes.get(type.name.replace(/^torch\./, "")) : memory.dtype;
    if (dtype === undefined) {
      return foreign(`has elements of type ${memory.foreign ?? nameOf(type)}, which ONNX does not have`);
    }
    // A conjugated or negated view has other values than its storage.
    const flags = isKind(metadata, "dict") ? [...metadata.entries] : [];
    const set = flags.filter(([, value]) => value === true).map(([key]) => nameOf(key));
    if (set.length > 0) return foreign(`is a view with ${set.join(" and ")} set`);
    return made({ kind: "tensor", storage: memory, dtype, offset, dims, strides });
  }

  /** A tensor with a class of its own: function, class, arguments of the function, attributes. */
  #ofType([callee, , args]: Args): TorchValue | undefined {
    if (!isKind(callee, "global") || !isKind(args, "tuple")) return undefined;
    // One level and no more: a tensor of a class is rebuilt by a function for tensors.
    return callee.name.includes("_rebuild_from_type") ? undefined : this.call(callee.name, args.items);
  }
}

function made(value: TorchObject): TorchValue {
  return { kind: "made", value };
}

function foreign(reason: string): TorchValue {
  return made({ kind: "foreign", reason });
}

function isIndex(value: TorchValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function indices(value: TorchValue | undefined): readonly number[] | undefined {
  const items = isKind(value, "tuple") || isKind(value, "list") ? value.items : undefined;
  return items?.every(isIndex) === true ? items : undefined;
}

function itemsOf(value: TorchValue | undefined): TorchValue[] {
  return isKind(value, "list") || isKind(value, "tuple") || isKind(value, "set") ? [...value.items] : [];
}

/** Entries of a dict, or of a list of pairs. */
function entriesOf(value: TorchValue | undefined): Map<TorchValue, TorchValue> {
  if (isKind(value, "dict")) return new Map(value.entries);
  return new Map(
    itemsOf(value).map((pair) => {
      const [key = null, item = null] = itemsOf(pair);
      return [key, item];
    }),
  );
}
