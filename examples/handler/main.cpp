// A server of one's own. usage: greet [URL]
#include <cstdio>

#include <weir/server.hpp>

#include "greet.hpp"

int main(int argc, char** argv) {
  try {
    weir::Server server;
    server.add(examples::kGreet);
    server.listen({.at = {weir::Url::parse(argc > 1 ? argv[1] : "tcp://127.0.0.1:7070")},
                   .speak = "greet",
                   .options = {{"hello", {"Welcome"}}, {"patience", {"30s"}}}});
    for (const weir::Bound& bound : server.bound()) {
      std::printf("%s listens on %s\n", bound.protocol.c_str(), bound.url.text().c_str());
    }
    std::fflush(stdout);
    return server.run();
  } catch (const weir::SetupError& error) {
    std::fprintf(stderr, "greet: %s\n", error.what());
    return 64;
  }
}
