# A client of Vosk's server on the package websockets: each piece of audio waits for its answer. Prints the answers, a line each.
import asyncio
import json
import sys
import wave

import websockets


async def main(uri, path):
    async with websockets.connect(uri) as socket:
        with wave.open(path, "rb") as clip:
            await socket.send(json.dumps({"config": {"sample_rate": clip.getframerate()}}))
            while piece := clip.readframes(clip.getframerate() // 5):
                await socket.send(piece)
                print(json.dumps(json.loads(await socket.recv())))
        await socket.send('{"eof" : 1}')
        print(json.dumps(json.loads(await socket.recv())))
        await socket.wait_closed()
        print(json.dumps({"close": socket.close_code}))


asyncio.run(main(*sys.argv[1:]))
