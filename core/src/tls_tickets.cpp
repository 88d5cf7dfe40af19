#include "tls_tickets.hpp"

#include <array>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls_handle.hpp"

namespace weir {

namespace {

constexpr std::size_t kNameSize = 16;  // As OpenSSL has it.
constexpr std::size_t kSealSize = 32;
constexpr int kFailed = -1;
constexpr int kUnknown = 0;
constexpr int kGood = 1;
constexpr int kRenew = 2;

// Fetched once: OpenSSL would search its providers for every ticket.
const EVP_CIPHER* sealing() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

}  // namespace

struct TicketRing::Key {
  std::array<unsigned char, kNameSize> name{};
  std::array<unsigned char, kSealSize> cipher{};
  std::array<unsigned char, kSealSize> mac{};

  ~Key() {
    OPENSSL_cleanse(cipher.data(), cipher.size());
    OPENSSL_cleanse(mac.data(), mac.size());
  }

  static std::shared_ptr<const Key> make() {
    const auto key = std::make_shared<Key>();
    const bool good = RAND_bytes(key->name.data(), kNameSize) == 1 &&
                      RAND_priv_bytes(key->cipher.data(), kSealSize) == 1 &&
                      RAND_priv_bytes(key->mac.data(), kSealSize) == 1;
    return good ? key : nullptr;
  }

  bool is(const unsigned char* other) const {
    return std::memcmp(name.data(), other, kNameSize) == 0;
  }

  bool begin(EVP_MAC_CTX* context) const {
    char digest[] = "SHA256";
    auto* const secret = const_cast<unsigned char*>(mac.data());  // Only read.
    const std::array params{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, kSealSize),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(context, params.data()) == 1;
  }
};

TicketRing::TicketRing() = default;
TicketRing::~TicketRing() = default;

TicketRing::Keys TicketRing::keys() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now() + ahead_;
  if (keys_.current && now - since_ < kRotation) return keys_;
  const bool follows = keys_.current && now - since_ < 2 * kRotation;
  auto fresh = Key::make();
  // A key is never used beyond its time, whatever fails: without randomness nothing is sealed.
  keys_.before = follows ? std::move(keys_.current) : nullptr;
  keys_.current = std::move(fresh);
  since_ = now;
  return keys_;
}

void TicketRing::pass(std::chrono::steady_clock::duration time) {
  const std::lock_guard lock(mutex_);
  ahead_ += time;
}

int TicketRing::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) {
  const auto key = keys().current;
  if (!key) return kFailed;
  const int iv_size = EVP_CIPHER_get_iv_length(sealing());
  if (RAND_bytes(iv, iv_size) != 1) return kFailed;
  std::memcpy(name, key->name.data(), kNameSize);
  const bool good = EVP_EncryptInit_ex(cipher, sealing(), nullptr, key->cipher.data(), iv) == 1 &&
                    key->begin(mac);
  return good ? kGood : kFailed;
}

int TicketRing::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) {
  const Keys all = keys();
  const bool is_current = all.current && all.current->is(name);
  const bool is_before = all.before && all.before->is(name);
  if (!is_current && !is_before) return kUnknown;
  const Key& key = is_current ? *all.current : *all.before;
  const bool good =
      key.begin(mac) && EVP_DecryptInit_ex(cipher, sealing(), nullptr, key.cipher.data(), iv) == 1;
  if (!good) return kFailed;
  return is_current ? kGood : kRenew;
}

}  // namespace weir
