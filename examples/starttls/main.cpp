// Serves it. usage: starttls CERTIFICATE KEY [URL]
#include <cstdio>

#include <weir/server.hpp>

#include "starttls.hpp"

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw weir::SetupError("usage: starttls CERTIFICATE KEY [URL]");
    weir::Server server;
    server.add(examples::kStartTls);
    server.listen({.at = {weir::Url::parse(argc > 3 ? argv[3] : "tcp://127.0.0.1:7025")},
                   .speak = "starttls",
                   .options = {{"cert", {argv[1]}}, {"key", {argv[2]}}}});
    for (const weir::Bound& bound : server.bound()) {
      std::printf("%s listens on %s\n", bound.protocol.c_str(), bound.url.text().c_str());
    }
    std::fflush(stdout);
    return server.run();
  } catch (const weir::SetupError& error) {
    std::fprintf(stderr, "starttls: %s\n", error.what());
    return 64;
  }
}
