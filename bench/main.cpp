#include "bench/main.hpp"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
  jsc::register_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
