// Formats and numbers as text (docs/fixed_point.md, FX-16 and FX-17). Nothing is lost in either direction.
#pragma once

#include <string>
#include <string_view>

#include "quant/fixed/cast.hpp"
#include "quant/fixed/format.hpp"

namespace jsc::fixed {

// RND, RND_ZERO, ... and SAT, SAT_ZERO, ...
std::string_view name(Rounding rounding);
std::string_view name(Overflow overflow);

// fixed<W,I[,Q[,O[,N]]]> and ufixed<...>; also ap_fixed, ap_ufixed, sc_fixed, sc_ufixed, and AP_ or SC_
// before the names of modes. Qm.n and UQm.n in ARM's convention: m counts the sign bit, so Q4.4 is
// fixed<8,4>. Spaces may stand around every part. Throws Error with the place of the offending character,
// counted from 1.
Format parse_format(std::string_view text);

// The shortest text that parse_format reads back: modes and N stand only where they differ from TRN, WRAP, 0.
std::string to_string(const Format& format);
// Modes and N always.
std::string to_full_string(const Format& format);

std::string to_string(Wide integer);

// raw · 2^-fraction as a decimal without rounding and without exponent: -0.3125.
std::string to_decimal(Wide raw, int fraction);
// The same as C writes hexadecimal floating point, raw being the digits: -0x5p-4. strtod reads it.
std::string to_hex(Wide raw, int fraction);
// The W bits in hexadecimal, as many digits as hold W bits: 0xfb, and in binary, 11111011.
std::string bits_in_hex(Wide raw, int width);
std::string bits_in_binary(Wide raw, int width);

// Casts a decimal (1.28125, -3e-5), a hexadecimal (0x5p-4, 0x1.8) or inf, -inf, nan to a format from its
// exact value: it never becomes a double. Throws Error with the place of the offending character.
Cast parse_number(std::string_view text, const Format& to);

// The exact difference raw · 2^-fraction - text as a decimal; `text` as above and finite.
std::string difference_from(Wide raw, int fraction, std::string_view text);

}  // namespace jsc::fixed
