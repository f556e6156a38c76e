#include "models/ggml_file.h"

#include "models/ggml_reader.h"
#include "models/ggml_type.h"
#include "models/mapped.h"

int ggml_file_check_bytes(
    const char *path, const uint8_t *data, size_t n, struct ggml_file_info *out, struct error *err)
{
	struct ggml_reader *r = ggml_reader_new(path, data, n, err);
	struct ggml_tensor t;
	int rc = r == NULL ? -1 : 1;

	while (rc == 1)
		rc = ggml_reader_next(r, &t, err);
	if (rc == 0)
		*out = (struct ggml_file_info){ *ggml_reader_sizes(r),
			whisper_sizes_is_multilingual(ggml_reader_sizes(r)),
			ggml_reader_type(r)->name };
	ggml_reader_free(&r);
	return rc;
}

int ggml_file_check(const char *path, struct ggml_file_info *out, struct error *err)
{
	struct mapped m;
	int rc;

	if (mapped_open(&m, path, err) < 0)
		return -1;
	rc = ggml_file_check_bytes(path, m.data, m.n, out, err);
	mapped_done(&m);
	return rc;
}
