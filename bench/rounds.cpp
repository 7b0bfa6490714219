#include "bench/rounds.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>

namespace jsc {

namespace {

double now(Clock clock) {
  timespec t{};
  clock_gettime(clock == Clock::processor ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double seconds_of(const Contestant& contestant, long runs, Clock clock) {
  if (runs > 1) contestant.run();  // into warm caches
  const double start = now(clock);
  for (long i = 0; i < runs; ++i) contestant.run();
  return now(clock) - start;
}

// Runs that take about so long, found by doubling, which also warms caches and clock up.
long runs_for(const Contestant& contestant, const RaceOptions& options) {
  for (long runs = 1;; runs *= 2) {
    const double seconds = seconds_of(contestant, runs, options.clock);
    if (seconds > options.seconds / 2)
      return std::max(1L, static_cast<long>(static_cast<double>(runs) * options.seconds / seconds));
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Race::Race(const std::vector<Contestant>& contestants, const RaceOptions& options)
    : rates_(contestants.size()) {
  std::vector<long> runs;
  for (const Contestant& contestant : contestants) {
    names_.push_back(contestant.name);
    runs.push_back(runs_for(contestant, options));
  }
  for (int round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < contestants.size(); ++i)
      rates_[i].push_back(contestants[i].work * static_cast<double>(runs[i]) /
                          seconds_of(contestants[i], runs[i], options.clock));
}

const std::vector<double>& Race::of(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) throw std::out_of_range("no contestant is called " + name);
  return rates_[static_cast<std::size_t>(found - names_.begin())];
}

double Race::rate(const std::string& name) const {
  return median(of(name));
}

double Race::ratio(const std::string& name, const std::string& against) const {
  std::vector<double> ratios = of(name);
  for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i] /= of(against)[i];
  return median(ratios);
}

const Contestant& fastest(const std::vector<Contestant>& contestants, const RaceOptions& options) {
  std::vector<Contestant> numbered = contestants;
  for (std::size_t i = 0; i < numbered.size(); ++i) numbered[i].name = std::to_string(i);
  const Race race(numbered, options);
  std::size_t best = 0;
  for (std::size_t i = 1; i < numbered.size(); ++i)
    if (race.rate(numbered[i].name) > race.rate(numbered[best].name)) best = i;
  return contestants[best];
}

}  // namespace jsc
