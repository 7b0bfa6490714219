#include "apps/training/train_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <thread>

#include "engine/gemm_blas.hpp"

namespace jsc {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<float> parse_weights(const std::string& text, std::size_t classes) {
  std::vector<float> weights;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at <= end && !text.empty()) {
    float weight = 0;
    const auto [stop, problem] = std::from_chars(at, end, weight);
    if (problem != std::errc() || (stop != end && *stop != ',') || !(weight >= 0))
      fail("--class-weights: expected non-negative numbers with commas between, found '{}'", text);
    weights.push_back(weight);
    at = stop + 1;
  }
  if (!weights.empty() && weights.size() != classes)
    fail("--class-weights: expected {} numbers, one a class, found {}", classes, weights.size());
  if (!weights.empty() && std::ranges::none_of(weights, [](float w) { return w > 0; }))
    fail("--class-weights: expected at least one positive weight, found '{}'", text);
  return weights;
}

// Once a process, however often it asks how to compute.
void warn_of_outdated_blas() {
  static const bool warned = [] {
    const std::string core = outdated_blas_core();
    if (core.empty()) return false;
    fmt::print(stderr,
               "warning: --blas: OpenBLAS takes this processor for a {} without AVX2, so it is not used; set "
               "OPENBLAS_CORETYPE={} to choose its kernels\n",
               core, detected_isa() == Isa::avx512 ? "SKYLAKEX" : "HASWELL");
    return true;
  }();
  static_cast<void>(warned);
}

}  // namespace

void ExecutionSettings::add_to(Settings& settings) {
  settings
      .add("threads", &threads,
           "number of threads at most (0: one a core); training goes on with one where that is faster, "
           "and the result is the same for any")
      .range(0, 1024);
  settings.add("cpu_mask", &cpu_mask, "best instruction set to use; the result is the same for each")
      .choices({"auto", "portable", "avx2", "avx512"});
  settings.add("blas", &blas,
               "let OpenBLAS do large products; their last bits then depend on the machine and the threads");
}

Execution ExecutionSettings::execution() const {
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  const std::int64_t count = threads > 0 ? threads : std::max<std::int64_t>(1, cores);
  if (blas) warn_of_outdated_blas();
  return {masked_isa(cpu_mask), static_cast<int>(count), blas};
}

void TrainSettings::add_to(Settings& settings) {
  settings.add("model", &model, "zoo name (jsc-train models) or .toml file").positional();
  data.add_to(settings);
  settings.add("max_epochs", &max_epochs, "passes over the training rows").range(1, 1e6);
  settings.add("max_steps", &max_steps, "stop after this many batches (0: no limit)").range(0, 1e15);
  settings.add("batch_size", &batch_size, "rows a batch").range(1, 1 << 24);
  settings.add("learning_rate", &learning_rate, "starting (one-cycle: highest) learning rate")
      .range({0, kInfinity, true, true});
  settings.add("optimizer", &optimizer, "update rule")
      .choices({"adam", "adamw", "sgd"})
      .alias("training_optimizer");
  settings.add("momentum", &momentum, "momentum of sgd").range({0, 1, false, true});
  settings.add("nesterov", &nesterov, "Nesterov's form of the momentum of sgd");
  settings.add("beta1", &beta1, "decay of Adam's first moment").range({0, 1, false, true});
  settings.add("beta2", &beta2, "decay of Adam's second moment").range({0, 1, false, true});
  settings.add("eps", &eps, "Adam's epsilon").range({0, kInfinity, true, true});
  settings.add("weight_decay", &weight_decay, "L2 penalty (adamw: decoupled decay)")
      .range({0, kInfinity, false, true});
  settings.add("scheduler", &scheduler, "learning rate over the training")
      .choices({"cosine", "constant", "step", "one-cycle"});
  settings.add("schedule_by", &schedule_by, "when the learning rate changes").choices({"epoch", "step"});
  settings.add("eta_min", &eta_min, "where cosine ends").range({0, kInfinity, false, true});
  settings.add("step_size", &step_size, "epochs (or steps) between the drops of the step scheduler")
      .range(1, 1e15);
  settings.add("gamma", &gamma, "factor of each drop of the step scheduler")
      .range({0, kInfinity, true, true});
  settings.add("warmup", &warmup, "epochs (or steps) of linear warm-up before the schedule").range(0, 1e15);
  settings.add("label_smoothing", &label_smoothing, "share of each label spread over all classes")
      .range({0, 1, false, true});
  settings.add("class_weights", &class_weights, "weight of each class in the loss, with commas between")
      .array();
  settings.add("l1", &l1, "penalty l1 * sum |w| over the weights of linear and matmul layers")
      .range({0, kInfinity, false, true});
  settings.add("clip_norm", &clip_norm, "largest norm of the gradient (0: no clipping)")
      .range({0, kInfinity, false, true});
  settings
      .add("patience", &patience, "stop after this many epochs without a better validation loss (0: never)")
      .range(0, 1e6);
  settings.add("seed", &seed, "of initial weights, shuffling and dropout").range(0, 9e18);
  settings.add("load", &load, "start from the weights of this checkpoint or run folder").alias("load_name");
  execution_settings.add_to(settings);
  settings.add("tensorboard", &tensorboard, "write event files for TensorBoard into the run folder");
  settings.add("report", &report, "write report.html and plots as SVG at the end");
  settings.add("quiet", &quiet, "print the result only");
}

Settings TrainSettings::read(const std::string& config_path) {
  Settings settings;
  add_to(settings);
  settings.read_config(config_path, {"passes"});
  settings.resolve();
  return settings;
}

std::map<std::string, std::string> TrainSettings::decisive() const {
  TrainSettings copy = *this;
  Settings settings;
  copy.add_to(settings);
  std::map<std::string, std::string> texts;
  for (const Settings::Row& row : settings.rows()) texts[row.key] = row.effective;
  for (const char* key : {"data", "threads", "cpu_mask", "tensorboard", "report", "quiet"}) texts.erase(key);
  if (!depends_on_total({.name = scheduler})) texts.erase("max_epochs");
  return texts;
}

TrainingOptions TrainSettings::training(const std::vector<std::string>& class_names) const {
  TrainingOptions options;
  options.optimizer.name = optimizer;
  options.optimizer.weight_decay = weight_decay;
  if (optimizer == "sgd") {
    options.optimizer.momentum = momentum;
    options.optimizer.nesterov = nesterov && momentum > 0;
  }
  options.optimizer.beta1 = beta1;
  options.optimizer.beta2 = beta2;
  options.optimizer.eps = eps;
  options.schedule.name = scheduler;
  options.schedule.rate = learning_rate;
  options.schedule.warm_up = warmup;
  options.schedule.eta_min = eta_min;
  options.schedule.period = step_size;
  options.schedule.gamma = gamma;
  options.schedule_by_step = schedule_by == "step";
  options.batch_size = batch_size;
  options.max_epochs = max_epochs;
  options.max_steps = max_steps;
  options.loss.class_weights = parse_weights(class_weights, class_names.size());
  options.loss.label_smoothing = static_cast<float>(label_smoothing);
  options.l1 = l1;
  options.clip_norm = clip_norm;
  options.seed = static_cast<std::uint64_t>(seed);
  return options;
}

}  // namespace jsc
