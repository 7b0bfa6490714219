#include "apps/training/run_folder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "apps/support/atomic_file.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace fs = std::filesystem;

namespace {

constexpr const char* kHeader =
    "epoch,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,seconds,samples_per_second";

std::string default_path(const std::string& model) {
  std::tm now{};
  const std::time_t seconds = std::time(nullptr);
  localtime_r(&seconds, &now);
  const std::string stem = fmt::format("runs/{}_{:%Y-%m-%d}", fs::path(model).stem().string(), now);
  for (int n = 1;; ++n) {
    std::string candidate = fmt::format("{}_{}", stem, n);
    if (!fs::exists(candidate)) return candidate;
  }
}

[[noreturn]] void fail_taken(const std::string& path) {
  fail("{}: already holds a run (continue it with --resume {}, or choose another --out)", path, path);
}

}  // namespace

void require_free(const std::string& path, const std::vector<std::string>& marks) {
  std::error_code error;
  for (const std::string& mark : marks)
    if (fs::exists(fs::path(path) / mark, error)) return;
  const fs::directory_iterator first(path, error);  // none: making the folder tells what is wrong with it
  if (error || first == fs::directory_iterator()) return;
  fail("{}: expected a new or an empty folder, found '{}' in it (choose another --out)", path,
       first->path().filename().string());
}

RunFolder RunFolder::plan(const std::string& out, const std::string& model, const std::string& mark) {
  const std::string path = out.empty() ? default_path(model) : out;
  std::error_code error;
  if (fs::exists(fs::path(path) / "config.toml", error)) fail_taken(path);
  if (fs::exists(fs::path(path) / "sweep.toml", error))
    fail("{}: holds a sweep (choose another --out)", path);
  require_free(path, mark.empty() ? std::vector<std::string>() : std::vector{mark});
  return RunFolder(path);
}

void RunFolder::make() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) fail("{}: cannot make the run folder: {}", path_, error.message());
}

RunFolder RunFolder::open(const std::string& path) {
  std::error_code error;
  if (!fs::exists(fs::path(path) / "config.toml", error))
    fail("{}: not a run folder (it has no config.toml)", path);
  return RunFolder(path);
}

bool RunFolder::has(const std::string& name) const {
  std::error_code error;
  return fs::exists(file(name), error);
}

void RunFolder::write(const std::string& name, const std::string& text) const {
  AtomicFile out(file(name));
  out.write(text.data(), text.size());
  out.commit();
}

void RunFolder::claim(const std::string& config) const {
  AtomicFile out(file("config.toml"));
  out.write(config);
  if (!out.commit_new()) fail_taken(path_);
}

void RunFolder::write_metrics(const std::vector<EpochMetrics>& epochs) const {
  std::string text = std::string(kHeader) + "\n";
  for (const EpochMetrics& e : epochs)
    text += fmt::format("{},{},{},{},{},{},{:.6f},{:.0f}\n", e.epoch, e.learning_rate, e.train_loss,
                        e.train_accuracy, e.val_loss, e.val_accuracy, e.seconds, e.samples_per_second);
  write("metrics.csv", text);
}

std::vector<EpochMetrics> RunFolder::read_metrics() const {
  std::vector<EpochMetrics> epochs;
  std::ifstream in(file("metrics.csv"));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1 && line == kHeader) continue;
    std::vector<double> cells;
    const char* at = line.data();
    const char* end = at + line.size();
    while (at <= end) {
      double value = 0;
      const auto [stop, problem] = std::from_chars(at, end, value);
      if (problem != std::errc() || (stop != end && *stop != ',')) break;
      cells.push_back(value);
      at = stop + 1;
    }
    if (cells.size() != 8)
      fail("{}, line {}: expected 8 numbers, found '{}'", file("metrics.csv"), number, line);
    epochs.push_back({static_cast<std::int64_t>(cells[0]), cells[1], cells[2], cells[3], cells[4], cells[5],
                      cells[6], cells[7]});
  }
  return epochs;
}

}  // namespace jsc
