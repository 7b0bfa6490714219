#include "engine/tape.hpp"

#include <algorithm>
#include <cstring>

namespace jsc {

namespace {

// Passes over fewer values than this (1 or 2 us of work) are not worth sharing: another core is told and its
// results come back in about 1 us.
constexpr Index kValuesWorthThreads = Index{1} << 13;

}  // namespace

Variable Tape::add(const Slot& slot) {
  slots_.push_back(slot);
  return {static_cast<std::int32_t>(slots_.size() - 1)};
}

Variable Tape::input(Index rows, Index cols) {
  if (rows < 1 || cols < 1)
    fail("tape input: expected at least one row and one column, found {} x {}", rows, cols);
  Slot slot;
  slot.value = activation(rows, cols);
  for (Index b = 0; b < block_count(cols); ++b) {
    const Matrix block = columns(slot.value, sample_block(b, cols));
    for (Index r = 0; r < rows; ++r) std::fill_n(block.row(r), round_up(block.cols, kLanes), 0.0F);
  }
  slot.name = "input";
  return add(slot);
}

Variable Tape::parameter(Matrix value, Matrix gradient, std::string_view name) {
  if (value.rows != gradient.rows || value.cols != gradient.cols)
    fail("parameter '{}': its gradient should be {} x {} as the value, found {} x {}", name, value.rows,
         value.cols, gradient.rows, gradient.cols);
  for (Variable known : parameters_)
    if (at(known).value.data == value.data) return known;
  char* text = arena_.array<char>(static_cast<Index>(name.size()) + 1);
  std::memcpy(text, name.data(), name.size());
  Slot slot;
  slot.value = value;
  if (gradients_ == Gradients::wanted) slot.gradient = gradient;
  slot.name = std::string_view(text, name.size());
  const Variable v = add(slot);
  parameters_.push_back(v);
  return v;
}

Variable Tape::output(Index rows, Index cols, std::initializer_list<Variable> inputs) {
  Slot slot;
  slot.value = activation(rows, cols);
  for (Variable input : inputs)
    if (input && needs_gradient(input) && !slot.gradient) slot.gradient = activation(rows, cols);
  return add(slot);
}

void Tape::append(const Record& record) {
  if (layout_ == Layout::blocks && record.forward != nullptr)
    fail("tape, step '{}': it needs all samples at once, which are kept in blocks here", record.name);
  at(record.output).name = record.name;
  steps_.push_back(record);
  forward_done_ = forward_plan_.complete = backward_plan_.complete = false;
}

void Tape::reset() {
  arena_.reset();
  slots_.clear();
  steps_.clear();
  parameters_.clear();
  annotations_.clear();
  forward_done_ = forward_plan_.complete = backward_plan_.complete = false;
}

const Annotation* Tape::exact(Variable v) const {
  for (const Annotation& annotation : annotations_)
    if (annotation.variable.id == v.id && annotation.raw != nullptr) return &annotation;
  return nullptr;
}

void Tape::forward() {
  forward_done_ = false;
  if (forward_plan_.complete) {
    run(forward_plan_);
  } else {
    Plan& plan = forward_plan_;
    start(plan);
    for (const Record& record : steps_) {
      if (record.forward != nullptr) {
        plan_step(plan, {record.step, nullptr, record.forward});
        continue;
      }
      for (Variable input : record.inputs) finish_before_use(plan, input);
      plan_step(plan, record, *record.forward_passes);
      if (record.forward_passes->finish != nullptr) at(record.output).phase = plan.phases.size() + 1;
    }
    complete(plan);
  }
  forward_done_ = true;
}

void Tape::backward(Variable loss) {
  if (!loss || static_cast<std::size_t>(loss.id) >= slots_.size())
    fail("backward: the loss is not a variable of this tape");
  if (value(loss).rows != 1 || value(loss).cols != 1)
    fail("backward: the loss should be 1 x 1, found {} x {}", value(loss).rows, value(loss).cols);
  if (!needs_gradient(loss)) fail("backward: the loss '{}' does not depend on any parameter", name(loss));
  if (!forward_done_)
    fail("backward: there is no forward pass to differentiate (run forward() before each backward())");
  forward_done_ = false;

  at(loss).gradient(0, 0) = 1.0F;
  next_whole_sink_ = 0;
  if (backward_plan_.complete && planned_loss_.id == loss.id) return run(backward_plan_);
  Plan& plan = backward_plan_;
  start(plan);
  planned_loss_ = loss;
  whole_sinks_.clear();
  for (Slot& slot : slots_) slot.written = false;
  at(loss).written = true;
  for (auto record = steps_.rbegin(); record != steps_.rend(); ++record) {
    if (!at(record->output).written) continue;
    if (record->backward != nullptr) {
      plan_step(plan, {record->step, nullptr, record->backward});
      continue;
    }
    finish_before_use(plan, record->output);
    for (std::size_t i = 0; i < record->inputs.size(); ++i) {
      finish_before_use(plan, record->inputs[i]);
      record->sinks[i] = record->inputs[i] ? new_sink(record->inputs[i]) : Sink{{}, false};
    }
    plan_step(plan, *record, *record->backward_passes);
    if (record->backward_passes->finish == nullptr) continue;
    for (Variable input : record->whole_inputs)
      if (input && needs_gradient(input)) at(input).phase = plan.phases.size() + 1;
  }
  complete(plan);
}

// Plans are made while they are run for the first time, since only then steps of the first kind tell which
// sinks they want.
void Tape::start(Plan& plan) {
  plan.complete = false;
  plan.phases.clear();
  plan.calls.clear();
  plan.passes.clear();
  plan.finishes.clear();
  plan.samples = plan.rows = 0;
  for (Slot& slot : slots_) slot.phase = 0;
}

// Lines up the passes of a step behind those of the phase, in the next one if it has to wait for all samples.
void Tape::plan_step(Plan& plan, const Record& record, const Passes& passes) {
  if (record.samples != plan.samples) end_phase(plan);
  plan.samples = record.samples;
  if (passes.sum != nullptr) {
    plan.rows += value(record.output).rows;
    plan.passes.push_back({record.step, record.sinks, passes.sum});
    end_phase(plan);
  }
  if (passes.combine != nullptr) plan.calls.push_back({record.step, record.sinks, passes.combine});
  plan.rows += value(record.output).rows;
  plan.passes.push_back({record.step, record.sinks, passes.run});
  if (passes.finish != nullptr) plan.finishes.push_back({record.step, record.sinks, passes.finish});
}

void Tape::plan_step(Plan& plan, const Call& whole) {
  end_phase(plan);
  plan.calls.push_back(whole);
  end_phase(plan);
}

void Tape::end_phase(Plan& plan) {
  plan.phases.push_back(
      {plan.calls.size(), plan.passes.size(), plan.samples, plan.rows * plan.samples >= kValuesWorthThreads});
  run(plan, plan.phases.size() - 1);
  plan.calls.insert(plan.calls.end(), plan.finishes.begin(), plan.finishes.end());
  plan.finishes.clear();
  plan.rows = 0;
}

void Tape::complete(Plan& plan) {
  end_phase(plan);
  end_phase(plan);  // what the last one finishes
  plan.complete = true;
}

void Tape::run(const Plan& plan, std::size_t phase) {
  const auto [calls_end, passes_end, samples, shared] = plan.phases[phase];
  const Phase before = phase == 0 ? Phase{} : plan.phases[phase - 1];
  for (std::size_t i = before.calls_end; i < calls_end; ++i)
    plan.calls[i].run(plan.calls[i].step, *this, plan.calls[i].sinks);
  if (before.passes_end == passes_end) return;
  const auto run_block = [&, samples = samples, passes_end = passes_end](Index number) {
    const SampleBlock block = sample_block(number, samples);
    for (std::size_t i = before.passes_end; i < passes_end; ++i)
      plan.passes[i].run(plan.passes[i].step, *this, plan.passes[i].sinks, block);
  };
  parallel_for(shared ? execution_.threads : 1, block_count(samples), run_block);
}

void Tape::run(const Plan& plan) {
  for (std::size_t phase = 0; phase < plan.phases.size(); ++phase) run(plan, phase);
}

Tape::Sink Tape::sink(Variable input) {
  if (backward_plan_.complete) {
    JSC_ASSERT(next_whole_sink_ < whole_sinks_.size() &&
               whole_sinks_[next_whole_sink_].d.data == at(input).gradient.data);
    return whole_sinks_[next_whole_sink_++];
  }
  whole_sinks_.push_back(new_sink(input));
  return whole_sinks_.back();
}

Tape::Sink Tape::new_sink(Variable input) {
  Slot& slot = at(input);
  if (!slot.gradient) return {{}, false};
  const bool accumulate = slot.written;
  slot.written = true;
  return {slot.gradient, accumulate};
}

Matrix Tape::gradient(Variable v) const {
  const Slot& slot = at(v);
  if (!slot.gradient)
    fail("gradient: '{}' needs no gradient (nothing it depends on is a parameter)", slot.name);
  if (!slot.written)
    fail("gradient: none for '{}': no backward pass was run, or the loss does not depend on it", slot.name);
  return slot.gradient;
}

}  // namespace jsc
