#define _GNU_SOURCE
#include "cli/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

/* A path, or with '@' in front a name in the abstract namespace. 0: it is neither. */
static socklen_t address(const char *name, struct sockaddr_un *to)
{
	size_t n = strlen(name);

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((name[0] != '/' && name[0] != '@') || n >= sizeof to->sun_path)
		return 0;
	memcpy(to->sun_path, name, n);
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static void send_to(const char *name, const char *text)
{
	struct sockaddr_un to;
	socklen_t n = address(name, &to);
	int fd;

	if (n == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, n);
	(void)close(fd);
}

void notify_send(const char *fmt, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list ap;

	if (name == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	send_to(name, text);
}

void notify_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_ns() / 1000);
}
