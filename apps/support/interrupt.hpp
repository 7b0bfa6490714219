// Ctrl-C as a request: the first SIGINT or SIGTERM asks the running work to stop after its step, a second one
// kills.
#pragma once

namespace jsc {

void catch_interrupts();
bool interrupted();

}  // namespace jsc
