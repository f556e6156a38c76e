/* What tests put in ffmpeg's place (setting decoder): it behaves as the last part of its name says, "x-hangs". */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static int hangs(void)
{
	while (getppid() != 0)
		(void)pause();
	return 0;
}

static int crashes(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	*(volatile int *)(unsigned long)sysconf(_SC_VERSION) = 0; /* nothing is there */
	return 0;
}

/* A second of silence, as ffmpeg's muxer smjpeg has it. */
static int give_second(unsigned ms)
{
	static const char head[] = "\0\nSMJPEG\0\0\0\0\0\0\0\0_SND\0\0\0\x8\x3e\x80\x10\1NONEHEND";
	char chunk[12 + 32000] = "sndD\0\0\0\0\0\0\x7d\0";

	for (int i = 0; i < 4; i++)
		chunk[4 + i] = (char)(ms >> (24 - 8 * i));
	if (ms == 0 && write(STDOUT_FILENO, head, sizeof head - 1) < 0)
		return -1;
	return write(STDOUT_FILENO, chunk, sizeof chunk) == sizeof chunk ? 0 : -1;
}

static int floods(void)
{
	for (unsigned ms = 0; give_second(ms) == 0; ms += 1000)
		;
	return 1;
}

/* Says that its second second is years away. */
static int leaps(void)
{
	return give_second(0) == 0 && give_second(4000000000u) == 0 ? 0 : 1;
}

static int babbles(void)
{
	return write(STDOUT_FILENO, "audio, honestly, honestly", 25) == 25 ? 0 : 1;
}

static int talks(void)
{
	for (int i = 0; i < 100000; i++)
		(void)fprintf(stderr, "[part @ 0x%x] line %d \xff of many\n", i, i);
	return 1;
}

static int fails(void)
{
	return 3;
}

/* Gives a second of silence and takes nothing. */
static int deaf(void)
{
	(void)close(STDIN_FILENO);
	return give_second(0) == 0 ? 0 : 1;
}

static int eats(void)
{
	size_t step = 1 << 20;

	for (;;)
		if (mmap(NULL, step, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	(void)fprintf(stderr, "[part @ 0x1] Cannot allocate memory\n");
	return 1;
}

static int spins(void)
{
	volatile unsigned turns = 1;

	while (turns > 0)
		turns |= 1;
	return 0;
}

/* Each: whether it could be done. */
static int could_make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}

static int could_use_socket(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(STDIN_FILENO, (struct sockaddr *)&to, sizeof to) == 0 || errno != EPERM ||
	    sendto(STDOUT_FILENO, "x", 1, 0, NULL, 0) >= 0;
}

static int could_write_file(void)
{
	return open("/tmp/decoder-was-here", O_WRONLY | O_CREAT, 0600) >= 0 ||
	    open("/dev/null", O_RDWR) >= 0 || memfd_create("x", 0) >= 0;
}

static int could_read_file(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 || open("/proc/self/status", O_RDONLY) >= 0 ||
	    opendir("/") != NULL;
}

static int could_fork(void)
{
	return fork() >= 0;
}

static int could_exec(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return 0;
}

static int could_signal(void)
{
	return kill(getppid(), 0) == 0;
}

static int had_environment(void)
{
	return environ != NULL && environ[0] != NULL;
}

static int had_descriptor(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fd != 100 && fcntl(fd, F_GETFD) >= 0)
			return 1;
	return 0;
}

static int was_root(void)
{
	return geteuid() == 0;
}

static int tries(void)
{
	static const struct {
		const char *what;
		int (*could)(void);
	} all[] = { { "environment", had_environment }, { "descriptor", had_descriptor },
		{ "root", was_root }, { "socket", could_make_socket },
		{ "connect", could_use_socket }, { "write", could_write_file },
		{ "read", could_read_file }, { "fork", could_fork }, { "signal", could_signal },
		{ "exec", could_exec } };

	int could = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].could()) {
			(void)fprintf(stderr, "[part @ 0x1] could: %s\n", all[i].what);
			could++;
		}
	return could == 0 ? 7 : 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} modes[] = { { "hangs", hangs }, { "crashes", crashes }, { "floods", floods },
		{ "leaps", leaps }, { "babbles", babbles }, { "talks", talks }, { "fails", fails },
		{ "deaf", deaf }, { "eats", eats }, { "spins", spins }, { "tries", tries } };
	const char *dash = argc > 0 ? strrchr(argv[0], '-') : NULL;

	for (size_t i = 0; dash != NULL && i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(dash + 1, modes[i].name) == 0)
			return modes[i].run();
	(void)fprintf(stderr, "no such mode\n");
	return 2;
}
