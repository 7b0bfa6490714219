// Numbers as people read them in reports and progress lines. Nothing here is meant to be parsed again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jsc {

std::string format_count(std::int64_t n);                           // 1,234,567
std::string format_si(double value);                                // 12.3 M; ? if negative or not finite
std::string format_rate(double per_second, std::string_view unit);  // 12.3 M jets/s
std::string format_seconds(double seconds);                         // 850 ms, 12.3 s, 1 m 05 s, 2 h 03 m
std::string format_bytes(std::uint64_t bytes);                      // 512 B, 79.4 MiB

}  // namespace jsc
