// A fair race: contestants take turns in rounds, so that a change of the processor's clock or another program
// hits all of them, and a ratio is taken within a round. Rates are in units of a contestant's own work a
// second.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace jsc {

struct Contestant {
  std::string name;
  double work;  // of one run: flops, bytes, samples
  std::function<void()> run;
};

enum class Clock { processor, wall };  // a thread's processor time (other programs do not count), or the wall

// A turn is long beside what the last contestant left behind: caches to fill, and threads that still spin.
struct RaceOptions {
  int rounds = 25;
  double seconds = 1e-3;  // of one turn, at least; and at least one run
  Clock clock = Clock::processor;
};

class Race {
 public:
  Race(const std::vector<Contestant>& contestants, const RaceOptions& options);

  double rate(const std::string& name) const;                               // median over the rounds
  double ratio(const std::string& name, const std::string& against) const;  // median of the rounds' ratios

 private:
  const std::vector<double>& of(const std::string& name) const;
  std::vector<std::string> names_;
  std::vector<std::vector<double>> rates_;  // [contestant][round]
};

// The contestant with the highest rate, all of one work.
const Contestant& fastest(const std::vector<Contestant>& contestants, const RaceOptions& options);

}  // namespace jsc
