"""openai 0.28: a file in each format, and an error. BASE FILE; a line of JSON for each answer."""
import json
import sys

import openai

openai.api_base, openai.api_key = sys.argv[1] + "/v1", "any"


def ask(**fields):
    with open(sys.argv[2], "rb") as file:
        answer = openai.Audio.transcribe("whisper-1", file, **fields)
    return answer if isinstance(answer, str) else answer.to_dict()


for response_format in ("json", "text", "srt", "vtt", "verbose_json"):
    print(json.dumps({"format": response_format, "answer": ask(response_format=response_format)}))
try:
    ask(temperature=7)
except openai.error.InvalidRequestError as e:
    print(json.dumps({"refused": e.user_message, "param": e.param, "status": e.http_status, "id": e.request_id}))
print(json.dumps({"models": [m.id for m in openai.Model.list().data]}))
