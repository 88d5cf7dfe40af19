// The two readers behind a protocol's options: one writes down what is declared, the other applies
// given values; and what the server builds of them.
#pragma once

#include <weir/options.hpp>
#include <weir/service_type.hpp>

namespace weir {

// Writes down each declaration, sets nothing.
class WEIR_API DescribingReader final : public OptionReader {
 public:
  void size(std::string_view name, std::size_t& value, std::size_t least, std::size_t most,
            std::string_view help) override;
  void number(std::string_view name, std::int64_t& value, std::int64_t least, std::int64_t most,
              std::string_view help) override;
  void duration(std::string_view name, Millis& value, Millis least, Millis most,
                std::string_view help) override;
  void text(std::string_view name, std::string& value, std::string_view help) override;
  void flag(std::string_view name, bool& value, std::string_view help) override;
  void choice(std::string_view name, std::string& value,
              std::initializer_list<std::string_view> choices, std::string_view help) override;
  void urls(std::string_view name, std::vector<Url>& value, std::string_view help) override;
  void require(std::string_view name) override;

  const std::vector<OptionInfo>& infos() const { return infos_; }

 private:
  std::vector<OptionInfo> infos_;
};

// Sets each variable for which a good value was given, and collects every fault rather than to stop
// at the first. The values must outlive it.
class WEIR_API ApplyingReader final : public OptionReader {
 public:
  ApplyingReader(std::string_view protocol, const OptionValues& values)
      : protocol_(protocol), values_(values) {}

  void size(std::string_view name, std::size_t& value, std::size_t least, std::size_t most,
            std::string_view help) override;
  void number(std::string_view name, std::int64_t& value, std::int64_t least, std::int64_t most,
              std::string_view help) override;
  void duration(std::string_view name, Millis& value, Millis least, Millis most,
                std::string_view help) override;
  void text(std::string_view name, std::string& value, std::string_view help) override;
  // Given without any value, a flag is on.
  void flag(std::string_view name, bool& value, std::string_view help) override;
  void choice(std::string_view name, std::string& value,
              std::initializer_list<std::string_view> choices, std::string_view help) override;
  void urls(std::string_view name, std::vector<Url>& value, std::string_view help) override;
  void require(std::string_view name) override;

  // To be asked once everything is declared: values nobody declared are faults too.
  std::vector<OptionFault> faults() const;
  void throw_faults() const;  // All of them, as one SetupError.

 private:
  const std::vector<std::string>* given(std::string_view name);
  const std::string* given_once(std::string_view name);
  void add(std::string_view name, const std::string& rest);  // `option "NAME"` and the rest.
  void fault(std::string_view name, const std::string& value, const std::string& expected);
  std::string unknown(std::string_view name) const;

  std::string_view protocol_;
  const OptionValues& values_;
  std::vector<std::string> declared_;
  std::vector<OptionFault> faults_;
};

// The protocol with these options. Throws SetupError with every fault, naming protocol and options.
WEIR_API std::unique_ptr<Protocol> make_protocol(const ServiceType& type,
                                                 const OptionValues& values);

}  // namespace weir
