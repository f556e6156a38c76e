/* A file of weights of any bytes; and a whole one, whose numbers are all 0, with any bytes in any one place of it, or cut. What is taken
 * computes probabilities. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_silero_net.h"
#include "audio/vad_silero_weights.h"
#include "base/error.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { WHOLE_MAX = 1 << 20, PLACE_BYTES = 4, SELDOM = 512 };

static uint8_t whole[WHOLE_MAX];
static size_t whole_n;

static void add(const void *bytes, size_t n)
{
	memcpy(whole + whole_n, bytes, n);
	whole_n += n;
}

static void add_tensor(const char *name, uint32_t type, uint32_t dims, const uint32_t *n)
{
	const uint32_t head[] = { dims, (uint32_t)strlen(name), type };
	size_t count = 1;

	add(head, sizeof head);
	add(n, dims * sizeof *n);
	add(name, strlen(name));
	for (uint32_t i = 0; i < dims; i++)
		count *= n[i];
	whole_n += count * (type == 0 ? 4 : 2);
}

static void make_whole(void)
{
	static const uint32_t head[] = { 6, 2, 0, 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3,
		64, 128, 3, 128, 128, 128, 1 };
	static const uint32_t in[] = { 129, 128, 64, 64 }, out[] = { 128, 64, 64, 128 };
	char name[] = "_model.encoder.0.reparam_conv.weight";
	char bias[] = "_model.encoder.0.reparam_conv.bias";

	add("lmgg\x0a\0\0\0silero-16k", 18);
	add(head, sizeof head);
	for (unsigned l = 0; l < 4; l++) {
		name[15] = bias[15] = (char)('0' + l);
		add_tensor(name, 1, 3, (uint32_t[]){ 3, in[l], out[l] });
		add_tensor(bias, 0, 1, &out[l]);
	}
	add_tensor("_model.decoder.rnn.weight_ih", 0, 2, (uint32_t[]){ 128, 512 });
	add_tensor("_model.decoder.rnn.weight_hh", 0, 2, (uint32_t[]){ 128, 512 });
	add_tensor("_model.decoder.rnn.bias_ih", 0, 1, (uint32_t[]){ 512 });
	add_tensor("_model.decoder.rnn.bias_hh", 0, 1, (uint32_t[]){ 512 });
	add_tensor("_model.decoder.decoder.2.weight", 1, 1, (uint32_t[]){ 128 });
	add_tensor("_model.decoder.decoder.2.bias", 0, 0, NULL);
	add_tensor("_model.stft.forward_basis_buffer", 1, 3, (uint32_t[]){ 256, 1, 258 });
}

static bool is_taken(const uint8_t *bytes, size_t n)
{
	static int16_t window[VAD_SILERO_WINDOW];
	struct vad_silero_state state = { 0 };
	struct error err = ERROR_INIT;
	struct vad_silero_weights *w = vad_silero_weights_new(bytes, n, &err);

	if (w == NULL) {
		assert(err.text[0] != '\0');
		return false;
	}
	for (int i = 0; i < VAD_SILERO_WINDOW; i++)
		window[i] = (int16_t)(i * 127);
	for (int i = 0; i < 3; i++)
		(void)vad_silero_net_step(w, &state, window);
	vad_silero_weights_free(&w);
	return true;
}

static void try_whole(const uint8_t *data, size_t n)
{
	uint32_t at;
	uint8_t *bytes;

	memcpy(&at, data, PLACE_BYTES);
	at %= (uint32_t)whole_n;
	bytes = malloc(whole_n);
	assert(bytes != NULL);
	memcpy(bytes, whole, whole_n);
	memcpy(bytes + at, data + PLACE_BYTES, MIN(n - PLACE_BYTES, whole_n - at));
	(void)is_taken(bytes, whole_n);
	free(bytes);
	bytes = malloc(at + 1);
	assert(bytes != NULL);
	memcpy(bytes, whole, at);
	assert(!is_taken(bytes, at));
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static unsigned runs;

	if (whole_n == 0) {
		make_whole();
		assert(is_taken(whole, whole_n));
	}
	(void)is_taken(data, n);
	/* It takes long; and the first is one of them, so that an input that is run alone shows what it did. */
	if (n > PLACE_BYTES && runs++ % SELDOM == 0)
		try_whole(data, n);
	return 0;
}
