#include "pull/wheel.h"

#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "base/error.h"
#include "base/util.h"

enum { BLOCK_BYTES = 1 << 17 };

static zip_t *open_zip(const char *path, struct error *err)
{
	zip_error_t why;
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_RDONLY, &code);

	if (zip != NULL)
		return zip;
	zip_error_init_with_code(&why, code);
	(void)error_set(err, ERROR_PEER, "cannot open %.120s: %s", path, zip_error_strerror(&why));
	zip_error_fini(&why);
	return NULL;
}

static int check_size(zip_t *zip, const char *entry, uint64_t bytes_max, struct error *err)
{
	zip_stat_t st;

	if (zip_stat(zip, entry, 0, &st) < 0 || (st.valid & ZIP_STAT_SIZE) == 0)
		return error_set(err, ERROR_PEER, "the wheel has no %.120s", entry);
	if (st.size > bytes_max)
		return error_set(err, ERROR_PEER,
		    "the wheel's %.100s has %llu bytes; allowed are %llu", entry,
		    (unsigned long long)st.size, (unsigned long long)bytes_max);
	return 0;
}

/* What it unpacks to is counted, too: the directory of a zip file may lie. */
static int read_all(
    zip_file_t *file, uint64_t left, convert_write_f *write, void *arg, struct error *err)
{
	char *block = xcalloc(1, BLOCK_BYTES);
	zip_int64_t n;
	int rc = 0;

	while (rc == 0 && (n = zip_fread(file, block, BLOCK_BYTES)) != 0) {
		if (n < 0)
			rc = error_set(
			    err, ERROR_PEER, "the wheel is damaged: %s", zip_file_strerror(file));
		else if ((uint64_t)n > left)
			rc = error_set(err, ERROR_PEER,
			    "the wheel is damaged: more comes out of it than it says");
		else
			rc = write(arg, block, (size_t)n, err);
		left -= n > 0 ? MIN((uint64_t)n, left) : 0;
	}
	free(block);
	return rc;
}

static zip_file_t *open_entry(zip_t *zip, const char *entry, uint64_t bytes_max, struct error *err)
{
	zip_file_t *file;

	if (check_size(zip, entry, bytes_max, err) < 0)
		return NULL;
	file = zip_fopen(zip, entry, 0);
	if (file == NULL)
		(void)error_set(err, ERROR_PEER, "the wheel is damaged: %s", zip_strerror(zip));
	return file;
}

int wheel_read(const char *path, const char *entry, uint64_t bytes_max, convert_write_f *write,
    void *arg, struct error *err)
{
	zip_t *zip = open_zip(path, err);
	zip_file_t *file = zip != NULL ? open_entry(zip, entry, bytes_max, err) : NULL;
	int rc = file != NULL ? read_all(file, bytes_max, write, arg, err) : -1;

	if (file != NULL)
		(void)zip_fclose(file);
	if (zip != NULL)
		zip_discard(zip);
	return rc;
}
