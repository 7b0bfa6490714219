// Ctrl-C as a request: the first SIGINT or SIGTERM asks the running work to stop after its step, a second one
// kills.
#pragma once

namespace jsc {

void catch_interrupts();
bool interrupted();
// The same request from within: when one of several workers fails, the others should stop.
void request_interrupt();

}  // namespace jsc
