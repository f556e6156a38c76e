/* sanitized: SANITIZED is defined where the compiler puts a sanitizer's runtime into the process, which makes system calls of
 * its own. */
#ifndef HOST_SANITIZED_H
#define HOST_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif

#endif
