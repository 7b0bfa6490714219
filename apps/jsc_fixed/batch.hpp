// The batch mode of jsc-fixed: one operation a line, the line and its answer out
// (apps/jsc_fixed/operation.hpp).
#pragma once

namespace jsc {

// Works until the end of the file descriptor `in` and writes to `out`; what has arrived is answered before it
// waits for more. Throws Error with the number of the first malformed line; the answers to the lines before
// it have been written by then.
void run_fixed_batch(int in, int out);

}  // namespace jsc
