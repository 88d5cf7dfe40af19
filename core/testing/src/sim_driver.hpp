// A driver over the simulated network. A turn has the order of the product's: readiness, closing
// callbacks, timers, then the turn's end just before it would block.
#pragma once

#include <atomic>
#include <vector>

#include "sim_network.hpp"

namespace weir::testing {

class SimDriver;

class SimPipe final : public Pipe {
 public:
  explicit SimPipe(std::size_t capacity) : capacity_(capacity) {}
  std::size_t held() const override { return bytes_.size(); }
  IoResult take_back(std::span<std::byte> into) override;

 private:
  friend class SimStream;
  const std::size_t capacity_;
  std::string bytes_;
};

class SimStream final : public SocketStream {
 public:
  SimStream(SimDriver& driver, SimSocket& socket, ConnectionCore& owner);
  ~SimStream() override;

  IoResult receive(std::span<std::byte> into) override;
  IoResult send(const iovec* pieces, int count) override;
  IoResult splice_in(Pipe& pipe) override;
  IoResult splice_out(Pipe& pipe) override;
  int shut_down() override;
  int error() override;
  void want(unsigned what) override;
  void close(bool reset) override;
  int release() override;
  Address local() const override;

  SimDriver& driver() { return driver_; }
  ConnectionCore& owner() { return owner_; }
  unsigned ready() const;  // What its owner is to be told.

 private:
  friend class SimDriver;
  SimSocket& socket() const;

  SimDriver& driver_;
  ConnectionCore& owner_;
  int number_;
  unsigned want_ = ready::kNothing;
  bool told_ = false;      // The hang-up, since want().
  std::size_t index_ = 0;  // In the driver's table.
};

class SimListen final : public ListenSocket {
 public:
  SimListen(SimDriver& driver, int number, ListenOwner& owner);
  ~SimListen() override;

  Accepted accept() override;
  void want(bool acceptable) override { want_ = acceptable; }
  void discard(int socket) override;

  bool ready() const;
  ListenOwner& owner() { return owner_; }

 private:
  SimDriver& driver_;
  ListenOwner& owner_;
  int number_;
  bool want_ = false;
};

class SimDriver final : public Driver {
 public:
  explicit SimDriver(SimNetwork& network) : network_(network) {}

  void attach(DriverOwner& owner) override { owner_ = &owner; }
  SteadyTime now() const override { return network_.now(); }
  WallTime wall() const override { return network_.wall(); }
  std::uint64_t random() override { return network_.random(); }

  std::size_t stream_size() const override { return sizeof(SimStream); }
  SocketStream& adopt(int socket, void* memory, ConnectionCore& owner) override;
  std::unique_ptr<ListenSocket> adopt_listener(int socket, ListenOwner& owner) override;
  DialResult dial(const Url& url, const Address& address, DialOwner& owner) override;
  std::unique_ptr<Pipe> make_pipe() override;
  void resolve(std::string host, Resolved answer) override;
  void work(Task blocking, Task then) override;

  void wake() override { woken_.store(true, std::memory_order_release); }
  void set_alarm(SteadyTime at) override { alarm_ = at; }
  void clear_alarm() override { alarm_.reset(); }
  void run() override;
  void stop() override { stopped_ = true; }

  // --- For the net.

  bool busy() const;  // A turn would have something to do at this time.
  void turn();
  std::uint64_t turns() const { return turns_; }
  std::optional<SteadyTime> next() const;  // When there is something to do without anybody's doing.
  SimNetwork& network() { return network_; }

 private:
  friend class SimStream;
  friend class SimListen;

  struct Answer {
    SteadyTime at;
    Task task;
  };
  struct Event {
    enum class Kind : std::uint8_t { wake, stream, listener, answer } kind;
    int number = 0;
    SimStream* stream = nullptr;
    SimListen* listener = nullptr;
    Task answer = {};
  };

  void collect();
  void dispatch(Event& event);
  void remove(SimStream& stream);
  void answer(Millis after, Task task) { answers_.push_back({now() + after, std::move(task)}); }

  SimNetwork& network_;
  DriverOwner* owner_ = nullptr;
  std::vector<SimStream*> streams_;
  std::vector<SimListen*> listeners_;
  std::vector<Answer> answers_;
  std::vector<Event> events_;
  std::vector<ConnectionCore*> closing_;  // To be told that their stream is gone,
  std::vector<ConnectionCore*> gone_;     // and those being told.
  std::optional<SteadyTime> alarm_;
  std::atomic<bool> woken_{false};
  std::uint64_t turns_ = 0;
  bool again_ = false;  // The last turn's end asked not to block.
  bool stopped_ = false;
};

}  // namespace weir::testing
