"""openai 1 and later: a file in each format, as a stream, and an error. BASE FILE; a line of JSON for each answer."""
import json
import sys

import openai

client = openai.OpenAI(api_key="any", base_url=sys.argv[1] + "/v1", max_retries=0)


def ask(**fields):
    with open(sys.argv[2], "rb") as file:
        return client.audio.transcriptions.create(file=file, **{"model": "whisper-1", **fields})


def tell(**fields):
    print(json.dumps(fields), flush=True)


for response_format in ("json", "text", "srt", "vtt", "verbose_json"):
    answer = ask(response_format=response_format)
    tell(format=response_format, kind=type(answer).__name__, answer=answer if isinstance(answer, str) else answer.model_dump())
if "diarized" in sys.argv:
    answer = ask(model="gpt-4o-transcribe-diarize", response_format="diarized_json", chunking_strategy="auto")
    tell(format="diarized_json", kind=type(answer).__name__, answer=answer.model_dump())
events = list(ask(model="gpt-4o-transcribe", stream=True))
tell(stream="".join(e.delta for e in events if e.type == "transcript.text.delta"), done=events[-1].text)
for wrong in ({"temperature": 7}, {"response_format": "json", "timestamp_granularities": ["word"]}):
    try:
        ask(**wrong)
    except openai.BadRequestError as e:
        tell(refused=e.body["message"], type=e.type, param=e.param, code=e.code, id=e.request_id)
try:
    client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
except openai.NotFoundError as e:
    tell(refused=e.body["message"], type=e.type, param=e.param, code=e.code, id=e.request_id)
tell(models=[m.id for m in client.models.list()], one=client.models.retrieve("small").id)
