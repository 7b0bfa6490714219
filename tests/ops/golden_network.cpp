#include "tests/ops/golden_network.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "ops/batch_norm.hpp"
#include "ops/linear.hpp"
#include "ops/penalty.hpp"
#include "ops/relu.hpp"

namespace jsc::golden {
namespace {

constexpr Index kSteps = 200, kBatch = 48, kFeatures = 16, kClasses = 5;

// murmur3's finalizer, as make_golden.py: 0 to 65535.
std::int32_t hashed(std::uint32_t seed, Index position) {
  std::uint32_t h = (seed << 24) + static_cast<std::uint32_t>(position);
  h = (h ^ (h >> 16)) * 0x85EBCA6BU;
  h = (h ^ (h >> 13)) * 0xC2B2AE35U;
  return static_cast<std::int32_t>((h ^ (h >> 16)) & 0xFFFFU);
}

void fill_batch(Index step, Matrix x, std::vector<std::int32_t>& labels) {
  for (Index i = 0; i < kBatch; ++i) {
    std::int64_t sums[kClasses] = {};
    for (Index f = 0; f < kFeatures; ++f) {
      const std::int32_t k = hashed(1, (step * kBatch + i) * kFeatures + f) - 32768;
      x(f, i) = static_cast<float>(k) / 16384.0F;
      for (Index c = 0; c < kClasses; ++c) sums[c] += k * (hashed(2, c * kFeatures + f) % 17 - 8);
    }
    labels[static_cast<std::size_t>(i)] =
        static_cast<std::int32_t>(std::max_element(sums, sums + kClasses) - sums);
  }
}

// The parameters in one flat block, the buffers beside, and where each is.
struct Network {
  struct Place {
    std::string name;
    Index begin, rows, cols;
  };
  std::vector<Place> places;
  std::vector<float> values, gradients;
  std::vector<float> mean1 = std::vector<float>(16, 0.0F), var1 = std::vector<float>(16, 1.0F),
                     mean4 = std::vector<float>(8, 0.0F), var4 = std::vector<float>(8, 1.0F);
  std::int64_t batches1 = 0, batches4 = 0;

  Network() {
    add("0.weight", 16, kFeatures, parameter(3, 16 * kFeatures, 0.25F));
    add("1.weight", 1, 16, std::vector<float>(16, 1.0F));
    add("1.bias", 1, 16, std::vector<float>(16, 0.0F));
    add("3.weight", 8, 16, parameter(4, 8 * 16, 0.25F));
    add("4.weight", 1, 8, std::vector<float>(8, 1.0F));
    add("4.bias", 1, 8, std::vector<float>(8, 0.0F));
    add("6.weight", kClasses, 8, parameter(5, kClasses * 8, 0.25F));
    add("6.bias", 1, kClasses, parameter(6, kClasses, 0.25F));
    gradients.resize(values.size());
  }
  void add(const std::string& name, Index rows, Index cols, const std::vector<float>& initial) {
    places.push_back({name, static_cast<Index>(values.size()), rows, cols});
    values.insert(values.end(), initial.begin(), initial.end());
    values.resize(static_cast<std::size_t>(round_up(static_cast<Index>(values.size()), kLanes)));
  }
  Variable record(Tape& tape, const std::string& name) {
    for (const Place& p : places)
      if (p.name == name)
        return tape.parameter({values.data() + p.begin, p.rows, p.cols, p.cols},
                              {gradients.data() + p.begin, p.rows, p.cols, p.cols}, name);
    fail("golden network: no parameter '{}'", name);
  }
};

}  // namespace

Values read(const std::string& name) {
  const std::string path = std::string(JSC_PROJECT_ROOT) + "/tests/golden/" + name + ".txt";
  std::ifstream file(path);
  if (!file) fail("golden file: cannot open {}", path);
  Values values;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    std::size_t count = 0;
    words >> key >> count;
    std::vector<float>& v = values[key];
    for (std::string word; words >> word;) v.push_back(std::stof(word));
    if (v.size() != count)
      fail("golden file {}, {}: expected {} values, found {}", path, key, count, v.size());
  }
  return values;
}

std::vector<float> parameter(std::uint32_t seed, Index count, float scale) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i)
    values[static_cast<std::size_t>(i)] = static_cast<float>(hashed(seed, i) - 32768) / 32768.0F * scale;
  return values;
}

const std::vector<std::string>& run_names() {
  static const std::vector<std::string> names = {
      "sgd",           "sgd_nesterov",    "adam", "adam_decay", "adamw",
      "class_weights", "label_smoothing", "clip", "batch_norm"};
  return names;
}

Recipe recipe(const std::string& name) {
  const std::vector<float> weights = {0.5F, 1.0F, 2.0F, 1.5F, 0.25F};
  Recipe r;
  r.optimizer.name = "sgd";
  if (name == "sgd_nesterov") {
    r.rate = 0.05;
    r.optimizer.momentum = 0.9;
    r.optimizer.nesterov = true;
    r.optimizer.weight_decay = 5e-4;
  } else if (name == "adam" || name == "adam_decay" || name == "adamw") {
    r.rate = 1e-3;
    r.optimizer.name = name == "adamw" ? "adamw" : "adam";
    r.optimizer.weight_decay = name == "adamw" ? 1e-1 : name == "adam_decay" ? 1e-2 : 0.0;
    if (name == "adam_decay") r.optimizer.eps = 1e-4;
  } else if (name == "class_weights") {
    r.loss.class_weights = weights;
  } else if (name == "label_smoothing") {
    r.optimizer.momentum = 0.5;
    r.loss.class_weights = weights;
    r.loss.label_smoothing = 0.1F;
  } else if (name == "clip") {
    r.clip = 0.3;
  } else if (name == "batch_norm") {
    r.bn_eps = 1e-2F;
    r.bn_momentum = 0.3F;
  } else if (name != "sgd") {
    fail("golden run: unknown name '{}'", name);
  }
  return r;
}

Values train(const Recipe& r) {
  Network net;
  std::vector<std::int32_t> labels(kBatch);
  ClassificationCounts counts;
  Tape tape(Execution{r.isa, r.threads, false});
  const auto normalized_relu = [&](Variable h, const std::string& path, BatchNormBuffers buffers) {
    const BatchNormLayer layer = {net.record(tape, path + ".weight"), net.record(tape, path + ".bias"),
                                  buffers, r.bn_eps};
    return relu(tape, batch_norm_train(tape, h, layer, r.bn_momentum));
  };
  const Variable x = tape.input(kFeatures, kBatch);
  Variable h = linear(tape, x, net.record(tape, "0.weight"), {});
  h = normalized_relu(h, "1", {net.mean1.data(), net.var1.data(), &net.batches1});
  h = linear(tape, h, net.record(tape, "3.weight"), {});
  h = normalized_relu(h, "4", {net.mean4.data(), net.var4.data(), &net.batches4});
  h = linear(tape, h, net.record(tape, "6.weight"), net.record(tape, "6.bias"));
  const Variable loss = cross_entropy(tape, h, labels.data(), r.loss, &counts);

  const auto optimizer = make_optimizer(r.optimizer, static_cast<Index>(net.values.size()));
  Values found;
  for (Index step = 0; step < kSteps; ++step) {
    fill_batch(step, tape.value(x), labels);
    const std::vector<float> before1 = net.var1, before4 = net.var4;
    tape.forward();
    if (r.biased_running_variance) {
      const auto bias = [&](std::vector<float>& now, const std::vector<float>& before) {
        for (std::size_t f = 0; f < now.size(); ++f) {
          const float kept = before[f] * (1.0F - r.bn_momentum);
          now[f] = kept + (now[f] - kept) * static_cast<float>(kBatch - 1) / static_cast<float>(kBatch);
        }
      };
      bias(net.var1, before1);
      bias(net.var4, before4);
    }
    found["losses"].push_back(tape.value(loss)(0, 0));
    tape.backward(loss);
    if (r.change_gradients) r.change_gradients(net.gradients, counts.weight_sum);
    if (r.clip > 0.0) clip_gradient_norm(tape.execution(), net.gradients, r.clip);
    if (r.update)
      r.update(net.values, net.gradients, step + 1);
    else
      optimizer->step(tape.execution(), net.values, net.gradients, r.rate);
  }
  for (const Network::Place& p : net.places)
    found[p.name].assign(net.values.begin() + p.begin, net.values.begin() + p.begin + p.rows * p.cols);
  found["1.running_mean"] = net.mean1;
  found["1.running_var"] = net.var1;
  found["1.num_batches_tracked"] = {static_cast<float>(net.batches1)};
  found["4.running_mean"] = net.mean4;
  found["4.running_var"] = net.var4;
  found["4.num_batches_tracked"] = {static_cast<float>(net.batches4)};
  return found;
}

Deviation compare(const Values& found, const Values& expected) {
  Deviation worst;
  if (found.size() != expected.size())
    fail("golden comparison: expected {} entries, found {}", expected.size(), found.size());
  for (const auto& [key, values] : expected) {
    const std::vector<float>& other = found.at(key);
    if (other.size() != values.size())
      fail("golden comparison, {}: expected {} values, found {}", key, values.size(), other.size());
    double& largest = key == "losses" ? worst.loss : worst.value;
    for (std::size_t i = 0; i < values.size(); ++i)
      largest = std::max(largest, std::fabs(static_cast<double>(values[i]) - static_cast<double>(other[i])));
  }
  return worst;
}

}  // namespace jsc::golden
