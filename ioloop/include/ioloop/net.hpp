// SPDX-License-Identifier: MIT
/// Everything of the network layer. Start reading at net/tcp_stream.hpp.
#pragma once

#include <ioloop/net/connector.hpp>
#include <ioloop/net/frame.hpp>
#include <ioloop/net/listen_options.hpp>
#include <ioloop/net/resolver.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/net/stream_errors.hpp>
#include <ioloop/net/stream_options.hpp>
#include <ioloop/net/tcp_client.hpp>
#include <ioloop/net/tcp_server.hpp>
#include <ioloop/net/tcp_stream.hpp>
#include <ioloop/net/udp_socket.hpp>
#include <ioloop/net/watch_set.hpp>
