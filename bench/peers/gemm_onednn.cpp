// oneDNN: sgemm on our layout, and the inner-product primitive on [batch][features] with weights in the
// layout that it prefers, reordered beforehand.
#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "bench/peers/gemm_peers.hpp"

namespace jsc {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

GemmForm sgemm(const GemmProblem& p) {
  auto result = std::make_shared<Tensor>(p.result_rows(), p.result_cols());
  return {"sgemm, feature-major",
          [=] {
            const Matrix c = result->view();
            const auto gemm = [&](char trans_a, char trans_b, Index k, ConstMatrix a, ConstMatrix b) {
              dnnl_sgemm(trans_a, trans_b, c.rows, c.cols, k, 1.0F, a.data, a.stride, b.data, b.stride, 0.0F,
                         c.data, c.stride);
            };
            omp_set_num_threads(p.threads);
            if (p.role == GemmRole::forward)
              gemm('N', 'N', p.in(), p.w, p.x);
            else if (p.role == GemmRole::backward_input)
              gemm('T', 'N', p.out(), p.w, p.d_y);
            else
              gemm('N', 'T', p.batch(), p.d_y, p.x);
          },
          [=](Index r, Index c) -> float& { return (*result)(r, c); }};
}

struct InnerProduct {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  DenseCopy w, x, d_y, result;
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  std::function<void()> finish;

  explicit InnerProduct(const GemmProblem& p)
      : w(p.w, false),
        x(p.x, true),
        d_y(p.d_y, true),
        result(p.role == GemmRole::backward_weight ? DenseCopy(p.out(), p.in())
                                                   : DenseCopy(p.batch(), p.result_rows())) {
    const auto f32 = memory::data_type::f32;
    const memory::desc x_md({p.batch(), p.in()}, f32, Tag::nc), y_md({p.batch(), p.out()}, f32, Tag::nc);
    const memory::desc w_md({p.out(), p.in()}, f32, Tag::oi), w_any({p.out(), p.in()}, f32, Tag::any);
    const dnnl::inner_product_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, x_md, w_any, y_md}, engine);
    const auto plain = [&](const memory::desc& md, DenseCopy& from) {
      return memory(md, engine, from.data.get());
    };
    const auto packed = [&](const memory::desc& md) {
      memory to(md, engine);
      memory from = plain(w_md, w);
      dnnl::reorder(from, to).execute(stream, from, to);
      stream.wait();
      return to;
    };
    if (p.role == GemmRole::forward) {
      primitive = dnnl::inner_product_forward(forward);
      arguments = {{DNNL_ARG_SRC, plain(x_md, x)},
                   {DNNL_ARG_WEIGHTS, packed(forward.weights_desc())},
                   {DNNL_ARG_DST, plain(y_md, result)}};
    } else if (p.role == GemmRole::backward_input) {
      const dnnl::inner_product_backward_data::primitive_desc backward({x_md, w_any, y_md}, engine, forward);
      primitive = dnnl::inner_product_backward_data(backward);
      arguments = {{DNNL_ARG_DIFF_DST, plain(y_md, d_y)},
                   {DNNL_ARG_WEIGHTS, packed(backward.weights_desc())},
                   {DNNL_ARG_DIFF_SRC, plain(x_md, result)}};
    } else {
      const dnnl::inner_product_backward_weights::primitive_desc backward({x_md, w_md, y_md}, engine,
                                                                          forward);
      primitive = dnnl::inner_product_backward_weights(backward);
      arguments = {{DNNL_ARG_SRC, plain(x_md, x)},
                   {DNNL_ARG_DIFF_DST, plain(y_md, d_y)},
                   {DNNL_ARG_DIFF_WEIGHTS, plain(w_md, result)}};
    }
  }
};

GemmForm inner_product(const GemmProblem& p) {
  omp_set_num_threads(p.threads);
  auto o = std::make_shared<InnerProduct>(p);
  const bool weights = p.role == GemmRole::backward_weight;
  return {"inner product, row-major",
          [=] {
            omp_set_num_threads(p.threads);
            o->primitive.execute(o->stream, o->arguments);
            o->stream.wait();
          },
          [=](Index r, Index c) -> float& {
            return o->result.data[weights ? r * o->result.cols + c : c * o->result.cols + r];
          }};
}

}  // namespace

std::vector<GemmForm> onednn_forms(const GemmProblem& problem) {
  return {sgemm(problem), inner_product(problem)};
}

}  // namespace jsc
