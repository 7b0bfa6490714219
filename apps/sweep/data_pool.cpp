#include "apps/sweep/data_pool.hpp"

#include <fmt/format.h>

#include "apps/training/start_run.hpp"

namespace jsc {

namespace {

// All that decides what the prepared data are; a loaded checkpoint has its own scaler and order of features.
std::string key(const TrainSettings& settings) {
  const DataSettings& d = settings.data;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", d.data, d.label, d.split, d.drop_duplicates, d.non_finite,
                     settings.load);
}

}  // namespace

void DataPool::expect(const TrainSettings& settings) {
  ++slots_[key(settings)].users;
}

void DataPool::require_hash(const TrainSettings& settings, const std::string& hash) {
  slots_[key(settings)].hash = hash;
}

std::shared_ptr<const PreparedData> DataPool::get(const TrainSettings& settings, bool quiet) {
  Slot& slot = slots_.at(key(settings));
  const std::lock_guard lock(slot.mutex);
  if (slot.data) return slot.data;
  if (!slot.problem.empty()) throw Error(slot.problem);
  TrainSettings copy = settings;
  const Expectation expected = find_starting_point(copy).expectation();
  try {
    slot.data = std::make_shared<const PreparedData>(prepare_data(settings.data, expected, threads_, quiet));
  } catch (const Error& error) {
    slot.problem = error.what();
    throw;
  }
  if (!slot.hash.empty() && slot.data->hash != slot.hash)
    throw OtherDataError(
        fmt::format("{}: not the data that earlier trials were trained on: expected hash {}, found {}",
                    settings.data.data, slot.hash, slot.data->hash));
  return slot.data;
}

void DataPool::release(const TrainSettings& settings) {
  Slot& slot = slots_.at(key(settings));
  const std::lock_guard lock(slot.mutex);
  if (--slot.users == 0) slot.data.reset();
}

}  // namespace jsc
