#include "tests/fixed/systemc_oracle.hpp"

#define SC_INCLUDE_FX
#include <cmath>
#include <systemc>

int sc_main(int, char**) {
  return 0;
}  // the library asks for it; nothing is simulated

namespace systemc_oracle {
namespace {

using sc_dt::sc_fxval;

constexpr sc_dt::sc_q_mode kRounding[] = {sc_dt::SC_RND,     sc_dt::SC_RND_ZERO, sc_dt::SC_RND_MIN_INF,
                                          sc_dt::SC_RND_INF, sc_dt::SC_RND_CONV, sc_dt::SC_RND_CONV,
                                          sc_dt::SC_TRN,     sc_dt::SC_TRN_ZERO};
constexpr sc_dt::sc_o_mode kOverflow[] = {sc_dt::SC_SAT, sc_dt::SC_SAT_ZERO, sc_dt::SC_SAT_SYM,
                                          sc_dt::SC_WRAP, sc_dt::SC_WRAP_SM};

// Exact: up to 53 bits and exponents far inside double's range.
sc_fxval value(std::int64_t raw, int fraction) {
  return sc_fxval(std::ldexp(static_cast<double>(raw), -fraction));
}

sc_dt::sc_fxtype_params parameters(const Format& f) {
  return {f.width, f.integer, kRounding[f.rounding], kOverflow[f.overflow], f.saturated_bits};
}

// results[i] = make(i) assigned to the format.
template <class Number, class Make>
void assign_all(const Format& to, std::size_t count, std::int64_t* results, Make make) {
  Number number(parameters(to));
  for (std::size_t i = 0; i < count; ++i) {
    number = make(i);
    results[i] = static_cast<std::int64_t>(std::ldexp(number.to_double(), to.width - to.integer));
  }
}

template <class Make>
void assign(const Format& to, std::size_t count, std::int64_t* results, Make make) {
  if (to.is_signed)
    assign_all<sc_dt::sc_fix>(to, count, results, make);
  else
    assign_all<sc_dt::sc_ufix>(to, count, results, make);
}

}  // namespace

void cast(const std::int64_t* values, std::size_t count, int fraction, const Format& to,
          std::int64_t* results) {
  assign(to, count, results, [=](std::size_t i) { return value(values[i], fraction); });
}

void same_result(Operation operation, const std::int64_t* a, int a_fraction, const std::int64_t* b,
                 int b_fraction, std::size_t count, const Raw* results, int fraction, bool* equal) {
  for (std::size_t i = 0; i < count; ++i) {
    const sc_fxval x = value(a[i], a_fraction), y = value(b[i], b_fraction);
    sc_fxval found;
    switch (operation) {
      case Operation::add:
        found = x + y;
        break;
      case Operation::subtract:
        found = x - y;
        break;
      case Operation::multiply:
        found = x * y;
        break;
      case Operation::negate:
        found = -x;
        break;
    }
    const sc_fxval expected = value(results[i].high, fraction - 80) +
                              value(results[i].middle, fraction - 40) + value(results[i].low, fraction);
    equal[i] = found == expected;
  }
}

void divide(const std::int64_t* a, int a_fraction, const std::int64_t* b, int b_fraction, std::size_t count,
            const Format& to, std::int64_t* results) {
  assign(to, count, results,
         [=](std::size_t i) { return sc_fxval(value(a[i], a_fraction) / value(b[i], b_fraction)); });
}

namespace {

template <class Number>
sc_fxval accumulate(const Sum& sum, const Format& accumulator) {
  Number total(parameters(accumulator)), product(parameters(accumulator));
  total = value(sum.bias, sum.bias_fraction);
  for (std::size_t k = 0; k < sum.terms; ++k) {
    product = value(sum.weights[k], sum.weight_fraction) * value(sum.x[k], sum.x_fraction);
    total = total + product;
  }
  return total;
}

}  // namespace

std::int64_t sum_of_products(const Sum& sum, const Format* accumulator) {
  sc_fxval total;
  if (accumulator != nullptr) {
    total = accumulator->is_signed ? accumulate<sc_dt::sc_fix>(sum, *accumulator)
                                   : accumulate<sc_dt::sc_ufix>(sum, *accumulator);
  } else {
    total = value(sum.bias, sum.bias_fraction);
    for (std::size_t k = 0; k < sum.terms; ++k)
      total = total + value(sum.weights[k], sum.weight_fraction) * value(sum.x[k], sum.x_fraction);
  }
  return static_cast<std::int64_t>(std::ldexp(total.to_double(), sum.fraction));
}

void compare(const std::int64_t* a, int a_fraction, const std::int64_t* b, int b_fraction, std::size_t count,
             int* results) {
  for (std::size_t i = 0; i < count; ++i) {
    const sc_fxval x = value(a[i], a_fraction), y = value(b[i], b_fraction);
    results[i] = x < y ? -1 : x > y ? 1 : 0;
  }
}

}  // namespace systemc_oracle
