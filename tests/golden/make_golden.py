#!/usr/bin/python3
"""Makes the golden trajectories that tests/ops/test_golden.cpp replays: PyTorch trains one small network with
each optimizer for 200 steps; losses, final parameters and running statistics are written as text.

Run with Debian's python3-torch (the committed files come from 1.13.0):  make_golden.py OUTPUT_FOLDER

Data and initial weights come from an integer hash and are exact in float32, so both sides compute the same
bits and nothing but results is stored. The Linear layers before a BatchNorm have no bias: its gradient is zero
but for rounding, which Adam would blow up to whole steps.
"""
import pathlib
import sys

import numpy as np
import torch
from torch import nn

STEPS, BATCH, FEATURES, CLASSES = 200, 48, 16, 5


def hashed(seed, count, first=0):
    """murmur3's finalizer of seed·2^24 + position: integers from 0 to 65535."""
    h = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(seed << 24)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return (h & np.uint64(0xFFFF)).astype(np.int64)


def batch(step):
    """Features k/2^14 in [-2, 2); the label is the highest of five integer sums of them."""
    k = hashed(1, BATCH * FEATURES, step * BATCH * FEATURES).reshape(BATCH, FEATURES) - 32768
    matrix = hashed(2, CLASSES * FEATURES).reshape(CLASSES, FEATURES) % 17 - 8
    labels = (k @ matrix.T).argmax(axis=1)
    return torch.from_numpy((k / 2.0**14).astype(np.float32)), torch.from_numpy(labels)


def parameter(seed, shape, scale):
    values = (hashed(seed, int(np.prod(shape))) - 32768) / 32768 * scale
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def network(bn_eps, bn_momentum):
    layers = nn.Sequential(
        nn.Linear(FEATURES, 16, bias=False), nn.BatchNorm1d(16, eps=bn_eps, momentum=bn_momentum), nn.ReLU(),
        nn.Linear(16, 8, bias=False), nn.BatchNorm1d(8, eps=bn_eps, momentum=bn_momentum), nn.ReLU(),
        nn.Linear(8, CLASSES))
    with torch.no_grad():
        layers[0].weight.copy_(parameter(3, (16, FEATURES), 0.25))
        layers[3].weight.copy_(parameter(4, (8, 16), 0.25))
        layers[6].weight.copy_(parameter(5, (CLASSES, 8), 0.25))
        layers[6].bias.copy_(parameter(6, (CLASSES,), 0.25))
    return layers


def run(make_optimizer, loss=None, clip=None, bn_eps=1e-5, bn_momentum=0.1):
    model = network(bn_eps, bn_momentum)
    criterion = loss or nn.CrossEntropyLoss()
    optimizer = make_optimizer(model.parameters())
    losses = []
    for step in range(STEPS):
        x, labels = batch(step)
        optimizer.zero_grad()
        value = criterion(model(x), labels)
        value.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        losses.append(value.item())
    return model, losses


def batch_norm_eval():
    """A BatchNorm1d in evaluation on 16 x 16 numbers: jsc gives the same bits."""
    layer = nn.BatchNorm1d(FEATURES).eval()
    with torch.no_grad():
        layer.weight.copy_(parameter(7, (FEATURES,), 2))
        layer.bias.copy_(parameter(8, (FEATURES,), 3))
        layer.running_mean.copy_(parameter(9, (FEATURES,), 5))
        layer.running_var.copy_(parameter(10, (FEATURES,), 4).abs())
        return layer(parameter(11, (16, FEATURES), 6)).flatten().tolist()


def write(path, values):
    lines = [f"{key} {len(v)} " + " ".join(f"{x:.9g}" for x in v) for key, v in values.items()]
    path.write_text("\n".join(lines) + "\n")


WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 1.5, 0.25])
RUNS = {
    "sgd": dict(make_optimizer=lambda p: torch.optim.SGD(p, lr=0.1)),
    "sgd_nesterov": dict(
        make_optimizer=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "adam": dict(make_optimizer=lambda p: torch.optim.Adam(p, lr=1e-3)),
    "adam_decay": dict(make_optimizer=lambda p: torch.optim.Adam(p, lr=1e-3, eps=1e-4, weight_decay=1e-2)),
    "adamw": dict(make_optimizer=lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=1e-1)),
    "class_weights": dict(make_optimizer=lambda p: torch.optim.SGD(p, lr=0.1),
                          loss=nn.CrossEntropyLoss(weight=WEIGHTS)),
    "label_smoothing": dict(make_optimizer=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5),
                            loss=nn.CrossEntropyLoss(weight=WEIGHTS, label_smoothing=0.1)),
    "clip": dict(make_optimizer=lambda p: torch.optim.SGD(p, lr=0.1), clip=0.3),
    "batch_norm": dict(make_optimizer=lambda p: torch.optim.SGD(p, lr=0.1), bn_eps=1e-2, bn_momentum=0.3),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    write(folder / "batch_norm_eval.txt", {"y": batch_norm_eval()})
    for name, options in RUNS.items():
        model, losses = run(**options)
        values = {"losses": losses}
        for key, tensor in model.state_dict().items():
            values[key] = tensor.flatten().tolist()
        write(folder / f"{name}.txt", values)
        print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
