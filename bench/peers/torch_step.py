"""The networks and the training step of the benchmarks in PyTorch: what the C++ peers do, in Python."""
import torch
from torch import nn

# Linear layers' sizes between input and classes; whether BatchNorm and ReLU stand around them as in MASE.
NETWORKS = {
    "jsc-tiny": (),
    "jsc-toy": (8, 8),
    "jsc-test": (64, 128, 8, 8),
    "jsc-hls4ml": (64, 32, 32),
}


def network(name, features=16, classes=5):
    sizes = (features, *NETWORKS[name], classes)
    layers = []
    if name == "jsc-hls4ml":
        for i, o in zip(sizes, sizes[1:]):
            layers += [nn.Linear(i, o), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers[:-1])
    layers += [nn.BatchNorm1d(features), nn.ReLU(inplace=True)]
    for i, o in zip(sizes, sizes[1:]):
        layers.append(nn.Linear(i, o))
        if name != "jsc-tiny":
            layers.append(nn.BatchNorm1d(o))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Trainer:
    """Shuffle, gather, forward, loss and accuracy, running statistics, backward, Adam; one step at a time."""

    def __init__(self, net, x, y, batch, learning_rate=1e-3):
        self.net, self.x, self.y, self.batch = net, x, y, batch
        self.loss = nn.CrossEntropyLoss()
        self.adam = torch.optim.Adam(net.parameters(), lr=learning_rate)
        self.first = len(x)
        self.loss_sum, self.correct, self.steps = 0.0, 0, 0

    def step(self):
        if self.first >= len(self.x):
            self.order = torch.randperm(len(self.x))
            self.first = 0
        index = self.order[self.first:self.first + self.batch]
        x, y = self.x[index], self.y[index]
        self.adam.zero_grad()
        logits = self.net(x)
        loss = self.loss(logits, y)
        loss.backward()
        self.adam.step()
        self.loss_sum += loss.item()
        self.correct += (logits.argmax(1) == y).sum().item()
        self.steps += 1
        self.first += self.batch
