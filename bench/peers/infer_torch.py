#!/usr/bin/python3
"""Times inference in PyTorch's frozen TorchScript, batches of 1,024 jets in memory, by processor time on 1 thread.

  bench/peers/infer_torch.py        prints JSON: {"jsc-toy/1024/1": samples/s, ...}
"""
import json
import time

import torch

from torch_step import NETWORKS, network

BATCH, BATCHES = 1024, 144  # as bench/training.cpp
SECONDS = 0.3


def rate(name):
    net = torch.jit.freeze(torch.jit.script(network(name).eval()))
    x = torch.randn(BATCHES, BATCH, 16)  # the values do not matter to the time
    with torch.no_grad():
        for batch in x[:20]:
            net(batch)
        done, start = 0, time.process_time()
        while (elapsed := time.process_time() - start) < SECONDS:
            net(x[done % BATCHES])
            done += 1
    return done * BATCH / elapsed


torch.set_num_threads(1)
torch.manual_seed(0)
print(json.dumps({f"{name}/{BATCH}/1": rate(name) for name in NETWORKS}))
