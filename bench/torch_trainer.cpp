#include "bench/torch_trainer.hpp"

#include <torch/torch.h>

namespace jsc {

namespace {

torch::Tensor copy(ConstMatrix m) {
  torch::Tensor t = torch::empty({m.rows, m.cols});
  for (Index r = 0; r < m.rows; ++r) std::copy_n(m.data + r * m.stride, m.cols, t[r].data_ptr<float>());
  return t;
}

torch::nn::Sequential build(const Graph& graph) {
  torch::NoGradGuard no_grad;
  torch::nn::Sequential net;
  for (const Node& node : graph.nodes) {
    const Module* module = graph.find_module(node.target);
    if (node.kind != NodeKind::call_module || module == nullptr) continue;
    const Index in = graph.nodes[static_cast<std::size_t>(node.inputs[0])].features;
    if (module->type() == "Linear") {
      torch::nn::Linear linear(in, node.features);
      linear->weight.copy_(copy(module->parameters()[0].value));
      linear->bias.copy_(copy(module->parameters()[1].value).flatten());
      net->push_back(linear);
    } else if (module->type() == "BatchNorm1d") {
      net->push_back(torch::nn::BatchNorm1d(in));
    } else if (module->type() == "ReLU") {
      net->push_back(torch::nn::ReLU(torch::nn::ReLUOptions(true)));
    } else {
      fail("bench: no LibTorch peer of {}", module->type());
    }
  }
  return net;
}

}  // namespace

struct TorchTrainer::State {
  torch::Tensor x, labels, order;
  Index rows, batch, first;
  torch::nn::Sequential net;
  torch::optim::Adam adam;
  double loss_sum = 0;
  std::int64_t steps = 0, correct = 0;
};

TorchTrainer::TorchTrainer(const Graph& graph, const Samples& samples, Index rows, Index batch,
                           double learning_rate, int threads) {
  at::set_num_threads(threads);
  torch::Tensor x = torch::empty({rows, samples.features});
  std::copy_n(samples.x, rows * samples.features, x.data_ptr<float>());
  torch::Tensor labels = torch::empty({rows}, torch::kLong);
  std::copy_n(samples.labels, rows, labels.data_ptr<std::int64_t>());
  torch::nn::Sequential net = build(graph);
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(learning_rate));
  state_ = std::make_unique<State>(State{x, labels, {}, rows, batch, rows, net, std::move(adam)});
}

TorchTrainer::~TorchTrainer() = default;

void TorchTrainer::step() {
  State& s = *state_;
  if (s.first == s.rows) {
    s.order = torch::randperm(s.rows, torch::kLong);
    s.first = 0;
  }
  const torch::Tensor index = s.order.narrow(0, s.first, s.batch);
  const torch::Tensor labels = s.labels.index_select(0, index);
  s.adam.zero_grad();
  const torch::Tensor logits = s.net->forward(s.x.index_select(0, index));
  const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, labels);
  loss.backward();
  s.adam.step();
  s.loss_sum += loss.item<double>();
  s.correct += logits.argmax(1).eq(labels).sum().item<std::int64_t>();
  s.first += s.batch;
  ++s.steps;
}

double TorchTrainer::mean_loss() const {
  return state_->loss_sum / static_cast<double>(state_->steps);
}

}  // namespace jsc
