#!/usr/bin/python3
"""Times whole training steps in PyTorch (torch_step.py), data in memory, by processor time on 1 thread.

  bench/peers/train_torch.py        prints JSON: {"jsc-toy/256/1": samples/s, ...}
"""
import json
import time

import torch

from torch_step import NETWORKS, Trainer, network

ROWS = 36 * 4096  # as bench/training.cpp
SECONDS = 0.3


def rate(name, batch):
    trainer = Trainer(network(name), X, Y, batch)
    for _ in range(20):
        trainer.step()
    steps, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < SECONDS:
        trainer.step()
        steps += 1
    return steps * batch / elapsed


torch.set_num_threads(1)
torch.manual_seed(0)
X, Y = torch.randn(ROWS, 16), torch.arange(ROWS) % 5  # the values do not matter to the time
print(json.dumps({f"{name}/{batch}/1": rate(name, batch) for name in NETWORKS for batch in (32, 64, 256, 1024, 4096)}))
