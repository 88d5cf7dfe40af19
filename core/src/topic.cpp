#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <weir/connection.hpp>
#include <weir/loop.hpp>
#include <weir/payload.hpp>

#include "service_loop.hpp"

namespace weir {

namespace {

// What a member may be behind: never so much that its connection's own bound would end it.
std::size_t backlog_of(Connection& connection, const TopicOptions& options) {
  const ServiceConfig& service = static_cast<ServiceLoop&>(connection.loop()).config();
  return std::min(options.backlog_max, service.limits.write_max / 2);
}

struct Publication {
  Payload payload;
  std::uint64_t number;  // Of the topic's.
  std::uint64_t from;    // Connection that does not hear it; 0: all do.
};

// A member, on its loop only.
struct Listener {
  Connection& connection;
  std::uint64_t id;          // The connection's.
  std::size_t place;         // Among the listeners of its loop.
  std::uint64_t since;       // Joined after this publication.
  std::uint64_t missed = 0;  // Payloads, since it was told,
  std::uint64_t lost;        // and how many its loop had lost by then.
};

// The members on one loop.
struct Shard {
  explicit Shard(Loop& at) : loop(at) {}

  void deliver(const Publication& said, const TopicOptions& options);
  void hear(Listener& listener, const Payload& payload, const TopicOptions& options) const;
  bool catch_up(Listener& listener, const TopicOptions& options) const;

  Loop& loop;
  std::vector<Listener*> listeners;  // The loop's,
  std::uint64_t lost = 0;            // like this: payloads that found the inbox full.

  std::vector<Publication> inbox;  // Guarded by the topic's mutex,
  std::size_t bytes = 0;           // like these.
  std::uint64_t overflow = 0;
  std::size_t members = 0;  // As long as there is one, the loop is there to post to.
};

void Shard::deliver(const Publication& said, const TopicOptions& options) {
  for (Listener* const each : listeners) {
    if (each->id == said.from || said.number <= each->since) continue;
    hear(*each, said.payload, options);
  }
}

// No member of Connection calls a handler, so nobody joins or leaves meanwhile.
void Shard::hear(Listener& listener, const Payload& payload, const TopicOptions& options) const {
  if (catch_up(listener, options)) {
    listener.connection.write(payload);
    return;
  }
  ++listener.missed;
  if (options.close_slow) listener.connection.abort({ENOBUFS, std::generic_category()});
}

// Whether the listener takes more; if it missed any it is told so first.
bool Shard::catch_up(Listener& listener, const TopicOptions& options) const {
  if (listener.connection.pending() > backlog_of(listener.connection, options)) return false;
  listener.missed += lost - std::exchange(listener.lost, lost);
  const std::uint64_t missed = std::exchange(listener.missed, 0);
  if (missed > 0 && options.notice) listener.connection.write(options.notice(missed));
  return true;
}

}  // namespace

struct Topic::Body : std::enable_shared_from_this<Body> {
  void say(const Publication& said, Connection* from);
  void put(const std::shared_ptr<Shard>& shard, const Publication& said);
  void show_history(Connection& to) const;
  void empty(Shard& shard);
  std::shared_ptr<const TopicOptions> now();

  std::mutex mutex;
  std::shared_ptr<const TopicOptions> options;
  std::map<Loop*, std::shared_ptr<Shard>> shards;
  std::uint64_t published = 0;
  std::size_t members = 0;
  std::deque<std::string> history;  // No payloads: each would keep a whole block alive.
};

struct Topic::Member::Body {
  Body(std::shared_ptr<Topic::Body> of, std::shared_ptr<Shard> on, Connection& connection)
      : topic(std::move(of)),
        shard(std::move(on)),
        listener{connection, connection.id(), shard->listeners.size(), topic->published,
                 0,          shard->lost} {}
  ~Body();
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  std::shared_ptr<Topic::Body> topic;
  std::shared_ptr<Shard> shard;
  Listener listener;
};

Topic::Member::Member() = default;
Topic::Member::Member(Member&& other) noexcept = default;
Topic::Member& Topic::Member::operator=(Member&& other) noexcept = default;
Topic::Member::~Member() = default;

Topic::Member::Body::~Body() {
  std::vector<Listener*>& all = shard->listeners;
  all.back()->place = listener.place;
  all[listener.place] = all.back();
  all.pop_back();
  const std::lock_guard lock(topic->mutex);
  --topic->members;
  if (--shard->members == 0) topic->shards.erase(&shard->loop);
}

void Topic::Member::send(const Payload& payload) {
  if (body_ != nullptr) body_->shard->hear(body_->listener, payload, *body_->topic->now());
}

void Topic::Member::catch_up() {
  if (body_ != nullptr) body_->shard->catch_up(body_->listener, *body_->topic->now());
}

std::shared_ptr<const TopicOptions> Topic::Body::now() {
  const std::lock_guard lock(mutex);
  return options;
}

Topic::Topic(TopicOptions options) : body_(std::make_shared<Body>()) { set(std::move(options)); }

void Topic::set(TopicOptions options) {
  auto next = std::make_shared<const TopicOptions>(std::move(options));
  const std::lock_guard lock(body_->mutex);
  while (body_->history.size() > next->history) body_->history.pop_front();
  body_->options.swap(next);
}

std::size_t Topic::members() const {
  const std::lock_guard lock(body_->mutex);
  return body_->members;
}

void Topic::replay(Connection& to) const {
  const std::lock_guard lock(body_->mutex);
  body_->show_history(to);
}

Topic::Member Topic::join(Connection& connection) {
  const std::lock_guard lock(body_->mutex);
  auto& shard = body_->shards[&connection.loop()];
  if (shard == nullptr) shard = std::make_shared<Shard>(connection.loop());
  Member member;
  member.body_ = std::make_unique<Member::Body>(body_, shard, connection);
  shard->listeners.push_back(&member.body_->listener);
  ++shard->members;
  ++body_->members;
  body_->show_history(connection);
  return member;
}

void Topic::publish(const Payload& payload, Connection* from, bool kept) {
  const std::lock_guard lock(body_->mutex);
  if (kept && body_->options->history > 0) {
    if (body_->history.size() == body_->options->history) body_->history.pop_front();
    body_->history.emplace_back(as_text(payload.bytes()));
  }
  body_->say({payload, ++body_->published, from == nullptr ? 0 : from->id()}, from);
}

// The newest, as many as a member may be behind.
void Topic::Body::show_history(Connection& to) const {
  const std::size_t most = backlog_of(to, *options);
  std::size_t bytes = to.pending();
  auto first = history.end();
  while (first != history.begin() && bytes + std::prev(first)->size() <= most) {
    bytes += (--first)->size();
  }
  for (; first != history.end(); ++first) to.write(*first);
}

// A loop that has all the members and says something itself need not wait for its own post.
void Topic::Body::say(const Publication& said, Connection* from) {
  if (shards.size() == 1 && from != nullptr) {
    const auto& [loop, shard] = *shards.begin();
    if (loop == &from->loop() && shard->inbox.empty()) return shard->deliver(said, *options);
  }
  for (const auto& [loop, shard] : shards) put(shard, said);
}

// One post when an inbox becomes non-empty: what is posted is bounded by what the inbox may hold.
void Topic::Body::put(const std::shared_ptr<Shard>& shard, const Publication& said) {
  const std::size_t cost = said.payload.size() + sizeof said;
  if (shard->members == 0) return;
  if (shard->bytes + cost > kInboxMax && !shard->inbox.empty()) {
    ++shard->overflow;
    return;
  }
  if (shard->inbox.empty()) {
    shard->loop.post([self = shared_from_this(), shard] { self->empty(*shard); });
  }
  shard->inbox.push_back(said);
  shard->bytes += cost;
}

void Topic::Body::empty(Shard& shard) {
  std::unique_lock lock(mutex);
  const std::vector<Publication> taken = std::exchange(shard.inbox, {});
  const std::uint64_t gone = std::exchange(shard.overflow, 0);
  const std::shared_ptr<const TopicOptions> now = options;
  shard.bytes = 0;
  lock.unlock();
  for (const Publication& said : taken) shard.deliver(said, *now);
  shard.lost += gone;
}

}  // namespace weir
