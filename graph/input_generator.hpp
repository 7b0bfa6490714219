// Where passes that run the network take its inputs from: rows that can be asked for in any order, so that
// work over them can be cut into blocks and spread over threads.
#pragma once

#include "engine/tensor.hpp"

namespace jsc {

class InputGenerator {
 public:
  virtual ~InputGenerator() = default;
  virtual Index features() const = 0;
  virtual Index rows() const = 0;
  // x[feature][i] = feature of row first + i, for x.cols rows. Safe to call from several threads.
  virtual void fill(Index first, Matrix x) const = 0;
};

}  // namespace jsc
