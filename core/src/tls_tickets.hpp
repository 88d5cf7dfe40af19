// The keys that session tickets are sealed with: a server that keeps nothing of its sessions can read
// them back for a while, and then nobody can.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <weir/base.hpp>

namespace weir {

// One for each listener and way to verify clients, shared by its loops. A key seals for six hours and
// opens for six more. The clock is looked at when a ticket is made or read; nothing has to run.
class WEIR_API TicketRing {
 public:
  static constexpr std::chrono::hours kRotation{6};

  TicketRing();
  ~TicketRing();
  TicketRing(const TicketRing&) = delete;
  TicketRing& operator=(const TicketRing&) = delete;

  // What SSL_CTX_set_tlsext_ticket_key_evp_cb wants of a callback, its results too. Any thread.
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac);

  // As if that much more time had gone by.
  void pass(std::chrono::steady_clock::duration time);

 private:
  struct Key;

  struct Keys {
    std::shared_ptr<const Key> current;
    std::shared_ptr<const Key> before;
  };

  Keys keys();  // Null if there is no randomness.

  std::mutex mutex_;
  Keys keys_;
  std::chrono::steady_clock::time_point since_;  // When the current one was made.
  std::chrono::steady_clock::duration ahead_{0};
};

}  // namespace weir
