#!/usr/bin/env python3
"""Writes data_golden.json: splits and scaler constants of scikit-learn, for tests/data.

  make_data_golden.py > data_golden.json      (Debian 12: python3-sklearn 1.2.1, python3-numpy 1.24.2)

The rows come from a generator that the test repeats: x[i][f] = float32(m / 2^24 * 10^(f-1) + f) with m the high
24 bits of s = 6364136223846793005 s + 1442695040888963407 (mod 2^64), s starting at 1. Feature 3 is constant.
"""
import json

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
    train, validation = train_test_split(rest, test_size=int(np.ceil(0.1 * rows)), random_state=42)
    return {"rows": rows, "train": train.tolist(), "validation": validation.tolist(), "test": test.tolist()}


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
    print(json.dumps(golden))


if __name__ == "__main__":
    main()
