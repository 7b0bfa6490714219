// The table of kernels, the CPU mask, and gather. Its last test is the last of the program (meson.build lists
// this file last, and Catch2 runs in order of declaration).
#include "engine/kernels/table.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <string>

#include "engine/gather.hpp"
#include "engine/random.hpp"
#include "tests/engine/exercised.hpp"
#include "tests/support/guarded.hpp"

using namespace jsc;

TEST_CASE("a CPU mask gives the family it names or an error that says what there is") {
  CHECK(masked_isa("") == detected_isa());
  CHECK(masked_isa("auto") == detected_isa());
  CHECK(masked_isa("portable") == Isa::portable);
  CHECK_THROWS_WITH(masked_isa("sse9"),
                    Catch::Contains("expected portable, avx2, avx512 or auto, found 'sse9'"));
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa <= detected_isa())
      CHECK(masked_isa(isa_name(isa)) == isa);
    else
      CHECK_THROWS_WITH(masked_isa(isa_name(isa)), Catch::Contains("this processor has no"));
  }
}

TEST_CASE("the core that products are tuned to is the one that the system names") {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find("cpu family") == std::string::npos) {
    WARN("skipped: /proc/cpuinfo names no family");
    return;
  }
  const auto number = [&](const std::string& name) {
    return std::stoi(text.substr(text.find(name) + name.size()));
  };
  const bool amd = text.find("AuthenticAMD") != std::string::npos && detected_isa() == Isa::avx512;
  const int family = number("cpu family\t: "), model = number("model\t\t: ");
  CHECK((detected_core() == Core::zen4) == (amd && family == 25));
  CHECK((detected_core() == Core::zen5) == (amd && family == 26 && model < 32));
}

TEST_CASE("gathered rows are the rows that the indices name, as columns") {
  for (Index features : {1, 5, 8, 15, 16, 17, 32, 40})
    for (Index batch : {1, 7, 15, 16, 17, 33, 256, 9000}) {
      const Index rows = 1000;
      std::vector<float> x(static_cast<std::size_t>(rows * features));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
      std::vector<std::uint32_t> indices(static_cast<std::size_t>(batch));
      for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = static_cast<std::uint32_t>(uniform_below({1, 1}, i, static_cast<std::uint64_t>(rows)));
      indices.back() = static_cast<std::uint32_t>(rows - 1);  // nothing past the end may be read
      for (Isa isa : supported_isas())
        for (int threads : {1, 2}) {
          Guarded out(features, batch, batch + 2);
          gather_rows({isa, threads, false}, x.data(), features, indices.data(), out.view());
          bool right = true;
          for (Index f = 0; f < features; ++f)
            for (Index i = 0; i < batch; ++i)
              right =
                  right && out.view()(f, i) ==
                               static_cast<float>(
                                   static_cast<Index>(indices[static_cast<std::size_t>(i)]) * features + f);
          INFO(isa_name(isa) << ", " << threads << " threads, " << features << " features, batch " << batch);
          REQUIRE(right);
          REQUIRE(out.intact());
        }
    }
  for (Isa isa : supported_isas()) exercised(isa, {"gather"});
}

TEST_CASE("a recorded gather takes labels from bytes where there are some, and from integers where not") {
  const Index rows = 700, features = 3, batch = 600;
  const std::vector<float> x(static_cast<std::size_t>(rows * features), 1.0F);
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint32_t> indices;
  for (std::uint32_t i = 0; i < rows; ++i) {
    labels.push_back(static_cast<std::int32_t>(1000 + i));
    bytes.push_back(static_cast<std::uint8_t>(i % 251));
    indices.push_back(i * 3 % rows);
  }
  RowSource source{x.data(), features, labels.data(), nullptr, indices.data(), rows - batch};
  std::vector<std::int32_t> got(static_cast<std::size_t>(batch));
  Tape tape({detected_isa(), 2, false});
  gather(tape, &source, batch, got.data());
  tape.forward();
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == labels[indices[i]]);
  source.byte_labels = bytes.data();
  tape.forward();
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == bytes[indices[i]]);
  source.labels = nullptr;
  source.byte_labels = nullptr;
  std::ranges::fill(got, -7);
  tape.forward();
  CHECK(std::ranges::count(got, -7) == batch);
}

TEST_CASE("every kernel of the table was exercised on every ISA of this machine") {
  if (exercised_kernels().empty()) return;  // this test alone was asked for
  for (Isa isa : supported_isas()) {
#define JSC_KERNEL(name, ...)                 \
  INFO(isa_name(isa) << ": " #name);          \
  CHECK(engine_kernels(isa).name != nullptr); \
  CHECK(exercised_kernels().count({isa, #name}) == 1);
#include "engine/kernels/kernels.inc"
#undef JSC_KERNEL
  }
}
