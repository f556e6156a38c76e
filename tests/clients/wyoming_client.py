"""Wyoming's AsyncClient, as Home Assistant uses it: describe, then a file in an utterance of its own. What came, as JSON lines.
usage: wyoming_client.py URI FILE"""
import asyncio
import json
import sys
import wave

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import wav_to_chunks
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

uri, file = sys.argv[1:]


def say(what):
    print(json.dumps(what), flush=True)


async def describe():
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Ping(text="there?").event())
        say({"pong": Pong.from_event(await client.read_event()).text})
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        say({"asr": [[m.name for m in p.models] for p in info.asr], "streams": info.asr[0].supports_transcript_streaming})


async def transcribe():
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Transcribe(language="en").event())
        with wave.open(file) as clip:
            for chunk in wav_to_chunks(clip, 1024, start_event=True, stop_event=True):
                await client.write_event(chunk.event())
        while (event := await client.read_event()) is not None:
            say({"type": event.type, **event.data})
            if Transcript.is_type(event.type) or Error.is_type(event.type):
                return


asyncio.run(describe())
asyncio.run(transcribe())
