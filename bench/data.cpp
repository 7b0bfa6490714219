// Rows a second of what brings data into memory: the jet emulator, and the readers of a CSV and an HDF5 file
// of the size of the public data set (830,000 jets). The files are made in the temporary directory, read
// back, compared, and removed; the page cache holds them, so this is parsing and not the disk.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>

#include "apps/data/emulator.hpp"
#include "apps/data/writers.hpp"

namespace jsc {

namespace {

constexpr Index kRows = 830000;

void count_rows(benchmark::State& state) {
  state.counters["rows"] =
      benchmark::Counter(static_cast<double>(kRows), benchmark::Counter::kIsIterationInvariantRate);
}

void emulate(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  Dataset jets = emulated_dataset(kRows, 0, threads);
  for (auto _ : state) emulate_jets(0, 0, kRows, threads, jets.x.get(), jets.labels.data());
  count_rows(state);
}

bool same(const Dataset& a, const Dataset& b) {
  return a.rows == b.rows && a.features == b.features && a.labels == b.labels &&
         std::equal(a.x.get(), a.x.get() + a.rows * a.features, b.x.get());
}

void load(benchmark::State& state, const std::string& extension) {
  const std::string path = std::filesystem::temp_directory_path() / ("jsc_bench_data" + extension);
  LoadOptions options;
  options.threads = static_cast<int>(state.range(0));
  {
    const Dataset jets = emulated_dataset(kRows, 0, options.threads);
    write_dataset(path, jets);
    options.class_order = jets.class_names;
    if (!same(load_dataset(path, options), jets)) state.SkipWithError("read otherwise than written");
  }
  for (auto _ : state) benchmark::DoNotOptimize(load_dataset(path, options).x.get());
  count_rows(state);
  std::filesystem::remove(path);
}

void one_and_two_threads(benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(emulate)->Arg(1)->Unit(benchmark::kMillisecond);  // by processor time, as in training.cpp
BENCHMARK(emulate)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, csv, std::string(".csv"))->Apply(one_and_two_threads);
BENCHMARK_CAPTURE(load, hdf5, std::string(".h5"))->Apply(one_and_two_threads);

}  // namespace

}  // namespace jsc

BENCHMARK_MAIN();
