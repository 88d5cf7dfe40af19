#include "serving.hpp"

#include <set>
#include <string>

#include <weir/text.hpp>

#include "secrets.hpp"
#include "terminal.hpp"

namespace weir::program {

namespace {

// Whoever started the program waits for these lines. After a reload only the new ones are told.
class Announcer {
 public:
  void tell(const Server& server) {
    std::multiset<std::string> now;
    std::string lines;
    for (const Bound& bound : server.bound()) {
      const std::string line = "ready " + bound.protocol + " " + escape(bound.url.text()) + "\n";
      now.insert(line);
      if (now.count(line) > told_.count(line)) lines += line;
    }
    told_ = std::move(now);
    // Who waits for these lines would wait for ever.
    if (print(lines) != kDone) {
      throw SetupError("without its ready lines the server is not started",
                       SetupError::Kind::system);
    }
  }

 private:
  std::multiset<std::string> told_;
};

}  // namespace

Exit serve_all(ServerOptions options, std::span<const ServiceType> types,
               std::span<const Listen> services) {
  keep_keys_private(services);
  if (options.on_reload) {
    options.on_reload = [read = std::move(options.on_reload)] {
      Reload next = read();
      keep_keys_private(next.services);
      return next;
    };
  }
  Announcer announcer;
  Server* running = nullptr;
  options.on_ready = [&] { announcer.tell(*running); };
  options.on_reloaded = [&](bool changed) {
    if (changed) announcer.tell(*running);
  };
  Server server(std::move(options));
  running = &server;
  for (const ServiceType& type : types) server.add(type);
  for (const Listen& service : services) server.listen(service);
  return static_cast<Exit>(server.run());
}

}  // namespace weir::program
