// Array expressions of Eigen, compiled for the instruction set of this file's flags; feature-major as ours.
#include <Eigen/Core>
#include <cmath>
#include <memory>

#include "bench/peers/ops_peers.hpp"

namespace jsc {

namespace {

using Array = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Operands {
  Array a, b, y, m, v;
};

Array copy(ConstMatrix from) {
  Array to(from.rows, from.cols);
  for (Index r = 0; r < from.rows; ++r)
    for (Index c = 0; c < from.cols; ++c) to(r, c) = from(r, c);
  return to;
}

}  // namespace

OpPeer eigen_op(const OpProblem& p) {
  if (p.rows != nullptr || p.op == "shuffle" || p.w) return {};
  auto o = std::make_shared<Operands>();
  o->a = copy(p.a);
  if (p.b) o->b = copy(p.b);
  o->y = Array::Zero(p.a.rows, p.a.cols);
  const auto peer = [&](auto run) {
    return OpPeer{[=] { run(*o); }, [=](Index r, Index c) { return o->y(r, c); }};
  };
  if (p.op == "relu_forward") return peer([](Operands& e) { e.y = e.a.max(0.0F); });
  if (p.op == "relu_backward") return peer([](Operands& e) { e.y = (e.a > 0.0F).select(e.b, 0.0F); });
  if (p.op == "add") return peer([](Operands& e) { e.y = e.a + e.b; });
  if (p.op == "mul") return peer([](Operands& e) { e.y = e.a * e.b; });
  if (p.op == "sigmoid_forward") return peer([](Operands& e) { e.y = 1.0F / (1.0F + (-e.a).exp()); });
  if (p.op == "sigmoid_backward") return peer([](Operands& e) { e.y = e.b * e.a * (1.0F - e.a); });
  if (p.op == "tanh_forward") return peer([](Operands& e) { e.y = e.a.tanh(); });
  if (p.op == "tanh_backward") return peer([](Operands& e) { e.y = e.b * (1.0F - e.a * e.a); });
  if (p.op == "batch_norm_relu_forward")
    return peer([](Operands& e) {
      const auto n = static_cast<float>(e.a.cols());
      for (Eigen::Index r = 0; r < e.a.rows(); ++r) {
        const float mean = e.a.row(r).sum() / n;
        const float inverse = 1.0F / std::sqrt((e.a.row(r) - mean).square().sum() / n + 1e-5F);
        e.y.row(r) = ((e.a.row(r) - mean) * inverse).max(0.0F);
      }
    });
  return {};
}

}  // namespace jsc
