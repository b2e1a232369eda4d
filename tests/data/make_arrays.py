"""Writes the files of arrays that the tests read: matlab/*.mat, hdf5/*.h5 and npz/*.npz, each with what the original tool reads back
in *.npz beside it. Needs Debian's python3-numpy, python3-scipy and python3-h5py.

    cd tests/data && /usr/bin/python3 make_arrays.py
"""
import struct
import zlib

import h5py
import numpy as np
import scipy.io

rng = np.random.default_rng(12)


def integers(dtype, shape):
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2 ** 62)), min(limits.max, 2 ** 62)
    return rng.integers(low, high, shape, dtype=np.int64 if limits.min < 0 or high < 2 ** 63 else np.uint64).astype(dtype)


def variables():
    values = {name: integers(name, (3, 4)) for name in
              ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]}
    values["double"] = rng.standard_normal((3, 4))
    values["single"] = rng.standard_normal((2, 5)).astype(np.float32)
    values["whole"] = np.arange(20.0).reshape(4, 5)
    values["cube"] = rng.standard_normal((2, 3, 4))
    values["scalar"] = np.array([[2.5]])
    values["empty"] = np.zeros((0, 3))
    values["mask"] = np.array([[True, False, True]])
    values["z"] = rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))
    values["long_name_of_an_array_0123456789"] = np.arange(3.0)[None]
    return values


def level5():
    values = variables()
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = np.arange(6.0).reshape(2, 3), "text"
    points = np.empty((1, 2), dtype=[("x", object), ("y", object)])
    for i in range(2):
        points[0, i] = (np.array([[1.0 + i]]), integers("int16", (2, 2)))
    extra = {
        "text": "Grüße",
        "cells": cell,
        "s": {"a": np.arange(4.0)[None], "inner": {"b": np.array([[7, 8]], dtype=np.int32)}},
        "points": points,
        "sparse": scipy.sparse.csc_matrix(np.eye(3)),
    }
    for name, compress in (("level5", False), ("level5_compressed", True)):
        scipy.io.savemat(f"matlab/{name}.mat", values | extra, do_compression=compress)
    back = scipy.io.loadmat("matlab/level5.mat")
    expected = {name: back[name] for name in values}
    expected["cells[0]"] = back["cells"][0, 0]
    expected["s.a"] = back["s"]["a"][0, 0]
    expected["s.inner.b"] = back["s"]["inner"][0, 0]["b"][0, 0]
    for i in range(2):
        expected[f"points[{i}].x"] = back["points"]["x"][0, i]
        expected[f"points[{i}].y"] = back["points"]["y"][0, i]
    save_expected("matlab/level5.mat", expected)


def big_endian(path):
    """As a SPARC wrote it. scipy can't write the order of bytes, but it reads it."""
    def element(kind, data):
        if 0 < len(data) <= 4:
            return struct.pack(">HH", len(data), kind) + data.ljust(4, b"\0")
        return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    def matrix(name, array_class, kind, array, complex_part=None):
        flags = (0x08 if complex_part is not None else 0) << 8 | array_class
        body = element(6, struct.pack(">II", flags, 0))
        body += element(5, struct.pack(f">{array.ndim}i", *array.shape))
        body += element(1, name.encode())
        body += element(kind, array.astype(array.dtype.newbyteorder(">")).tobytes(order="F"))
        if complex_part is not None:
            body += element(kind, complex_part.astype(complex_part.dtype.newbyteorder(">")).tobytes(order="F"))
        return struct.pack(">II", 14, len(body)) + body

    def packed(data):
        data = zlib.compress(data)
        return struct.pack(">II", 15, len(data)) + data

    d = rng.standard_normal((3, 2))
    z = rng.standard_normal((2, 2)), rng.standard_normal((2, 2))
    small = np.array([[1, 2]], dtype=np.int16)
    with open(path, "wb") as f:
        f.write(b"MATLAB 5.0 MAT-file, Platform: SOL2".ljust(124) + struct.pack(">H", 0x0100) + b"MI")
        f.write(matrix("d", 6, 9, d))
        f.write(packed(matrix("whole", 6, 3, small)))
        f.write(matrix("z", 6, 9, z[0], z[1]))
        f.write(packed(matrix("f", 7, 7, rng.standard_normal((2, 3, 2)).astype(np.float32))))
    back = scipy.io.loadmat(path)
    save_expected(path, {name: back[name] for name in ["d", "whole", "z", "f"]})


def save_expected(path, values):
    # Types that libtorch lacks, as the wider ones that it has.
    wider = {"uint16": np.int32, "uint32": np.int64, "uint64": np.int64}
    np.savez_compressed(path.rsplit(".", 1)[0] + ".npz", **{name.replace("/", "|"): np.ascontiguousarray(
        value.astype(wider[value.dtype.name]) if value.dtype.name in wider else value.astype(value.dtype.newbyteorder("="))
    ).reshape(value.shape) for name, value in values.items()})


class Matlab73:
    """A file as MATLAB 7.3 writes it: HDF5 after 512 bytes, dimensions in reverse."""

    def __init__(self, path):
        self.path, self.file = path, h5py.File(path, "w", userblock_size=512, libver=("earliest", "v108"))

    def write(self, name, array, matlab_class, group=None, **options):
        data = (group or self.file).create_dataset(name, data=np.ascontiguousarray(array.T), **options)
        data.attrs["MATLAB_class"] = np.bytes_(matlab_class)
        return data

    def close(self):
        self.file.close()
        with open(self.path, "r+b") as f:
            f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 .".ljust(116)
                    + b"\0" * 8 + struct.pack("<H", 0x0200) + b"IM")


def level73(path):
    file = Matlab73(path)
    values = variables()
    names = {"bool": "logical", "float64": "double", "float32": "single"}
    for name, value in values.items():
        if name == "empty":
            data = file.file.create_dataset(name, data=np.array([0, 3], dtype=np.uint64))
            data.attrs["MATLAB_class"], data.attrs["MATLAB_empty"] = np.bytes_("double"), np.uint8(1)
        elif name == "mask":
            data = file.write(name, value.astype(np.uint8), "logical")
            data.attrs["MATLAB_int_decode"] = np.int32(1)
        elif name == "z":
            pair = np.zeros(value.shape, dtype=[("real", "<f8"), ("imag", "<f8")])
            pair["real"], pair["imag"] = value.real, value.imag
            file.write(name, pair, "double")
        else:
            options = {"compression": "gzip", "shuffle": True} if name in ("double", "cube") else {}
            file.write(name, value, names.get(value.dtype.name, value.dtype.name), **options)
    group = file.file.create_group("s")
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    values["s.a"] = np.arange(4.0)[None]
    file.write("a", values["s.a"], "double", group)
    text = file.write("text", np.array([[ord(c) for c in "Grüße"]], dtype=np.uint16), "char")
    text.attrs["MATLAB_int_decode"] = np.int32(2)
    refs = file.file.create_group("#refs#")
    cell = np.empty((2, 1), dtype=h5py.ref_dtype)
    values["cells[0]"], values["cells[1]"] = np.arange(6.0).reshape(2, 3), np.array([[5.0]])
    for i in range(2):
        cell[i, 0] = file.write("ab"[i], values[f"cells[{i}]"], "double", refs).ref
    cells = file.file.create_dataset("cells", data=cell, dtype=h5py.ref_dtype)
    cells.attrs["MATLAB_class"] = np.bytes_("cell")
    file.close()
    save_expected(path, values)


def hdf5():
    values = {name: integers(name, (3, 4)) for name in
              ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]}
    values |= {name: rng.standard_normal((3, 4)).astype(name) for name in ["float16", "float32", "float64"]}
    values["flags"] = np.array([True, False, True])
    values["z"] = (rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))).astype(np.complex64)
    values["scalar"] = np.array(2.5)
    values["empty"] = np.zeros((0, 3))
    plain = dict(values)
    chunked = {
        "group/chunked": (rng.standard_normal((11, 5)), {"chunks": (4, 3)}),
        "group/deflated": (np.arange(110.0).reshape(11, 10), {"chunks": (4, 4), "compression": "gzip", "shuffle": True, "fletcher32": True}),
        "group/deep/grown": (np.arange(30, dtype=np.int32).reshape(10, 3), {"chunks": (3, 3), "maxshape": (None, 3)}),
    }
    for libver in ("earliest", "latest"):
        with h5py.File(f"hdf5/{libver}.h5", "w", libver=libver) as f:
            for name, value in plain.items():
                f[name] = value
            for name, (value, options) in chunked.items():
                f.create_dataset(name, data=value, **options)
                values[name] = value
            f.create_dataset("filled", (5, 2), "f4", chunks=(2, 2), fillvalue=1.5)
            f["text"] = "not numbers"
            f["big_endian"] = np.arange(3.0).astype(">f8")
    values["filled"] = np.full((5, 2), 1.5, np.float32)
    save_expected("hdf5/expected.h5", values)


def operators():
    """Small files of the layouts of the published data sets."""
    x = np.arange(64) / 64
    modes = np.stack([np.sin(2 * np.pi * k * x) for k in (1, 2, 3)])
    a = (rng.standard_normal((12, 3)) @ modes).astype(np.float32)
    scipy.io.savemat("matlab/burgers_data_R10.mat", {"a": a, "u": np.roll(a, 3, axis=1) / 2}, do_compression=True)

    s = np.linspace(0, 1, 13)
    for part in (1, 2):
        coeff = np.where(rng.standard_normal((8, 13, 13)) > 0, 12, 3).astype(np.uint8)
        sol = rng.uniform(0.5, 1, (8, 1, 1)) * np.outer(s * (1 - s), s * (1 - s))
        scipy.io.savemat(f"matlab/piececonst_r421_N1024_smooth{part}.mat", {"coeff": coeff, "sol": sol.astype(np.float32)}, do_compression=True)

    file = Matlab73("matlab/NavierStokes_V1e-3_N5000_T50.mat")
    wave = np.outer(np.sin(2 * np.pi * np.arange(8) / 8), np.cos(2 * np.pi * np.arange(8) / 8))
    u = rng.uniform(0.5, 1, (5, 1, 1, 1)) * wave[None, :, :, None] * np.exp(-0.1 * np.arange(12))
    file.write("u", u.astype(np.float32), "single", chunks=(12, 8, 8, 2), compression="gzip", shuffle=True)
    file.write("t", np.arange(12.0)[None], "double")
    file.close()

    sensors = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    u = (rng.standard_normal((10, 3)) @ np.stack([np.cos(k * sensors[:, 0]) for k in (1, 2, 3)])).astype(np.float32)
    y = np.cumsum(u, axis=1, dtype=np.float32) / 20
    for part, rows in (("train", slice(0, 6)), ("test", slice(6, 10))):
        pickled = np.empty(2, dtype=object)
        pickled[0], pickled[1] = u[rows], sensors
        np.savez_compressed(f"npz/antiderivative_aligned_{part}.npz", X=pickled, y=y[rows])
        np.savez_compressed(f"npz/aligned_plain_{part}.npz", X0=u[rows], X1=sensors, y=y[rows])
        at = rng.integers(0, 20, len(u[rows]))
        np.savez_compressed(f"npz/antiderivative_unaligned_{part}.npz", **{
            f"X_{part}0": u[rows].astype(np.float64), f"X_{part}1": sensors[at].astype(np.float64),
            f"y_{part}": np.take_along_axis(y[rows], at[:, None], 1).astype(np.float64)})


level5()
big_endian("matlab/big_endian.mat")
level73("matlab/level73.mat")
hdf5()
operators()
