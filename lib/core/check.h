/* Compiler attributes the whole house uses, under readable names. */
#pragma once

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define CLEANUP(function) __attribute__((cleanup(function)))
