#include "discard.hpp"

namespace weir::protocols {

std::size_t Discard::on_data(Connection&, Bytes data) { return data.size(); }

}  // namespace weir::protocols
