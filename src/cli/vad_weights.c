/* Where the file is looked for stands here alone: find_file. */
#define _GNU_SOURCE
#include "cli/vad_weights.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/vad_silero_weights.h"
#include "base/error.h"

enum { SUM_BYTES = 32, FILE_MAX_BYTES = 1 << 20, PATH_CAP = 4096 };

static const char FILE_NAME[] = "ggml-silero-v6.2.0.bin";
static const char PULL[] = "`stenopool models pull silero-v6.2` fetches it";
static const char SHA256[] = "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987";

static bool is_in(char *path, const char *dir, const char *below)
{
	if (dir == NULL || *dir == '\0')
		return false;
	(void)snprintf(path, PATH_CAP, "%s%s/%s", dir, below, FILE_NAME);
	return access(path, F_OK) == 0;
}

/* A directory that is named is the only one. */
static bool find_file(char *path)
{
	const char *named = getenv("STENOPOOL_MODELS"), *data = getenv("XDG_DATA_HOME");

	if (named != NULL && *named != '\0')
		return is_in(path, named, "");
	return is_in(path, "/var/lib", "/stenopool/models") ||
	    is_in(path, data, "/stenopool/models") ||
	    is_in(path, getenv("HOME"), "/.local/share/stenopool/models") ||
	    is_in(path, "/usr/share", "/stenopool/models");
}

static int check_sum(const void *bytes, size_t n, struct error *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[2 * SUM_BYTES + 1];

	if (EVP_Digest(bytes, n, sum, NULL, EVP_sha256(), NULL) != 1)
		return error_set(err, ERROR_SYSTEM, "its SHA-256 cannot be computed");
	for (unsigned i = 0; i < SUM_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	if (strcmp(hex, SHA256) == 0)
		return 0;
	return error_set(
	    err, ERROR_CONFIG, "its SHA-256 is %.8s... and must be %.8s...; %s", hex, SHA256, PULL);
}

static struct vad_silero_weights *parse(const void *bytes, size_t n, struct error *err)
{
	return check_sum(bytes, n, err) == 0 ? vad_silero_weights_new(bytes, n, err) : NULL;
}

static struct vad_silero_weights *read_file(const char *path, struct error *err)
{
	struct vad_silero_weights *w = NULL;
	FILE *f = fopen(path, "rbe");
	void *bytes = malloc(FILE_MAX_BYTES);
	size_t n;

	if (f == NULL || bytes == NULL) {
		(void)error_set_errno(err, ERROR_CONFIG, "cannot read it");
	} else {
		n = fread(bytes, 1, FILE_MAX_BYTES, f);
		w = parse(bytes, n, err);
	}
	if (f != NULL)
		(void)fclose(f);
	free(bytes);
	return w;
}

struct vad_silero_weights *vad_weights_load(struct error *err)
{
	char path[PATH_CAP];
	struct vad_silero_weights *w;

	if (!find_file(path)) {
		(void)error_set(
		    err, ERROR_CONFIG, "vad silero: %s is not there; %s", FILE_NAME, PULL);
		return NULL;
	}
	if ((w = read_file(path, err)) == NULL)
		(void)error_prefix(err, "vad silero: %.100s", path);
	return w;
}
