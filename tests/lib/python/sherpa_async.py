# A client of sherpa-onnx's streaming server on the package websockets: it sends and receives at once, and what came before
# `Done!` is its result. Prints what came, a line each.
import array
import asyncio
import json
import sys
import wave

import websockets


async def receive(socket):
    async for message in socket:
        if message == "Done!":
            print(json.dumps(message))
            return
        print(json.dumps(json.loads(message)))


async def main(uri, path):
    with wave.open(path, "rb") as clip:
        samples = array.array("h", clip.readframes(clip.getnframes()))
    floats = array.array("f", (s / 32768 for s in samples))
    async with websockets.connect(uri) as socket:
        receiving = asyncio.create_task(receive(socket))
        for at in range(0, len(floats), 8000):
            await socket.send(floats[at : at + 8000].tobytes())
            await asyncio.sleep(0)
        await socket.send("Done")
        await receiving
        await socket.wait_closed()
        print(json.dumps({"close": socket.close_code}))


asyncio.run(main(*sys.argv[1:]))
