"""Deepgram's Python SDK, 3 or 5 to 7, with a file: what its client returns, as JSON.
usage: deepgram_file.py HOST:PORT FILE OPTIONS (a JSON object: model=..., and what else the query has)"""
import json
import sys

import deepgram

address, file, options = sys.argv[1:]
options = json.loads(options)
with open(file, "rb") as f:
    audio = f.read()

if hasattr(deepgram, "PrerecordedOptions"):
    client = deepgram.DeepgramClient("any", deepgram.DeepgramClientOptions(url=f"http://{address}"))
    answer = client.listen.rest.v("1").transcribe_file({"buffer": audio}, deepgram.PrerecordedOptions(**options))
    print(answer.to_json())
else:
    from deepgram.environment import DeepgramClientEnvironment

    names = {n: f"http://{address}" for n in ("base", "production", "agent", "agent_rest")}
    if not hasattr(DeepgramClientEnvironment.PRODUCTION, "agent_rest"):
        del names["agent_rest"]
    client = deepgram.DeepgramClient(api_key="any", environment=DeepgramClientEnvironment(**names))
    print(client.listen.v1.media.transcribe_file(request=audio, **options).json())
