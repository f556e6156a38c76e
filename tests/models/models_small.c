/* `stenopool models` with models that a test can make: what "small" has is a function of the place, "converted" is what ct2_fake's
 * English model becomes, "made" is that quantised.
 * "vosk-model-tree" is the directory that vosk_fake makes.
 * usage: models_small VERB...               as stenopool models
 *        models_small --ct2 DIRECTORY       writes ct2_fake's model.bin and vocabulary.txt there
 *        models_small --vosk DIRECTORY      makes it vosk_fake's model */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cli/models_cmd.h"
#include "models/catalogue_table.h"
#include "models/ct2_fake.h"
#include "models/vosk_fake.h"

static const struct model_wheel small_wheel = {
	{ { "stenopool-test-small", "1.0", "stenopool_test_small/small.bin" } },
	NULL,
};
static const struct model_wheel converted_wheel = {
	{ { "stenopool-test-part1", "1.0", "stenopool_test_part1/model.bin.part1" },
	    { "stenopool-test-part2", "1.0", "stenopool_test_part2/model.bin.part2" } },
	"stenopool_test_part1/vocabulary.txt",
};

static const struct model_wheel tree_wheel = {
	{ { "stenopool-test-tree", "1.0", "stenopool_test_tree/model/" } },
	NULL,
};

/* The port where nobody listens. */
#define NOWHERE                                                                                    \
	{                                                                                          \
		MODEL_SOURCE_URL, "https://127.0.0.1:1/models", NULL                               \
	}

const struct model catalogue_table[] = {
	{ "small", "silero", "small.bin", 300000,
	    "4f6378a3551b5f39cc0ce19d690bbcf59a694a6f4cf1e3d53f7d3cf139bd50ee", "none", "any", 0,
	    { NOWHERE, { MODEL_SOURCE_WHEEL, NULL, &small_wheel } }, false },
	{ "converted", "whisper", "converted.bin", 3719022,
	    "dd9c250a7adf11e3c5160e56cc4388383f328d092c3a3fc9fee7bc919865f1a1", "none", "en", 0,
	    { NOWHERE, { MODEL_SOURCE_WHEEL, NULL, &converted_wheel } }, false },
	{ "made", "whisper", "made.bin", 2136222,
	    "fd70b3887a163f71519ccc1170e01921731c5f9124af7550bf70eccff9ebb245", "none", "en", 0,
	    { NOWHERE, { MODEL_SOURCE_MADE, "converted", NULL } }, false },
	{ "vosk-model-tree", "vosk", "vosk-model-tree", 77,
	    "4e824785d1aa394aecccde9960aa706ab7eed5ab70498b9bcea0cdd910e1bb88", "none", "ko", 0,
	    { { MODEL_SOURCE_WHEEL, NULL, &tree_wheel } }, true },
};
const size_t catalogue_table_n = ARRAY_SIZE(catalogue_table);

static int write_file(const char *dir, const char *name, struct ct2_fake *f)
{
	char path[512];
	FILE *to;
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	to = fopen(path, "w");
	if (to == NULL)
		return 1;
	rc = fwrite(f->data, 1, f->n, to) == f->n ? 0 : 1;
	ct2_fake_done(f);
	return fclose(to) == 0 ? rc : 1;
}

static int write_ct2(const char *dir)
{
	struct ct2_fake model, vocabulary;
	int rc;

	ct2_fake_model(&model, 51864, 0);
	ct2_fake_vocabulary(&vocabulary);
	rc = write_file(dir, "model.bin", &model);
	return write_file(dir, "vocabulary.txt", &vocabulary) != 0 ? 1 : rc;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--ct2") == 0)
		return write_ct2(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--vosk") == 0)
		return vosk_fake_make(argv[2], VOSK_FAKE_USUAL) ? 0 : 1;
	return models_cmd_main(argc, argv);
}
