#include "tls_server.hpp"

namespace weir {

TlsServer::TlsServer(TlsListenOptions options, std::shared_ptr<const TlsMaterial> material)
    : options_(std::move(options)), material_(std::move(material)) {}

std::shared_ptr<TlsServer> TlsServer::open(TlsListenOptions options) {
  auto material = TlsMaterial::load(options, nullptr);
  return std::shared_ptr<TlsServer>(new TlsServer(std::move(options), std::move(material)));
}

std::shared_ptr<const TlsMaterial> TlsServer::current() const {
  const std::lock_guard lock(mutex_);
  return material_;
}

SSL* TlsServer::make() { return current()->make(); }

std::shared_ptr<const TlsMaterial> TlsServer::load() const {
  const auto before = current();
  return TlsMaterial::load(options_, before.get());
}

void TlsServer::use(std::shared_ptr<const TlsMaterial> material) {
  const std::lock_guard lock(mutex_);
  material_.swap(material);  // The old one goes when the lock is given up.
}

bool TlsServer::changed() const { return current()->changed(); }

std::vector<TlsCertificate> TlsServer::certificates() const { return current()->certificates(); }

std::vector<std::string> TlsServer::warnings() const { return current()->warnings(); }

std::shared_ptr<TicketRing> TlsServer::tickets() const { return current()->tickets(); }

}  // namespace weir
