// SPDX-License-Identifier: MIT
/// Which sanitizer the tests are built with: gcc and clang say it in different ways.
#pragma once

#if defined(__has_feature)
#define IOLOOP_HAS_FEATURE(feature) __has_feature(feature)
#else
#define IOLOOP_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || IOLOOP_HAS_FEATURE(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER 1
#else
#define UNDER_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || IOLOOP_HAS_FEATURE(thread_sanitizer)
#define UNDER_THREAD_SANITIZER 1
#else
#define UNDER_THREAD_SANITIZER 0
#endif
