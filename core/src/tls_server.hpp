// A listener's side of TLS, shared by all loops.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tls_material.hpp"
#include "tls_options.hpp"
#include "tls_source.hpp"

namespace weir {

class WEIR_API TlsServer final : public TlsSource {
 public:
  // Throws SetupError, which names file and reason.
  static std::shared_ptr<TlsServer> open(TlsListenOptions options);

  bool serves() const override { return true; }
  SSL* make() override;

  // Reads the files again and throws as open() does; nothing changes before use(). Any thread.
  std::shared_ptr<const TlsMaterial> load() const;

  // New handshakes have it from here on; connections that are open keep what they have. Any thread.
  void use(std::shared_ptr<const TlsMaterial> material);

  // The files are others than those that were read. May block.
  bool changed() const;

  const TlsListenOptions& options() const { return options_; }
  std::vector<TlsCertificate> certificates() const;
  std::vector<std::string> warnings()
      const;  // Sentences: expired, soon to expire, never chosen, ...
  std::shared_ptr<TicketRing> tickets() const;

 private:
  TlsServer(TlsListenOptions options, std::shared_ptr<const TlsMaterial> material);

  std::shared_ptr<const TlsMaterial> current() const;

  const TlsListenOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;
};

}  // namespace weir
