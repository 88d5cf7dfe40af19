// The driver of the product: our reactor, and libuv for lookups, threads, signals and randomness.
#pragma once

#include <array>
#include <unordered_set>

#include <uv.h>

#include "reactor.hpp"

namespace weir {

class WEIR_API UvDriver final : public Driver {
 public:
  UvDriver();  // Throws SetupError if the system has no room for a loop.
  ~UvDriver() override;
  UvDriver(const UvDriver&) = delete;
  UvDriver& operator=(const UvDriver&) = delete;

  // Closes everything of the loop's own and turns until every close callback has come. The owner is
  // not called any more; streams' owners are.
  void finish();

  // Calls `told` on the loop's thread for each of these signals.
  void on_signals(std::initializer_list<int> signals, Callback<int> told);

  void attach(DriverOwner& owner) override;
  SteadyTime now() const override { return reactor_.now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
  std::uint64_t random() override;
  std::size_t stream_size() const override;
  SocketStream& adopt(int socket, void* memory, ConnectionCore& owner) override;
  std::unique_ptr<ListenSocket> adopt_listener(int socket, ListenOwner& owner) override;
  DialResult dial(const Url& url, const Address& address, DialOwner& owner) override;
  std::unique_ptr<Pipe> make_pipe() override;
  void resolve(std::string host, Resolved answer) override;
  void work(Task blocking, Task then) override;
  void wake() override { reactor_.wake(); }
  void set_alarm(SteadyTime at) override { reactor_.set_alarm(at); }
  void clear_alarm() override { reactor_.clear_alarm(); }
  void run() override { reactor_.run(); }
  void stop() override { reactor_.stop(); }

 private:
  struct Lookup;
  struct Work;

  static void finish_lookup(uv_getaddrinfo_t* request, int status, addrinfo* found);
  static void finish_work(uv_work_t* request, int status);

  struct Loop {
    Loop();  // Throws SetupError.
    ~Loop() { uv_loop_close(&uv); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    uv_loop_t uv{};
  };

  Loop loop_;
  Reactor reactor_;
  std::vector<std::unique_ptr<uv_signal_t>> signals_;
  Callback<int> told_;
  DriverOwner* owner_ = nullptr;
  std::unordered_set<uv_req_t*> requests_;  // Under way on the pool's threads.
  std::array<std::uint64_t, 32> random_{};
  std::size_t random_left_ = 0;
  bool finished_ = false;
};

}  // namespace weir
