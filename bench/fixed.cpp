// Fixed-point casts a second, by every way that there is to make them, and jsc-fixed's lines a second.
// Results are checked before they are timed.
//
//   build/bench/bench_fixed --benchmark_filter=cast/rnd_conv
//
// cast/MODES/run_time   fixed::cast, the format known at run time, 128 bits inside
// cast/MODES/compiled   fixed::Value, the format in the type
// cast/MODES/narrow     fixed::NarrowCast, 64 bits inside: the reference executor's accumulators
// cast/MODES/rows32     cast_row over int32, the verified executor's
// cast/MODES/rows64     cast_row over int64
// cast/MODES/plain_c    what one writes by hand for these modes alone
// cast/MODES/systemc    sc_fix
// batch/OPERATION       jsc-fixed on a file of lines
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apps/jsc_fixed/batch.hpp"
#include "bench/main.hpp"
#include "engine/random.hpp"
#include "quant/fixed/fixed.hpp"
#include "quant/fixed/narrow_cast.hpp"
#include "quant/kernels/cast_rows.hpp"
#ifdef JSC_BENCH_SYSTEMC
#include "bench/systemc_casts.hpp"
#endif

namespace jsc {
namespace {

using fixed::Format;
using fixed::Overflow;
using fixed::Rounding;

// The sums of an 8-bit layer, 8 fraction bits, back to 8 bits: a fifth of them overflows.
constexpr int kFraction = 8;
constexpr Format kSource{26, 26 - kFraction};
constexpr std::size_t kNumbers = 4096;

struct Modes {
  const char* name;
  Rounding rounding;
  Overflow overflow;
};
constexpr Modes kModes[] = {
    {"trn+wrap", Rounding::trn, Overflow::wrap},
    {"trn_zero+wrap", Rounding::trn_zero, Overflow::wrap},
    {"ceil+wrap", Rounding::ceil, Overflow::wrap},
    {"up+wrap", Rounding::up, Overflow::wrap},
    {"rnd+sat", Rounding::rnd, Overflow::sat},
    {"rnd_zero+sat", Rounding::rnd_zero, Overflow::sat},
    {"rnd_inf+sat", Rounding::rnd_inf, Overflow::sat},
    {"rnd_min_inf+sat", Rounding::rnd_min_inf, Overflow::sat},
    {"rnd_conv+sat", Rounding::rnd_conv, Overflow::sat},
    {"rnd_conv_odd+sat", Rounding::rnd_conv_odd, Overflow::sat},
    {"rnd_conv+sat_sym", Rounding::rnd_conv, Overflow::sat_sym},
    {"rnd_conv+sat_zero", Rounding::rnd_conv, Overflow::sat_zero},
    {"rnd_conv+wrap_sm", Rounding::rnd_conv, Overflow::wrap_sm},
};

constexpr Format target(Rounding rounding, Overflow overflow) {
  return {8, 4, true, rounding, overflow};
}

template <class T>
std::vector<T> numbers() {
  std::vector<T> raw;
  for (std::uint64_t i = 0; i < kNumbers; ++i)
    raw.push_back(static_cast<T>(uniform_below({11, 0}, i, 5000)) - 2500);
  return raw;
}

// Times cast(from, to), arrays of T, after a look at what it yields.
template <class T, class CastAll>
void time_casts(benchmark::State& state, const Format& format, const CastAll& cast_all) {
  const std::vector<T> from = numbers<T>();
  std::vector<T> to(kNumbers);
  cast_all(from.data(), to.data());
  for (std::size_t i = 0; i < kNumbers; ++i)
    if (to[i] != static_cast<T>(fixed::cast(from[i], kFraction, format)))
      return state.SkipWithError("a cast is wrong");
  for (auto _ : state) {
    cast_all(from.data(), to.data());
    benchmark::ClobberMemory();
  }
  state.counters["casts"] = benchmark::Counter(
      static_cast<double>(kNumbers) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

template <class T, class CastAll>
void add_casts(const char* modes, const char* way, const Format& format, const CastAll& cast_all) {
  benchmark::RegisterBenchmark((std::string("cast/") + modes + "/" + way).c_str(),
                               [=](benchmark::State& state) { time_casts<T>(state, format, cast_all); });
}

template <std::size_t kMode>
void compiled_casts(const std::int64_t* from, std::int64_t* to) {
  using To = fixed::Value<target(kModes[kMode].rounding, kModes[kMode].overflow)>;
  for (std::size_t i = 0; i < kNumbers; ++i)
    to[i] = static_cast<std::int64_t>(To(fixed::Value<kSource>::from_raw(from[i])).raw());
}

template <std::size_t kMode>
void register_mode() {
  const Format format = target(kModes[kMode].rounding, kModes[kMode].overflow);
  const char* modes = kModes[kMode].name;
  add_casts<std::int64_t>(modes, "run_time", format, [format](const std::int64_t* from, std::int64_t* to) {
    for (std::size_t i = 0; i < kNumbers; ++i)
      to[i] = static_cast<std::int64_t>(fixed::cast(from[i], kFraction, format));
  });
  add_casts<std::int64_t>(modes, "compiled", format, compiled_casts<kMode>);
  add_casts<std::int64_t>(modes, "narrow", format, [format](const std::int64_t* from, std::int64_t* to) {
    const fixed::NarrowCast cast(kFraction, format);
    for (std::size_t i = 0; i < kNumbers; ++i) to[i] = cast(from[i]);
  });
  add_casts<std::int32_t>(modes, "rows32", format, [format](const std::int32_t* from, std::int32_t* to) {
    cast_row(detected_isa(), kNumbers, from, kFraction, format, to);
  });
  add_casts<std::int64_t>(modes, "rows64", format, [format](const std::int64_t* from, std::int64_t* to) {
    cast_row(detected_isa(), kNumbers, from, kFraction, format, to);
  });
}

// RND_CONV and SAT to fixed<8,4> by hand.
void plain_casts(const std::int64_t* from, std::int64_t* to) {
  constexpr int kShift = kFraction - 4;
  for (std::size_t i = 0; i < kNumbers; ++i) {
    std::int64_t v = from[i];
    v = (v + (1 << (kShift - 1)) - 1 + ((v >> kShift) & 1)) >> kShift;
    to[i] = std::clamp<std::int64_t>(v, -128, 127);
  }
}

int memory_file(const std::string& text) {
  const int file = memfd_create("bench_fixed", 0);
  if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return -1;
  return file;
}

void batch(benchmark::State& state, const std::string& operation) {
  constexpr std::int64_t kLines = 200000;
  std::string lines, expected;
  const Format to = target(Rounding::rnd_conv, Overflow::sat);
  for (std::int64_t i = 0; i < kLines; ++i) {
    const auto a =
        static_cast<std::int64_t>(uniform_below({12, 0}, static_cast<std::uint64_t>(i), 65536)) - 32768;
    const std::int64_t b = a / 300;
    const std::string raw = std::to_string(a);
    std::string line, answer;
    if (operation == "cast") {
      line = "cast;fixed<16,6>;" + raw + ";fixed<8,4,RND_CONV,SAT>";
      answer = std::to_string(static_cast<std::int64_t>(fixed::cast(a, 10, to)));
    } else {
      line = "mul;fixed<16,6>;" + raw + ";fixed<8,4>;" + std::to_string(b);
      answer = "fixed<24,10>;" + std::to_string(a * b);
    }
    lines += line + '\n';
    expected += line + ';' + answer + '\n';
  }
  const int in = memory_file(lines), out = memory_file("");
  if (in < 0 || out < 0) return state.SkipWithError("no file in memory");
  const auto run = [&] {
    lseek(in, 0, SEEK_SET);
    lseek(out, 0, SEEK_SET);
    run_fixed_batch(in, out);
  };
  run();
  std::string found(expected.size() + 1, '\0');
  const ssize_t size = pread(out, found.data(), found.size(), 0);
  found.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (found != expected) return state.SkipWithError("an answer is wrong");
  for (auto _ : state) run();
  state.counters["lines"] = benchmark::Counter(
      static_cast<double>(kLines) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetBytesProcessed(static_cast<std::int64_t>(lines.size()) * state.iterations());
  close(in);
  close(out);
}

template <std::size_t... kMode>
void register_modes(std::index_sequence<kMode...>) {
  (register_mode<kMode>(), ...);
}

}  // namespace

void register_benchmarks() {
  register_modes(std::make_index_sequence<std::size(kModes)>());
  const Format format = target(Rounding::rnd_conv, Overflow::sat);
  add_casts<std::int64_t>("rnd_conv+sat", "plain_c", format, plain_casts);
#ifdef JSC_BENCH_SYSTEMC
  add_casts<std::int64_t>("rnd_conv+sat", "systemc", format, [=](const std::int64_t* from, std::int64_t* to) {
    jsc_bench::systemc_casts(from, kNumbers, kFraction, format.width, format.integer, to);
  });
#endif
  for (const char* operation : {"cast", "mul"})
    benchmark::RegisterBenchmark((std::string("batch/") + operation).c_str(),
                                 [=](benchmark::State& state) { batch(state, operation); });
}

}  // namespace jsc
