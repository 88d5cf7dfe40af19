// What an agent and its conductor share: one page of memory for each agent.
#pragma once

#include <atomic>
#include <span>

#include "machine.hpp"
#include "meter.hpp"

namespace weir::load {

// A text of bounded length that holds no pointer.
class PageText {
 public:
  void set(std::string_view text) {
    const std::size_t size = std::min(text.size(), text_.size() - 1);
    std::copy_n(text.begin(), size, text_.begin());
    text_[size] = '\0';
  }
  std::string_view text() const { return text_.data(); }

 private:
  std::array<char, 512> text_{};
};

struct Page {
  // --- Written by the conductor.
  std::atomic<std::uint32_t> may_pass{0};  // Gates.
  std::atomic<bool> stop{false};           // The run is to end before its time.
  std::atomic<bool> leave{false};          // Nobody needs its connections any more.

  // --- Written by the agent. What is no atomic is complete once `finished` is set, but for the meter, which
  // may be looked into while it counts.
  std::atomic<std::uint32_t> arrived{0};  // At gates.
  std::atomic<std::uint32_t> opened{0};   // Windows: what is measured began,
  std::atomic<std::uint32_t> closed{0};   // and is over.
  std::atomic<Nanos> own_cpu{0};          // So far.
  std::atomic<bool> finished{false};
  Nanos duration = 0;
  Nanos cpu = 0;     // In the window,
  Nanos waited = 0;  // and ready to run without a CPU.
  std::uint64_t connections = 0;
  PageText reason;  // Why its figures are not valid.
  int failed = 0;   // An exit status: there are no figures at all, for this reason.
  Meter meter;
};

// Memory that is shared with processes which are forked later.
class Pages {
 public:
  explicit Pages(std::size_t count);  // Throws SetupError if there is no memory.
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  std::span<Page> all() const { return pages_; }

 private:
  std::span<Page> pages_;
};

}  // namespace weir::load
