// The autograd tape: an append-only list of steps in execution order, run forwards and walked backwards once.
//
//   Tape tape(execution);
//   Variable x = tape.input(features, batch);          // the caller fills tape.value(x)
//   Variable w = tape.parameter(value, gradient, "w");
//   Variable y = linear(tape, x, w, b);     // recording wrappers (ops/) check shapes and lay out memory
//   Variable loss = ...;                    // 1 x 1
//   tape.forward();
//   tape.backward(loss);                    // replay as often as wanted, on new values, without allocation
//
// Recording computes nothing. Any directed acyclic graph works: a variable may feed many steps, a parameter
// may be recorded more than once (it is then one variable). During the backward walk the first contribution
// to a gradient writes it and later ones add to it, so gradients are never cleared. A step whose output
// received no gradient is skipped.
//
// A step is a trivially destructible struct. One that needs all samples at once has
//   void forward(Tape&) const;    compute the output's value
//   void backward(Tape&) const;   for each input that needs it: add its share to tape.sink(input)
// Most treat the blocks of samples (threads.hpp) one by one and say so (record_blocks):
//   void forward(Tape&, SampleBlock) const;                  the output's columns of that block
//   void backward(Tape&, Tape::Sinks, SampleBlock) const;    sinks[i]: where the gradient of the i-th input
//   goes; left out by a step that is recorded only where nobody wants its gradient
// and, where something of all samples is needed, any of
//   void begin_forward(Tape&) const;                once, before the blocks
//   void sum_forward(Tape&, SampleBlock) const;     a pass over the blocks before forward,
//   void combine_forward(Tape&) const;              once between the two
//   void finish_forward(Tape&) const;               once, after the blocks: adds up what they found
//   void sum_backward(Tape&, Tape::Sinks, SampleBlock) const, combine_backward(Tape&, Tape::Sinks) const,
//   void finish_backward(Tape&, Tape::Sinks) const  the same of the other direction.
// A block runs through as many steps as it can before the next block does, while its values are in the cache;
// the blocks are spread over the threads; only combine_* and steps of the first kind wait for all blocks.
//
// What runs when follows from the steps and the loss alone, so the first run of each direction notes it down
// (Plan) and those after it go by the notes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/arena.hpp"
#include "engine/execution.hpp"
#include "engine/threads.hpp"

namespace jsc {

struct Variable {
  std::int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
};

// What a step tells about a value beside its floats: a name for those who look, and the exact value where
// float32 cannot hold it, for steps that read it and for the proof that integers compute the same.
struct Annotation {
  Variable variable;
  std::string name;                   // "seq_blocks_2.weight"
  const std::int64_t* raw = nullptr;  // [rows][stride], in whole rows; value = raw * 2^-fraction. Null: the
                                      // floats are exact
  int fraction = 0;
};

class Tape {
 public:
  // With Gradients::none parameters need no gradients, and neither memory nor time is spent on them.
  enum class Gradients { wanted, none };
  // Activations have whole rows, or every block of samples by itself (Arena::blocks), which is faster for
  // several blocks; then all steps that are recorded have to treat blocks.
  enum class Layout { rows, blocks };
  explicit Tape(Execution execution = {}, Gradients gradients = Gradients::wanted,
                Layout layout = Layout::rows)
      : execution_(execution), gradients_(gradients), layout_(layout) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const Execution& execution() const { return execution_; }
  // Before a pass; the results have the same bits, but for OpenBLAS's.
  void set_threads(int threads) { execution_.threads = threads; }
  Arena& arena() { return arena_; }

  // --- recording ---
  // A value that the caller fills and that needs no gradient.
  Variable input(Index rows, Index cols);
  // A value kept elsewhere (row-major, see tensor.hpp) whose gradient goes to `gradient` (same shape). The
  // same `value.data` recorded again gives the same variable. `name` is for messages.
  Variable parameter(Matrix value, Matrix gradient, std::string_view name);
  // The output of a step over `inputs`; it needs a gradient if one of them does.
  Variable output(Index rows, Index cols, std::initializer_list<Variable> inputs);
  // Memory for one more value for each sample, which a step keeps for itself.
  Matrix activation(Index rows, Index cols) {
    return layout_ == Layout::blocks ? arena_.blocks(rows, cols) : arena_.matrix(rows, cols);
  }
  // Appends a step. `name` must outlive the tape (a literal).
  template <class Step>
  void record(const char* name, Variable output, const Step& step) {
    append({name,
            output,
            arena_.make(step),
            [](const void* s, Tape& tape, Sinks) { static_cast<const Step*>(s)->forward(tape); },
            [](const void* s, Tape& tape, Sinks) { static_cast<const Step*>(s)->backward(tape); },
            0,
            {},
            {},
            nullptr,
            nullptr,
            nullptr});
  }
  // Appends a step that treats blocks of `samples` samples. Its inputs (empty variables allowed) are, in the
  // order of its sinks, those with a column for each sample, and those it reads as a whole, whose gradients
  // combine_backward or finish_backward delivers. The output has a column for each sample, or finish_forward
  // writes it. Throws Error where the output needs a gradient and the step has no backward.
  template <class Step>
  void record_blocks(const char* name, Variable output, Index samples,
                     std::initializer_list<Variable> sampled_inputs,
                     std::initializer_list<Variable> whole_inputs, const Step& step);
  // Notes something about a variable; the order of the notes is kept. `raw` must live as long as the
  // recording (in the arena).
  void annotate(Annotation annotation) { annotations_.push_back(std::move(annotation)); }
  // Forgets everything recorded and keeps the memory.
  void reset();

  // --- running ---
  void forward();
  // Gradient of `loss` (1 x 1) with respect to everything it depends on. Once for each forward().
  // Throws Error if loss is not 1 x 1, needs no gradient, or no forward() came before.
  void backward(Variable loss);

  // --- looking ---
  Matrix value(Variable v) const { return at(v).value; }
  bool wants_gradients() const { return gradients_ == Gradients::wanted; }
  bool needs_gradient(Variable v) const { return at(v).gradient.data != nullptr; }
  // The gradient left by the last backward(). Throws Error if v needs none or the loss does not depend on v.
  Matrix gradient(Variable v) const;
  bool has_gradient(Variable v) const { return at(v).written; }
  std::string_view name(Variable v) const { return at(v).name; }
  std::span<const Annotation> annotations() const { return annotations_; }
  // The exact integers of a variable; null if its floats are exact.
  const Annotation* exact(Variable v) const;
  Index step_count() const { return static_cast<Index>(steps_.size()); }
  // No step needs all samples at once.
  bool goes_by_blocks() const {
    return std::ranges::all_of(steps_, [](const Record& step) { return step.forward == nullptr; });
  }

  // Number of the training step, which random operations (dropout) put into their Philox key.
  std::uint64_t training_step = 0;

  // --- for the backward functions of steps ---
  struct Sink {
    Matrix d;         // where the gradient goes; d.data is null if the input needs none
    bool accumulate;  // add to what is there (true) or overwrite it (false)
  };
  using Sinks = const Sink*;
  // Asks for the gradient of an input and marks it as written: call once for each contribution and then write
  // it. A step asks for the same inputs each time.
  Sink sink(Variable input);
  // The gradient that arrived at a step's output.
  ConstMatrix d(Variable output) const { return at(output).gradient; }

 private:
  struct Slot {
    Matrix value;
    Matrix gradient;
    std::string_view name;
    bool written = false;   // the gradient, in the last backward walk
    std::size_t phase = 0;  // after which it is finished: the value (forward), the gradient (backward)
  };
  using RunOnce = void (*)(const void* step, Tape& tape, Sinks sinks);
  using RunBlock = void (*)(const void* step, Tape& tape, Sinks sinks, SampleBlock block);
  // One direction of a step over blocks; null where the step has no such function.
  struct Passes {
    RunBlock sum;
    RunOnce combine;  // after sum; begin_* where there is no sum
    RunBlock run;
    RunOnce finish;
  };
  struct Record {
    const char* name;
    Variable output;
    const void* step;
    RunOnce forward, backward;  // of a step that needs all samples at once; null for one over blocks
    // Of a step over blocks:
    Index samples;
    std::span<const Variable> inputs;  // all
    std::span<const Variable> whole_inputs;
    Sink* sinks;  // one an input
    const Passes *forward_passes, *backward_passes;
  };
  struct Pass {
    const void* step;
    Sinks sinks;
    RunBlock run;
  };
  struct Call {
    const void* step;
    Sinks sinks;
    RunOnce run;
  };
  // First the calls, then the passes over all blocks; each from where the phase before ends.
  struct Phase {
    std::size_t calls_end, passes_end;
    Index samples;
    bool shared;  // between the threads
  };
  // One direction of the tape. The phase behind `phases` is being made.
  struct Plan {
    bool complete = false;
    std::vector<Phase> phases;
    std::vector<Call> calls;
    std::vector<Pass> passes;
    std::vector<Call> finishes;   // wait for the phase to end
    Index samples = 0, rows = 0;  // of its passes; rows of their outputs: how much work there is
  };

  template <class Step>
  static constexpr Passes forward_passes();
  template <class Step>
  static constexpr Passes backward_passes();

  void append(const Record& record);
  Sink new_sink(Variable input);
  void start(Plan& plan);
  void plan_step(Plan& plan, const Record& record, const Passes& passes);
  void plan_step(Plan& plan, const Call& whole);
  void end_phase(Plan& plan);
  void complete(Plan& plan);
  void run(const Plan& plan, std::size_t phase);
  void run(const Plan& plan);
  void finish_before_use(Plan& plan, Variable v) {
    if (v && at(v).phase > plan.phases.size()) end_phase(plan);
  }
  Variable add(const Slot& slot);
  Slot& at(Variable v) {
    JSC_ASSERT(v.id >= 0 && static_cast<std::size_t>(v.id) < slots_.size());
    return slots_[static_cast<std::size_t>(v.id)];
  }
  const Slot& at(Variable v) const { return const_cast<Tape*>(this)->at(v); }

  Execution execution_;
  Gradients gradients_;
  Layout layout_;
  Arena arena_;
  std::vector<Slot> slots_;
  std::vector<Record> steps_;
  std::vector<Variable> parameters_;
  std::vector<Annotation> annotations_;
  Plan forward_plan_, backward_plan_;
  Variable planned_loss_;          // of backward_plan_
  std::vector<Sink> whole_sinks_;  // those that its steps of the first kind asked for, in their order
  std::size_t next_whole_sink_ = 0;
  bool forward_done_ = false;
};

template <class Step>
constexpr Tape::Passes Tape::forward_passes() {
  Passes passes{};
  passes.run = [](const void* s, Tape& tape, Sinks, SampleBlock block) {
    static_cast<const Step*>(s)->forward(tape, block);
  };
  if constexpr (requires(const Step& s, Tape& tape) { s.combine_forward(tape); }) {
    passes.sum = [](const void* s, Tape& tape, Sinks, SampleBlock block) {
      static_cast<const Step*>(s)->sum_forward(tape, block);
    };
    passes.combine = [](const void* s, Tape& tape, Sinks) {
      static_cast<const Step*>(s)->combine_forward(tape);
    };
  }
  if constexpr (requires(const Step& s, Tape& tape) { s.begin_forward(tape); })
    passes.combine = [](const void* s, Tape& tape, Sinks) {
      static_cast<const Step*>(s)->begin_forward(tape);
    };
  if constexpr (requires(const Step& s, Tape& tape) { s.finish_forward(tape); })
    passes.finish = [](const void* s, Tape& tape, Sinks) {
      static_cast<const Step*>(s)->finish_forward(tape);
    };
  return passes;
}

template <class Step>
constexpr Tape::Passes Tape::backward_passes() {
  Passes passes{};
  if constexpr (requires(const Step& s, Tape& tape, Sinks sinks) { s.backward(tape, sinks, SampleBlock{}); })
    passes.run = [](const void* s, Tape& tape, Sinks sinks, SampleBlock block) {
      static_cast<const Step*>(s)->backward(tape, sinks, block);
    };
  if constexpr (requires(const Step& s, Tape& tape, Sinks sinks) { s.combine_backward(tape, sinks); }) {
    passes.sum = [](const void* s, Tape& tape, Sinks sinks, SampleBlock block) {
      static_cast<const Step*>(s)->sum_backward(tape, sinks, block);
    };
    passes.combine = [](const void* s, Tape& tape, Sinks sinks) {
      static_cast<const Step*>(s)->combine_backward(tape, sinks);
    };
  }
  if constexpr (requires(const Step& s, Tape& tape, Sinks sinks) { s.finish_backward(tape, sinks); })
    passes.finish = [](const void* s, Tape& tape, Sinks sinks) {
      static_cast<const Step*>(s)->finish_backward(tape, sinks);
    };
  return passes;
}

template <class Step>
void Tape::record_blocks(const char* name, Variable output, Index samples,
                         std::initializer_list<Variable> sampled_inputs,
                         std::initializer_list<Variable> whole_inputs, const Step& step) {
  static constexpr Passes forward = forward_passes<Step>(), backward = backward_passes<Step>();
  if (backward.run == nullptr && needs_gradient(output)) fail("{} has no gradient", name);
  const std::size_t count = sampled_inputs.size() + whole_inputs.size();
  auto* inputs = arena_.array<Variable>(static_cast<Index>(count));
  auto* whole = std::copy(sampled_inputs.begin(), sampled_inputs.end(), inputs);
  std::copy(whole_inputs.begin(), whole_inputs.end(), whole);
  append({name,
          output,
          arena_.make(step),
          nullptr,
          nullptr,
          samples,
          {inputs, count},
          {whole, whole_inputs.size()},
          arena_.array<Sink>(static_cast<Index>(count)),
          &forward,
          &backward});
}

}  // namespace jsc
