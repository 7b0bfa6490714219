// The numbers of a batch normalization inside a module: the parameters PREFIXweight and PREFIXbias, unless it
// is not affine, and the module's buffers running_mean, running_var and num_batches_tracked, in this order.
#pragma once

#include <string_view>

#include "graph/module.hpp"
#include "quant/scale_shift.hpp"

namespace jsc {

BatchNormBuffers batch_norm_buffers(Module& module);

// alpha and beta of the running statistics for one feature: the same floats as in evaluation on a tape.
ScaleAndOffset running_scale_and_offset(const Module& module, std::string_view prefix, Index feature,
                                        double eps);

// Weight 1, bias 0, and the statistics of nothing seen.
void initialize_batch_norm(Module& module, std::string_view prefix);

}  // namespace jsc
