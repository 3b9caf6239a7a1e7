// SPDX-License-Identifier: MIT
/// SocketAddress: what is read is what is written, and garbage is no address.
#include <ioloop/net/socket_address.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using Family = SocketAddress::Family;

TEST(SocketAddresses, none_is_no_address) {
    const SocketAddress none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.family(), Family::none);
    EXPECT_EQ(none.port(), 0);
    EXPECT_EQ(none.host(), "");
    EXPECT_EQ(none.path(), "");
    EXPECT_EQ(none.to_string(), "nowhere");
    EXPECT_FALSE(none.is_loopback());
    EXPECT_FALSE(none.is_abstract());
    EXPECT_EQ(none, SocketAddress());
}

TEST(SocketAddresses, what_is_printed_is_parsed_back) {
    for (const char* text : {"127.0.0.1:4242", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:4242", "[::]:0",
                             "[2001:db8::3]:80", "[fe80::1%2]:80", "[::ffff:192.0.2.1]:80",
                             "unix:/run/x.sock", "unix:relative", "unix:@name", "unix:with: colon"}) {
        const SocketAddress address = SocketAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address.to_string(), text);
        EXPECT_EQ(SocketAddress::parse(address.to_string()), address);
        EXPECT_EQ(SocketAddress(address.data(), address.size()), address) << "by way of the system";
    }
}

TEST(SocketAddresses, ipv6_is_printed_in_its_short_form) {
    EXPECT_EQ(SocketAddress::parse("[2001:0DB8:0:0:0:0:0:3]:80").to_string(), "[2001:db8::3]:80");
}

TEST(SocketAddresses, parts_are_told) {
    const auto v4 = SocketAddress::parse("192.0.2.1:80");
    EXPECT_EQ(v4.family(), Family::ipv4);
    EXPECT_EQ(v4.host(), "192.0.2.1");
    EXPECT_EQ(v4.port(), 80);
    const auto v6 = SocketAddress::parse("[fe80::1%7]:80");
    EXPECT_EQ(v6.family(), Family::ipv6);
    EXPECT_EQ(v6.host(), "fe80::1%7");
    EXPECT_EQ(v6.port(), 80);
    const auto file = SocketAddress::parse("unix:/run/x.sock");
    EXPECT_EQ(file.family(), Family::unix_path);
    EXPECT_EQ(file.path(), "/run/x.sock");
    EXPECT_EQ(file.host(), "");
    EXPECT_EQ(file.port(), 0);
    EXPECT_FALSE(file.is_abstract());
    const auto abstract = SocketAddress::parse("unix:@name");
    EXPECT_TRUE(abstract.is_abstract());
    EXPECT_EQ(abstract.path(), std::string("\0name", 5));
}

TEST(SocketAddresses, localhost_is_an_address_when_it_is_parsed) {
    EXPECT_EQ(SocketAddress::parse("localhost:80"), SocketAddress::loopback(80));
}

TEST(SocketAddresses, garbage_is_no_address) {
    for (const std::string& text : std::vector<std::string>{"",
                                                            ":",
                                                            ":80",
                                                            "127.0.0.1",
                                                            "127.0.0.1:",
                                                            "127.0.0.1:65536",
                                                            "127.0.0.1:-1",
                                                            "127.0.0.1:+1",
                                                            "127.0.0.1: 80",
                                                            "127.0.0.1:80 ",
                                                            "127.0.0.1:0x50",
                                                            "127.0.0.1:99999999999999999999",
                                                            " 127.0.0.1:80",
                                                            "127.0.0:80",
                                                            "127.0.0.1.1:80",
                                                            "256.0.0.1:80",
                                                            "127.1:80",
                                                            "::1:80",
                                                            "[127.0.0.1]:80",
                                                            "[::1]",
                                                            "[::1",
                                                            "[::1]80",
                                                            "[]:80",
                                                            "[:::1]:80",
                                                            "[::1%]:80",
                                                            "[::1%eth0]:80",
                                                            "[::1%-1]:80",
                                                            "[::1%4294967296]:80",
                                                            "example.com:80",
                                                            "localhost",
                                                            "unix:"}) {
        const SocketAddress address = SocketAddress::parse(text);
        EXPECT_FALSE(address) << text << " gave " << address.to_string();
    }
    EXPECT_FALSE(SocketAddress::parse(std::string("127.0.0.1\0:80", 13)));
    EXPECT_FALSE(SocketAddress::parse(std::string("127.0.0.1:80\0", 13)));
    EXPECT_FALSE(SocketAddress::parse(std::string("unix:/run/x\0y", 13)));
    EXPECT_FALSE(SocketAddress::parse(std::string(100'000, '1') + ":80"));
    EXPECT_FALSE(SocketAddress::parse("unix:" + std::string(100'000, 'x')));
    EXPECT_FALSE(SocketAddress::parse("unix:@" + std::string(100'000, 'x')));
}

TEST(SocketAddresses, N4_test_is_valid_ip_numeric_takes_addresses_alone) {
    for (const char* host : {"127.0.0.1", "4.4.4.4", "::1", "2620:0:1cfe:face:b00c::3"})
        EXPECT_TRUE(SocketAddress::numeric(host, 0)) << host;
    for (const std::string& host :
         {std::string("www.google.com"), std::string("localhost"), std::string("4.4.4.4<"),
          std::string(" 127.0.0.1"), std::string(""), std::string(" "), std::string("\n"),
          std::string("\0", 1), std::string("127.0.0.1\0", 10), std::string("127.0.0.1\0.evil", 15),
          std::string("::1\0", 4), std::string(64, '1'), std::string(100'000, ':'), std::string("1"),
          std::string("0x7f.0.0.1"), std::string("[::1]")})
        EXPECT_FALSE(SocketAddress::numeric(host, 0)) << host;
}

TEST(SocketAddresses, paths_may_be_as_long_as_the_system_has_room_and_no_longer) {
    std::size_t longest = 0;
    for (std::size_t size = 1; size < 300; ++size) {
        const std::string path(size, 'x');
        const auto address = SocketAddress::unix_path(path);
        if (!address) break;
        EXPECT_EQ(address.path(), path) << "none of it is lost";
        longest = size;
    }
    EXPECT_GE(longest, 90U);
    EXPECT_LE(longest, 107U);
    EXPECT_FALSE(SocketAddress::unix_path(std::string(longest + 2, 'x')));
    EXPECT_FALSE(SocketAddress::unix_path(""));
    EXPECT_FALSE(SocketAddress::unix_path(std::string("a\0b", 3)));
}

TEST(SocketAddresses, an_abstract_name_is_bytes_zeros_too) {
    EXPECT_EQ(SocketAddress::parse("unix:@").path(), std::string(1, '\0')) << "an empty name is one";
    const std::string name("\0a\0b", 4);
    const auto address = SocketAddress::unix_path(name);
    ASSERT_TRUE(address);
    EXPECT_TRUE(address.is_abstract());
    EXPECT_EQ(address.path(), name);
    EXPECT_FALSE(address == SocketAddress::unix_path(std::string("\0a", 2)));
}

TEST(SocketAddresses, the_port_can_be_set_where_there_is_one) {
    auto v4 = SocketAddress::numeric("192.0.2.1", 1);
    v4.set_port(65535);
    EXPECT_EQ(v4, SocketAddress::numeric("192.0.2.1", 65535));
    auto v6 = SocketAddress::numeric("::1", 1);
    v6.set_port(2);
    EXPECT_EQ(v6, SocketAddress::loopback(2, Family::ipv6));
    auto file = SocketAddress::unix_path("/x");
    file.set_port(1);
    EXPECT_EQ(file, SocketAddress::unix_path("/x"));
    SocketAddress none;
    none.set_port(1);
    EXPECT_FALSE(none);
}

TEST(SocketAddresses, loopback_is_what_only_this_machine_reaches) {
    for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "unix:/x", "unix:@x"})
        EXPECT_TRUE(SocketAddress::parse(text).is_loopback()) << text;
    for (const char* text : {"0.0.0.0:1", "128.0.0.1:1", "[::]:1", "[::2]:1"})
        EXPECT_FALSE(SocketAddress::parse(text).is_loopback()) << text;
    EXPECT_TRUE(SocketAddress::parse("[::ffff:127.0.0.1]:1").is_loopback()) << "127.0.0.1 by way of IPv6";
}

TEST(SocketAddresses, differ_in_everything) {
    const auto address = SocketAddress::parse("[fe80::1%2]:80");
    for (const char* other :
         {"[fe80::1%3]:80", "[fe80::1]:80", "[fe80::2%2]:80", "[fe80::1%2]:81", "127.0.0.1:80"})
        EXPECT_FALSE(address == SocketAddress::parse(other)) << other;
    EXPECT_FALSE(address == SocketAddress());
}

TEST(SocketAddresses, any_is_every_address_of_this_machine) {
    EXPECT_EQ(SocketAddress::any(1).to_string(), "0.0.0.0:1");
    EXPECT_EQ(SocketAddress::any(1, Family::ipv6).to_string(), "[::]:1");
}

TEST(SocketAddresses, what_the_system_gives_is_taken_only_if_it_is_whole_and_known) {
    const auto address = SocketAddress::parse("127.0.0.1:80");
    for (std::size_t size = 0; size < address.size(); ++size)
        EXPECT_FALSE(SocketAddress(address.data(), size)) << size;
    alignas(8) unsigned char unknown[64] = {0xff, 0xff};
    EXPECT_FALSE(SocketAddress(reinterpret_cast<const sockaddr*>(unknown), sizeof unknown));
}
