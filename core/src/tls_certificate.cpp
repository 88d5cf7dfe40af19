#include "tls_certificate.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include <weir/address.hpp>
#include <weir/text.hpp>

#include "tls_handle.hpp"

namespace weir {

namespace {

constexpr std::size_t kNameMost = 253;
constexpr std::size_t kSubjectMost = 512;

using NamesHandle = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

std::string_view bytes_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_text(std::string_view bytes) {
  const auto copy = [&](auto array) {
    for (std::size_t i = 0; i < array.size(); ++i) array[i] = static_cast<std::uint8_t>(bytes[i]);
    return array;
  };
  std::string text;
  if (bytes.size() == 4) text = Address::ipv4(copy(std::array<std::uint8_t, 4>{}), 0).text();
  if (bytes.size() == 16) text = Address::ipv6(copy(std::array<std::uint8_t, 16>{}), 0).text();
  text = text.substr(0, text.rfind(':'));
  return text.starts_with('[') ? text.substr(1, text.size() - 2) : text;
}

void add(std::vector<std::string>& names, std::string_view name) {
  if (!name.empty() && name.size() <= kNameMost) names.push_back(lower(name));
}

std::string common_name(const X509* certificate) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const ASN1_STRING* const raw = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  const int length = ASN1_STRING_to_UTF8(&text, raw);
  if (length < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return name;
}

}  // namespace

std::string subject_of(const X509* certificate) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  // UTF-8 and what a terminal would obey, as they are: escaping is for one place to do.
  constexpr unsigned long flags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL);
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, flags);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, std::min(kSubjectMost, static_cast<std::size_t>(length < 0 ? 0 : length))};
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names = alternative_names_of(certificate);
  if (names.empty()) add(names, common_name(certificate));
  return names;
}

std::vector<std::string> alternative_names_of(const X509* certificate) {
  std::vector<std::string> names;
  const NamesHandle alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!alternatives) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add(names, bytes_of(name->d.dNSName));
    if (name->type == GEN_IPADD) add(names, address_text(bytes_of(name->d.iPAddress)));
  }
  return names;
}

WallTime wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string text_of(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), length};
}

TlsCertificate describe(const X509* certificate, const std::string& file) {
  std::vector<std::string> names = names_of(certificate);
  for (std::string& name : names) name = escape(name);
  return {escape(file), escape(subject_of(certificate)), std::move(names),
          wall_time(X509_get0_notBefore(certificate)), wall_time(X509_get0_notAfter(certificate))};
}

}  // namespace weir
