#!/usr/bin/env python3
"""Writes what tests/data compares with, made by other programs, into this folder.

  make_data_golden.py     (Debian 12: python3-sklearn 1.2.1, python3-numpy 1.24.2, python3-h5py 3.7.0)

data_golden.json: splits and scaler constants of scikit-learn.
data_files/: the same six rows in each format and dtype, row i = (i + 0.5, 10 i, -i) of class i mod 3.

The rows come from a generator that the test repeats: x[i][f] = float32(m / 2^24 * 10^(f-1) + f) with m the high
24 bits of s = 6364136223846793005 s + 1442695040888963407 (mod 2^64), s starting at 1. Feature 3 is constant.
"""
import json
import pathlib

import h5py
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

ROWS, FEATURES = 1009, 5


def make_rows():
    state, values = 1, []
    for i in range(ROWS * FEATURES):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        f = i % FEATURES
        values.append(0.1 if f == 3 else (state >> 40) / 2**24 * 10.0 ** (f - 1) + f)
    return np.array(values, dtype=np.float32).reshape(ROWS, FEATURES)


def split(rows):
    rest, test = train_test_split(np.arange(rows), test_size=0.2, random_state=42)
    train, validation = train_test_split(rest, test_size=0.1, random_state=42)
    return {"rows": rows, "train": train.tolist(), "validation": validation.tolist(), "test": test.tolist()}


def write_files(folder):
    folder.mkdir(exist_ok=True)
    i = np.arange(6)
    x = np.stack([i + 0.5, 10.0 * i, -1.0 * i], axis=1)
    y = i % 3
    one_hot = np.eye(3)[y]
    np.save(folder / "x.npy", x.astype("f4"))
    np.save(folder / "y.npy", y.astype("i8"))
    np.save(folder / "big_endian_f8.npy", np.column_stack([x, y]).astype(">f8"))
    np.save(folder / "fortran_f4.npy", np.asfortranarray(np.column_stack([x, one_hot]).astype("f4")))
    np.savez(folder / "plain.npz", X=x.astype("f8"), y=y.astype("u1"))
    np.savez_compressed(folder / "packed.npz", data=x.astype("f4"), target=one_hot.astype("b1"), other=i)
    np.lib.format.write_array(open(folder / "version2.npy", "wb"), np.column_stack([x, y]), version=(2, 0))

    fields = [("j_a", "f4"), ("name", "S4"), ("j_b", "f8"), ("count", "i2"), ("j_c", ">f4")]
    fields += [("j_p", "u1"), ("j_q", "i4"), ("j_r", "f4")]
    records = np.zeros(6, dtype=fields)
    for k, field in enumerate(["j_a", "j_b", "j_c"]):
        records[field] = x[:, k]
    for k, field in enumerate(["j_p", "j_q", "j_r"]):
        records[field] = one_hot[:, k]
    with h5py.File(folder / "records.h5", "w", libver="latest") as file:
        file.create_dataset("jets", data=records, chunks=(4,), compression="gzip")
    with h5py.File(folder / "arrays.h5", "w", libver="latest") as file:
        file["X"], file["y"] = x, y.astype("u2")
    with h5py.File(folder / "one_array.h5", "w", libver="latest") as file:
        file["anything"] = np.column_stack([x, y]).astype(">i4") + np.array([0, 0, 0, 0])
    with h5py.File(folder / "rank3.h5", "w", libver="latest") as file:
        file["X"] = np.zeros((2, 2, 2))
    with h5py.File(folder / "empty.h5", "w", libver="latest") as file:
        file.create_group("group")


def main():
    x = make_rows()
    rest, _ = train_test_split(np.arange(ROWS), test_size=0.2, random_state=42)
    scaler = StandardScaler().fit(x[rest])
    z = scaler.transform(x[:8].copy())
    assert z.dtype == np.float32
    golden = {
        "splits": [split(rows) for rows in (10, 15, 33, 100)],
        "mean": [float(v).hex() for v in scaler.mean_],
        "scale": [float(v).hex() for v in scaler.scale_],
        "z": [float(v).hex() for v in z.ravel()],
    }
    here = pathlib.Path(__file__).parent
    (here / "data_golden.json").write_text(json.dumps(golden) + "\n")
    write_files(here / "data_files")


if __name__ == "__main__":
    main()
