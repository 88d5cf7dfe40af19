# The suite once more over TLS 1.2 and TLS 1.3: every file with cases that talk over a simulated net, in
# a world of sockets or with a running server. A file is one process: most of its time would otherwise
# be spent on making certificates.
#
# Not run again are cases about what the transport itself decides. They are tagged [plain], and with
# the reason:
#   [splice]        bytes cross in a pipe of the kernel's, which has only ciphertext;
#   [moves]         the connection moves to another loop, and OpenSSL's state cannot;
#   [system-calls]  more than 64 KiB leave in one call, which is more than is encrypted at a time;
#   [wire-bytes]    bytes that are pending are counted, and a record has a head and a tag;
#   [truncation]    an abort on a Unix socket looks like an end, and is told from one by TLS;
#   [handshake]     the line breaks at its first byte, which is of the handshake.
# `weir_tests --list-tests "[plain]"` names them.
set(sources
  core/test_acceptor core/test_connection_close core/test_connection_connect
  core/test_connection_read core/test_connection_time core/test_connection_write
  core/test_framing_flow core/test_freeze core/test_interleavings core/test_kit core/test_loop
  core/test_matrix core/test_name_cache core/test_relay core/test_relay_dialling
  core/test_relay_interleavings core/test_relay_matrix core/test_reload core/test_server
  core/test_topic
  protocols/test_chat protocols/test_chat_order protocols/test_clocks protocols/test_echo
  protocols/test_forward protocols/test_plain)

foreach(transport tls1.2 tls1.3)
  foreach(source ${sources})
    get_filename_component(file ${source} NAME)
    file(STRINGS ${source}.cpp threads REGEX "\\[loops\\]")
    set(label unit)
    if(threads)
      set(label loops)
    endif()
    set(name "${transport}: ${file}")
    add_test(NAME ${name} COMMAND weir_tests -\# "[\#${file}]~[plain]~[abuse]")
    set_tests_properties(${name} PROPERTIES
      ENVIRONMENT "WEIR_TRANSPORT=${transport}"
      LABELS ${label} TIMEOUT 600)
  endforeach()
endforeach()
