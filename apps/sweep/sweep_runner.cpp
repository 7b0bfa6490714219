#include "apps/sweep/sweep_runner.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "apps/pages/finish_run.hpp"
#include "apps/report/progress.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/interrupt.hpp"
#include "apps/training/start_run.hpp"

namespace jsc {

using State = TrialResult::State;

// What the threads share while they run; the mutex guards all but the atomic.
struct SweepRunner::Board {
  struct News {
    std::string text;
    bool warning = false;  // shown when quiet, too
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::size_t> waiting;  // in the order to begin
  std::vector<bool> ended;           // of all trials; then those that begin with it can start
  std::vector<std::int64_t> epochs;  // to train, of all trials
  std::exception_ptr problem;        // what stopped the sweep
  std::vector<News> news;            // to show
  std::string best;                  // the trial of the smallest validation loss so far
  double best_loss = 0;
  std::size_t done = 0;     // trials
  std::size_t working = 0;  // threads
  std::atomic<std::int64_t> epochs_done{0};
  std::set<std::string> warnings;

  // Once, if it is said of many trials.
  void warn(const std::string& text) {
    const std::lock_guard lock(mutex);
    if (warnings.insert(text).second) news.push_back({text, true});
  }

  bool can_begin(const Trial& trial) const {
    return trial.begins_with < 0 || ended[static_cast<std::size_t>(trial.begins_with)];
  }
};

SweepRunner::SweepRunner(const SweepPlan& plan, const std::vector<PassCall>& passes, std::string command_line,
                         std::string folder, int threads, bool quiet)
    : plan_(plan),
      passes_(passes),
      command_line_(std::move(command_line)),
      folder_(std::move(folder)),
      threads_(threads),
      quiet_(quiet),
      data_(threads) {}

bool SweepRunner::run() {
  Board board;
  list_trials(board);
  if (board.waiting.empty()) return true;
  // The first data are loaded before the trials begin: with progress, and on all threads. If there are
  // others, these fail the trials that need them and no more.
  try {
    static_cast<void>(data_.get(plan_.trials[board.waiting.front()].settings, quiet_));
  } catch (const Error&) {
    if (data_.sources() == 1) throw;
  }
  board.working = std::min(static_cast<std::size_t>(threads_), board.waiting.size());
  std::vector<std::thread> threads;
  for (std::size_t i = board.working; i > 0; --i) threads.emplace_back([&] { work(board); });
  watch(board);
  for (std::thread& thread : threads) thread.join();
  if (board.problem) std::rethrow_exception(board.problem);
  return board.done == plan_.trials.size();
}

void SweepRunner::list_trials(Board& board) {
  const std::size_t count = plan_.trials.size();
  board.ended.resize(count);
  board.epochs.resize(count);
  std::vector<std::int64_t> rank(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Trial& trial = plan_.trials[i];
    TrialResult result;
    try {
      result = read_trial(trial_folder(folder_, trial));
    } catch (const Error& error) {
      start_anew(trial, error.what(), board);
    }
    board.ended[i] = result.state != State::unfinished;
    if (result.state == State::done) data_.require_hash(trial.settings, result.data_hash);
    note_best(trial, result, board);
    if (board.ended[i]) {
      ++board.done;
      continue;
    }
    board.waiting.push_back(i);
    data_.expect(trial.settings);
    std::int64_t before = std::ssize(result.epochs);
    if (before == 0 && trial.begins_with >= 0)
      before = plan_.trials[static_cast<std::size_t>(trial.begins_with)].settings.max_epochs;
    board.epochs[i] = std::max<std::int64_t>(trial.settings.max_epochs - before, 0);
  }
  // Longest first, counting what can only come after, so that no core is idle for long at the end.
  for (const std::size_t i : board.waiting)
    for (int j = static_cast<int>(i); j >= 0; j = plan_.trials[static_cast<std::size_t>(j)].begins_with)
      rank[static_cast<std::size_t>(j)] += board.epochs[i];
  std::ranges::stable_sort(board.waiting, std::ranges::greater(), [&](std::size_t i) { return rank[i]; });
}

void SweepRunner::work(Board& board) {
  std::unique_lock lock(board.mutex);
  for (;;) {
    auto next = board.waiting.end();
    board.changed.wait(lock, [&] {
      next = std::ranges::find_if(board.waiting,
                                  [&](std::size_t i) { return board.can_begin(plan_.trials[i]); });
      return next != board.waiting.end() || board.waiting.empty() || interrupted();
    });
    if (next == board.waiting.end() || interrupted()) break;
    const std::size_t index = *next;
    board.waiting.erase(next);
    lock.unlock();
    TrialResult result;
    std::exception_ptr problem;
    try {
      run_trial(index, board);
      result = read_trial(trial_folder(folder_, plan_.trials[index]));
    } catch (...) {
      problem = std::current_exception();
    }
    lock.lock();
    if (problem) {
      if (!board.problem) board.problem = problem;
      request_interrupt();  // the other threads save what they have
    }
    if (result.state != State::unfinished) close_trial(index, result, board);
    board.changed.notify_all();
  }
  --board.working;
  board.changed.notify_all();
}

// A damaged file leaves nothing in the folder that could be trusted.
void SweepRunner::start_anew(const Trial& trial, const std::string& why, Board& board) const {
  clear_trial(trial_folder(folder_, trial));
  board.warn(fmt::format("{} is trained anew: {}", trial.name, why));
}

// The run that the folder holds, or that a shorter trial has begun; null if there is none to go on with.
std::unique_ptr<Run> SweepRunner::continued(const Trial& trial, const std::string& config,
                                            std::shared_ptr<const PreparedData> data, Board& board) const {
  const RunFolder folder = trial_folder(folder_, trial);
  try {
    if (!folder.has("config.toml") && trial.begins_with >= 0)
      copy_beginning(trial_folder(folder_, plan_.trials[static_cast<std::size_t>(trial.begins_with)]), folder,
                     config);
    if (!folder.has("config.toml")) return nullptr;
    if (!has_begun(folder)) {  // killed before its first state
      clear_trial(folder);
      return nullptr;
    }
    return continued_run(trial.settings, read_last_state(folder), std::move(data), folder);
  } catch (const OtherDataError&) {
    throw;
  } catch (const Error& error) {
    start_anew(trial, error.what(), board);
    return nullptr;
  }
}

void SweepRunner::run_trial(std::size_t index, Board& board) {
  const Trial& trial = plan_.trials[index];
  const RunFolder folder = trial_folder(folder_, trial);
  const std::string config = "# " + command_line_ + "\n" + trial.config + passes_to_toml(passes_);
  folder.make();
  remove_stale_temporaries(folder.path(), Writers::none);
  std::shared_ptr<const PreparedData> data;
  try {
    data = data_.get(trial.settings, true);
  } catch (const OtherDataError&) {
    throw;
  } catch (const Error& error) {
    return write_failure(folder, error.what());
  }

  std::unique_ptr<Run> run = continued(trial, config, data, board);
  if (!run) {
    TrainSettings settings = trial.settings;
    StartingPoint start = find_starting_point(settings);
    try {
      run = new_run(trial.settings, std::move(start), passes_, data, folder);
    } catch (const Error& error) {  // the folder is there: it is the training that cannot be
      return write_failure(folder, error.what());
    }
    open_run_folder(*run, config);
  }
  std::int64_t epochs = 0;
  run->after_epoch = [&](const EpochMetrics&) {
    ++epochs;
    board.epochs_done.fetch_add(1, std::memory_order_relaxed);
  };
  try {
    if (run->train())
      for (const std::string& warning : finish_run(*run, PageExtent::brief).warnings) board.warn(warning);
  } catch (const DivergedError& error) {
    write_failure(folder, error.what());
  }
  // Epochs that were spared, by patience or a failure, count as done.
  if (!interrupted()) board.epochs_done.fetch_add(board.epochs[index] - epochs, std::memory_order_relaxed);
}

void SweepRunner::close_trial(std::size_t index, const TrialResult& result, Board& board) const {
  const Trial& trial = plan_.trials[index];
  board.ended[index] = true;
  ++board.done;
  const std::string name = plan_.describe(trial, true);
  if (result.state == State::failed)
    board.news.push_back({fmt::format("{}  failed: {}", name, result.reason)});
  else
    board.news.push_back({fmt::format("{}  validation loss {:.4f} accuracy {:.4f}  test accuracy {:.4f}",
                                      name, result.val_loss, result.val_accuracy, result.test_accuracy)});
  note_best(trial, result, board);
}

void SweepRunner::note_best(const Trial& trial, const TrialResult& result, Board& board) const {
  if (result.state != State::done || (!board.best.empty() && result.val_loss >= board.best_loss)) return;
  board.best = plan_.describe(trial, true);
  board.best_loss = result.val_loss;
}

// Shows what the threads do until they have ended.
void SweepRunner::watch(Board& board) const {
  std::int64_t total = 0;
  for (const std::int64_t epochs : board.epochs) total += epochs;
  Progress progress("sweep", total, "epochs", quiet_);
  std::size_t shown = 0;
  const auto show_news = [&] {
    for (; shown < board.news.size(); ++shown) {
      const Board::News& news = board.news[shown];
      if (news.warning) {
        progress.finish();
        fmt::print(stderr, "warning: {}\n", news.text);
      } else {
        progress.print(news.text);
      }
    }
  };
  std::unique_lock lock(board.mutex);
  show_news();
  while (board.working > 0) {
    // Short waits: an interrupt sets a flag and wakes nobody, and the bar should move.
    board.changed.wait_for(lock, std::chrono::milliseconds(100));
    if (interrupted()) board.changed.notify_all();
    show_news();
    std::string note = fmt::format("{} of {} trials", board.done, plan_.trials.size());
    if (!board.best.empty()) note += fmt::format(", best {:.4f} ({})", board.best_loss, board.best);
    progress.note(note);
    progress.update(std::min(total, board.epochs_done.load(std::memory_order_relaxed)));
  }
}

}  // namespace jsc
