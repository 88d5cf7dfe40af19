#include <weir/base.hpp>

namespace weir {

// Out of line, so that the type information exists once, in the library: an exception thrown here
// is then caught by type in a program and in a plugin.
SetupError::~SetupError() = default;

}  // namespace weir
