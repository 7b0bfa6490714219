// LibTorch's operations with outputs that exist already, as far as it offers that; activations as
// [batch][features].
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "bench/peers/ops_peers.hpp"

namespace jsc {

namespace {

at::Tensor copy(ConstMatrix m, bool transposed) {
  at::Tensor t = torch::empty({m.rows, m.cols});
  for (Index r = 0; r < m.rows; ++r) std::copy_n(m.data + r * m.stride, m.cols, t[r].data_ptr<float>());
  return transposed ? t.t().contiguous() : t;
}

struct Operands {
  at::Tensor a, b, w, bias, labels, y, mean, inverse, extra;
};

template <class Run>
OpPeer peer(Operands operands, const Run& run, bool transposed = true) {
  auto o = std::make_shared<Operands>(std::move(operands));
  return {[=] {
            const torch::NoGradGuard no_gradient;
            run(*o);
          },
          [=](Index r, Index c) {
            return transposed ? o->y.data_ptr<float>()[c * o->y.size(1) + r]
                              : o->y.data_ptr<float>()[r * o->y.size(1) + c];
          }};
}

}  // namespace

OpPeer torch_op(const OpProblem& p) {
  at::set_num_threads(1);
  Operands o;
  if (p.a) o.a = copy(p.a, true);
  if (p.b) o.b = copy(p.b, true);
  if (p.w) o.w = copy(p.w, false);
  if (p.bias != nullptr) o.bias = torch::from_blob(const_cast<float*>(p.bias), {p.w.rows}).clone();
  if (p.labels != nullptr) {
    o.labels = torch::empty({p.a.cols}, torch::kLong);
    std::copy_n(p.labels, p.a.cols, o.labels.data_ptr<std::int64_t>());
  }
  if (p.a) o.y = torch::zeros_like(o.a);

  if (p.op == "relu_forward") return peer(o, [](Operands& t) { at::clamp_min_out(t.y, t.a, 0); });
  if (p.op == "relu_backward")
    return peer(o, [](Operands& t) { at::threshold_backward_out(t.y, t.b, t.a, 0); });
  if (p.op == "add") return peer(o, [](Operands& t) { at::add_out(t.y, t.a, t.b); });
  if (p.op == "mul") return peer(o, [](Operands& t) { at::mul_out(t.y, t.a, t.b); });
  if (p.op == "sigmoid_forward") return peer(o, [](Operands& t) { at::sigmoid_out(t.y, t.a); });
  if (p.op == "sigmoid_backward")
    return peer(o, [](Operands& t) { at::sigmoid_backward_out(t.y, t.b, t.a); });
  if (p.op == "tanh_forward") return peer(o, [](Operands& t) { at::tanh_out(t.y, t.a); });
  if (p.op == "tanh_backward") return peer(o, [](Operands& t) { at::tanh_backward_out(t.y, t.b, t.a); });

  if (p.op.starts_with("batch_norm_relu")) {
    const std::int64_t features = p.a.rows;
    o.mean = torch::zeros({features});
    o.inverse = torch::ones({features});
    o.w = torch::ones({features});
    o.bias = torch::zeros({features});
    const auto forward = [](Operands& t) {
      auto [y, mean, inverse] = at::native_batch_norm(t.a, t.w, t.bias, t.mean, t.inverse, true, 0.1, 1e-5);
      t.y = at::relu_(y);
      t.extra = torch::stack({mean, inverse});
    };
    if (p.op == "batch_norm_relu_forward") return peer(o, forward);
    forward(o);
    const at::Tensor relu = o.y, mean = o.extra[0].contiguous(), inverse = o.extra[1].contiguous();
    return peer(o, [=](Operands& t) {
      const at::Tensor d = at::threshold_backward(t.b, relu, 0);
      t.y = std::get<0>(at::native_batch_norm_backward(d, t.a, t.w, t.mean, t.inverse, mean, inverse, true,
                                                       1e-5, {true, true, true}));
    });
  }
  if (p.op == "cross_entropy_forward") {
    OpPeer forward = peer(o, [](Operands& t) {
      t.y = at::_log_softmax(t.a, 1, false);
      t.mean = std::get<0>(at::nll_loss_forward(t.y, t.labels, {}, at::Reduction::Mean, -100));
      t.extra = t.a.argmax(1).eq(t.labels).sum();  // the metric that ours counts
    });
    forward.result = [logarithm = forward.result](Index r, Index c) { return std::exp(logarithm(r, c)); };
    return forward;
  }
  if (p.op == "cross_entropy_backward") {
    const at::Tensor log_softmax = at::_log_softmax(o.a, 1, false), one = torch::ones({});
    const at::Tensor total =
        std::get<1>(at::nll_loss_forward(log_softmax, o.labels, {}, at::Reduction::Mean, -100));
    return peer(o, [=](Operands& t) {
      const at::Tensor d =
          at::nll_loss_backward(one, log_softmax, t.labels, {}, at::Reduction::Mean, -100, total);
      t.y = at::_log_softmax_backward_data(d, log_softmax, 1, torch::kFloat);
    });
  }
  if (p.op == "linear_forward") {
    o.y = torch::zeros({p.a.cols, p.w.rows});
    return peer(o, [](Operands& t) { at::addmm_out(t.y, t.bias, t.a, t.w.t()); });
  }
  if (p.op == "linear_backward") {  // b is d_y; the result is d_w
    o.y = torch::zeros({p.w.rows, p.w.cols});
    o.extra = torch::zeros({p.a.cols, p.a.rows});
    o.mean = torch::zeros({p.w.rows});
    return peer(
        o,
        [](Operands& t) {
          at::mm_out(t.extra, t.b, t.w);
          at::mm_out(t.y, t.b.t(), t.a);
          at::sum_out(t.mean, t.b, 0);
        },
        false);
  }
  if (p.op == "gather") {
    o.a = torch::from_blob(const_cast<float*>(p.rows), {p.count, p.a.rows}).clone();
    o.labels = torch::empty({p.a.cols}, torch::kLong);
    std::copy_n(p.indices, p.a.cols, o.labels.data_ptr<std::int64_t>());
    o.y = torch::zeros({p.a.cols, p.a.rows});
    return peer(o, [](Operands& t) { at::index_select_out(t.y, t.a, 0, t.labels); });
  }
  if (p.op == "shuffle") {
    OpPeer random = peer(o, [n = p.a.cols](Operands& t) { t.labels = torch::randperm(n, torch::kLong); });
    random.result = nullptr;
    return random;
  }
  if (p.op == "adam_step" || p.op == "sgd_step") {  // a: parameters, b: gradients, of one step
    auto values = std::make_shared<at::Tensor>(copy(p.a, false));
    values->set_requires_grad(true);
    values->mutable_grad() = copy(p.b, false);
    std::shared_ptr<torch::optim::Optimizer> optimizer;
    if (p.op == "adam_step")
      optimizer = std::make_shared<torch::optim::Adam>(std::vector<at::Tensor>{*values},
                                                       torch::optim::AdamOptions(1e-3));
    else
      optimizer = std::make_shared<torch::optim::SGD>(std::vector<at::Tensor>{*values},
                                                      torch::optim::SGDOptions(1e-3).momentum(0.9));
    return {[=] { optimizer->step(); },
            [=](Index r, Index c) { return values->data_ptr<float>()[r * values->size(1) + c]; }};
  }
  return {};
}

}  // namespace jsc
