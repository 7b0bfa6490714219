// The data of a sweep's trials: loaded once for all that read the same, dropped after the last of them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "apps/training/prepared_data.hpp"
#include "apps/training/train_settings.hpp"

namespace jsc {

class DataPool {
 public:
  explicit DataPool(int threads) : threads_(threads) {}

  std::size_t sources() const { return slots_.size(); }
  // One more trial will ask for these data.
  void expect(const TrainSettings& settings);
  // An earlier trial was trained on data of this hash.
  void require_hash(const TrainSettings& settings, const std::string& hash);
  // Throws Error if they cannot be loaded, OtherDataError if they are not those of earlier trials. Waits
  // while another thread loads them.
  std::shared_ptr<const PreparedData> get(const TrainSettings& settings, bool quiet);
  // That trial has ended.
  void release(const TrainSettings& settings);

 private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const PreparedData> data;
    std::string hash;     // required; "": any
    std::string problem;  // why they cannot be loaded
    int users = 0;
  };
  std::map<std::string, Slot> slots_;  // fixed once trials run
  int threads_;
};

}  // namespace jsc
