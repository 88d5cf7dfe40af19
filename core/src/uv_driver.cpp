#include "uv_driver.hpp"

#include <algorithm>
#include <string>

#include "platform.hpp"
#include "sockaddr.hpp"
#include "sockets.hpp"

namespace weir {

namespace {

template <class Handle>
uv_handle_t* as_handle(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

UvDriver& driver_of(const uv_loop_t* loop) { return *static_cast<UvDriver*>(loop->data); }

Resolution resolution(int status, const addrinfo* found) {
  Resolution result;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const Address address = from_sockaddr(at->ai_addr, at->ai_addrlen);
    const auto& known = result.addresses;
    const bool is_new = std::find(known.begin(), known.end(), address) == known.end();
    if (address.family() != Address::Family::none && is_new) result.addresses.push_back(address);
  }
  if (status < 0) {
    result.error = uv_strerror(status);
  } else if (result.addresses.empty()) {
    result.error = "no address";
  }
  return result;
}

}  // namespace

struct UvDriver::Lookup {
  uv_getaddrinfo_t request{};
  UvDriver* driver = nullptr;
  Resolved answer;
};

struct UvDriver::Work {
  uv_work_t request{};
  UvDriver* driver = nullptr;
  Task blocking;
  Task then;
};

UvDriver::Loop::Loop() {
  const int result = uv_loop_init(&uv);
  if (result < 0) {
    throw SetupError(std::string("cannot make an event loop: ") + uv_strerror(result),
                     SetupError::Kind::system);
  }
}

UvDriver::UvDriver() : reactor_(loop_.uv) { loop_.uv.data = this; }

UvDriver::~UvDriver() { finish(); }

void UvDriver::attach(DriverOwner& owner) {
  owner_ = &owner;
  reactor_.attach(owner_);
}

void UvDriver::finish() {
  if (finished_) return;
  finished_ = true;
  owner_ = nullptr;
  reactor_.attach(nullptr);
  for (uv_req_t* const request : requests_) uv_cancel(request);
  reactor_.finish();
  for (const auto& handle : signals_) uv_close(as_handle(handle.get()), nullptr);
  uv_run(&loop_.uv, UV_RUN_DEFAULT);  // Until every close callback and pool thread is through.
}

void UvDriver::on_signals(std::initializer_list<int> signals, Callback<int> told) {
  told_ = std::move(told);
  for (const int number : signals) {
    auto& handle = signals_.emplace_back(std::make_unique<uv_signal_t>());
    uv_signal_init(&loop_.uv, handle.get());
    uv_signal_start(
        handle.get(),
        [](uv_signal_t* from, int signal) { driver_of(from->loop).told_(int{signal}); }, number);
  }
  reactor_.libuv_has_more();
}

std::uint64_t UvDriver::random() {
  if (random_left_ == 0) {
    if (uv_random(nullptr, nullptr, random_.data(), sizeof random_, 0, nullptr) < 0) {
      throw std::runtime_error("the system has no randomness");
    }
    random_left_ = random_.size();
  }
  return random_[--random_left_];
}

std::size_t UvDriver::stream_size() const { return sizeof(ReactorStream); }

SocketStream& UvDriver::adopt(int socket, void* memory, ConnectionCore&) {
  return *new (memory) ReactorStream(reactor_, socket);
}

std::unique_ptr<ListenSocket> UvDriver::adopt_listener(int socket, ListenOwner& owner) {
  return std::make_unique<OwnListenSocket>(reactor_, socket, owner);
}

DialResult UvDriver::dial(const Url& url, const Address& address, DialOwner& owner) {
  return OwnDial::begin(reactor_, url, address, owner);
}

std::unique_ptr<Pipe> UvDriver::make_pipe() { return platform::make_pipe(); }

void UvDriver::resolve(std::string host, Resolved answer) {
  auto lookup = std::make_unique<Lookup>();
  lookup->driver = this;
  lookup->answer = std::move(answer);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  const int result =
      uv_getaddrinfo(&loop_.uv, &lookup->request, finish_lookup, host.c_str(), nullptr, &hints);
  if (result < 0) {  // Told later like any other answer.
    return work([] {}, [lookup = std::move(lookup),
                        result] { lookup->answer(resolution(result, nullptr)); });
  }
  requests_.insert(reinterpret_cast<uv_req_t*>(&lookup->request));
  static_cast<void>(lookup.release());  // Its callback owns it.
}

void UvDriver::finish_lookup(uv_getaddrinfo_t* request, int status, addrinfo* found) {
  const std::unique_ptr<Lookup> lookup(reinterpret_cast<Lookup*>(request));
  UvDriver& driver = *lookup->driver;
  driver.requests_.erase(reinterpret_cast<uv_req_t*>(request));
  const Resolution result = resolution(status, found);
  uv_freeaddrinfo(found);
  if (driver.owner_ != nullptr) lookup->answer(result);
}

void UvDriver::work(Task blocking, Task then) {
  auto work = std::make_unique<Work>();
  work->driver = this;
  work->blocking = std::move(blocking);
  work->then = std::move(then);
  const auto run = [](uv_work_t* request) { reinterpret_cast<Work*>(request)->blocking(); };
  requests_.insert(reinterpret_cast<uv_req_t*>(&work->request));
  uv_queue_work(&loop_.uv, &work->request, run, finish_work);
  static_cast<void>(work.release());
}

void UvDriver::finish_work(uv_work_t* request, int) {
  const std::unique_ptr<Work> work(reinterpret_cast<Work*>(request));
  UvDriver& driver = *work->driver;
  driver.requests_.erase(reinterpret_cast<uv_req_t*>(request));
  if (driver.owner_ != nullptr) work->then();
}

}  // namespace weir
