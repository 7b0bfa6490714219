#include "apps/training/run.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "apps/report/format.hpp"
#include "apps/report/progress.hpp"
#include "apps/support/interrupt.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSecondsBetweenSaves = 1.0;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

Run::Run(const TrainSettings& settings, RunFolder folder, std::shared_ptr<const PreparedData> data,
         ModelContext context, Graph graph)
    : settings_(settings),
      folder_(std::move(folder)),
      data_(std::move(data)),
      context_(std::move(context)),
      graph_(std::move(graph)),
      trainer_(graph_, data_->samples(), data_->split.train, settings.training(context_.class_names),
               settings.execution()),
      evaluator_(graph_, data_->samples(), settings.execution()) {
  state_.data_hash = data_->hash;
  state_.settings = settings.decisive();
  folder_.make();  // last: what cannot be trained leaves no folder
}

void Run::restore(const TrainingState& state, const TensorFile& file, const std::string& path) {
  if (state.data_hash != data_->hash)
    throw OtherDataError(
        fmt::format("{}: the data is not that of the interrupted run: expected hash {}, found {}", path,
                    state.data_hash, data_->hash));
  // Files without settings may come with any batch size.
  if (state.position.batch < 0 || state.position.batch >= trainer_.batches_per_epoch())
    fail("{}: its position does not fit the training: expected 0 to {} batches done in the epoch, found {}",
         path, trainer_.batches_per_epoch() - 1, state.position.batch);
  state_ = state;
  state_.settings = settings_.decisive();
  restore_optimizer(trainer_.optimizer(), file, path);
  trainer_.restore(state_.position);
  epochs_ = folder_.read_metrics();
  if (static_cast<std::int64_t>(epochs_.size()) < state_.position.epoch)
    fail("{}: expected {} epochs, found {}", folder_.file("metrics.csv"), state_.position.epoch,
         epochs_.size());
  epochs_.resize(static_cast<std::size_t>(state_.position.epoch));
  // The end needs it too: better told now than after the rest of the training.
  if (state_.best_epoch >= 0) static_cast<void>(load_checkpoint(folder_.file("best.safetensors")));
}

bool Run::train() {
  const Clock::time_point start = Clock::now();
  const double seconds_before = state_.seconds;
  Clock::time_point saved = start;
  if (settings_.tensorboard && !trainer_.finished()) events_.emplace(folder_, trainer_.position().epoch);
  const auto done = [&] { return trainer_.finished() || out_of_patience(); };
  while (!done()) {
    try {
      train_epoch();
    } catch (const DivergedError&) {
      write_epochs();
      throw;
    }
    state_.seconds = seconds_before + seconds_since(start);
    if (!done() && !interrupted() && seconds_since(saved) < kSecondsBetweenSaves) continue;
    write_epochs();
    save_last();
    saved = Clock::now();
    if (interrupted()) break;
  }
  return done();
}

// Before save_last: a state that can be resumed has its epochs on disk. Later ones do not harm, resuming
// comes to the same again.
void Run::write_epochs() {
  if (unwritten_best_) write_safetensors(folder_.file("best.safetensors"), *unwritten_best_);
  unwritten_best_.reset();
  if (!epochs_.empty()) folder_.write_metrics(epochs_);
}

bool Run::out_of_patience() const {
  return settings_.patience > 0 && trainer_.position().epoch - 1 - state_.best_epoch >= settings_.patience;
}

std::string Run::epoch_label(std::int64_t epoch) const {
  const std::string last = std::to_string(settings_.max_epochs);
  return fmt::format("epoch {:>{}}/{}", epoch + 1, last.size(), last);
}

// Trains to the end of the epoch, or to an interrupt.
void Run::train_epoch() {
  EpochMetrics metrics{.epoch = trainer_.position().epoch};
  const std::int64_t samples_before = trainer_.position().samples;
  {
    Progress progress(epoch_label(metrics.epoch), static_cast<std::int64_t>(data_->split.train.size()),
                      "rows", settings_.quiet);
    const Clock::time_point start = Clock::now();
    while (!trainer_.epoch_complete() && !trainer_.finished()) {
      metrics.learning_rate = trainer_.learning_rate();  // of the epoch's last step
      trainer_.step();
      progress.update(trainer_.position().samples);
      if (interrupted()) break;
    }
    metrics.seconds = seconds_since(start);
  }
  if (interrupted() && !trainer_.epoch_complete()) return;

  metrics.samples_per_second =
      static_cast<double>(trainer_.position().samples - samples_before) / metrics.seconds;
  const Metrics train = trainer_.close_epoch();
  const Metrics validation = evaluator_.evaluate(data_->split.validation);
  if (!std::isfinite(validation.loss))
    throw DivergedError(
        fmt::format("training: the validation loss is {} after epoch {}: try a smaller learning rate",
                    validation.loss, metrics.epoch + 1));
  metrics.train_loss = train.loss;
  metrics.train_accuracy = train.accuracy;
  metrics.val_loss = validation.loss;
  metrics.val_accuracy = validation.accuracy;
  close_epoch(metrics);
}

void Run::close_epoch(const EpochMetrics& metrics) {
  epochs_.push_back(metrics);
  if (events_) events_->add(metrics, graph_);
  state_.epoch_rates.push_back(metrics.samples_per_second);
  const bool best = state_.best_epoch < 0 || metrics.val_loss < state_.best_loss;
  if (best) {
    state_.best_epoch = metrics.epoch;
    state_.best_loss = metrics.val_loss;
    state_.best_accuracy = metrics.val_accuracy;
    unwritten_best_ = checkpoint_file(graph_, context_);
  }
  if (!settings_.quiet)
    fmt::print(stderr,
               "{}  training loss {:.4f} accuracy {:.4f}  validation loss {:.4f} accuracy {:.4f}  {}{}\n",
               epoch_label(metrics.epoch), metrics.train_loss, metrics.train_accuracy, metrics.val_loss,
               metrics.val_accuracy, format_rate(metrics.samples_per_second, "rows"), best ? "  best" : "");
  if (after_epoch) after_epoch(metrics);
}

void Run::save_last() {
  state_.position = trainer_.position();
  save_checkpoint(folder_.file("last.safetensors"), graph_, context_, state_, trainer_.optimizer());
}

Metrics Run::test() {
  const std::string best = folder_.file("best.safetensors");
  load_state(graph_, read_safetensors(best), best);
  return evaluator_.evaluate(data_->split.test);
}

MetaValue Run::summary(const Metrics& test) const {
  const Split& split = data_->split;
  return {{"model", context_.model.name},
          {"parameters", graph_.parameter_count()},
          {"data",
           {{"source", data_->data.source},
            {"variant", data_->variant},
            {"split", settings_.data.split},
            {"rows_train", split.train.size()},
            {"rows_val", split.validation.size()},
            {"rows_test", split.test.size()},
            {"hash", data_->hash},
            {"split_hash", split_hash(split)}}},
          {"seed", settings_.seed},
          {"epochs", epochs_.size()},
          {"best_epoch", state_.best_epoch},
          {"val_loss", state_.best_loss},
          {"val_accuracy", state_.best_accuracy},
          {"test_loss", test.loss},
          {"test_accuracy", test.accuracy},
          {"seconds", state_.seconds},
          {"samples_per_second", median(state_.epoch_rates)},
          {"weights_hash", state_hash(graph_)},
          {"version", JSC_VERSION}};
}

void Run::write_summary(const MetaValue& summary) const {
  // A file's name need not be UTF-8.
  folder_.write("summary.json", summary.dump(2, ' ', false, MetaValue::error_handler_t::replace) + "\n");
}

void Run::print_result(const Metrics& test) const {
  fmt::print("best epoch {}: validation loss {:.4f}, accuracy {:.4f}\n", state_.best_epoch + 1,
             state_.best_loss, state_.best_accuracy);
  fmt::print("test: loss {:.4f}, accuracy {:.4f} ({} rows)\n", test.loss, test.accuracy,
             format_count(test.samples));
  fmt::print("training: {} at {} (median epoch)\n", format_seconds(state_.seconds),
             format_rate(median(state_.epoch_rates), "rows"));
  fmt::print("run folder: {}\n", folder_.path());
}

}  // namespace jsc
