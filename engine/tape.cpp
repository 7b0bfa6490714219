#include "engine/tape.hpp"

#include <cstring>

namespace jsc {

namespace {

// Passes over fewer values than this (some 10 us of work) are not worth sharing: another core is told and its
// results come back in about 1 us, and what it computed has to move between the caches.
constexpr Index kValuesWorthThreads = Index{1} << 16;

}  // namespace

Variable Tape::add(const Slot& slot) {
  slots_.push_back(slot);
  return {static_cast<std::int32_t>(slots_.size() - 1)};
}

Variable Tape::input(Index rows, Index cols) {
  if (rows < 1 || cols < 1)
    fail("tape input: expected at least one row and one column, found {} x {}", rows, cols);
  Slot slot;
  slot.value = arena_.matrix(rows, cols);
  std::memset(slot.value.data, 0, static_cast<std::size_t>(rows * slot.value.stride) * sizeof(float));
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
  slot.value = arena_.matrix(rows, cols);
  for (Variable input : inputs)
    if (input && needs_gradient(input) && !slot.gradient) slot.gradient = arena_.matrix(rows, cols);
  return add(slot);
}

void Tape::append(const Record& record) {
  at(record.output).name = record.name;
  steps_.push_back(record);
  forward_done_ = false;
}

void Tape::reset() {
  drop_scheduled();
  arena_.reset();
  slots_.clear();
  steps_.clear();
  parameters_.clear();
  annotations_.clear();
  forward_done_ = false;
}

const Annotation* Tape::exact(Variable v) const {
  for (const Annotation& annotation : annotations_)
    if (annotation.variable.id == v.id && annotation.raw != nullptr) return &annotation;
  return nullptr;
}

void Tape::forward() {
  drop_scheduled();  // what a step that threw left behind
  for (const Record& record : steps_) {
    if (record.forward != nullptr) {
      run_scheduled();
      record.forward(record.step, *this);
      continue;
    }
    for (Variable input : record.inputs) finish_before_use(input);
    schedule(record, *record.forward_passes);
    if (record.forward_passes->finish != nullptr) mark_unfinished(record.output);
  }
  run_scheduled();
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

  drop_scheduled();
  for (Slot& slot : slots_) slot.written = false;
  at(loss).gradient(0, 0) = 1.0F;
  at(loss).written = true;
  for (auto record = steps_.rbegin(); record != steps_.rend(); ++record) {
    if (!at(record->output).written) continue;
    if (record->backward != nullptr) {
      run_scheduled();
      record->backward(record->step, *this);
      continue;
    }
    finish_before_use(record->output);
    for (std::size_t i = 0; i < record->inputs.size(); ++i) {
      finish_before_use(record->inputs[i]);
      record->sinks[i] = record->inputs[i] ? sink(record->inputs[i]) : Sink{{}, false};
    }
    schedule(*record, *record->backward_passes);
    if (record->backward_passes->finish == nullptr) continue;
    for (Variable input : record->whole_inputs)
      if (input && needs_gradient(input)) mark_unfinished(input);
  }
  run_scheduled();
}

// Lines up the passes of a step behind those that wait, after running them if it has to wait for all samples.
void Tape::schedule(const Record& record, const Passes& passes) {
  if (record.samples != scheduled_samples_) run_scheduled();
  scheduled_samples_ = record.samples;
  if (passes.sum != nullptr) {
    scheduled_rows_ += value(record.output).rows;
    scheduled_.push_back({record.step, record.sinks, passes.sum});
    run_scheduled();
  }
  if (passes.combine != nullptr) passes.combine(record.step, *this, record.sinks);
  scheduled_rows_ += value(record.output).rows;
  scheduled_.push_back({record.step, record.sinks, passes.run});
  if (passes.finish != nullptr) to_finish_.push_back({record.step, record.sinks, passes.finish});
}

void Tape::run_scheduled() {
  if (scheduled_.empty()) return;
  const Index samples = scheduled_samples_;
  const bool worth = scheduled_rows_ * samples >= kValuesWorthThreads;
  parallel_for(worth ? execution_.threads : 1, block_count(samples), [&](Index number) {
    const SampleBlock block = sample_block(number, samples);
    for (const Pass& pass : scheduled_) pass.run(pass.step, *this, pass.sinks, block);
  });
  for (const Finish& finish : to_finish_) finish.run(finish.step, *this, finish.sinks);
  drop_scheduled();
}

void Tape::drop_scheduled() {
  for (Variable v : unfinished_) at(v).unfinished = false;
  scheduled_.clear();
  scheduled_rows_ = 0;
  to_finish_.clear();
  unfinished_.clear();
}

Tape::Sink Tape::sink(Variable input) {
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
