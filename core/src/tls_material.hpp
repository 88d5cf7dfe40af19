// What a listener shows and asks for, as its files said when they were read. Never changes.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tls_certificate.hpp"
#include "tls_files.hpp"
#include "tls_handle.hpp"
#include "tls_options.hpp"
#include "tls_tickets.hpp"

namespace weir {

class WEIR_API TlsMaterial {
 public:
  // Reads the files; throws SetupError, which names file and reason. The ticket keys of what was used
  // before, if there is any, are kept as long as clients are verified in the same way.
  static std::shared_ptr<const TlsMaterial> load(const TlsListenOptions& options,
                                                 const TlsMaterial* before);

  SSL* make() const;
  bool changed() const;
  const std::vector<TlsCertificate>& certificates() const { return certificates_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::shared_ptr<TicketRing>& tickets() const { return tickets_; }

 private:
  // Who shares it accepts the same clients.
  using Policy = std::array<unsigned char, 32>;

  TlsMaterial() = default;

  Policy policy_{};
  std::shared_ptr<TicketRing> tickets_;
  SslContext context_;  // Of the default; it owns those that SNI chooses.
  std::vector<FileStamp> stamps_;
  std::vector<TlsCertificate> certificates_;
  std::vector<std::string> warnings_;
};

}  // namespace weir
