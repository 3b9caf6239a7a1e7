// SPDX-License-Identifier: MIT
/// thrown<E>(f): what the exception said that f must throw.
#pragma once

#include <string>

#include <gtest/gtest.h>

template <class Exception, class F> std::string thrown(F&& f) {
    try {
        f();
    } catch (const Exception& error) {
        return error.what();
    } catch (...) {
        ADD_FAILURE() << "an exception of another type";
        return {};
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}
