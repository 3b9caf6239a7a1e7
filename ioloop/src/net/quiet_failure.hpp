// SPDX-License-Identifier: MIT
/// Failing a promise whose error is no news to anybody who does not ask. Floor 3.
#pragma once

#include <ioloop/future.hpp>

#include <exception>
#include <utility>

namespace ioloop::detail {

template <class T> void fail_quietly(Promise<T>& promise, std::exception_ptr error) {
    const Future<T> future = promise.future();
    promise.set_exception(std::move(error));
    future.exception(); // has been seen
}

} // namespace ioloop::detail
