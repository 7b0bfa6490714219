// The proof that an integer network computes what the fake-quantized graph computes: both run over every
// sample, and every intermediate value of the graph is compared with that of two executors (reference and
// vectorized), integer by integer. The result of IntegerInference, which keeps no intermediate values, is
// compared with the reference's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/execution.hpp"
#include "engine/tensor.hpp"
#include "graph/graph.hpp"
#include "graph/input_generator.hpp"
#include "quant/integer/program.hpp"

namespace jsc {

// The first value, in the order of samples and then of the network, that is not the same.
struct Divergence {
  Index sample = 0;
  std::string value;     // "seq_blocks_2.sum"
  std::string executor;  // "reference", "vectorized" or "inference"
  Index feature = 0;
  std::int64_t expected = 0;  // of the graph
  std::int64_t found = 0;
  int bit = 0;                        // the lowest in which they differ
  std::vector<std::string> operands;  // how the integer network got there
};

// What happened at one value, over all samples, and what could.
struct LedgerEntry {
  std::string value;
  std::string operation;  // "input", "quantize", "dense", ...
  std::string format;     // what it was cast to; "" where no cast was made
  std::int64_t numbers = 0;
  std::int64_t rounded = 0;    // that lay between two numbers of the format
  std::int64_t ties = 0;       // in the middle
  std::int64_t negative = 0;   // below zero, which an unsigned saturating format makes 0: a ReLU's work
  std::int64_t saturated = 0;  // that overflowed otherwise in a saturating mode
  std::int64_t wrapped = 0;    // that overflowed in a wrapping mode
  Range observed{INT64_MAX, INT64_MIN};
  Range proven;           // of all features
  int width = 0;          // bits of the widest register or of the format
  int headroom_bits = 0;  // unused bits of the widest register, by what was observed
  int excess_bits = 0;    // by which overflow is not excluded (range_analysis.hpp); 0: no input overflows
};

struct VerifyReport {
  Index samples = 0;
  std::int64_t compared = 0;  // numbers, for each executor
  std::int64_t mismatches = 0;
  std::optional<Divergence> first;
  std::vector<LedgerEntry> ledger;
  int word_bits = 0;  // of the vectorized executor
};

struct VerifyOptions {
  Execution execution;
  bool ledger = true;
  bool stop_at_mismatch = false;
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // may be empty
};

// Runs over all rows of `samples`. Throws Error if there are none, if their features do not fit, or if graph
// and program do not have the same values.
VerifyReport verify_program(const Graph& graph, const IntegerProgram& program, const InputGenerator& samples,
                            const VerifyOptions& options);

}  // namespace jsc
