// Certificates made in the test: a small authority, what it issues, and a folder to put it in.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace weir::testing {

enum class KeyKind { ecdsa, rsa, rsa_1024, ed25519 };

// What a certificate may be used for; of `any` it says nothing.
enum class Purpose { server, client, any };

struct Wanted {
  std::string common_name = "localhost";
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};  // Hosts and addresses.
  KeyKind key = KeyKind::ecdsa;
  Purpose purpose = Purpose::server;
  std::chrono::seconds from = -std::chrono::hours(1);  // Both from now.
  std::chrono::seconds until = std::chrono::hours(24 * 90);
};

// All PEM.
struct Issued {
  std::string certificate;  // And behind it those of the authorities between it and the first one.
  std::string key;
  long serial = 0;
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test authority", KeyKind key = KeyKind::ecdsa);
  ~Authority();
  Authority(Authority&&) noexcept;

  std::string certificate() const;  // PEM; its own.
  Issued issue(const Wanted& wanted = {}) const;
  Authority below(const std::string& name) const;  // One that this one vouches for.

  // A list of those that are good no more, itself good from and until then.
  std::string revoke(const std::vector<long>& serials,
                     std::chrono::seconds from = -std::chrono::hours(1),
                     std::chrono::seconds until = std::chrono::hours(24)) const;

 private:
  struct Body;
  explicit Authority(std::unique_ptr<Body> body);

  std::unique_ptr<Body> body_;
};

Issued self_signed(const Wanted& wanted = {});

// The same key under a passphrase.
std::string encrypted(const std::string& key, const std::string& passphrase);

// A folder that goes when the test does.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return path_ + '/' + name; }

  // Puts a whole file in the place of what was there, and returns its path.
  std::string write(const std::string& name, const std::string& text, unsigned mode = 0600) const;

  // Writes NAME.pem and NAME.key; returns the former's path.
  std::string write(const std::string& name, const Issued& issued) const;

 private:
  std::string path_;
};

}  // namespace weir::testing
