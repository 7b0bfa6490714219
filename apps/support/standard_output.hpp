// Whether what a program prints arrives: on a full disk it has not done what it was asked for.
#pragma once

namespace jsc {

// Writes out what is buffered. Throws Error if that, or anything printed before, could not be written.
void flush_standard_output();

}  // namespace jsc
