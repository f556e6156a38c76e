# A client of Wyoming as Home Assistant is: it asks who is there on a connection of its own, then says an utterance and listens
# at once on another one, and the first transcript or error is the end of it. On Python's own streams, as the package wyoming
# is, whose lines have a bound. Prints what came, a line each.
import asyncio
import json
import sys
import wave
from urllib.parse import urlsplit


async def read_event(reader):
    event = json.loads(await reader.readline())
    data = event.get("data", {})
    if event.get("data_length"):
        data.update(json.loads(await reader.readexactly(event["data_length"])))
    if event.get("payload_length"):
        await reader.readexactly(event["payload_length"])
    return {"type": event["type"], **data}


async def write_event(writer, kind, data=None, payload=b""):
    event = {"type": kind, "version": "1.9.0"}
    body = json.dumps(data, ensure_ascii=False).encode() if data else b""
    if body:
        event["data_length"] = len(body)
    if payload:
        event["payload_length"] = len(payload)
    writer.writelines([json.dumps(event).encode(), b"\n", body, payload])
    await writer.drain()


async def describe(address):
    reader, writer = await asyncio.open_connection(*address)
    await write_event(writer, "describe")
    print(json.dumps(await read_event(reader)))
    writer.close()


async def say(writer, clip):
    audio = {"rate": clip.getframerate(), "width": clip.getsampwidth(), "channels": clip.getnchannels()}
    await write_event(writer, "transcribe", {"language": "en"})
    await write_event(writer, "audio-start", {**audio, "timestamp": 0})
    while piece := clip.readframes(1024):
        await write_event(writer, "audio-chunk", {**audio, "timestamp": None}, piece)
    await write_event(writer, "audio-stop", {"timestamp": None})


async def main(uri, path):
    address = (urlsplit(uri).hostname, urlsplit(uri).port)
    await describe(address)
    reader, writer = await asyncio.open_connection(*address)
    with wave.open(path, "rb") as clip:
        saying = asyncio.create_task(say(writer, clip))
        while True:
            event = await read_event(reader)
            print(json.dumps(event))
            if event["type"] in ("transcript", "error"):
                break
        await saying
    writer.close()


asyncio.run(main(*sys.argv[1:]))
