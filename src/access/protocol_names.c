#include <stddef.h>

#include "access/protocols.h"

const char *const protocol_names[PROTOCOLS + 1] = {
	[PROTOCOL_STENOPOOL] = "stenopool",
	[PROTOCOL_VOSK] = "vosk",
	[PROTOCOL_WHISPERLIVE] = "whisperlive",
	[PROTOCOL_SHERPA_ONNX] = "sherpa-onnx",
	[PROTOCOL_STT_CONTROL] = "realtimestt-control",
	[PROTOCOL_STT_DATA] = "realtimestt-data",
	[PROTOCOL_STT_FASTAPI] = "realtimestt-fastapi",
	[PROTOCOL_WYOMING] = "wyoming",
};
