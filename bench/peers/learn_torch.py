#!/usr/bin/python3
"""Trains jsc-toy in PyTorch on the rows that `jsc-train data make` wrote, as `jsc-train train` does: same split,
scaler, batches of 256, Adam 1e-3 with a cosine by epoch, best epoch by validation loss.

  bench/peers/learn_torch.py X.npy Y.npy [EPOCHS [SEED]]      prints JSON: {"test_accuracy": ...}
"""
import json
import sys

import numpy as np
import torch

from torch_step import Trainer, network

x, y = np.load(sys.argv[1]).astype(np.float32), np.load(sys.argv[2]).astype(np.int64)
epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 10
torch.manual_seed(int(sys.argv[4]) if len(sys.argv) > 4 else 0)
torch.set_num_threads(1)


def split(rows, share):
    """scikit-learn's train_test_split(rows, test_size=share, random_state=42)."""
    order = np.random.RandomState(42).permutation(len(rows))
    count = int(np.ceil(share * len(rows)))
    return rows[order[count:]], rows[order[:count]]


rest, test = split(np.arange(len(x)), 0.2)
train, validation = split(rest, 0.1)
mean, deviation = x[train].mean(0, dtype=np.float64), x[train].std(0, dtype=np.float64)
x = torch.from_numpy(((x - mean) / deviation).astype(np.float32))
y = torch.from_numpy(y)


def evaluate(rows):
    net.eval()
    with torch.no_grad():
        logits = net(x[rows])
        loss = torch.nn.functional.cross_entropy(logits, y[rows]).item()
    net.train()
    return loss, (logits.argmax(1) == y[rows]).double().mean().item()


net = network("jsc-toy")
trainer = Trainer(net, x[train], y[train], 256)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(trainer.adam, epochs, eta_min=1e-6)
best = (np.inf, 0.0, -1)
for epoch in range(epochs):
    for _ in range(-(-len(train) // trainer.batch)):
        trainer.step()
    schedule.step()
    loss, _ = evaluate(validation)
    if loss < best[0]:
        best = (loss, evaluate(test)[1], epoch)
print(json.dumps({"val_loss": best[0], "test_accuracy": best[1], "best_epoch": best[2]}))
