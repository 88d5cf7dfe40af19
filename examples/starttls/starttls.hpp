// A protocol that begins in clear and tells its secrets only over TLS: the line "STARTTLS" changes the
// open connection. It greets and agrees as ManageSieve does (RFC 5804), which openssl speaks.
#pragma once

#include <string>

#include <weir/framing.hpp>
#include <weir/service_type.hpp>
#include <weir/tls.hpp>

namespace examples {

// Answers each line with itself, once nobody else can read it.
class Confidant final : public weir::LineHandler {
 public:
  explicit Confidant(const weir::TlsOptions& tls) : tls_(tls) {}

  void on_open(weir::Connection& peer) override;
  void on_line(weir::Connection& peer, std::string_view line) override;
  void on_secure(weir::Connection& peer) override;
  void on_drain(weir::Connection& peer) override { peer.resume(); }

 private:
  const weir::TlsOptions& tls_;
};

class StartTls final : public weir::Service {
 public:
  struct Options {
    std::string cert;
    std::string key;

    void read(weir::OptionReader& in) {
      in.text("cert", cert, "file of the certificate and its chain");
      in.text("key", key, "file of its key");
    }
  };

  explicit StartTls(const Options& options);
  std::unique_ptr<weir::Handler> accept(weir::Connection& peer) override;

 private:
  weir::TlsOptions tls_;
};

inline constexpr weir::ServiceType kStartTls =
    weir::service_type<StartTls>("starttls", "Answers lines, once they are secure.");

}  // namespace examples
