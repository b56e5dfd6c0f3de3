/* SPDX-License-Identifier: BSD-2-Clause */
/* Marks what the libraries export: C functions, also in a C++ program. All else stays inside. */
#pragma once
#ifdef __cplusplus
#define IXY_API extern "C" __attribute__((visibility("default")))
#else
#define IXY_API extern __attribute__((visibility("default")))
#endif
