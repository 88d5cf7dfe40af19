// What one connection says and hears: requests, and how replies are told and checked.
#pragma once

#include <memory>

#include "pattern.hpp"
#include "plan.hpp"

namespace weir::load {

class Talk {
 public:
  virtual ~Talk() = default;

  virtual Flow ask(Connection& to, std::size_t times) = 0;

  // How much of `data` was used, the replies that it completes, and what is wrong with it, if anything:
  // then nothing else counts. `due` replies are awaited.
  struct Heard {
    std::size_t used = 0;
    std::size_t replies = 0;
    const char* wrong = nullptr;
  };
  virtual Heard hear(Bytes data, std::size_t due) = 0;
};

// By the plan: with something to --send requests of any protocol, else the pattern and its echo, from
// a place of its own for each connection, so that bytes of another one are noticed.
std::unique_ptr<Talk> make_talk(const Plan& plan, const Pattern& pattern, std::size_t index);

}  // namespace weir::load
