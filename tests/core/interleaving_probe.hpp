// What a handler and a service of the interleavings check and do. Included by interleaving.hpp.
#pragma once

#include <memory>
#include <stdexcept>

#include "interleaving.hpp"

namespace weir::interleaving {

inline Probe::Probe(Machine& machine, Model& model) : machine_(machine), model_(model) {
  ++model_.handlers;
}

inline Probe::~Probe() {
  --model_.handlers;
  machine_.require(model_.closes == 1 || model_.moving, "R3: a handler died before its on_close");
}

inline void Probe::on_open(Connection& self) {
  Machine::Inside inside(machine_);
  machine_.require(!model_.opened && !model_.closing, "R2: on_open twice, or after close()");
  machine_.require(&self == model_.connection, "another connection");
  model_.opened = true;
  machine_.act(model_.loop, &model_);
}

inline std::size_t Probe::on_data(Connection& self, Bytes data) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "R2: on_data");
  machine_.require(!model_.paused, "on_data while paused");
  machine_.require(!model_.eof, "on_data after on_eof");
  const bool fresh = data.size() > model_.unused;
  // A full connection that has drained is offered them before it is told of the drain; one that reads
  // on when it is full also if it was filled again meanwhile.
  const bool drained = model_.drained || (model_.full && (!self.full() || !model_.hold));
  model_.drained = false;
  machine_.require(fresh || (data.size() == model_.unused && (model_.resumed || drained)),
                   "R9: unused bytes came again by themselves");
  if (!fresh || data.size() >= model_.unused) model_.resumed = false;
  if (model_.sent != nullptr) {
    machine_.require(model_.sent->compare(model_.consumed, data.size(), as_text(data)) == 0,
                     "input is wrong or out of order");
  }
  model_.unused = data.size();
  if (machine_.dice_.one_in(3)) machine_.write(model_, data);
  if (machine_.wrong_.empty()) machine_.act(model_.loop, &model_);
  const std::size_t used =
      machine_.dice_.one_in(3) ? machine_.dice_.roll(data.size() + 1) : data.size();
  model_.consumed += used;
  model_.unused = data.size() - used;
  if (model_.unused == 0) model_.resumed = false;
  return used;
}

inline void Probe::on_eof(Connection&, Bytes unused) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "R2: on_eof");
  machine_.require(!model_.eof && !model_.paused, "R9: on_eof twice, or while paused");
  machine_.require(unused.size() == model_.unused, "on_eof without the unused bytes");
  if (model_.sent != nullptr) {
    machine_.require(model_.sent->compare(model_.consumed, std::string::npos, as_text(unused)) == 0,
                     "on_eof before the last byte");
  }
  model_.eof = true;
  model_.resumed = false;
  model_.consumed += model_.unused;
  model_.unused = 0;
  if (machine_.dice_.one_in(2) || machine_.calm_) {
    model_.ending = true;
    model_.connection->end();
  }
  machine_.act(model_.loop, &model_);
}

inline void Probe::on_drain(Connection& self) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "R2: on_drain");
  // After end() a write no longer tells whether it is full.
  machine_.require(model_.full || model_.ending, "R9: on_drain without Flow::full");
  const std::uint64_t turn = machine_.turn(model_);
  machine_.require(model_.drain_turn != turn, "R9: on_drain twice in a turn");
  model_.drain_turn = turn;
  const bool again = self.write(std::string_view()) == Flow::full;  // Filled before it was told.
  if (!again) model_.full = false;
  model_.drained = true;
  if (!machine_.calm_) machine_.act(model_.loop, &model_);
}

inline void Probe::on_idle(Connection& self) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "R2: on_idle");
  if (machine_.calm_ || machine_.dice_.one_in(2)) {
    model_.closing = true;
    return self.close();
  }
  machine_.act(model_.loop, &model_);
}

inline void Probe::on_stop(Connection& self) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "R2: on_stop");
  if (machine_.dice_.one_in(2)) {
    model_.closing = true;
    return self.close();
  }
  machine_.act(model_.loop, &model_);
}

inline void Probe::on_close(Connection& self, const CloseReason& reason) {
  Machine::Inside inside(machine_);
  machine_.require(self.closing(), "R2: closing() is false in on_close");
  machine_.require(&self == model_.connection, "another connection");
  machine_.not_live(model_);
  if (reason.code == CloseReason::Code::moved) {
    machine_.require(model_.moving, "moved without freeze");
    return;
  }
  ++model_.closes;
  model_.reason = reason;
  machine_.require(model_.closes == 1, "R2: on_close twice");
  const bool threw = reason.code == CloseReason::Code::handler_threw;
  machine_.require(threw == model_.threw || model_.unmade, "R4: handler_threw");
  if (model_.aborted) machine_.require(reason.side == CloseReason::Side::us, "abort's side");
  if (reason.code == CloseReason::Code::write_overflow) {
    machine_.require(machine_.over_ || (model_.full && model_.full_turn < machine_.turn(model_)),
                     "R8: cut in the turn in which it became full");
    machine_.require(machine_.over_ || model_.write_turn == machine_.turn(model_),
                     "R8: cut for what was written in an earlier turn");
  }
  if (!machine_.calm_ && machine_.dice_.one_in(4)) machine_.act(model_.loop, nullptr);
}

inline bool Probe::freeze(State& state) {
  Machine::Inside inside(machine_);
  machine_.require(model_.opened && model_.closes == 0 && !model_.closing, "freeze after close()");
  if (machine_.dice_.one_in(5)) return false;
  model_.moving = true;
  state.put(model_.id);
  return true;
}

inline void Probe::thaw(Connection& self, State& state) {
  Machine::Inside inside(machine_);
  model_.drain_turn = 0;
  model_.full_turn = model_.write_turn = machine_.turn(model_);
  machine_.require(state.take_number() == model_.id && self.id() == model_.id, "thawed as another");
  machine_.act(model_.loop, &model_);
}

inline std::unique_ptr<Handler> ProbeService::accept(Connection& self) {
  Machine::Inside inside(machine_);
  Model* model = machine_.find(self.id());
  const bool moved = model != nullptr && model->moving;
  if (!moved && machine_.dice_.one_in(20)) return nullptr;
  if (!moved && machine_.dice_.one_in(20)) throw std::runtime_error("told to");
  if (model == nullptr) model = &machine_.add();
  model->id = self.id();
  model->loop = index_;
  model->moving = false;
  machine_.live(*model, self);
  return std::make_unique<Probe>(machine_, *model);
}

inline void ProbeService::on_stop() {
  Machine::Inside inside(machine_);
  machine_.act(index_, nullptr);
}

}  // namespace weir::interleaving
