#include "models/ggml_type.h"

#include <stddef.h>

#include "base/util.h"

static const struct ggml_type types[] = {
	{ "f32", 0, GGML_F32, 1, 4 },
	{ "f16", 1, GGML_F16, 1, 2 },
	{ "q4_0", 2, 2, 32, 18 },
	{ "q4_1", 3, 3, 32, 20 },
	{ "q8_0", GGML_MODEL_Q8_0, GGML_Q8_0, 32, 34 },
	{ "q5_0", 8, 6, 32, 22 },
	{ "q5_1", 9, 7, 32, 24 },
};

const struct ggml_type *ggml_type_of_model(uint32_t model)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].model == model)
			return &types[i];
	return NULL;
}
