// Reload: everything that may fail is done first, beside what is running; then the change, which cannot.
#include <algorithm>

#include <weir/text.hpp>

#include "option_readers.hpp"
#include "server_body.hpp"

namespace weir {

namespace {

using How = ReloadPlan::How;

bool is_same_protocol(const ServiceType& one, const ServiceType& other) {
  return std::string_view(one.name) == other.name && one.make == other.make;
}

// What a SetupError says is a line already; of others nobody knows.
std::string printable(const std::exception& wrong) {
  const bool is_ours = dynamic_cast<const SetupError*>(&wrong) != nullptr;
  return is_ours ? wrong.what() : escape(wrong.what());
}

// "1 kept, 2 added, 1 removed"
std::string summary(const ReloadPlan& plan, std::size_t removed) {
  constexpr std::pair<How, std::string_view> kWords[] = {{How::kept, "kept"},
                                                         {How::reloaded, "with new options"},
                                                         {How::replaced, "replaced"},
                                                         {How::added, "added"}};
  std::string text;
  const auto add = [&text](std::size_t count, std::string_view word) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " ";
    text += word;
  };
  for (const auto& [how, word] : kWords) {
    const auto is_so = [how = how](const ReloadPlan::Entry& entry) { return entry.how == how; };
    const auto count = std::count_if(plan.entries.begin(), plan.entries.end(), is_so);
    add(static_cast<std::size_t>(count), word);
  }
  add(removed, "removed");
  return text;
}

}  // namespace

// Several that come while one is under way become one more.
void Server::Body::begin_reload() {
  if (stopping_ || !options_.on_reload) return;
  if (std::exchange(reloading_, true)) {
    reload_again_ = true;
    return;
  }
  const auto plan = std::make_shared<ReloadPlan>();
  plan->before = services_;
  for (std::size_t i = 0; i < listening_.size(); ++i) {
    const Listening& each = listening_[i];
    plan->open.push_back({i, each.key, each.service->config->name, each.socket.url(), each.place,
                          each.tls, each.tls_keys});
  }
  loops_[0]->driver.work(
      [this, plan] {
        try {
          this->plan(*plan);
        } catch (const std::exception& wrong) {
          plan->fault = printable(wrong);
          if (plan->fault.empty()) plan->fault = "no reason was given";
        } catch (...) {
          plan->fault = "something that is not a std::exception was thrown";
        }
      },
      [this, plan] { open_planned(plan); });
}

// On a pool's thread: reading, checking, binding.
void Server::Body::plan(ReloadPlan& plan) const {
  plan.wanted = options_.on_reload();
  if (plan.wanted.connections > limits_.descriptors) {
    throw SetupError(
        std::to_string(plan.wanted.connections) +
        " connections are more than the descriptor limit leaves room for (ulimit -Hn)");
  }
  for (const Listen& wanted : plan.wanted.services) plan_service(plan, wanted);
}

void Server::Body::plan_service(ReloadPlan& plan, const Listen& wanted) const {
  const ServiceType& type = find(wanted.speak);
  check_numbers(type, wanted.limits, wanted.timeouts);
  ReloadPlan::Entry entry;
  const auto config = config_of(type, wanted);
  const std::string& name = config->name;
  for (const ReloadPlan::Entry& other : plan.entries) {
    if (other.service->config->name == name) {
      throw SetupError("two services are called \"" + escape(name) + "\"");
    }
  }
  for (const auto& each : plan.before) {
    if (each->config->name == name && is_same_protocol(each->type, type)) entry.before = each;
  }

  const std::vector<Url> at = plan_sockets(plan, wanted, entry, *config);
  config->protocol = plan_protocol(wanted, type, entry, *config, at);
  entry.service =
      std::make_shared<ConfiguredService>(ConfiguredService{type, wanted.options, config});
  plan.entries.push_back(std::move(entry));
}

// What is open already stays open; the rest is bound. Returns all of it. A socket may come from another
// service, but not one whose port the system chose: the same words mean another one there.
std::vector<Url> Server::Body::plan_sockets(ReloadPlan& plan, const Listen& wanted,
                                            ReloadPlan::Entry& entry, ServiceConfig& config) {
  std::vector<Url> at;
  std::vector<Url> to_bind;
  std::vector<std::string> keys_to_bind;
  const std::vector<std::string> keys = keys_of(wanted.at);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Url& url = wanted.at[i];
    const bool chosen = !url.is_unix() && url.port() == 0;
    const auto is_it = [&](const ReloadPlan::Open& open) {
      return open.key == keys[i] && (!chosen || open.service == config.name);
    };
    if (std::none_of(plan.open.begin(), plan.open.end(), is_it)) {
      to_bind.push_back(url);
      keys_to_bind.push_back(keys[i]);
      continue;
    }
    for (const ReloadPlan::Open& open : plan.open) {
      if (!is_it(open)) continue;
      at.push_back(open.url);
      config.at.push_back(open.place);
      entry.kept.push_back(plan_kept(open, url));
    }
    std::erase_if(plan.open, is_it);  // For this service and no other.
  }
  entry.fresh = bind_all(to_bind, keys_to_bind);
  for (const Listening& each : entry.fresh) {
    at.push_back(each.socket.url());
    config.at.push_back(each.place);
  }
  for (const Url& url : at) config.listeners.push_back(url.text());
  return at;
}

// Certificates are read again whether or not they have changed: a reload tells what is wrong with them.
ReloadPlan::Kept Server::Body::plan_kept(const ReloadPlan::Open& open, const Url& url) {
  ReloadPlan::Kept kept{open.index, open.tls, nullptr, tls_keys(url)};
  if (kept.tls == nullptr) return kept;
  if (kept.tls_keys == open.tls_keys) {
    kept.material = kept.tls->load();
  } else {
    kept.tls = tls_listener(url);
  }
  return kept;
}

// The protocol that is to serve, and by which way it comes to that.
std::shared_ptr<Protocol> Server::Body::plan_protocol(const Listen& wanted, const ServiceType& type,
                                                      ReloadPlan::Entry& entry,
                                                      const ServiceConfig& config,
                                                      const std::vector<Url>& at) {
  const ConfiguredService* const before = entry.before.get();
  const bool same_options = before != nullptr && before->options == wanted.options;
  const bool same_place = before != nullptr && before->config->listeners == config.listeners;
  if (before != nullptr && type.reloads) {
    ApplyingReader reader(type.name, wanted.options);
    type.declare(reader);
    reader.throw_faults();
    entry.how = same_options ? How::kept : How::reloaded;
    return before->config->protocol;
  }
  if (same_options && same_place) {
    entry.how = How::kept;
    return before->config->protocol;
  }
  entry.how = before != nullptr ? How::replaced : How::added;
  std::shared_ptr<Protocol> protocol = make_protocol(type, wanted.options);
  protocol->listening(at);
  return protocol;
}

// On loop 0, like all that follows. New services open on every loop; the others go on meanwhile.
void Server::Body::open_planned(const std::shared_ptr<ReloadPlan>& plan) {
  if (!plan->fault.empty() || stopping_) return give_up(*plan);
  for (std::size_t i = 0; i < plan->entries.size(); ++i) {
    const ReloadPlan::Entry& entry = plan->entries[i];
    if (entry.how == How::kept || entry.how == How::reloaded) continue;
    entry.service->on_loops.resize(loops_.size());
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
      ++plan->opening;
      loops_[loop]->core.post([this, plan, i, loop] { open_on_loop(plan, i, loop); });
    }
  }
  if (plan->opening == 0) commit(*plan);
}

void Server::Body::open_on_loop(const std::shared_ptr<ReloadPlan>& plan, std::size_t entry,
                                std::size_t loop) {
  std::string fault;
  ServiceLoop* opened_here = nullptr;
  try {
    opened_here = &loops_[loop]->core.open(plan->entries[entry].service->config);
  } catch (const std::exception& wrong) {
    fault = printable(wrong);
  } catch (...) {
    fault = "a service threw something that is not a std::exception";
  }
  loops_[0]->core.post([this, plan, entry, loop, opened_here, fault] {
    plan->entries[entry].service->on_loops[loop] = opened_here;
    if (opened_here == nullptr) plan->fault = fault;
    opened(plan);
  });
}

void Server::Body::opened(const std::shared_ptr<ReloadPlan>& plan) {
  if (--plan->opening > 0) return;
  if (!plan->fault.empty() || stopping_) return give_up(*plan);
  commit(*plan);
}

void Server::Body::give_up(ReloadPlan& plan) {
  for (const ReloadPlan::Entry& entry : plan.entries) {
    const bool is_new = entry.how == How::replaced || entry.how == How::added;
    if (is_new && !entry.service->on_loops.empty()) retire(entry.service, Millis{0});
  }
  if (!stopping_) log(Level::error, "reload: " + plan.fault + "; nothing is changed");
  end_reload(false);
}

void Server::Body::commit(ReloadPlan& plan) {
  for (ReloadPlan::Entry& entry : plan.entries) change_over(entry);
  take_sockets(plan);

  std::size_t removed = 0;
  for (const auto& old : plan.before) {
    const auto is_next = [&](const ReloadPlan::Entry& entry) { return entry.before == old; };
    const auto next = std::find_if(plan.entries.begin(), plan.entries.end(), is_next);
    if (next == plan.entries.end()) {
      ++removed;
      retire(old, plan.wanted.drain);
    } else if (next->how == How::replaced) {
      retire(old, Millis{0});
    }
  }
  services_.clear();
  for (const ReloadPlan::Entry& entry : plan.entries) services_.push_back(entry.service);

  limits_.connections = plan.wanted.connections;
  options_.drain = plan.wanted.drain;
  loops_[0]->core.set(plan.wanted.level, plan.wanted.access_log);
  for (auto& loop : loops_) {
    LoopCore& core = loop->core;
    core.post([&core, level = plan.wanted.level, access = plan.wanted.access_log] {
      core.set(level, access);
    });
  }
  log(Level::info, "reloaded: " + summary(plan, removed));
  end_reload(true);
}

// A service that goes on keeps its facades, which get the new limits and timeouts.
void Server::Body::change_over(ReloadPlan::Entry& entry) {
  if (entry.how == How::replaced || entry.how == How::added) return;
  entry.service->on_loops = entry.before->on_loops;
  for (ServiceLoop* const each : entry.service->on_loops) {
    each->core().post(
        [each, config = entry.service->config] { each->core().reconfigure(*each, config); });
  }
  if (entry.how != How::reloaded) return;
  try {
    ApplyingReader reader(entry.service->type.name, entry.service->options);
    entry.service->config->protocol->reload(reader);
  } catch (const std::exception& wrong) {  // Its options were checked: it should not have.
    log(Level::error, entry.service->config->name + ": reload threw: " + printable(wrong));
  }
}

// Sockets that stay change hands without being closed; nobody who waits in a backlog is lost.
void Server::Body::take_sockets(ReloadPlan& plan) {
  std::vector<Listening> next;
  std::vector<Bound> bound;
  for (ReloadPlan::Entry& entry : plan.entries) {
    const unsigned each = entry.service->type.descriptors_per_connection;
    for (ReloadPlan::Kept& kept : entry.kept) {
      Listening& old = listening_[kept.index];
      old.acceptor->serve(entry.service->on_loops, each, kept.tls);
      old.service = entry.service;
      if (kept.material != nullptr) kept.tls->use(std::move(kept.material));
      old.tls = std::move(kept.tls);
      old.tls_keys = std::move(kept.tls_keys);
      if (old.tls != nullptr) tell_certificates(old.socket.url(), *old.tls);
      next.push_back(std::move(old));
    }
    for (Listening& fresh : entry.fresh) {
      fresh.service = entry.service;
      accept(fresh);
      next.push_back(std::move(fresh));
    }
  }
  for (const Listening& each : next) {
    bound.push_back({each.service->type.name, each.socket.url()});
  }
  const std::lock_guard lock(bound_mutex_);
  listening_.swap(next);  // What is left in there is closed, and its nodes removed.
  bound_.swap(bound);
}

void Server::Body::end_reload(bool changed) {
  reloading_ = false;
  if (options_.on_reloaded) options_.on_reloaded(changed);
  if (std::exchange(reload_again_, false)) begin_reload();
}

// `what` on every loop of the service, then `then` on loop 0.
template <class F>
void Server::Body::on_each_loop(const std::shared_ptr<ConfiguredService>& service, F&& what,
                                Task then) {
  const auto left = std::make_shared<std::size_t>(0);
  const auto done = std::make_shared<Task>(std::move(then));
  for (ServiceLoop* const each : service->on_loops) *left += each != nullptr;
  if (*left == 0) return (*done)();
  for (ServiceLoop* const each : service->on_loops) {
    if (each == nullptr) continue;
    each->core().post([this, each, what, left, done] {
      what(*each, [this, left, done] {
        loops_[0]->core.post([left, done] {
          if (--*left == 0) (*done)();
        });
      });
    });
  }
}

// Its connections end; then its parts on the loops are destroyed; and once all of them are, what tasks
// on their way may still point to.
void Server::Body::retire(const std::shared_ptr<ConfiguredService>& service, Millis deadline) {
  on_each_loop(
      service,
      [deadline](ServiceLoop& each, auto&& tell) { each.core().retire(each, deadline, tell); },
      [this, service] {
        on_each_loop(
            service,
            [](ServiceLoop& each, auto&& tell) {
              each.core().shut(each);
              tell();
            },
            [this, service] {
              on_each_loop(
                  service,
                  [](ServiceLoop& each, auto&& tell) {
                    each.core().forget(each);
                    tell();
                  },
                  [service] {});  // The protocol goes last.
            });
      });
}

}  // namespace weir
