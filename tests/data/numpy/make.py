import numpy as np

lines = []


def note(file, part, array, dtype):
    array = np.asarray(array)
    values = array.astype(np.complex128).ravel(order="C")
    text = " ".join(f"{v.real:.17g}" if array.dtype.kind != "c" else f"{v.real:.17g},{v.imag:.17g}" for v in values)
    lines.append(f"{file}|{part}|{dtype}|{' '.join(map(str, array.shape))}|{text}")


def save(file, array, dtype, version=None):
    with open(file, "wb") as f:
        np.lib.format.write_array(f, array, version=version)
    note(file, "", array, dtype)


base = np.arange(12).reshape(3, 4) - 3
read_as = {
    "b1": "Bool", "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "Int64", "u1": "Byte", "u2": "Int32", "u4": "Int64", "u8": "Int64",
    "f2": "Float16", "f4": "Float32", "f8": "Float64", "c8": "ComplexFloat32", "c16": "ComplexFloat64",
}
for kind, dtype in read_as.items():
    values = np.abs(base) if kind[0] == "u" else base * 0.5 if kind[0] == "f" else base * (0.5 + 2j) if kind[0] == "c" else base
    save(f"{kind}.npy", values.astype("<" + kind), dtype)
    if kind[-1] != "1":
        save(f"{kind}-big.npy", values.astype(">" + kind), dtype)
save("fortran.npy", np.asfortranarray(np.arange(24, dtype=np.int32).reshape(2, 3, 4)), "Int32")
save("fortran-big.npy", np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype(">f4")), "Float32")
save("scalar.npy", np.array(2.5), "Float64")
save("empty.npy", np.zeros((3, 0, 2), np.float32), "Float32")
save("version-2.npy", np.arange(5, dtype=np.int16), "Int16", (2, 0))
save("version-3.npy", np.arange(5, dtype=np.int16), "Int16", (3, 0))

events = np.zeros(4, [("t", "<i8"), ("x", "<i2"), ("y", ">u2"), ("p", "?")])
events["t"], events["x"], events["y"], events["p"] = [10, 20, 30, 1 << 40], [1, -2, 3, 4], [5, 6, 7, 65535], [1, 0, 1, 1]
np.save("records.npy", events)
for name, dtype in {"t": "Int64", "x": "Int16", "y": "Int32", "p": "Bool"}.items():
    note("records.npy", name, events[name], dtype)
aligned = np.zeros(2, np.dtype([("a", "u1"), ("b", "<f8"), ("größe µ Ω", "<f4", (2, 2))], align=True))
aligned["a"], aligned["b"], aligned["größe µ Ω"] = [1, 2], [0.5, -0.5], np.arange(8).reshape(2, 2, 2)
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    np.save("aligned.npy", aligned)
for name, dtype in {"a": "Byte", "b": "Float64", "größe µ Ω": "Float32"}.items():
    note("aligned.npy", name, aligned[name], dtype)

arrays = {"t": np.arange(6), "x": np.arange(6, dtype=np.int16), "frames": np.zeros((2, 5, 5), np.float32)}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
for file in ["stored.npz", "deflated.npz"]:
    for name, dtype in {"t": "Int64", "x": "Int16", "frames": "Float32"}.items():
        note(file, name, arrays[name], dtype)
np.save("objects.npy", np.array([1, "a", None], dtype=object), allow_pickle=True)
with open("expected.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
